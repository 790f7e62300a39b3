"""Runs that learn from unlabelled images too: every room that can, in both schedules, kills included."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

import plx_train
from kit.rooms import own_rooms, tiny_room
from kit.runs import as_if_killed, points, train_room, weights_of
from plx_train.contract.rooms import load_room
from plx_train.ground.errors import UserError
from plx_train.ground.stop import Stopped
from plx_train.train import faulty_steps, loop
from plx_train.vision import segments
from plx_train.workflow import pool_listing
from plx_train.workflow.pool_labels import pool_record

ROOMS = [name for name in own_rooms() if load_room(name).pool_schedule]
LONG_ROOMS = [name if name == "image_cls" else pytest.param(name, marks=pytest.mark.long) for name in ROOMS]
ALL = ("trainer.max_steps=4", "trainer.epochs=null", "trainer.eval_every_epochs=null", "trainer.eval_every_steps=2")
OF_POOL = (*ALL, "trainer.save_every_steps=1", "trainer.keep_last=9", "trainer.ema_decay=0.9")


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("data")
    return {room: tiny_room(room).make_dataset(folder / room) for room in ROOMS}


def assert_shown(run: Path, schedule: str) -> None:
    """Fails where a run does not show what there is to say of its pool."""
    logged, facts = points(run), json.loads((run / "run.json").read_text())
    if "pool/drawn" not in logged:
        return
    report, monitor = (run / "report.html").read_text(), facts["monitor"].removeprefix("val/")
    assert {"pool/ever_drawn", "pool/loss_ratio"} <= facts["metrics"].keys()
    assert "its loss against that of the labels" in report and "of it drawn" in report
    assert 0 < facts["metrics"]["pool/ever_drawn"] <= 1
    is_student = [step for step, _ in logged.get(f"val/student_{monitor}", ())] == [2, 4]
    assert is_student is (schedule == "online") is ("their average, which teaches, at the same" in report)
    if schedule == "online" and facts["metrics"]["pool/utilisation"] not in (0, 1):
        assert "trusted: " in report
    if facts["pool"]["classes"]:
        assert "Classes of the labels and of the pool" in report


@pytest.mark.long
@pytest.mark.parametrize("schedule", ["rounds", "online"])
@pytest.mark.parametrize("room", LONG_ROOMS)
def test_a_killed_run_with_a_pool_goes_on_to_the_same_bits(
    room: str, schedule: str, datasets: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A network that has hardly begun is sure of no pixel.
    monkeypatch.setattr(segments, "SURE", 0.0)
    drawn = tiny_room(room).drawn
    wanted = ("dataset.labelled=50%", "dataset.pool=rest", f"few={schedule}", "few.rounds=1", *OF_POOL, *drawn)
    whole = train_room(room, datasets[room], tmp_path / "whole", *wanted).output
    # Nor does it read anything in a line: there is nothing to learn of that.
    if (room, schedule) != ("text_rec", "rounds"):
        assert all(np.isfinite(value) for _, value in points(whole)["train/pool_loss"])
    assert_shown(whole, schedule)
    killed = as_if_killed(whole, tmp_path / "killed", 2)
    train_room(room, datasets[room], killed, *wanted, f"resume={killed}")
    assert points(killed) == points(whole)
    one, other = weights_of(whole), weights_of(killed)
    assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.long
def test_no_run_is_worse_than_labels_alone(datasets: dict[str, Path], tmp_path: Path) -> None:
    wanted = ("dataset.labelled=2/class", "dataset.pool=rest", "few.rounds=2", *ALL)
    run = train_room("image_cls", datasets["image_cls"], tmp_path / "run", *wanted)
    facts = [json.loads((folder / "run.json").read_text()) for folder in (run.output, run.output / "basis")]
    last, before, first = (*facts, json.loads((run.output / "basis/basis/run.json").read_text()))
    scores = [one["metrics"]["val/accuracy"] for one in (first, before, last)]
    assert scores == sorted(scores)


@pytest.mark.long
def test_a_folder_of_pictures_is_a_pool(
    datasets: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = shutil.copytree(datasets["image_cls"], tmp_path / "data")
    shutil.copy(data / "images/train_17.png", data / "images/test_0.png")
    (data / "test.txt").write_text("images/test_0.png whatever\nimages/gone.png 1\n")
    folder = tmp_path / "found somewhere"
    folder.mkdir()
    for number in range(6, 18):
        shutil.copy(datasets["image_cls"] / f"images/train_{number}.png", folder / f"{number} b.png")
    twin = cv2.imread(str(datasets["image_cls"] / "images/val_3.png"))
    cv2.imwrite(str(folder / "twin.jpg"), twin, [cv2.IMWRITE_JPEG_QUALITY, 98])
    (folder / "broken.png").write_bytes(b"none")
    wanted = ("dataset.labelled=2/class", f"dataset.pool={folder}", "few.rounds=1", *ALL)
    run = train_room("image_cls", data, tmp_path / "run", *wanted, "quiet=false")
    record = json.loads((run.output / "pool/pool.json").read_text())
    # Three of them are among the labelled ones, one is in validation, and the last in the test split.
    assert [record[name] for name in ("images", "twins", "tested", "unreadable")] == [8, 4, 1, 1]
    words = "1 can't be read, 1 show the same as validation images, 1 show the same as test images, 3 show the same as"
    assert f"of 14 images are left out: {words} labelled images" in " ".join(capsys.readouterr().out.split())
    lines = (run.output / "pool/train.txt").read_text().splitlines()
    assert {line.rpartition(" ")[0] for line in lines} < {f"{number} b.png" for number in range(6, 18)}
    assert (run.output / "pool/pool.csv").read_text().startswith("image,label,weight,confidence,origin\n")
    assert "Unlabelled samples" in (run.output / "report.html").read_text()
    assert {"pool/images", "labels_alone/accuracy"} <= run.metrics.keys()
    shutil.rmtree(folder)
    evaluated = plx_train.run(["mode=evaluate", f"run={run.output}", f"output={tmp_path / 'evaluated'}", "quiet=true"])
    assert evaluated.metrics["val/accuracy"] == run.metrics["val/accuracy"]


@pytest.mark.parametrize("record", ["", "[]", '{"file": "../../x", "root": "/", "labels": {}}'])
def test_a_record_of_a_pool_that_makes_no_sense_is_told(record: str, tmp_path: Path) -> None:
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool/pool.json").write_text(record)
    with pytest.raises(UserError, match=r"pool\.json"):
        pool_record(tmp_path)


@pytest.mark.long
def test_a_label_file_that_was_mended_is_learned_from(datasets: dict[str, Path], tmp_path: Path) -> None:
    wanted = ("dataset.labelled=2/class", "dataset.pool=rest", "few.rounds=1", *OF_POOL)
    whole = train_room("image_cls", datasets["image_cls"], tmp_path / "run", *wanted).output
    killed = as_if_killed(whole, tmp_path / "killed", 0)
    file = killed / "pool/train.txt"
    file.write_text("".join(line.rpartition(" ")[0] + " 2\n" for line in file.read_text().splitlines()))
    train_room("image_cls", datasets["image_cls"], killed, *wanted, f"resume={killed}")
    one, other = weights_of(whole), weights_of(killed)
    assert not all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.long
def test_few_labelled_images_leave_their_places_in_a_step_to_the_pool(
    datasets: dict[str, Path], tmp_path: Path
) -> None:
    wanted = ("dataset.labelled=2/class", "dataset.pool=rest", "few=online", *ALL, "trainer.batch_size=8")
    own = (*wanted, "trainer.max_steps=1", "trainer.eval_every_steps=1")
    run = train_room("image_cls", datasets["image_cls"], tmp_path / "run", *own)
    # Six are labelled, so ten of the other 24 come beside them.
    assert json.loads((run.output / "run.json").read_text())["metrics"]["pool/drawn"] == pytest.approx(10 / 24)


@pytest.mark.long
@pytest.mark.parametrize(("threshold", "words"), [("0.9999", "0.0% of the pool is trusted"), ("0.01", "100.0% of")])
def test_a_teacher_that_doubts_all_or_nothing_is_told(
    threshold: str, words: str, datasets: dict[str, Path], tmp_path: Path
) -> None:
    wanted = ("dataset.labelled=2/class", "dataset.pool=rest", "few=online", "few.trust=fixed", *ALL)
    run = train_room("image_cls", datasets["image_cls"], tmp_path / "run", *wanted, f"few.threshold={threshold}")
    assert words in "".join(json.loads((run.output / "run.json").read_text())["notes"])


@pytest.mark.long
@pytest.mark.parametrize("schedule", ["rounds", "online"])
def test_a_finished_model_teaches_another_network(schedule: str, datasets: dict[str, Path], tmp_path: Path) -> None:
    teacher = train_room("image_cls", datasets["image_cls"], tmp_path / "teacher", "trainer.epochs=12").output
    wanted = (
        "dataset.labelled=1/class",
        f"teacher={teacher}",
        f"few={schedule}",
        "module.network=PP-LCNet_x0_35",
        *ALL,
    )
    run = train_room("image_cls", datasets["image_cls"], tmp_path / "run", *wanted)
    report = (run.output / "report.html").read_text()
    assert f"the teacher, {teacher}" in report and "MB of the teacher" in report
    assert run.metrics["pool/teacher_size_mb"] > 0


@pytest.mark.long
def test_a_teacher_without_a_common_class_is_refused(datasets: dict[str, Path], tmp_path: Path) -> None:
    other = tiny_room("image_cls").make_dataset(tmp_path / "other")
    (other / "label.txt").write_text("0 cat\n1 dog\n2 cow\n")
    teacher = train_room("image_cls", other, tmp_path / "teacher").output
    with pytest.raises(UserError, match=r"knows none of the classes red, green, blue: it can't teach them"):
        train_room("image_cls", datasets["image_cls"], tmp_path / "run", f"teacher={teacher}", *ALL)


@pytest.mark.long
def test_a_run_that_is_stopped_with_labels_alone_goes_on_as_a_whole(
    datasets: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    wanted = ("dataset.labelled=2/class", "dataset.pool=rest", "few.rounds=1", *OF_POOL)
    whole = train_room("image_cls", datasets["image_cls"], tmp_path / "whole", *wanted).output
    taken = faulty_steps.take_step
    monkeypatch.setattr(loop, "take_step", lambda run, *rest: (setattr(run.stop, "number", 15), taken(run, *rest))[1])
    with pytest.raises(Stopped):
        train_room("image_cls", datasets["image_cls"], tmp_path / "killed", *wanted)
    monkeypatch.undo()
    killed = tmp_path / "killed"
    assert f"go on with: python -m plx_train resume={killed}\n" in capfd.readouterr().err
    assert json.loads((killed / "run.json").read_text())["status"] == "KILLED"
    train_room("image_cls", datasets["image_cls"], killed, *wanted, f"resume={killed}")
    assert points(killed) == points(whole)


@pytest.mark.long
def test_what_a_folder_is_given_later_changes_nothing_of_a_run(
    datasets: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "found somewhere"
    folder.mkdir()
    for number in range(6, 18):
        shutil.copy(datasets["image_cls"] / f"images/train_{number}.png", folder / f"{number}.png")
    wanted = ("dataset.labelled=2/class", f"dataset.pool={folder}", "few=online", *OF_POOL)
    looked: list[str] = []
    find = pool_listing.find_pool
    monkeypatch.setattr(pool_listing, "find_pool", lambda given, *rest: (looked.append(given), find(given, *rest))[1])
    whole = train_room("image_cls", datasets["image_cls"], tmp_path / "whole", *wanted).output
    assert looked == [str(folder)]
    killed = as_if_killed(whole, tmp_path / "killed", 2)
    shutil.copy(datasets["image_cls"] / "images/train_20.png", folder / "later.png")
    train_room("image_cls", datasets["image_cls"], killed, *wanted, f"resume={killed}")
    assert points(killed) == points(whole)


@pytest.mark.long
def test_a_run_with_a_pool_is_reproduced(datasets: dict[str, Path], tmp_path: Path) -> None:
    for schedule in ("rounds", "online"):
        wanted = ("dataset.labelled=2/class", "dataset.pool=rest", "few.rounds=1", f"few={schedule}", *ALL)
        run = train_room("image_cls", datasets["image_cls"], tmp_path / schedule, *wanted).output
        again = plx_train.run(["mode=reproduce", f"run={run}", f"output={tmp_path / schedule}-again", "quiet=true"])
        assert again.exit_code == 0
