"""A sweep given again with something else: one sentence that says what differs, and nothing is mixed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from plx_train.config.options import RunOptions
from plx_train.ground.errors import ConfigError, UserError
from plx_train.sweep.command import find_folder, run_sweep
from plx_train.sweep.history import write_settings
from plx_train.sweep.order import identity_of, order, settings_of
from plx_train.sweep.study import BY_SEED, JOBS, Study

BEFORE = ("module=ts_forecast", "dataset.root=a", "sweep=tpe", "trainer.batch_size=16,32", "seed=2", "sweep.id=s")
CHANGES: dict[str, tuple[Sequence[str], str]] = {
    "one more choice": (["trainer.batch_size=16,32,64"], r"trainer.batch_size=16,32,64 \(was 16,32\)"),
    "another order": (["trainer.batch_size=32,16"], r"batch_size=32,16 \(was 16,32\)"),
    "an interval": (["trainer.batch_size=int(interval(2, 9))"], r"=int\(interval\(2, 9\)\) \(was 16,32\)"),
    "another parameter": (["seed=1,2"], r"seed=1,2 \(did not vary\)"),
    "a fixed value": (["seed=3"], r"seed=3 \(was 2\); sweep.fresh=true"),
    "a value that was its default": (["optimizer.lr=0.1"], r"optimizer.lr=0.1 \(was 0.005\)"),
    "another module": (["module=ts_anomaly"], r"module.name=ts_anomaly \(was ts_forecast\); what is sought"),
    "another objective": (["sweep.objectives=[min:val/mae]"], r"sought is minimize val/mae \(was minimize its own"),
    "another direction": (["sweep.objectives=[max:val/mse]"], "sought is maximize val/mse"),
    "more seeds": (["sweep.seeds=3"], r"sweep.seeds=3 \(was 1\)"),
    "a grid": (["sweep=grid"], r"it is a grid \(was a search\)"),
    "a condition": (["sweep.when=['trainer.batch_size if seed=2']"], r"16,32 if seed=2 \(was 16,32\)"),
}


def command(*changed: str) -> list[str]:
    keys = {text.partition("=")[0] for text in changed}
    return [*(text for text in BEFORE if text.partition("=")[0] not in keys), *changed]


@pytest.fixture(autouse=True)
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a sweep of one trial, whose run saw the data "one"."""
    monkeypatch.chdir(tmp_path)
    return begin(command(), tmp_path / "outputs" / "sweeps" / "s")


def begin(arguments: list[str], folder: Path, fingerprint: str = "one") -> Path:
    ordered = order(arguments)
    with closing(Study(folder, folder.name, None, ordered.objectives)) as study:
        study.begin_as(identity_of(ordered), "")
        write_settings(folder, settings_of(ordered, folder, ["cpu:0"]))
        if ordered.configurations:
            study.fill(ordered.configurations)
        asked = study.ask(ordered.space)
        assert asked is not None
        run = folder / "trials" / "000"
        run.mkdir(parents=True)
        (run / "run.json").write_text(json.dumps({"fingerprint": fingerprint}))
        job = {"folder": str(run), "seed": None, "slot": "", "spans": [], "values": [1.0], "run_id": None}
        asked[0].set_user_attr(JOBS, [job | {"steps": 1, "epochs": 1.0, "planned_epochs": 1.0}])
        asked[0].set_user_attr(BY_SEED, {"means": [1.0], "spreads": [0.0], "values": [[1.0]]})
        study.study.tell(asked[0], 1.0)
    return folder


def one(options: RunOptions) -> str:
    return "one"


def counted(begin: Any, opened: list[Path]) -> Any:
    def counting(self: Study, folder: Path, *arguments: Any) -> None:
        opened.append(folder)
        begin(self, folder, *arguments)

    return counting


@pytest.mark.parametrize("name", CHANGES)
def test_what_differs_is_told_in_a_sentence(name: str, begun: Path) -> None:
    changed, told = CHANGES[name]
    before = (begun / "study.journal").read_bytes()
    with pytest.raises(UserError, match=told) as caught:
        run_sweep(command(*changed), one)
    assert str(caught.value).startswith("sweep s was begun with something else, and nothing is mixed: ")
    assert "sweep.fresh=true, or another sweep.id, begins one of its own" in str(caught.value)
    # Optuna notes that the study was asked for.
    assert b"number" not in (begun / "study.journal").read_bytes()[len(before) :]


