"""Files of a version as folders of this machine: what the store says of them leads nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from plx_train.ground.errors import UserError
from plx_train.registry.artifacts import kept_folder, local_folder

DIGEST = "0f" * 32
SOURCE = "mlflow-artifacts:/1/abc/artifacts/export"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with work in it, and the cache where it is by default."""
    home = tmp_path / "home"
    (home / "documents").mkdir(parents=True)
    (home / "documents" / "thesis.txt").write_text("years of work")
    monkeypatch.setenv("PLX_TRAIN_CACHE", str(home / ".cache" / "plx_train"))
    (home / ".cache" / "plx_train" / "models").mkdir(parents=True)
    return home


@pytest.mark.parametrize(
    "digest", ["../../..", ".", "/home", "../weights", DIGEST[:32], DIGEST.upper(), f"{DIGEST}/..", f"..{DIGEST[2:]}"]
)
def test_a_digest_that_is_none_removes_nothing(home: Path, digest: str) -> None:
    with pytest.raises(UserError, match="no sha256"):
        local_folder("sqlite:///nowhere.db", SOURCE, "version 1 of text_det", {}, digest)
    assert (home / "documents" / "thesis.txt").read_text() == "years of work"
    assert (home / ".cache" / "plx_train" / "models").is_dir()


@pytest.mark.parametrize("name", ["../../../documents/thesis.txt", "/etc/passwd", "a/b", "", "..", "a\\b"])
def test_a_file_of_a_version_has_a_plain_name(home: Path, name: str) -> None:
    with pytest.raises(UserError, match="no plain name"):
        local_folder("sqlite:///nowhere.db", str(home), "version 1 of text_det", {name: DIGEST}, None)


def test_a_link_in_the_cache_is_not_followed_to_remove_what_is_there(home: Path) -> None:
    kept_folder(DIGEST, "the test").symlink_to(home / "documents")
    with pytest.raises(UserError, match="leads out of"):
        local_folder("sqlite:///nowhere.db", SOURCE, "version 1 of text_det", {"inference.yml": DIGEST}, DIGEST)
    (home / ".cache" / "plx_train" / "models" / "other").mkdir()
    kept = home / ".cache" / "plx_train" / "models" / DIGEST[:32]
    kept.unlink()
    kept.symlink_to(home / ".cache" / "plx_train" / "models" / "other")
    with pytest.raises(UserError, match="is a link"):
        local_folder("sqlite:///nowhere.db", SOURCE, "version 1 of text_det", {"inference.yml": DIGEST}, DIGEST)
    assert (home / ".cache" / "plx_train" / "models" / "other").is_dir()
    assert (home / "documents" / "thesis.txt").read_text() == "years of work"


def test_what_is_damaged_in_the_cache_is_removed_and_fetched_anew(home: Path) -> None:
    kept = kept_folder(DIGEST, "the test")
    kept.mkdir()
    (kept / "inference.yml").write_text("half")
    (kept / "out").symlink_to(home / "documents")
    with pytest.raises(UserError, match="can't be fetched"):
        local_folder(f"sqlite:///{home}/no.db", "s3://none/none", "version 1 of text_det", {"x.yml": DIGEST}, DIGEST)
    assert not kept.exists()
    assert (home / "documents" / "thesis.txt").read_text() == "years of work"
