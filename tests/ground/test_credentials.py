"""Passwords in addresses: gone from what is shown and kept, there where the address is opened."""

from __future__ import annotations

import pytest

from plx_train.ground.credentials import (
    VARIABLE,
    known_secrets,
    put_away,
    put_away_in,
    put_away_within,
    scrubbed,
    with_credentials,
    without_credentials,
)


@pytest.fixture(autouse=True)
def forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "{}")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("postgresql://me:hunter22@h/runs", "postgresql://me@h/runs"),
        ("postgresql+psycopg2://me:p%40ss%2Fw0rd@h:5432/runs", "postgresql+psycopg2://me@h:5432/runs"),
        ("postgresql://me:p/w@ss:x@h/runs", "postgresql://me@h/runs"),
        (
            "postgresql://h/runs?user=me&password=hunter22&sslmode=require",
            "postgresql://h/runs?user=me&sslmode=require",
        ),
        ("postgresql://h/runs?password=hunter22", "postgresql://h/runs"),
        ("mysql://:hunter22@h/runs", "mysql://h/runs"),
        ("http://me:hunter22@h:5000/mlflow", "http://h:5000/mlflow"),
        ("https://ghp_0123456789@h", "https://h"),
        ("http://h:5000/who@where", "http://h:5000/who@where"),
        ("http://h:5000", "http://h:5000"),
        ("postgresql://me@h/runs", "postgresql://me@h/runs"),
        ("sqlite:////data/a:b@c/mlflow.db", "sqlite:////data/a:b@c/mlflow.db"),
        ("databricks://profile", "databricks://profile"),
        ("databricks", "databricks"),
    ],
)
def test_an_address_is_put_away_and_comes_back(address: str, public: str) -> None:
    assert put_away(address) == public
    assert with_credentials(public) == address
    assert put_away(public) == public
    assert with_credentials(public) == address


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("tracking.uri=http://me:hunter22@h:5000", "tracking.uri=http://h:5000"),
        ("tracking.uri='postgresql://me:hunter22@h/runs'", "tracking.uri='postgresql://me@h/runs'"),
        ("tracking={uri: http://me:hunter22@h, experiment: a}", "tracking={uri: http://h, experiment: a}"),
        ("dataset.root=/data/a:b@c", "dataset.root=/data/a:b@c"),
        ("tracking.uri='postgresql://u:lang hunter22@h/db'", "tracking.uri='postgresql://u@h/db'"),
        ("-m 'tracking.uri=mysql://u:lang, hunter22@h/db' seed=1", "-m 'tracking.uri=mysql://u@h/db' seed=1"),
        ("tracking.uri=http://a:hunter22@h1,http://c:hunter22@h2", "tracking.uri=http://h1,http://h2"),
        ("tracking.uri=postgresql://u:${oc.env:PGPW,x}@h/db", "tracking.uri=postgresql://u:${oc.env:PGPW,x}@h/db"),
    ],
)
def test_words_of_a_command_are_put_away(text: str, shown: str) -> None:
    assert put_away_in(text) == shown
    assert not any("hunter22" in part for part in (put_away_in(text), without_credentials(text)))


def test_a_text_is_shown_without_what_is_known_in_any_spelling(monkeypatch: pytest.MonkeyPatch) -> None:
    put_away("postgresql://me:p%40ss%2Fw0rd@h/runs")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "tok-0123456789")
    for told in ("FATAL: p@ss/w0rd is wrong", "at p%40ss%2Fw0rd", "Authorization: Bearer tok-0123456789"):
        assert not any(secret in without_credentials(told) for secret in known_secrets())
    assert "***" in without_credentials("API request to http://a:b@h/api failed")
    assert without_credentials("API request to http://a:b@h/api failed") == "API request to http://***:***@h/api failed"
    assert without_credentials("https://t0ken@h/x?api_key=abc&y=1") == "https://***@h/x?api_key=***&y=1"
    assert (
        without_credentials("see http://h:5000/#/experiments, mail me@h")
        == "see http://h:5000/#/experiments, mail me@h"
    )


def test_words_that_are_short_stay_in_texts() -> None:
    put_away("postgresql://me:train@h/runs")
    assert without_credentials("mode=train") == "mode=train"


def test_content_is_scrubbed_at_any_depth() -> None:
    content = {"tags": {"a": "http://u:pw@h"}, "list": ["x", 1, None, ["http://u:pw@h"]], "n": 1.5}
    assert scrubbed(content) == {
        "tags": {"a": "http://***:***@h"}, "list": ["x", 1, None, ["http://***:***@h"]], "n": 1.5
    }  # fmt: skip


def test_a_password_that_is_a_word_leaves_other_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "postgres")
    assert without_credentials("postgresql+psycopg2://h/runs") == "postgresql+psycopg2://h/runs"
    assert without_credentials("password postgres, PWD%3Dpostgres%3B") == "password ***, PWD%3D***%3B"
    content = {"uri": "postgresql://postgres@h/postgres", "text": "postgres"}
    assert scrubbed(content, ["uri"]) == content | {"text": "***"}


def test_content_is_put_away_at_any_depth() -> None:
    assert put_away_within({"fixed": ["tracking.uri=http://u:hunter22@h"]}) == {"fixed": ["tracking.uri=http://h"]}