def test_numbers_that_differ_late_are_told(begun: Path) -> None:
    first, second = (command("sweep.id=n", f"seed=range({low},2000000)") for low in (1000000, 1000001))
    begin(first, begun.with_name("n"))
    with pytest.raises(UserError, match=r"range\(1000001, 1999999, 1\) \(was range\(1000000, 1999999, 1\)\)"):
        run_sweep(second, one)


def test_other_data_are_told_wherever_they_lie() -> None:
    with pytest.raises(UserError, match=r"dataset.root=\S+/b holds other data \(was \S+/a\)"):
        run_sweep(command("dataset.root=b"), lambda options: options.dataset.root[-1])
    with pytest.raises(UserError, match=r"the data at \S+/a have changed since \(fingerprint one, now two\)"):
        run_sweep(command(), lambda options: "two")


@pytest.mark.parametrize(
    "harmless",
    [
        "sweep.trials=1",
        "sweep.workers=2",
        "sweep=random",
        "trainer.log_every_steps=3",
        "quiet=true",
        "seed='2'",
        "device=cpu",
        "device.precision=fp32",
        "device.conv_backend=native",
        "device.processes=1",
        "device.sync_bn=true",
    ],
)
def test_how_it_is_swept_may_change(harmless: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_sweep(command(harmless, *(["sweep.trials=1"] if harmless != "sweep.trials=1" else [])), one) == 0


def test_a_study_is_opened_once_to_be_found_compared_and_shown_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(Study, "__init__", counted(Study.__init__, opened))
    assert run_sweep(command("sweep.trials=1"), one) == 0
    assert len(opened) == 3


def test_data_that_have_moved_are_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_sweep(command("dataset.root=b", "sweep.trials=1"), one) == 0
    assert "is complete" in capsys.readouterr().out


def test_where_no_run_is_left_to_compare_with_the_folder_counts(begun: Path) -> None:
    (begun / "trials" / "000" / "run.json").unlink()
    with pytest.raises(UserError, match=r"dataset.root=\S+/b \(was \S+/a\)"):
        run_sweep(command("dataset.root=b"), one)


def test_the_ways_out_lead_out(begun: Path) -> None:
    assert find_folder(order(command("seed=3", "sweep.fresh=true"))).name == "s-2"
    assert find_folder(order(command("seed=3", "sweep.id=t"))).name == "t"
    begin(command("seed=3"), begun.with_name("s-2"))
    assert find_folder(order(command("seed=3"))).name == "s-2"
    assert find_folder(order(command())).name == "s", "its own command goes on with it"
    assert find_folder(order(command("seed=4"))).name == "s-2"


def test_a_folder_of_the_users_own_is_not_begun_anew(begun: Path) -> None:
    with pytest.raises(UserError, match="give another output"):
        run_sweep(command("seed=3", f"output={begun}"), one)
    with pytest.raises(ConfigError, match=r"sweep.fresh=true: output=.* holds a sweep already: give another output"):
        run_sweep(command("sweep.fresh=true", f"output={begun}"), one)


def test_a_named_grid_is_compared_even_where_it_is_done(begun: Path) -> None:
    grid = command("sweep.id=g", "sweep=grid", "trainer.batch_size=16", "seed=choice(2)")
    begin(grid, begun.with_name("g"))
    assert find_folder(order(grid)).name == "g-2", "a grid that is done runs again"
    with pytest.raises(UserError, match=r"seed=3 \(was 2\)"):
        run_sweep([*grid[:-1], "seed=choice(3)"], one)


def test_a_database_that_several_machines_share_is_compared_as_well(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/study.db"
    for folder, seed in (("here", "2"), ("there", "3")):
        ordered = order(command(f"seed={seed}"))
        with closing(Study(tmp_path / folder, "s", address, ordered.objectives)) as study:
            if folder == "here":
                study.begin_as(identity_of(ordered), "")
                continue
            with pytest.raises(UserError, match=r"seed=3 \(was 2\); give another"):
                study.begin_as(identity_of(ordered), "give another")
