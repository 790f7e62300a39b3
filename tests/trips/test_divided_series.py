"""A table without a validation file from training to evaluation: what the run divided once is what all others read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import plx_train
from kit.rooms import tiny_room
from kit.runs import EVERY_TINY_RUN, points, train_room


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One table of what the tiny dataset has in two."""
    made, root = (tmp_path_factory.mktemp(name) for name in ("made", "data"))
    tiny_room("ts_forecast").make_dataset(made)
    head, *rows = (made / "train.csv").read_text().splitlines()
    others = (made / "val.csv").read_text().splitlines()[1:]
    (root / "load.csv").write_text("\n".join([head, *rows, *others]) + "\n")
    return root


@pytest.fixture(scope="module")
def trained(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("run") / "run"
    overrides = ("dataset.train=load.csv", "dataset.test_share=0.2", "module.context=24", "module.horizon=6")
    assert train_room("ts_forecast", table, run, *overrides).exit_code == 0
    return run


def evaluated(run: Path, output: Path, *arguments: str) -> dict[str, float]:
    found = plx_train.run(["mode=evaluate", f"run={run}", f"output={output}", *EVERY_TINY_RUN, *arguments])
    assert found.exit_code == 0
    return found.metrics


def test_the_test_split_is_measured_once_and_again(trained: Path, tmp_path: Path) -> None:
    facts = json.loads((trained / "run.json").read_text())
    kept = facts["metrics"]
    assert "divided here by time" in facts["data"]["division"] and facts["test"] == {"measured": 1, "errors": 0}
    assert not any(name.startswith("test/") for name in points(trained))
    again = evaluated(trained, tmp_path / "again", "dataset.val=test.csv")
    assert again["val/mse"] == pytest.approx(kept["test/mse"], rel=1e-5)


def test_rows_that_came_later_change_nothing(trained: Path, table: Path, tmp_path: Path) -> None:
    before = evaluated(trained, tmp_path / "before")
    text = (table / "load.csv").read_text()
    (table / "load.csv").write_text(text + text.splitlines()[-1].replace("20", "21", 1) + "\n")
    try:
        assert evaluated(trained, tmp_path / "after") == before
        compared = plx_train.run(
            ["mode=reproduce", f"run={trained}", f"output={tmp_path / 'anew'}", *EVERY_TINY_RUN[2:]]
        )
        assert compared.exit_code == 0
    finally:
        (table / "load.csv").write_text(text)


def test_a_faulty_test_split_is_told_before_training(
    table: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = (table / "load.csv").read_text().splitlines()
    lines[-3] = lines[-3].rpartition(",")[0] + ",high"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "load.csv").write_text("\n".join(lines))
    overrides = ("dataset.test_share=0.2", "module.context=24", "module.horizon=6", "quiet=false", "trainer.epochs=1")
    assert train_room("ts_forecast", tmp_path / "data", tmp_path / "run", *overrides).exit_code == 0
    told = capfd.readouterr().err
    place = f"load.csv:{len(lines) - 2}: column y0: 'high' is not a number"
    assert "the test split has 2 errors" in told and told.index(place) < told.index(
        "0 series of test.csv can be measured"
    )
