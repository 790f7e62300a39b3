"""A run that goes on is the run that was never interrupted: same bits, same points; and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from omegaconf import OmegaConf

import plx_train
from kit.pages import make_pages, train
from kit.runs import as_if_killed, assert_same
from plx_train.api import RunResult
from plx_train.config.compose import compose_run
from plx_train.export.static_model import StaticModel
from plx_train.ground.errors import ConfigError, DataError, UserError
from plx_train.onednn import crew
from plx_train.onednn.crew import gather
from plx_train.train.checkpoints import step_checkpoints
from plx_train.workflow.resume import find_continuation

VARIANTS = {
    "plain": ["trainer.ema_decay=null"],
    "everything": [
        *("trainer.ema_decay=0.9", "trainer.accumulate_steps=2", "trainer.batch_size=1", "device.num_workers=1"),
        *("trainer.log_every_steps=2", "module.loss.threshold_weight=10"),
    ],
    "momentum": ["optimizer.name=momentum", "optimizer.lr_scale.head=2.0", "trainer.eval_every_steps=2"],
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pages(tmp_path_factory.mktemp("data") / "pages")


@pytest.fixture(scope="module", params=list(VARIANTS))
def undisturbed(request: pytest.FixtureRequest, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run that kept every checkpoint."""
    output = tmp_path_factory.mktemp(request.param) / "run"
    every = ["trainer.save_every_steps=1", "trainer.keep_last=99", "trainer.epochs=3", "trainer.eval_every_epochs=1"]
    train(dataset, output, *every, *VARIANTS[request.param])
    return output


@pytest.mark.long
@pytest.mark.parametrize("step", [0, 1, 2, 4])
def test_from_any_step_the_run_comes_to_the_same_bits_and_points(undisturbed: Path, tmp_path: Path, step: int) -> None:
    killed = as_if_killed(undisturbed, tmp_path / "killed", step)
    whole = json.loads((undisturbed / "run.json").read_text())

    result = plx_train.run([f"resume={killed}", "quiet=true"])

    assert_same(undisturbed, killed)
    assert result.metrics == whole["metrics"]
    facts = json.loads((killed / "run.json").read_text())
    assert (facts["status"], facts["continued"], facts["overrides"]) == ("FINISHED", 1, whole["overrides"])


