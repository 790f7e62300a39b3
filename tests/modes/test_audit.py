"""mode=audit as users run it: suspects, a draft that a run takes in, and what it refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import plx_train
from kit.exporters import page, quad
from kit.rooms import tiny_room
from kit.runs import arguments_of, train_room
from plx_train.contract.doubt import DOUBTS, Doubt, Suspicion
from plx_train.contract.rooms import load_room
from plx_train.data.corrections import read_corrections
from plx_train.ground.errors import ConfigError
from plx_train.runs.folder import CHECK_FILE, CORRECTIONS_FILE, SUSPECTS_FILE, SUSPECTS_PAGE, SUSPECTS_TABLE

PLANTED = {"images/train_6.png": "red", "images/train_13.png": "green"}
"""Pictures whose labels are made wrong, and their true classes."""


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Colours, with two labels that are wrong; one class has a name that a spreadsheet would compute."""
    root = tiny_room("image_cls").make_dataset(tmp_path_factory.mktemp("audit") / "data")
    lines = (root / "train.txt").read_text().splitlines()
    lines[6], lines[13] = "images/train_6.png 2", "images/train_13.png 2"
    (root / "train.txt").write_text("\n".join(lines) + "\n")
    (root / "label.txt").write_text("0 red\n1 green\n2 =1+<b>\n")
    return root


def audited(root: Path, output: Path, *options: str) -> plx_train.api.RunResult:
    return plx_train.run(arguments_of("image_cls", root, output, "mode=audit", "audit.size=32", *options))


def test_planted_labels_are_found_told_and_corrected(colours: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in colours.rglob("*") if path.is_file()}
    result = audited(colours, tmp_path / "out")
    found = json.loads((tmp_path / "out" / SUSPECTS_FILE).read_text())
    suspects = {one["image"]: one for one in found["suspects"]}
    assert {name: suspects[name]["truth"] for name in PLANTED} == PLANTED
    assert list(suspects)[:2] == sorted(PLANTED, key=list(suspects).index)
    assert (suspects["images/train_6.png"]["file"], suspects["images/train_6.png"]["line"]) == ("train.txt", 7)
    assert found["samples"] == {"train": 30, "val": 9} and result.metrics["suspects"] == len(suspects)
    with (tmp_path / "out" / SUSPECTS_TABLE).open() as table:
        rows = list(csv.DictReader(table))
    assert rows[0]["label"] == "'=1+<b>" and {row["image"] for row in rows} == set(suspects)
    page = (tmp_path / "out" / SUSPECTS_PAGE).read_text()
    assert "=1+&lt;b&gt;" in page and "<b>&gt;" not in page and "=1+<b>" not in page
    assert page.count("data:image/jpeg;base64,") == len(suspects)
    assert {path: path.read_bytes() for path in colours.rglob("*") if path.is_file()} == before


def test_the_draft_is_a_file_of_corrections(colours: Path, tmp_path: Path) -> None:
    audited(colours, tmp_path / "out")
    draft = tmp_path / "out" / CORRECTIONS_FILE
    number = len(json.loads(draft.read_text())["corrections"])
    command = arguments_of(
        "image_cls", colours, tmp_path / "check", "mode=check_dataset", f"dataset.corrections={draft}"
    )
    assert plx_train.run(command).exit_code == 0
    report = json.loads((tmp_path / "check" / CHECK_FILE).read_text())
    assert report["division"] == f"30 train, 9 val; {number} corrected by {CORRECTIONS_FILE}"
    lines = (tmp_path / "check" / "label_files" / "train.txt").read_text().splitlines()
    assert (lines[6], lines[13]) == ("images/train_6.png 0", "images/train_13.png 1")


def test_what_was_looked_at_is_suspected_no_more(colours: Path, tmp_path: Path) -> None:
    path = tmp_path / "fix.json"
    known = [
        {"image": "images/train_6.png", "truth": "red", "note": "seen"},
        {"image": "images/train_13.png", "truth": "=1+<b>"},
    ]
    path.write_text(json.dumps({"version": 1, "corrections": known}))
    audited(colours, tmp_path / "out", f"dataset.corrections={path}")
    suspects = json.loads((tmp_path / "out" / SUSPECTS_FILE).read_text())["suspects"]
    assert not {one["image"] for one in suspects} & set(PLANTED)
    draft = json.loads((tmp_path / "out" / CORRECTIONS_FILE).read_text())["corrections"]
    assert draft[:2] == known and len(draft) == 2 + len(suspects)


def test_at_most_so_many_are_listed(colours: Path, tmp_path: Path) -> None:
    result = audited(colours, tmp_path / "out", "audit.most=1")
    assert len(json.loads((tmp_path / "out" / SUSPECTS_FILE).read_text())["suspects"]) == 1
    assert result.metrics["suspects"] >= 2


