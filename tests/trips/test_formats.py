"""Data as people have them, from the check to a run that is looked at again, and copied into PaddleX's format."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import plx_train
from kit.exporters import (
    SIZE,
    class_folders,
    labelme,
    page,
    picture,
    quad,
    shape,
    studio_choice,
    studio_task,
    studio_text,
)
from kit.runs import EVERY_TINY_RUN, arguments_of, as_if_killed, points
from kit.studio_short import short_task
from plx_train.ground.errors import ConfigError, UserError

NUM_PAGES = 6
TEXTS = {f"p{index}": [f"Line {index}", "other"] for index in range(NUM_PAGES)}


def content_of(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def checked(output: Path) -> dict[str, Any]:
    return json.loads((output / "check.json").read_text())


def check(room: str, root: Path, output: Path, *more: str) -> tuple[int, dict[str, Any]]:
    arguments = (f"module={room}", f"dataset.root={root}", f"output={output}", *EVERY_TINY_RUN, *more)
    return plx_train.run(["mode=check_dataset", *arguments]).exit_code, checked(output)


def lines_of(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def coloured(root: Path, splits: tuple[str, ...] = ("",)) -> Path:
    """Noise that leans to a colour, in a folder of its name."""
    for split in splits:
        for number, name in enumerate(("blue", "green", "red")):
            for index in range(10):
                path = picture(root / split / name / f"{name} {index}.png", 100 * number + index + 7 * len(split))
                image = cv2.imread(str(path)) // 2
                image[:, :, number] += 120
                cv2.imwrite(str(path), image)
    return root


@pytest.mark.long
def test_class_folders_are_trained_on_evaluated_reproduced_and_gone_on_with(tmp_path: Path) -> None:
    root, run = coloured(tmp_path / "data"), tmp_path / "run"
    before = content_of(root)
    more = ("trainer.save_every_steps=1", "trainer.keep_last=9")
    plx_train.run(arguments_of("image_cls", root, run, *more))
    facts = json.loads((run / "run.json").read_text())
    assert facts["data"] == {"format": "folders", "division": "24 train, 6 val, split here by class"}
    assert lines_of(run / "label_files" / "label.txt") == ["0 blue", "1 green", "2 red"]
    # Of an image that came later the run knows nothing: what it wrote down holds.
    picture(root / "red" / "later.png", 999)
    evaluated = plx_train.run(["mode=evaluate", f"run={run}", f"output={tmp_path / 'evaluated'}", *EVERY_TINY_RUN])
    assert evaluated.metrics["val/accuracy"] == facts["metrics"]["val/accuracy"]
    assert not (tmp_path / "evaluated" / "label_files").exists()
    again = plx_train.run(["mode=reproduce", f"run={run}", f"output={tmp_path / 'again'}", *EVERY_TINY_RUN])
    assert again.exit_code == 0
    killed = as_if_killed(run, tmp_path / "killed", 2)
    plx_train.run([f"resume={killed}", *EVERY_TINY_RUN])
    assert points(killed) == points(run)
    (root / "red" / "later.png").unlink()
    assert content_of(root) == before


@pytest.mark.long
def test_a_test_split_is_kept_apart_and_can_be_measured(tmp_path: Path) -> None:
    root, run = coloured(tmp_path / "data"), tmp_path / "run"
    outcome = plx_train.run(arguments_of("image_cls", root, run, "dataset.test_share=0.2"))
    assert checked(run)["division"] == "18 train, 6 val, 6 test, split here by class"
    output = tmp_path / "measured"
    given = ["mode=evaluate", f"run={run}/export", "dataset.val=test.txt", f"output={output}", *EVERY_TINY_RUN]
    assert plx_train.run(given).metrics["val/accuracy"] == outcome.metrics["test/accuracy"]
    assert checked(output)["statistics"]["val"]["images"] == 6
    files = {name: {*lines_of(run / "label_files" / f"{name}.txt")} for name in ("train", "val", "test")}
    assert not files["train"] & files["test"] and not files["val"] & files["test"]
    assert checked(output)["fingerprint"] != checked(run)["fingerprint"]


@pytest.mark.long
def test_a_run_that_named_its_own_validation_file_keeps_its_test_split(tmp_path: Path) -> None:
    root, run, output = coloured(tmp_path / "data"), tmp_path / "run", tmp_path / "measured"
    for split, places in (("train", range(5)), ("mine", range(5, 10))):
        rows = [
            f"{name}/{name} {index}.png,{name},{'test' if index in (4, 9) else split}"
            for name in ("blue", "red")
            for index in places
        ]
        (root / f"{split}.csv").write_text("\n".join(["path,label,split", *rows]))
    given = ("dataset.format=csv", "dataset.train=train.csv", "dataset.val=mine.csv")
    outcome = plx_train.run(arguments_of("image_cls", root, run, *given))
    assert checked(run)["division"] == "8 train, 4 test, 8 val"
    measure = ["mode=evaluate", f"run={run}", "dataset.val=test.txt", f"output={output}", *EVERY_TINY_RUN]
    assert plx_train.run(measure).metrics["val/accuracy"] == outcome.metrics["test/accuracy"]
    assert not (output / "label_files").exists() and checked(output)["statistics"]["val"]["images"] == 4


@pytest.mark.long
def test_what_a_test_split_loses_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    root, run = coloured(tmp_path / "data", ("train", "val", "test")), tmp_path / "run"
    (root / "test" / "red" / "red 3.png").write_bytes(b"no image")
    plx_train.run(arguments_of("image_cls", root, run))
    # Nine of its pictures are trained on as well.
    assert json.loads((run / "run.json").read_text())["test"] == {"samples": 30, "measured": 29, "errors": 2}
    told = capfd.readouterr().err
    assert "29 of 30 samples of test.txt can be measured, its number of errors is 2: test.txt: 9 of 30 pictures" in told


def test_the_division_depends_on_names_and_content_alone(tmp_path: Path) -> None:
    outcomes = []
    for place in ("a", "b/c"):
        root = coloured(tmp_path / place)
        code, report = check("image_cls", root, tmp_path / place.replace("/", "_") / "out", "seed=7")
        outcomes.append((code, report["fingerprint"], report["division"]))
    assert outcomes[0] == outcomes[1] and outcomes[0][0] == 0


def test_findings_are_told_where_users_can_mend_them(tmp_path: Path) -> None:
    root = coloured(tmp_path / "data")
    (root / "red" / "red 3.png").write_bytes(b"no image")
    code, report = check("image_cls", root, tmp_path / "out")
    assert code == 1 and [(one["path"], one["line"]) for one in report["findings"]] == [("red/red 3.png", 0)]


def test_places_in_reasons_are_those_of_users_too(tmp_path: Path) -> None:
    root = coloured(tmp_path / "data", ("train", "val"))
    (root / "val" / "red" / "red 0.png").write_bytes((root / "train" / "blue" / "blue 0.png").read_bytes())
    report = check("image_cls", root, tmp_path / "out")[1]
    twin = next(one for one in report["findings"] if one["code"] == "train-and-val")
    assert twin["path"] == "val/red/red 0.png" and twin["reason"].endswith("is in train/blue/blue 0.png as well")


def test_classes_that_a_file_numbers_keep_their_numbers(tmp_path: Path) -> None:
    root = coloured(tmp_path / "data")
    (root / "label.txt").write_text("0 red\n1 blue\n2 green\n")
    code, report = check("image_cls", root, tmp_path / "out")
    assert code == 0 and report["format"] == "folders"
    train = lines_of(tmp_path / "out" / "label_files" / "train.txt")
    numbers = {"red": "0", "blue": "1", "green": "2"}
    assert all(line.rpartition(" ")[2] == numbers[line.partition("/")[0]] for line in train)


def test_own_lists_without_validation_are_divided_by_document(tmp_path: Path) -> None:
    root = tmp_path / "data"
    lines = []
    for book in "abcde":
        for number in range(2):
            page(root / "images" / f"{book}_{number}.png", [f"{book} {number}"])
            labels = [{"transcription": f"{book} {number}", "points": quad(0)}]
            lines.append(f"images/{book}_{number}.png\t{json.dumps(labels)}\n")
    (root / "train.txt").write_text("".join(lines))
    code, report = check("text_det", root, tmp_path / "out")
    assert code == 0 and report["format"] == "paddlex"
    assert report["division"] == "8 train, 2 val, split here by document"
    code, report = check("text_det", root, tmp_path / "none", "dataset.split=none")
    assert code == 1 and [*report["codes"]] == ["label-file-missing"]
    (root / "valid.txt").write_text(lines[0])
    code, report = check("text_det", root, tmp_path / "named")
    assert code == 1 and "name them with dataset.train and dataset.val" in report["findings"][0]["reason"]


def make_labelme(root: Path) -> None:
    for name, texts in TEXTS.items():
        page(root / f"{name}.png", texts)
        shapes = [shape(text, quad(line)) for line, text in enumerate(texts)]
        labelme(root / f"{name}.json", f"C:\\work\\{name}.png", shapes=shapes)


def make_icdar(root: Path) -> None:
    for name, texts in TEXTS.items():
        page(root / "images" / f"{name}.png", texts)
        (root / "gt").mkdir(exist_ok=True)
        rows = [",".join(str(each) for point in quad(line) for each in point) for line in range(len(texts))]
        text = "".join(f"{row},{text}\r\n" for row, text in zip(rows, texts, strict=True))
        (root / "gt" / f"gt_{name}.txt").write_text(f"\ufeff{text}", "utf-8", newline="")


def make_ppocrlabel(root: Path) -> None:
    lines = []
    for name, texts in TEXTS.items():
        page(root / f"{name}.png", texts)
        labels = [{"transcription": text, "points": quad(line), "difficult": False} for line, text in enumerate(texts)]
        lines.append(f"{root.name}/{name}.png\t{json.dumps(labels)}\n")
    (root / "Label.txt").write_text("".join(lines))
    (root / "fileState.txt").write_text("".join(f"/home/me/{name}.png\t1\n" for name in TEXTS))


def make_label_studio(root: Path) -> None:
    height, width = SIZE
    tasks = []
    for number, (name, texts) in enumerate(TEXTS.items(), 1):
        page(root / f"{name}.png", texts)
        results = []
        for line, text in enumerate(texts):
            (left, top), _, (right, bottom), _ = quad(line)
            size = {"width": 100 * (right - left) / width, "height": 100 * (bottom - top) / height}
            results += studio_text(f"r{line}", text, x=100 * left / width, y=100 * top / height, **size)
        tasks.append(studio_task(number, {"ocr": f"/data/upload/1/0123abcd-{name}.png"}, results))
    (root / "export.json").write_text(json.dumps(tasks))


def make_label_studio_short(root: Path) -> None:
    height, width = SIZE
    tasks = []
    for number, (name, texts) in enumerate(TEXTS.items(), 1):
        page(root / "scans" / f"{name}.png", texts)
        regions = []
        for line in range(len(texts)):
            (left, top), _, (right, bottom), _ = quad(line)
            box = {"x": 100 * left / width, "y": 100 * top / height, "rotation": 0}
            box |= {"width": 100 * (right - left) / width, "height": 100 * (bottom - top) / height}
            regions.append(box | {"original_width": width, "original_height": height})
        labels = [region | {"labels": ["Text"]} for region in regions]
        typed = list(texts) if len(texts) > 1 else texts[0]
        address = f"/data/local-files/?d=scans/{name}.png"
        tasks.append(short_task(number, address, bbox=regions, label=labels, transcription=typed))
    (root / "export.json").write_text(json.dumps(tasks))


def make_labelme_turned(root: Path) -> None:
    """LabelMe 6 keeps rectangles that can be turned as four corners, and the image in the file."""
    for name, texts in TEXTS.items():
        page(root / f"{name}.png", texts)
        shapes = [shape("text", quad(line), "oriented_rectangle", text) for line, text in enumerate(texts)]
        image = base64.b64encode((root / f"{name}.png").read_bytes()).decode()
        labelme(root / f"{name}.json", f"{name}.png", version="6.3.1", shapes=shapes, imageData=image)


PAGES: dict[str, Callable[[Path], None]] = {
    "labelme": make_labelme,
    "icdar": make_icdar,
    "ppocrlabel": make_ppocrlabel,
    "label_studio": make_label_studio,
    "label_studio short": make_label_studio_short,
    "labelme turned": make_labelme_turned,
}


@pytest.mark.parametrize("name", PAGES)
def test_pages_go_through_convert_and_back(tmp_path: Path, name: str) -> None:
    root, copy = tmp_path / "data", tmp_path / "copy"
    root.mkdir()
    PAGES[name](root)
    before = content_of(root)
    arguments = ["mode=convert", "module=text_det", f"dataset.root={root}", f"output={copy}", "quiet=true"]
    converted = plx_train.run(arguments)
    assert converted.exit_code == 0 and content_of(root) == before
    code, report = check("text_det", copy, tmp_path / "out")
    assert code == 0 and report["findings"] == [] and report["format"] == "paddlex"
    found = {}
    for line in (*lines_of(copy / "train.txt"), *lines_of(copy / "val.txt")):
        image, _, labels = line.partition("\t")
        found[Path(image).stem] = [(each["transcription"], each["points"]) for each in json.loads(labels)]
        assert (copy / image).read_bytes() == next(root.rglob(Path(image).name)).read_bytes()
    assert found == {key: [(text, quad(line)) for line, text in enumerate(texts)] for key, texts in TEXTS.items()}


@pytest.mark.parametrize("name", PAGES)
def test_texts_are_cut_out_of_pages(tmp_path: Path, name: str) -> None:
    root = tmp_path / "data"
    root.mkdir()
    PAGES[name](root)
    code, report = check("text_rec", root, tmp_path / "out", "module.dict=auto")
    assert code == 0 and report["format"] == name.partition(" ")[0] and report["root"] == str(root)
    lists = tmp_path / "out" / "label_files"
    train, val = lines_of(lists / "train.txt"), lines_of(lists / "val.txt")
    assert sorted(line.partition("\t")[2] for line in (*train, *val)) == sorted(
        text for texts in TEXTS.values() for text in texts
    )
    crop = cv2.imread(str(lists / train[0].partition("\t")[0]))
    assert crop.shape == (38, 200, 3) and crop.min() < 90
    pages_of = [{line.partition("\t")[0].rpartition("_")[0] for line in lines} for lines in (train, val)]
    assert not pages_of[0] & pages_of[1]


def test_a_table_of_texts_goes_through_convert_and_back(tmp_path: Path) -> None:
    root, copy = tmp_path / "data", tmp_path / "copy"
    texts = {f"w {number}.png": text for number, text in enumerate(("one, two", 'the "third"', "4;5", "six", "7"))}
    for seed, name in enumerate(texts):
        picture(root / name, seed, (24, 64))
    file = io.StringIO()
    csv.writer(file).writerows([["filename", "text"], *texts.items()])
    (root / "labels.csv").write_text(file.getvalue(), "utf-8-sig", newline="")
    before = content_of(root)
    arguments = ["mode=convert", "module=text_rec", "module.dict=auto", f"dataset.root={root}", f"output={copy}"]
    assert plx_train.run([*arguments, "quiet=true"]).exit_code == 0 and content_of(root) == before
    lines = [line.split("\t") for line in (*lines_of(copy / "train.txt"), *lines_of(copy / "val.txt"))]
    assert dict(lines) == {f"images/{name.replace(' ', '_')}": text for name, text in texts.items()}
    code, report = check("text_rec", root, tmp_path / "out", "module.dict=auto")
    assert code == 0 and report["format"] == "csv" and report["division"].startswith("4 train, 1 val, split here by ")


def test_classes_go_through_convert_and_back(tmp_path: Path) -> None:
    root, copy = coloured(tmp_path / "data", ("train", "val", "test")), tmp_path / "copy"
    arguments = ["mode=convert", "module=image_cls", f"dataset.root={root}", f"output={copy}", "quiet=true"]
    assert plx_train.run(arguments).exit_code == 0
    assert [len(lines_of(copy / f"{split}.txt")) for split in ("train", "val", "test")] == [30, 30, 30]
    assert check("image_cls", copy, tmp_path / "out")[1]["findings"] == []
    assert "images/test/red/red_3.png 2" in lines_of(copy / "test.txt")
    with pytest.raises(UserError, match="is not empty"):
        plx_train.run(arguments)


def test_labels_go_through_convert_and_back(tmp_path: Path) -> None:
    root, copy = tmp_path / "data", tmp_path / "copy"
    names = [f"p{index}.png" for index in range(10)]
    for seed, name in enumerate(names):
        picture(root / name, seed)
    rows = "".join(f"{name},{index % 2},{int(index < 5)}\n" for index, name in enumerate(names))
    (root / "labels.csv").write_text(f"filename,odd,low\n{rows}")
    arguments = ["mode=convert", "module=image_mlcls", f"dataset.root={root}", f"output={copy}", "quiet=true"]
    assert plx_train.run(arguments).exit_code == 0
    assert lines_of(copy / "label.txt") == ["0 odd", "1 low"]
    lines = {*lines_of(copy / "train.txt"), *lines_of(copy / "val.txt")}
    assert lines == {f"images/{name}\t{index % 2},{int(index < 5)}" for index, name in enumerate(names)}


def test_choices_of_label_studio_are_trained_on(tmp_path: Path) -> None:
    root = tmp_path / "data"
    tasks = []
    for number in range(1, 21):
        picture(root / f"p{number}.png", number)
        choice = [studio_choice("cat" if number % 2 else "dog")] if number > 1 else None
        tasks.append(studio_task(number, {"image": f"/data/upload/3/0123abcd-p{number}.png"}, choice))
    (root / "export.json").write_text(json.dumps(tasks))
    code, report = check("image_cls", root, tmp_path / "out")
    assert code == 0 and report["division"] == "15 train, 4 val, split here by class"
    assert [*report["codes"]] == ["task-not-annotated", "image-not-annotated"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["dataset.format=labelmee"], ConfigError, "did you mean 'labelme'"),
        (["dataset.format=icdar"], ConfigError, "does not hold what module=image_cls reads"),
        (["dataset.val=mine.txt"], ConfigError, "there is no such file, and data read as folders need none"),
        (["dataset.split=groups"], ConfigError, "needs dataset.split_by"),
        (["dataset.split_by=abc"], ConfigError, "must have one group"),
        (["dataset.split_by=(["], ConfigError, "no regular expression"),
        (["dataset.split=documnets"], ConfigError, "did you mean 'documents'"),
        (["dataset.val_share=0.6", "dataset.test_share=0.5"], ConfigError, "leave nothing to train on"),
        (["mode=convert", "output=null"], ConfigError, "needs output="),
    ],
)
def test_wrong_options_have_a_sentence(
    tmp_path: Path, arguments: list[str], error: type[UserError], message: str
) -> None:
    root = class_folders(tmp_path / "data", ("cat", "dog"), 3)
    given = ["mode=check_dataset", "module=image_cls", f"dataset.root={root}", f"output={tmp_path / 'o'}", "quiet=true"]
    with pytest.raises(error, match=message):
        plx_train.run([*given, *arguments])


def test_annotations_without_a_single_image_are_told(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    make_ppocrlabel(root)
    for path in root.glob("*.png"):
        path.unlink()
    code, report = check("text_rec", root, tmp_path / "out", "module.dict=auto")
    assert code == 1 and report["codes"]["image-missing"] == NUM_PAGES and report["codes"]["no-sample"] == 1


def test_a_named_file_that_is_missing_is_missed(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", ("cat", "dog"), 3)
    code, report = check("image_cls", root, tmp_path / "out", "dataset.train=labels.txt")
    assert code == 1 and report["findings"][-2]["reason"].startswith("there is no labels.txt in")


def test_a_named_class_file_that_is_missing_is_missed(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", ("cat", "dog"), 3)
    code, report = check("image_cls", root, tmp_path / "out", "module.label_file=names.txt")
    assert code == 1 and "names.txt" in report["findings"][0]["reason"]


def test_labels_keep_the_order_of_a_file(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for seed in range(6):
        picture(root / f"p{seed}.png", seed)
        labelme(root / f"p{seed}.json", f"p{seed}.png", flags={"a": seed % 2 == 0, "b": True})
    (root / "label.txt").write_text("0 b\n1 a\n")
    assert check("image_mlcls", root, tmp_path / "out")[0] == 0
    lists = tmp_path / "out" / "label_files"
    assert lines_of(lists / "label.txt") == ["0 b", "1 a"]
    assert {*lines_of(lists / "train.txt"), *lines_of(lists / "val.txt")} == {
        f"p{seed}.png\t1,{int(seed % 2 == 0)}" for seed in range(6)
    }


def test_a_copy_is_never_made_inside_the_data(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", ("cat", "dog"), 3)
    given = ["mode=convert", "module=image_cls", f"dataset.root={root}", "quiet=true"]
    with pytest.raises(UserError, match="lies in the dataset's folder"):
        plx_train.run([*given, f"output={root / 'copy'}"])


def test_a_path_that_no_label_file_can_hold_is_told(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", ("cat", "dog"), 6)
    picture(root / "cat" / "a\tb.png", 900)
    image = np.zeros((9, 9, 3), np.uint8)
    (root / "dog" / "x").mkdir()
    cv2.imwrite(str(root / "dog" / "x" / "line\nbreak.png"), image)
    code, report = check("image_cls", root, tmp_path / "out")
    assert code == 1 and report["codes"] == {"line-not-possible": 2}


def test_texts_are_copied_and_checked_with_what_the_weights_know(tmp_path: Path) -> None:
    root, copy, weights = tmp_path / "data", tmp_path / "copy", tmp_path / "weights"
    root.mkdir()
    make_labelme(root)
    weights.mkdir()
    (weights / "w.pdparams").write_bytes(b"unread")
    arguments = ["mode=convert", "module=text_rec", f"dataset.root={root}", f"output={copy}", "quiet=true"]
    given = [*arguments, f"weights.source={weights}/w.pdparams"]
    with pytest.raises(UserError, match="don't say which characters they know"):
        plx_train.run(given)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "weights"]
    (weights / "dict.txt").write_text("".join(f"{character}\n" for character in sorted({*"Lineother012345"})))
    assert plx_train.run(given).exit_code == 0
    assert sum(len(lines_of(copy / f"{split}.txt")) for split in ("train", "val")) == 2 * NUM_PAGES


def test_a_page_that_is_annotated_twice_keeps_all_its_texts(tmp_path: Path) -> None:
    root, deep = tmp_path / "data", "/".join("ü" * 60 for _ in range(4))
    page(root / deep / "p.png", ["one", "two"])
    page(root / deep / "q.png", ["three", "two"])
    labelme(root / "first.json", f"{deep}/p.png", shapes=[shape("one", quad(0))])
    labelme(root / "second.json", f"{deep}/p.png", shapes=[shape("two", quad(1))])
    labelme(root / "third.json", f"{deep}/q.png", shapes=[shape("three", quad(0))])
    code, report = check("text_rec", root, tmp_path / "out", "module.dict=auto")
    lists = tmp_path / "out" / "label_files"
    lines = [line.split("\t") for name in ("train", "val") for line in lines_of(lists / f"{name}.txt")]
    pictures = {text: cv2.imread(str(lists / name)) for name, text in lines}
    assert pictures.keys() == {"one", "two", "three"} and code == 0
    whole = cv2.imread(str(root / deep / "p.png"))
    for line, text in enumerate(("one", "two")):
        (left, top), _, (right, bottom), _ = quad(line)
        assert np.abs(pictures[text].astype(int) - whole[top:bottom, left:right]).mean() < 5
    told = [(one["path"], one["level"]) for one in report["findings"] if one["code"] == "image-twice"]
    assert told == [("second.json", "warning")]


def test_own_lines_are_copied_into_the_folder_however_they_name_their_images(tmp_path: Path) -> None:
    root, copy = class_folders(tmp_path / "data", ("cat", "dog"), 4), tmp_path / "deep" / "copy"
    picture(tmp_path / "secret.png", 99)
    names = ["cat/0.png", "cat\\1.png", "dog/../cat/2.png", "./cat//3.png", "cat/../../secret.png", "../secret.png"]
    names += [f"dog/x/../../dog/{index}.png" for index in range(4)]
    (root / "train.txt").write_text("".join(f"{name} {int('dog/x' in name)}\n" for name in names))
    before = content_of(root)
    arguments = ["mode=convert", "module=image_cls", f"dataset.root={root}", f"output={copy}", "quiet=true"]
    assert plx_train.run(arguments).exit_code == 1
    assert [path.name for path in copy.parent.iterdir()] == ["copy"] and content_of(root) == before
    lines = {*lines_of(copy / "train.txt"), *lines_of(copy / "val.txt")}
    assert lines == {
        f"images/{name}/{index}.png {number}" for number, name in enumerate(("cat", "dog")) for index in range(4)
    }
    assert all((copy / line.rpartition(" ")[0]).is_file() for line in lines)


def test_equal_pictures_stay_together_whatever_slashes_their_lines_have(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", ("cat",), 10)
    for index in range(10):
        (root / "cat" / f"twin {index}.png").write_bytes((root / "cat" / f"{index}.png").read_bytes())
    names = [f"cat\\{start}{index}.png" for start in ("", "twin ") for index in range(10)]
    (root / "train.txt").write_text("".join(f"{name} 0\n" for name in names))
    report = check("image_cls", root, tmp_path / "out")[1]
    assert "train-and-val" not in report["codes"] and report["codes"]["backslash-path"] == 20


def test_classes_of_one_image_each_leave_nothing_to_validate_on(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", ("cat", "dog", "bird"), 1)
    code, report = check("image_cls", root, tmp_path / "out")
    assert code == 1 and report["codes"]["no-validation"] == 1 and "label-file-empty" not in report["codes"]


@pytest.mark.parametrize("is_own", [True, False])
def test_a_test_share_that_is_passed_over_is_told(tmp_path: Path, is_own: bool) -> None:
    root = class_folders(tmp_path / "data", ("cat", "dog"), 2, ("train", "val"))
    if is_own:
        for split in ("train", "val"):
            lines = [
                f"{split}/{name}/{index}.png {int(name == 'dog')}\n" for name in ("cat", "dog") for index in (0, 1)
            ]
            (root / f"{split}.txt").write_text("".join(lines))
    code, report = check("image_cls", root, tmp_path / "out", "dataset.test_share=0.2")
    assert code == 0 and report["codes"] == {"test-not-divided": 1}


def test_a_class_without_a_training_image_is_told_once(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", ("cat", "dog"), 3, ("train", "val"))
    picture(root / "val" / "bird" / "0.png", 99)
    code, report = check("image_cls", root, tmp_path / "out")
    assert code == 0 and report["codes"] == {"class-not-trained": 1, "class-empty": 1}
