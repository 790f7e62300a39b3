"""Boxes in the formats that people have: read, converted and trained on as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import plx_train
from kit.box_formats import WRITERS, images_of
from modules.object_det.tiny import TINY, make_rectangles

CHECK = ("mode=check_dataset", "module=object_det", "quiet=true")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_rectangles(tmp_path_factory.mktemp("boxes") / "own")


def report(output: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((output / "check.json").read_text())
    return content


def boxes(root: Path) -> dict[str, list[tuple[str, list[float]]]]:
    """Boxes by the last part of an image's name, rounded."""
    found = {}
    for split, image, rows in images_of(root):
        rounded = [(name, [round(value, 1) for value in box]) for name, box in rows]
        found[f"{split}/{Path(image['file_name']).name}"] = sorted(rounded)
    return found


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_a_format_is_found_and_survives_the_conversion(name: str, source: Path, tmp_path: Path) -> None:
    root = WRITERS[name](source, tmp_path / "theirs")
    before = sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*"))
    checked = plx_train.run([*CHECK, f"dataset.root={root}", f"output={tmp_path / 'check'}"])
    assert checked.exit_code == 0 and report(checked.output)["format"] == name
    converted = ["mode=convert", "module=object_det", f"dataset.root={root}", f"output={tmp_path / 'ours'}"]
    assert plx_train.run([*converted, "quiet=true"]).exit_code == 0
    ours, theirs = boxes(tmp_path / "ours"), boxes(source)
    if name == "label_studio":  # it knows no splits
        ours, theirs = (
            dict(sorted((key.partition("/")[2], row) for key, row in each.items())) for each in (ours, theirs)
        )
    assert ours == theirs
    assert sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*")) == before
    again = plx_train.run([*CHECK, f"dataset.root={tmp_path / 'ours'}", f"output={tmp_path / 'again'}"])
    assert again.exit_code == 0 and report(again.output)["statistics"] == report(checked.output)["statistics"]


def test_classes_keep_their_order(source: Path, tmp_path: Path) -> None:
    root = WRITERS["yolo"](source, tmp_path / "theirs")
    (root / "data.yaml").write_text("names: [zebra, ant]\n")
    plx_train.run(
        ["mode=convert", "module=object_det", f"dataset.root={root}", f"output={tmp_path / 'ours'}", "quiet=true"]
    )
    content = json.loads((tmp_path / "ours/annotations/instance_train.json").read_text())
    assert [each["name"] for each in content["categories"]] == ["zebra", "ant"]


def test_what_lacks_validation_is_divided(source: Path, tmp_path: Path) -> None:
    root = WRITERS["coco"](source, tmp_path / "theirs")
    for path in (root / "valid").iterdir():
        path.unlink()
    checked = plx_train.run([*CHECK, f"dataset.root={root}", f"output={tmp_path / 'check'}"])
    assert checked.exit_code == 0 and "split here" in str(report(checked.output)["division"])


@pytest.mark.long
def test_a_run_trains_on_another_format_and_is_evaluated_on_it(source: Path, tmp_path: Path) -> None:
    root = WRITERS["voc"](source, tmp_path / "theirs")
    given = ["module=object_det", f"dataset.root={root}", "device=cpu", "tracking=off", "quiet=true", *TINY.overrides]
    result = plx_train.run([*given, "trainer.epochs=1", f"output={tmp_path / 'run'}"])
    evaluated = plx_train.run(
        [
            "mode=evaluate",
            f"run={result.output}",
            f"output={tmp_path / 'evaluated'}",
            "device=cpu",
            "tracking=off",
            "quiet=true",
        ]
    )
    assert evaluated.metrics["val/AP"] == pytest.approx(result.metrics["val/AP"], abs=1e-9)


NAMELESS = json.dumps(
    {
        "imagePath": "train_3.png",
        "flags": {},
        "shapes": [{"label": " ", "points": [[2, 2], [20, 20]], "shape_type": "rectangle"}],
    }
)


@pytest.mark.parametrize(
    ("name", "file", "text", "code"),
    [
        ("voc", "Annotations/train_3.xml", "<!DOCTYPE x [<!ENTITY a 'b'>]><annotation/>", "bad-xml"),
        ("voc", "Annotations/train_3.xml", "<annotation><object><name>red</name></object></annotation>", "box-invalid"),
        ("voc", "Annotations/train_3.xml", "<other/>", "bad-xml"),
        ("yolo", "labels/train/train_3.txt", "0 0.5 0.5 7 0.1\n", "line-invalid"),
        ("yolo", "labels/train/train_3.txt", "5 0.5 0.5 0.1 0.1\n", "unknown-class"),
        ("labelme", "train/train_3.json", NAMELESS, "line-not-possible"),
        ("coco", "train/_annotations.coco.json", '{"images": [], "annotations": [1], "categories": []}', "no-sample"),
    ],
)
def test_what_is_wrong_is_told_with_its_file(
    name: str, file: str, text: str, code: str, source: Path, tmp_path: Path
) -> None:
    root = WRITERS[name](source, tmp_path / "theirs")
    (root / file).write_text(text)
    checked = plx_train.run([*CHECK, f"dataset.root={root}", f"output={tmp_path / 'check'}"])
    findings = report(checked.output)["findings"]
    assert isinstance(findings, list)
    assert code in [each["code"] for each in findings], findings
    assert checked.exit_code == 1


def test_annotations_that_belong_to_no_image_are_told(source: Path, tmp_path: Path) -> None:
    root = WRITERS["coco"](source, tmp_path / "theirs")
    path = root / "train/_annotations.coco.json"
    content = json.loads(path.read_text())
    first = content["annotations"][0]
    content["annotations"] += [{**first, "image_id": 99_999}, {**first, "image_id": None}]
    path.write_text(json.dumps(content))
    checked = plx_train.run([*CHECK, f"dataset.root={root}", f"output={tmp_path / 'check'}"])
    findings = report(checked.output)["findings"]
    assert isinstance(findings, list)
    told = {each["code"]: each["level"] for each in findings}
    assert told.get("unknown-image") == "warning" and told.get("annotation-invalid") == "error", findings