def test_the_check_tells_suspects_where_it_is_asked(colours: Path, tmp_path: Path) -> None:
    command = arguments_of("image_cls", colours, tmp_path / "out", "mode=check_dataset", "audit=true", "audit.size=32")
    assert plx_train.run(command).exit_code == 0
    findings = json.loads((tmp_path / "out" / CHECK_FILE).read_text())["findings"]
    told = {(one["path"], one["line"]): one for one in findings if one["code"] == "label-suspect"}
    assert {("train.txt", 7), ("train.txt", 14)} <= set(told)
    assert told["train.txt", 7]["level"] == "warning" and "'red'" in told["train.txt", 7]["reason"]


def test_without_being_asked_the_check_looks_at_no_network(colours: Path, tmp_path: Path) -> None:
    plx_train.run(arguments_of("image_cls", colours, tmp_path / "out", "mode=check_dataset"))
    assert not (tmp_path / "out" / SUSPECTS_FILE).exists()


def test_places_are_those_of_other_formats(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number, name in enumerate(("red", "green", "blue")):
        for place in range(12):
            image = rng.integers(0, 120, (30, 30, 3), np.uint8)
            shown = 0 if (name, place) == ("blue", 3) else number
            image[:, :, 2 - shown] += 120
            path = tmp_path / "data" / name / f"{name}{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), image)
    audited(tmp_path / "data", tmp_path / "out")
    first = json.loads((tmp_path / "out" / SUSPECTS_FILE).read_text())["suspects"][0]
    assert (first["image"], first["file"], first["truth"]) == ("blue/blue3.png", "blue/blue3.png", "red")


@pytest.mark.long
@pytest.mark.parametrize("room", ["object_det", "text_rec", "text_det"])
def test_a_finished_model_judges(room: str, tmp_path: Path) -> None:
    root = tiny_room(room).make_dataset(tmp_path / "data")
    train_room(room, root, tmp_path / "run", "trainer.max_steps=2")
    for place, run in enumerate(("run", "run/export")):
        output = tmp_path / f"out{place}"
        plx_train.run(["mode=audit", f"run={tmp_path / run}",
                       f"output={output}", "tracking=off", "quiet=true", "device=cpu"])  # fmt: skip
        found = json.loads((output / SUSPECTS_FILE).read_text())
        assert found["judged_by"] == "the predictions of the model" and found["agreement"] is None
        assert {doubt["kind"] for one in found["suspects"] for doubt in one["doubts"]} <= {*DOUBTS}
        corrections = read_corrections(output / CORRECTIONS_FILE, "draft")
        assert corrections.findings == () and len(corrections.entries) == len(found["suspects"])


def test_an_export_of_a_classifier_is_refused(colours: Path, tmp_path: Path) -> None:
    train_room("image_cls", colours, tmp_path / "run", "trainer.max_steps=2")
    with pytest.raises(ConfigError, match="give the run's folder"):
        audited(colours, tmp_path / "out", f"run={tmp_path / 'run/export'}")
    audited(colours, tmp_path / "again", f"run={tmp_path / 'run'}")
    assert json.loads((tmp_path / "again" / SUSPECTS_FILE).read_text())["judged_by"].startswith("what the run sees")


def test_a_run_on_pages_names_what_was_cut_out_of_them(tmp_path: Path) -> None:
    root = tmp_path / "data"
    lines = []
    for number in range(4):
        texts = (f"one {number}", f"two {number}")
        page(root / f"images/p{number}.png", texts)
        outlines = [{"transcription": text, "points": quad(place)} for place, text in enumerate(texts)]
        lines.append(f"images/p{number}.png\t{json.dumps(outlines)}\n")
    (root / "Label.txt").write_text("".join(lines))
    options = ("dataset.split=images", "dataset.val_share=0.5", "trainer.max_steps=1")
    train_room("text_rec", root, tmp_path / "run", *options)
    said = Doubt("text", 0.9, "one", "ten")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(load_room("text_rec").__class__, "doubts", staticmethod(lambda *_: Suspicion((said,), "ten")))
        plx_train.run(["mode=audit", f"run={tmp_path / 'run'}", f"output={tmp_path / 'out'}", "tracking=off",
                       "quiet=true", "device=cpu"])  # fmt: skip
    suspects = json.loads((tmp_path / "out" / SUSPECTS_FILE).read_text())["suspects"]
    assert len(suspects) == 8
    assert {one["file"] for one in suspects} == {"Label.txt"} and {one["line"] for one in suspects} == {1, 2, 3, 4}
    assert {(tmp_path / "run" / "label_files" / one["image"]).is_file() for one in suspects} == {True}


def test_what_can_not_be_audited_is_refused(tmp_path: Path) -> None:
    for room, said in (("ts_forecast", "can't be audited"), ("object_det", "needs run="), ("text_rec", "needs run=")):
        root = tiny_room(room).make_dataset(tmp_path / room)
        with pytest.raises(ConfigError, match=said):
            plx_train.run([f"module={room}", f"dataset.root={root}", "mode=audit", "tracking=off", "quiet=true"])


def test_pictures_that_are_turned_have_no_labels(colours: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be audited"):
        audited(colours, tmp_path / "out", "module.rotations=[0,180]")