@pytest.mark.long
@pytest.mark.parametrize("threads", [2, 4])
def test_any_number_of_threads_comes_to_the_same_bits(
    undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(crew, "gather", lambda count: asked.append(count) or gather(count))
    monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
    killed = as_if_killed(undisturbed, tmp_path / "killed", 2)

    plx_train.run([f"resume={killed}", "quiet=true"])

    assert_same(undisturbed, killed)
    assert asked == [threads]


@pytest.mark.long
def test_a_predictor_made_before_in_the_process_changes_no_bit(
    finished: RunResult, dataset: Path, tmp_path: Path
) -> None:
    assert finished.export is not None
    predictor = StaticModel(finished.export, threads=2)

    again = train(dataset, tmp_path / "again", "trainer.save_every_steps=1")

    assert predictor.threads == 2
    assert_same(finished.output, again.output)


@pytest.fixture(scope="module")
def finished(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return train(dataset, tmp_path_factory.mktemp("finished") / "run", "trainer.save_every_steps=1")


def test_a_finished_run_says_so_and_trains_nothing(finished: RunResult, capsys: pytest.CaptureFixture[str]) -> None:
    before = (finished.output / "run.json").stat().st_mtime_ns
    again = plx_train.run([f"resume={finished.output}"])
    assert "is finished" in capsys.readouterr().out
    assert (again.exit_code, again.metrics, again.export) == (0, finished.metrics, finished.export)
    assert (finished.output / "run.json").stat().st_mtime_ns == before


@pytest.mark.long
def test_auto_begins_where_nothing_is_and_goes_on_where_something_is(dataset: Path, tmp_path: Path) -> None:
    first = train(dataset, tmp_path / "r", "resume=auto", "trainer.max_steps=3", "trainer.save_every_steps=1")
    killed = as_if_killed(first.output, tmp_path / "k", 2)
    # The very same command, given again.
    second = train(dataset, killed, "resume=auto", "trainer.max_steps=3", "trainer.save_every_steps=1")
    assert first.metrics == second.metrics
    assert_same(first.output, killed)


@pytest.mark.long
def test_a_folder_that_is_called_like_a_reference_is_gone_on_in(finished: RunResult, tmp_path: Path) -> None:
    killed = as_if_killed(finished.output, tmp_path / "${k}", 6)
    typed = str(killed).replace("${", "\\${")
    plx_train.run([f"resume={typed}", "quiet=true", f"tracking.uri={typed}.db"])
    assert json.loads((killed / "run.json").read_text())["status"] == "FINISHED"
    facts = json.loads((killed / "run.json").read_text()) | {"status": "RUNNING"}
    (killed / "run.json").write_text(json.dumps(facts))
    again = find_continuation(compose_run([f"resume={typed}", f"tracking.uri={typed}.db"]))
    assert again is not None
    options = again.composed.options
    assert (options.output, options.resume, options.tracking.uri) == (str(killed), str(killed), f"{killed}.db")


@pytest.mark.long
def test_a_run_killed_before_its_first_checkpoint_begins_again(finished: RunResult, tmp_path: Path) -> None:
    killed = as_if_killed(finished.output, tmp_path / "k", -1)
    plx_train.run([f"resume={killed}", "quiet=true"])
    assert_same(finished.output, killed)


def test_changes_of_the_mathematics_are_refused_one_by_one(finished: RunResult, tmp_path: Path) -> None:
    killed = as_if_killed(finished.output, tmp_path / "k", 3)
    given = [f"resume={killed}", "optimizer.lr=1e-4", "trainer.batch_size=4", "device.num_workers=1", "seed=7"]
    with pytest.raises(ConfigError) as error:
        plx_train.run(given)
    for part in ("optimizer.lr=0.0001 (was 0.01)", "trainer.batch_size=4 (was 2)", "seed=7 (was 1)", "init_from="):
        assert part in str(error.value)
    assert "num_workers" not in str(error.value)
    assert json.loads((killed / "run.json").read_text())["status"] == "RUNNING"


@pytest.mark.long
def test_what_changes_no_step_may_be_changed(finished: RunResult, dataset: Path, tmp_path: Path) -> None:
    killed = as_if_killed(finished.output, tmp_path / "k", 3)
    moved = shutil.copytree(dataset, tmp_path / "moved")
    plx_train.run([f"resume={killed}", f"dataset.root={moved}", "device.num_workers=1", "trainer.save_every_steps=2"])
    assert_same(finished.output, killed)


@pytest.mark.long
def test_a_run_of_a_former_version_keeps_a_value_that_is_no_more_possible(finished: RunResult, tmp_path: Path) -> None:
    killed = as_if_killed(finished.output, tmp_path / "k", 6)
    config = OmegaConf.load(killed / "config.yaml")
    config.trainer.min_delta = -0.1
    OmegaConf.save(config, killed / "config.yaml")
    facts = json.loads((killed / "run.json").read_text())
    facts["overrides"] = [*facts["overrides"], "trainer.min_delta=-0.1"]
    (killed / "run.json").write_text(json.dumps(facts))
    plx_train.run([f"resume={killed}", "quiet=true", "trainer.save_every_steps=2", "trust=true"])
    assert json.loads((killed / "run.json").read_text())["status"] == "FINISHED"
    with pytest.raises(ConfigError, match=r"trainer\.min_delta=-0\.2 is out of range"):
        plx_train.run([f"resume={killed}", "trainer.min_delta=-0.2"])


def test_another_content_of_the_dataset_is_refused(finished: RunResult, dataset: Path, tmp_path: Path) -> None:
    killed = as_if_killed(finished.output, tmp_path / "k", 3)
    changed = shutil.copytree(dataset, tmp_path / "changed")
    lines = (changed / "train.txt").read_text().splitlines(keepends=True)
    (changed / "train.txt").write_text("".join(lines[:-1]))
    with pytest.raises(DataError, match="is not the one the run began with"):
        plx_train.run([f"resume={killed}", f"dataset.root={changed}"])


@pytest.mark.long
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_taken(
    finished: RunResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    killed = as_if_killed(finished.output, tmp_path / "k", 6)
    newest = step_checkpoints(killed / "checkpoints")[0]
    data = bytearray((newest / "optimizer.safetensors").read_bytes())
    data[-3] ^= 4
    (newest / "optimizer.safetensors").write_bytes(bytes(data))

    plx_train.run([f"resume={killed}"])

    assert f"{newest.name}/optimizer.safetensors was damaged" in capsys.readouterr().err
    assert_same(finished.output, killed)


def test_a_lost_best_checkpoint_is_said_and_made_again(
    finished: RunResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    killed = as_if_killed(finished.output, tmp_path / "k", 6)
    (killed / "checkpoints" / "best" / "network.safetensors").write_bytes(b"")
    result = plx_train.run([f"resume={killed}"])
    assert "the best of the evaluations to come takes its place" in capsys.readouterr().err
    assert result.export is not None


def test_a_run_killed_in_its_export_only_exports(finished: RunResult, tmp_path: Path) -> None:
    killed = as_if_killed(finished.output, tmp_path / "k", 99)
    shutil.rmtree(killed / "export")
    result = plx_train.run([f"resume={killed}", "quiet=true"])
    assert_same(finished.output, killed)
    assert result.metrics == finished.metrics
    assert (killed / "export" / "parity.json").is_file()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["resume=auto"], "needs output="),
        (["resume={tmp}/nothing"], "nothing"),
        (["resume={tmp}"], "holds no run"),
        (["resume={run}", "output={tmp}/other"], "goes on in its own folder"),
    ],
)
def test_a_run_that_is_not_there_is_one_sentence(
    finished: RunResult, tmp_path: Path, overrides: list[str], message: str
) -> None:
    given = [text.format(tmp=tmp_path, run=finished.output) for text in overrides]
    with pytest.raises(UserError, match=message):
        plx_train.run([*given, f"tracking.uri={tmp_path / 'mlflow.db'}"])


def test_a_folder_with_a_run_points_to_resume(finished: RunResult, dataset: Path) -> None:
    with pytest.raises(UserError, match="go on with that run by resume="):
        train(dataset, finished.output)
