"""Label Studio's JSON export: addresses of uploads and local files, skipped tasks, choices and regions in percent."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from kit.exporters import SIZE, picture, studio_choice, studio_task, studio_text
from kit.gathered import read_as, seen_as, told, truths
from plx_train.contract.truth import Outline, Truth

HEIGHT, WIDTH = SIZE


def export(root: Path, *tasks: object) -> Path:
    (root / "project-1-at-2024-05-02.json").write_text(json.dumps(tasks))
    return root


@pytest.mark.parametrize(
    "address",
    [
        "/data/upload/1/0a1b2c3d-my_cat.png",
        "/data/local-files/?d=photos%2Fmy%20cat.png",
        "/data/local-files/?d=photos/my cat.png",
        "https://example.com/x/my%20cat.png?token=abc",
        "s3://bucket/photos/my cat.png",
        "my cat.png",
    ],
)
def test_images_are_found_by_their_addresses(tmp_path: Path, address: str) -> None:
    picture(tmp_path / "photos" / "my cat.png", 1)
    export(tmp_path, studio_task(1, {"image": address}, [studio_choice("cat")]))
    assert seen_as(tmp_path, Truth.CLASS) == "label_studio"
    found = read_as("label_studio", tmp_path, Truth.CLASS)
    assert truths(found) == {"photos/my cat.png": "cat"} and not found.findings


def test_what_nobody_finished_is_left_out_and_told(tmp_path: Path) -> None:
    for seed, name in enumerate("abcde"):
        picture(tmp_path / f"{name}.png", seed)
    tasks = [
        studio_task(1, {"image": "/data/upload/1/a.png"}, [studio_choice("cat")]),
        studio_task(2, {"image": "/data/upload/1/b.png"}, None),
        studio_task(3, {"image": "/data/upload/1/c.png"}, [studio_choice("cat")], was_cancelled=True),
        studio_task(4, {"image": "/data/upload/1/d.png"}, []),
        studio_task(5, {"image": "/data/upload/1/e.png"}, [studio_choice("cat", "dog")]),
        studio_task(6, {"image": "/data/upload/1/z.png"}, [studio_choice("cat")]),
    ]
    found = read_as("label_studio", export(tmp_path, *tasks), Truth.CLASS)
    assert truths(found) == {"a.png": "cat"}
    levels = sorted((level, code) for _, _, level, code in told(found))
    assert levels == [
        ("error", "choices-not-one"),
        ("error", "image-missing"),
        ("warning", "choices-not-one"),
        ("warning", "task-not-annotated"),
    ]
    assert "are left out: 2, 3" in next(one.reason for one in found.findings if one.code == "task-not-annotated")


def test_of_several_annotations_ground_truth_counts_then_the_last(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 1)
    task = studio_task(1, {"image": "a.png"}, [studio_choice("cat")])
    first = task["annotations"][0]
    task["annotations"].append(first | {"result": [studio_choice("dog")], "updated_at": "2024-06-01T00:00:00Z"})
    found = read_as("label_studio", export(tmp_path, task), Truth.CLASS)
    assert truths(found) == {"a.png": "dog"} and {code for *_, code in told(found)} == {"several-annotations"}
    first["ground_truth"] = True
    assert truths(read_as("label_studio", export(tmp_path, task), Truth.CLASS)) == {"a.png": "cat"}


def test_several_controls_have_to_be_named(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 1)
    results = [studio_choice("cat", control="animal"), studio_choice("good", control="quality")]
    export(tmp_path, studio_task(1, {"image": "a.png"}, results))
    assert {code for *_, code in told(read_as("label_studio", tmp_path, Truth.CLASS))} == {"several-controls"}
    assert truths(read_as("label_studio", tmp_path, Truth.CLASS, label="quality")) == {"a.png": "good"}


def test_choices_are_labels(tmp_path: Path) -> None:
    for seed, name in enumerate("ab"):
        picture(tmp_path / f"{name}.png", seed)
    tasks = [
        studio_task(1, {"image": "a.png"}, [studio_choice("round", "red")]),
        studio_task(2, {"image": "b.png"}, []),
    ]
    found = read_as("label_studio", export(tmp_path, *tasks), Truth.LABELS)
    assert found.labels == ("red", "round") and truths(found) == {"a.png": ("round", "red"), "b.png": ()}


def test_the_short_export_has_choices_too(tmp_path: Path) -> None:
    for seed, name in enumerate("ab"):
        picture(tmp_path / f"{name}.png", seed)
    common = {"annotator": 1, "annotation_id": 1, "created_at": "2024-05-02T09:11:12.003Z", "lead_time": 3.1}
    tasks = [
        {"image": "/data/upload/1/0a1b2c3d-a.png", "id": 1, "choice": "cat", **common},
        {"image": "/data/upload/1/0a1b2c3d-b.png", "id": 2, "choice": "dog", **common},
    ]
    assert seen_as(export(tmp_path, *tasks), Truth.CLASS) == "label_studio"
    assert truths(read_as("label_studio", tmp_path, Truth.CLASS)) == {"a.png": "cat", "b.png": "dog"}
    both = {"image": "b.png", "id": 3, "choice": {"choices": ["cat", "dog"]}, **common}
    export(tmp_path, tasks[0], both)
    assert truths(read_as("label_studio", tmp_path, Truth.LABELS)) == {"a.png": ("cat",), "b.png": ("cat", "dog")}


@pytest.mark.parametrize("name", ["n/a", "St. Bernard", "v1.0", "a/b.c"])
def test_choices_of_the_short_export_may_hold_dots_and_slashes(tmp_path: Path, name: str) -> None:
    for seed in range(3):
        picture(tmp_path / f"{seed}.png", seed)
    chosen = (name, "cat", {"choices": ["cat", "dog"]})
    tasks = [
        {"image": f"/data/local-files/?d={number}.png", "page": f"https://a.b/{number}", "id": number, "annotator": 1}
        | {"choice": choice}
        for number, choice in enumerate(chosen)
    ]
    found = read_as("label_studio", export(tmp_path, *tasks), Truth.CLASS)
    assert truths(found) == {"0.png": name, "1.png": "cat"}
    assert [one.reason for one in found.findings] == ["task 2 (2.png) has 2 choices, and an image has one class"]
    found = read_as("label_studio", export(tmp_path, tasks[0] | {"choice": {"choices": []}}), Truth.CLASS)
    assert [one.reason for one in found.findings] == ["task 0 (0.png) has 0 choices, and an image has one class"]


def test_regions_are_texts_in_pixels(tmp_path: Path) -> None:
    picture(tmp_path / "p.png", 1, SIZE)
    polygon = {
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "image_rotation": 0,
        "value": {"points": [[0, 0], [50, 0], [50, 50], [0, 50]], "closed": True},
        "id": "p1",
        "from_name": "poly",
        "to_name": "image",
        "type": "polygon",
    }
    results = [
        *studio_text("r1", "Total"),
        *studio_text("r2", None, x=0, y=50, width=25, height=10, rotation=90),
        polygon,
        {"id": "p1", "type": "textarea", "value": {"text": ["two", "parts"]}, "from_name": "t", "to_name": "image"},
    ]
    export(tmp_path, studio_task(1, {"ocr": "/data/upload/1/deadbeef-p.png"}, results))
    assert seen_as(tmp_path, Truth.TEXTS) == "label_studio"
    first, second, third = truths(read_as("label_studio", tmp_path, Truth.TEXTS))["p.png"]
    assert first == Outline(((32, 16), (192, 16), (192, 48), (32, 48)), "Total")
    assert third == Outline(((0, 0), (160, 0), (160, 80), (0, 80)), "two parts")
    # A quarter turn clockwise about its top left, which is at 0, 80: 80 wide becomes 80 down.
    expected = [(0, 80), (0, 160), (-16, 160), (-16, 80)]
    assert second.label == "" and all(
        math.dist(given, wanted) < 1e-9 for given, wanted in zip(second.points, expected, strict=True)
    )


def test_odd_regions_are_told(tmp_path: Path) -> None:
    picture(tmp_path / "p.png", 1, SIZE)
    turned = [one | {"image_rotation": 90} for one in studio_text("a", "x")[:1]]
    unsized = [{**one, "original_width": None} for one in studio_text("b", "y")]
    brush = {"id": "c", "type": "brushlabels", "value": {"rle": [1], "format": "rle"}, "from_name": "b", "to_name": "i"}
    results = [*turned, *unsized, brush, *studio_text("d", "z", width=float("nan"))[:1], {"id": 1}, {"value": 3}]
    found = read_as("label_studio", export(tmp_path, studio_task(1, {"image": "p.png"}, results)), Truth.TEXTS)
    assert truths(found)["p.png"] == (Outline(((32, 16), (192, 16), (192, 48), (32, 48)), "y"),)
    assert sorted(one.code for one in found.findings) == ["region-invalid", "region-invalid", "region-without-outline"]


def test_other_json_is_no_export(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 1)
    (tmp_path / "package.json").write_text('{"data": {}, "annotations": []}')
    (tmp_path / "list.json").write_text("[1, 2]")
    assert seen_as(tmp_path, Truth.CLASS) is None
