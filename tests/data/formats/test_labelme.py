"""LabelMe's JSON files: flags and shapes, with paths of other machines and files that are no annotations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.exporters import labelme, picture, quad, shape
from kit.gathered import read_as, seen_as, told, truths
from plx_train.contract.truth import Outline, Truth


@pytest.mark.parametrize("path", ["a.png", "..\\images\\a.png", "C:\\Users\\me\\images\\a.png", "/home/me/a.png"])
def test_a_flag_is_the_class(tmp_path: Path, path: str) -> None:
    picture(tmp_path / "images" / "a.png", 1)
    labelme(tmp_path / "annotations" / "a.json", path, flags={"cat": True, "dog": False})
    assert seen_as(tmp_path, Truth.CLASS) == "labelme"
    found = read_as("labelme", tmp_path, Truth.CLASS)
    assert truths(found) == {"images/a.png": "cat"} and not found.findings


def test_flags_are_labels(tmp_path: Path) -> None:
    for seed, name in enumerate("ab"):
        picture(tmp_path / f"{name}.png", seed)
        labelme(tmp_path / f"{name}.json", f"{name}.png", flags={"round": name == "a", "red": True})
    found = read_as("labelme", tmp_path, Truth.LABELS)
    assert found.labels == ("red", "round")
    assert truths(found) == {"a.png": ("round", "red"), "b.png": ("red",)}


def test_shapes_are_texts(tmp_path: Path) -> None:
    picture(tmp_path / "train" / "p.png", 1)
    picture(tmp_path / "val" / "q.png", 2)
    shapes = [
        shape("Hello", quad(0)),
        shape("text", [[100, 90], [20, 60]], "rectangle", "in the description"),
        shape("###", [[0, 0], [9, 0], [9, 9]]),
        shape("dot", [[3, 3]], "point"),
    ]
    labelme(tmp_path / "train" / "p.json", "p.png", shapes=shapes)
    labelme(tmp_path / "val" / "q.json", "q.png")
    assert seen_as(tmp_path, Truth.TEXTS) == "labelme" and seen_as(tmp_path, Truth.TEXT) == "labelme"
    found = read_as("labelme", tmp_path, Truth.TEXTS)
    assert truths(found)["train/p.png"] == (
        Outline(((15, 12), (215, 12), (215, 50), (15, 50)), "Hello"),
        Outline(((20, 60), (100, 60), (100, 90), (20, 90)), "in the description"),
        Outline(((0, 0), (9, 0), (9, 9), (9, 9)), "###", True),
    )
    assert truths(found, "val") == {"val/q.png": ()}
    assert told(found) == {("train/p.json", 0, "warning", "shape-without-area")}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "bad-json"),
        (b"\xff\xfe{}", "bad-json"),
        (b"[" * 100_000, "bad-json"),
        (b'{"a": 1}', "other-json"),
        (
            json.dumps({"imagePath": "z.png", "imageData": "aGk=", "shapes": [], "flags": {"x": True}}).encode(),
            "image-missing",
        ),
        (
            json.dumps({"imagePath": "../../a.png", "shapes": [], "flags": {"x": True, "y": True}}).encode(),
            "flags-not-one",
        ),
        (json.dumps({"imagePath": 7, "shapes": 3, "flags": {"x": True}}).encode(), "image-missing"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, content: bytes, code: str) -> None:
    picture(tmp_path / "a.png", 1)
    picture(tmp_path / "b.png", 2)
    labelme(tmp_path / "b.json", "b.png", flags={"cat": True})
    (tmp_path / "bad.json").write_bytes(content)
    found = read_as("labelme", tmp_path, Truth.CLASS)
    assert truths(found) == {"b.png": "cat"}
    assert [(one.path, one.code) for one in found.findings] == [("bad.json", code)]


@pytest.mark.parametrize(
    "points", [None, [], [[1, 2]], [[1, "2"], [3, 4], [5, 6]], [[1e400, 2], [3, 4], [5, 6]], [[10**400, 0]] * 3]
)
def test_points_that_are_none_are_told(tmp_path: Path, points: object) -> None:
    picture(tmp_path / "a.png", 1)
    labelme(tmp_path / "a.json", "a.png", shapes=[{"label": "x", "points": points, "shape_type": "polygon"}, 5])
    found = read_as("labelme", tmp_path, Truth.TEXTS)
    assert truths(found) == {"a.png": ()}
    assert {code for *_, code in told(found)} == {"points-not-pairs", "shape-not-object"}


@pytest.mark.parametrize("path", ["a.png", "C:\\work\\a.png", "../old/a.png"])
def test_the_pair_of_a_file_counts_before_images_elsewhere(tmp_path: Path, path: str) -> None:
    for seed, name in enumerate(("a.png", "sub/b.png", "sub/c.png")):
        picture(tmp_path / name, seed)
    labelme(tmp_path / "sub" / "b.json", path, flags={"cat": True})
    labelme(tmp_path / "sub" / "x.json", path.replace("a.png", "c.png"), flags={"dog": True})
    labelme(tmp_path / "sub" / "y.json", path, flags={"bird": True})
    found = read_as("labelme", tmp_path, Truth.CLASS)
    assert truths(found) == {"sub/b.png": "cat", "sub/c.png": "dog", "a.png": "bird"} and not found.findings


@pytest.mark.parametrize("shapes", [5, True, "x", {"a": 1}])
def test_shapes_that_are_no_list_are_no_sign(tmp_path: Path, shapes: object) -> None:
    labelme(tmp_path / "a.json", "a.png", shapes=shapes)
    assert seen_as(tmp_path, Truth.TEXTS) is None
