"""mode=reproduce: a run repeated from its record, equal to the bit or with the place of the first difference."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import plx_train
from kit.pages import make_pages, train
from plx_train.api import RunResult
from plx_train.ground.errors import DataError, UserError
from plx_train.tracking import SPOOL_NAME


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pages(tmp_path_factory.mktemp("data") / "pages")


@pytest.fixture(scope="module")
def recorded(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return train(dataset, tmp_path_factory.mktemp("recorded") / "run", "trainer.ema_decay=0.9")


def reproduce(run: Path, output: Path) -> RunResult:
    return plx_train.run(["mode=reproduce", f"run={run}", f"output={output}"])


def test_a_run_is_repeated_to_the_bit(recorded: RunResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in recorded.output.rglob("*") if path.is_file()}
    again = reproduce(recorded.output, tmp_path / "again")
    assert again.exit_code == 0
    assert again.metrics["points"] > 20
    shown = capsys.readouterr().out
    assert "equal: " in shown and "and the weights" in shown
    assert "nothing that is recorded" in shown
    assert json.loads((tmp_path / "again" / "comparison.json").read_text())["difference"] is None
    assert {path: path.stat().st_mtime_ns for path in recorded.output.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("threads", [2, 4])
def test_a_run_is_repeated_by_more_threads(
    recorded: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
    assert reproduce(recorded.output, tmp_path / "again").exit_code == 0
    assert json.loads((recorded.output / "run.json").read_text())["determinism"] == "bitwise"


def test_folders_that_are_called_like_references_are_compared(recorded: RunResult, tmp_path: Path) -> None:
    shutil.copytree(recorded.output, tmp_path / "${run}")
    again = plx_train.run(
        ["mode=reproduce", f"run={tmp_path}/\\${{run}}", f"output={tmp_path}/\\${{again}}", "quiet=true"]
    )
    assert (again.exit_code, again.output) == (0, tmp_path / "${again}")


def test_the_first_difference_is_named(recorded: RunResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other"
    shutil.copytree(recorded.output, other)
    lines = (other / SPOOL_NAME).read_text().splitlines()
    for number, line in enumerate(lines):
        entry = json.loads(line)
        if entry["kind"] == "metrics" and entry["step"] == 4 and "train/loss" in entry["values"]:
            entry["values"]["train/loss"] += 1e-6
            lines[number] = json.dumps(entry)
    (other / SPOOL_NAME).write_text("\n".join(lines) + "\n")
    again = reproduce(other, tmp_path / "again")
    assert again.exit_code == 1
    assert "first difference at step 4: train/loss is " in capsys.readouterr().out


def test_other_weights_are_found_where_all_numbers_are_equal(
    recorded: RunResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    shutil.copytree(recorded.output, other)
    manifest = other / "checkpoints" / "best" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(json.loads(manifest.read_text())["network.safetensors"], "0" * 64))
    again = reproduce(other, tmp_path / "again")
    assert again.exit_code == 1
    assert "but not network.safetensors of checkpoint best" in capsys.readouterr().out


def test_another_dataset_is_refused(recorded: RunResult, dataset: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(recorded.output, other)
    facts = json.loads((other / "run.json").read_text())
    (other / "run.json").write_text(json.dumps(facts | {"fingerprint": "0" * 64}))
    with pytest.raises(DataError, match="is not the one the run began with"):
        reproduce(other, tmp_path / "again")


def test_a_run_that_promises_nothing_is_refused(dataset: Path, tmp_path: Path) -> None:
    result = train(dataset, tmp_path / "run", "deterministic=false", "trainer.max_steps=2")
    assert json.loads((result.output / "run.json").read_text())["determinism"] == "none"
    with pytest.raises(UserError, match=r"can't be repeated exactly: deterministic=false"):
        reproduce(result.output, tmp_path / "again")


def test_the_run_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="needs run="):
        plx_train.run(["mode=reproduce"])
    with pytest.raises(UserError, match=r"run\.json can't be read"):
        reproduce(tmp_path, tmp_path / "again")
