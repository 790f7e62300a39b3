"""Corrections taken in by the check of a dataset: in every kind of truth and format, and nowhere in the originals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kit.exporters import class_folders, page, picture, quad
from kit.rooms import tiny_room
from plx_train.config.compose import compose_run
from plx_train.contract.check import Checked
from plx_train.ground.errors import ConfigError
from plx_train.workflow.dataset import check


def corrections(folder: Path, *entries: dict[str, Any]) -> Path:
    path = folder / "fix.json"
    path.write_text('{"version": 1, "corrections": [\n' + ",\n".join(map(json.dumps, entries)) + "\n]}", "utf-8")
    return path


def checked(root: Path, output: Path, room: str, *options: str) -> Checked[Any]:
    output.mkdir()
    composed = compose_run([f"module={room}", f"dataset.root={root}", "mode=check_dataset", "tracking=off", *options])
    return check(composed.options, output)[1]


def truths(samples: list[Any]) -> dict[str, Any]:
    return {sample.image.name: sample.truth for sample in samples}


def files_of(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_classes_by_name(tmp_path: Path) -> None:
    root = tiny_room("image_cls").make_dataset(tmp_path / "data")
    before, plain = files_of(root), checked(root, tmp_path / "plain", "image_cls")
    path = corrections(
        tmp_path,
        {"image": "images/train_0.png", "truth": "blue"},
        {"image": "images/val_1.png", "leave_out": True},
        {"image": "images/train_1.png", "truth": "blu"},
        {"image": "images/gone.png", "truth": "blue"},
    )
    found = checked(root, tmp_path / "out", "image_cls", f"dataset.corrections={path}", "dataset.ignore_findings=true")
    assert truths(found.train) == truths(plain.train) | {"train_0.png": 2}
    assert truths(found.val) == {name: truth for name, truth in truths(plain.val).items() if name != "val_1.png"}
    told = [(one.path, one.line, one.level, one.code) for one in found.report.findings if one.path == str(path)]
    assert told == [(str(path), 4, "error", "correction-invalid"), (str(path), 5, "warning", "correction-unused")]
    assert "is 'blue' meant?" in found.report.errors[0].reason
    assert found.report.division == "30 train, 9 val; 1 corrected, 1 left out by fix.json"
    assert found.report.fingerprint != plain.report.fingerprint
    assert files_of(root) == before


def test_without_names_numbers_are_the_names(tmp_path: Path) -> None:
    root = tiny_room("image_cls").make_dataset(tmp_path / "data")
    (root / "label.txt").unlink()
    path = corrections(tmp_path, {"image": "images/train_0.png", "truth": "2"})
    found = checked(root, tmp_path / "out", "image_cls", f"dataset.corrections={path}")
    assert found.report.ok and truths(found.train)["train_0.png"] == 2


def test_nothing_corrected_leaves_the_fingerprint(tmp_path: Path) -> None:
    root = tiny_room("image_cls").make_dataset(tmp_path / "data")
    plain = checked(root, tmp_path / "plain", "image_cls")
    found = checked(root, tmp_path / "out", "image_cls", f"dataset.corrections={corrections(tmp_path)}")
    assert found.report.fingerprint == plain.report.fingerprint


def test_what_is_divided_stays_divided_alike(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", ("cat", "dog"), 8)
    plain = checked(root, tmp_path / "plain", "image_cls")
    name = min(sample.image.relative_to(root).as_posix() for sample in plain.train if sample.truth == 0)
    path = corrections(tmp_path, {"image": name, "truth": "dog"})
    found = checked(root, tmp_path / "out", "image_cls", f"dataset.corrections={path}")
    assert [sample.image for sample in found.train] == [sample.image for sample in plain.train]
    changed = [a for a, b in zip(found.train, plain.train, strict=True) if a.truth != b.truth]
    assert [(one.image.relative_to(root).as_posix(), one.truth) for one in changed] == [(name, 1)]
    assert found.report.division.endswith("split here by class; 1 corrected by fix.json")


def test_labels(tmp_path: Path) -> None:
    root = tiny_room("image_mlcls").make_dataset(tmp_path / "data")
    path = corrections(
        tmp_path,
        {"image": "images/train_0.png", "truth": ["blue", "red"]},
        {"image": "images/train_7.png", "truth": []},
        {"image": "images/train_1.png", "truth": "red"},
    )
    found = checked(root, tmp_path / "out", "image_mlcls", f"dataset.corrections={path}")
    assert truths(found.train)["train_0.png"] == (1, 0, 1) and truths(found.train)["train_7.png"] == (0, 0, 0)
    assert [(one.line, one.reason) for one in found.report.errors] == [
        (4, "images/train_1.png: the truth is not a list of names of labels")
    ]


def test_texts(tmp_path: Path) -> None:
    root = tiny_room("text_rec").make_dataset(tmp_path / "data")
    image = (root / "train.txt").read_text("utf-8").partition("\t")[0]
    path = corrections(tmp_path, {"image": image, "truth": "ab"})
    found = checked(root, tmp_path / "out", "text_rec", f"dataset.corrections={path}", "module.max_unknown_share=1.0")
    assert truths(found.train)[Path(image).name] == "ab"


def test_texts_that_are_cut_out_of_pages(tmp_path: Path) -> None:
    root = tmp_path / "data"
    lines = []
    for number, texts in enumerate((("one", "two"), ("three",), ("four",))):
        page(root / f"images/p{number}.png", texts)
        outlines = [{"transcription": text, "points": quad(place)} for place, text in enumerate(texts)]
        lines.append(f"images/p{number}.png\t{json.dumps(outlines)}\n")
    (root / "Label.txt").write_text("".join(lines))
    plain = checked(root, tmp_path / "plain", "text_rec", "dataset.split=images")
    name = next(sample.image.name for sample in (*plain.train, *plain.val) if sample.truth == "two")
    path = corrections(
        tmp_path, {"image": f"images/{name}", "truth": "ten"}, {"image": "images/p1.png", "leave_out": True}
    )
    found = checked(root, tmp_path / "out", "text_rec", "dataset.split=images", f"dataset.corrections={path}")
    assert sorted(sample.truth for sample in (*found.train, *found.val)) == ["four", "one", "ten"]
    assert found.report.division.endswith("1 corrected, 1 left out by fix.json")


def test_outlines_of_texts(tmp_path: Path) -> None:
    root = tiny_room("text_det").make_dataset(tmp_path / "data")
    image = (root / "train.txt").read_text("utf-8").partition("\t")[0]
    outline = {"label": "word", "points": [[1, 1], [20, 1], [20, 9], [1, 9]]}
    path = corrections(tmp_path, {"image": image, "truth": [outline, {**outline, "ignored": True}]})
    found = checked(root, tmp_path / "out", "text_det", f"dataset.corrections={path}")
    assert [(one.text, one.ignore) for one in truths(found.train)[Path(image).name]] == [("word", False), ("###", True)]


def test_boxes(tmp_path: Path) -> None:
    root = tiny_room("object_det").make_dataset(tmp_path / "data")
    file = root / "annotations" / "instance_train.json"
    content = json.loads(file.read_text())
    name, category = content["images"][0]["file_name"], content["categories"][1]["name"]
    box = {"label": category, "points": [[1, 2], [9, 2], [9, 12], [1, 12]]}
    path = corrections(
        tmp_path,
        {"image": f"images/{name}", "truth": [box]},
        {"image": f"images/{content['images'][1]['file_name']}", "truth": [{**box, "label": "nothing such"}]},
    )
    found = checked(root, tmp_path / "out", "object_det", f"dataset.corrections={path}")
    truth = truths(found.train)[name]
    assert np.array_equal(truth.boxes, [[1, 2, 9, 12]]) and truth.classes.tolist() == [1]
    assert [one.line for one in found.report.errors] == [3]
    plain = checked(root, tmp_path / "plain", "object_det")
    assert {n: t for n, t in truths(found.train).items() if n != name} == {
        n: t for n, t in truths(plain.train).items() if n != name
    }


def test_a_run_keeps_what_it_began_with(tmp_path: Path) -> None:
    root = tiny_room("image_cls").make_dataset(tmp_path / "data")
    path = corrections(tmp_path, {"image": "images/train_0.png", "truth": "blue"})
    command = ["module=image_cls", f"dataset.root={root}", "tracking=off", f"dataset.corrections={path}"]
    options, output = compose_run(command).options, tmp_path / "run"
    output.mkdir()
    first = check(options, output)[1]
    path.unlink()
    from plx_train.workflow.dataset import Finished

    again = check(options, output, Finished(None, None, output))[1]
    assert again.report.fingerprint == first.report.fingerprint
    with pytest.raises(ConfigError, match=r"fix\.json: there is no such file"):
        check(options, tmp_path)


@pytest.mark.parametrize("room", ["ts_forecast", "ts_cls"])
def test_tables_of_series_take_none(tmp_path: Path, room: str) -> None:
    root = tiny_room(room).make_dataset(tmp_path / "data")
    with pytest.raises(ConfigError, match="reads its own files alone"):
        checked(root, tmp_path / "out", room, f"dataset.corrections={corrections(tmp_path)}")


def test_images_without_labels_are_labelled_by_corrections_alone(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for number in range(7):
        picture(root / f"{number}.png", number)
    entries = [{"image": f"{number}.png", "truth": ("sun", "moon")[number % 2]} for number in range(6)]
    path = corrections(tmp_path, *entries, {"image": "6.png", "leave_out": True})
    found = checked(root, tmp_path / "out", "image_cls", f"dataset.corrections={path}")
    assert found.report.ok and found.report.format == "images" and not found.report.findings
    assert found.report.division == "4 train, 2 val, split here by class; 6 added by fix.json"
    # Classes are numbered as those of folders are: in the order of their names.
    assert truths([*found.train, *found.val]) == {f"{number}.png": (1, 0)[number % 2] for number in range(6)}
    assert not checked(root, tmp_path / "bare", "image_cls").report.ok
    for room, truth in (
        ("image_mlcls", ["sun"]),
        ("object_det", [{"label": "sun", "points": [[2, 2], [20, 2], [20, 20], [2, 20]]}]),
    ):
        path = corrections(tmp_path, *({"image": f"{number}.png", "truth": truth} for number in range(4)))
        found = checked(root, tmp_path / room, room, f"dataset.corrections={path}", "dataset.split=images")
        assert found.report.ok and len(found.train) + len(found.val) == 4


def test_images_that_no_label_names_are_added_and_the_others_stay(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", ("cat", "dog"), 8)
    plain = checked(root, tmp_path / "plain", "image_cls")
    for number in range(10):
        picture(root / f"{number}.png", 900 + number)
    entries = [{"image": f"{number}.png", "truth": ("cat", "dog")[number % 2]} for number in range(10)]
    path = corrections(tmp_path, *entries)
    found = checked(root, tmp_path / "out", "image_cls", f"dataset.corrections={path}")
    assert found.report.division.endswith("split here by class; 10 added by fix.json")
    for split, before in ((found.train, plain.train), (found.val, plain.val)):
        assert [one.image for one in split][: len(before)] == [one.image for one in before]
    assert len(found.train) == len(plain.train) + 8 and len(found.val) == len(plain.val) + 2


def test_where_validation_is_given_what_is_added_is_trained_on(tmp_path: Path) -> None:
    root = tiny_room("image_cls").make_dataset(tmp_path / "data")
    plain = checked(root, tmp_path / "plain", "image_cls")
    picture(root / "new.png", 950, (40, 40))
    path = corrections(tmp_path, {"image": "new.png", "truth": "blue"})
    found = checked(root, tmp_path / "out", "image_cls", f"dataset.corrections={path}")
    assert truths(found.train) == truths(plain.train) | {"new.png": 2} and truths(found.val) == truths(plain.val)


@pytest.mark.parametrize("room", ["image_cls", "image_mlcls", "object_det"])
def test_classes_are_brought_along(tmp_path: Path, room: str) -> None:
    root = tiny_room(room).make_dataset(tmp_path / "data")
    plain = checked(root, tmp_path / "plain", room)
    image = plain.train[0].image.relative_to(root).as_posix()
    truth = {
        "image_cls": "violet",
        "image_mlcls": ["violet"],
        "object_det": [{"label": "violet", "points": [[2, 2], [20, 2], [20, 20], [2, 20]]}],
    }[room]
    path = corrections(tmp_path, {"image": image, "truth": truth})
    refused = checked(root, tmp_path / "refused", room, f"dataset.corrections={path}")
    assert "'violet' is no class of the data" in refused.report.errors[0].reason
    path.write_text(path.read_text().replace('"version": 1,', '"version": 1, "classes": ["violet"],'))
    found = checked(root, tmp_path / "out", room, f"dataset.corrections={path}")
    assert found.report.ok, found.report.errors
    names = (tmp_path / "out" / "label_files").rglob("*")
    assert any("violet" in file.read_text("utf-8") for file in names if file.is_file() and file.name != "prepared.json")
    assert len(found.train) == len(plain.train) and found.train[0].truth != plain.train[0].truth
