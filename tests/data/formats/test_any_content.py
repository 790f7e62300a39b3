"""Whatever stands in annotation files, readers say it in findings: they raise nothing and lead nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.exporters import labelme, picture, quad, shape, studio_choice, studio_task, studio_text
from kit.gathered import data_folder
from plx_train.contract.truth import Truth
from plx_train.data.formats.choice import dataset_formats
from plx_train.data.formats.lines import write_label_files

NUMBERS = st.integers() | st.floats() | st.just(10**400)
TEXTS = st.text(max_size=9) | st.sampled_from(
    ["a.png", "../a.png", "/etc/passwd", "C:\\a.png", "\0", "\u2028", "1", "0"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=9,
)
FILES = ["labels.csv", "Label.txt", "rec_gt.txt", "fileState.txt", "gt_a.txt", "a.txt", "train.txt"]
LINES = st.lists(TEXTS | st.sampled_from([",", "\t", '"', "1,2,3,4,5,6,7,8,", "\n", "\r"]), max_size=20).map("".join)


@st.composite
def changed(draw: st.DrawFn, plain: Any) -> Any:
    """A value with one or several of its parts exchanged."""
    if draw(st.integers(0, 9)) == 0:
        return draw(VALUES)
    if isinstance(plain, dict):
        return {key: draw(changed(value)) for key, value in plain.items() if draw(st.integers(0, 19))}
    if isinstance(plain, list):
        return [draw(changed(value)) for value in plain]
    return plain


def labelme_file(folder: Path) -> Any:
    labelme(folder / "x.json", "a.png", flags={"cat": True}, shapes=[shape("x", quad(0)), shape("y", [[1, 2], [3, 4]])])
    return json.loads((folder / "x.json").read_text())


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for seed, name in enumerate(("a.png", "b.png")):
        picture(folder / name, seed)
    return folder


def look(root: Path) -> None:
    """What every reader says of the folder, written down."""
    for truth in (Truth.CLASS, Truth.LABELS, Truth.TEXT, Truth.TEXTS, Truth.MASKS):
        folder = data_folder(root, truth)
        for one in dataset_formats().values():
            one.sign(folder)
            if not one.gives(truth):
                continue
            found = one.read(folder)
            written = root.parent / "written"
            written.mkdir(exist_ok=True)
            write_label_files(written, found, (), "label.txt")
            images = {sample.image for samples in found.splits.values() for sample in samples}
            assert one.name == "paddlex" or images <= {"a.png", "b.png"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_json(root: Path, data: st.DataObject) -> None:
    tasks = [studio_task(1, {"image": "a.png"}, [studio_choice("c"), *studio_text("r", "x")])]
    plain = data.draw(st.sampled_from([labelme_file(root), tasks]))
    (root / "x.json").write_text(json.dumps(data.draw(changed(plain))))
    look(root)
    (root / "x.json").unlink()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["labels.csv", "Label.txt", "rec_gt.txt", "fileState.txt", "gt_a.txt", "a.txt", "train.txt"]), LINES
)
def test_lines(root: Path, name: str, text: str) -> None:
    (root / name).write_text(text, "utf-8", newline="")
    look(root)
    (root / name).unlink()
