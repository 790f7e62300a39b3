"""JSON-MIN of Label Studio's OCR template: regions and texts side by side, as its exporter writes them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kit.exporters import picture
from kit.gathered import read_as, seen_as, told, truths
from kit.studio_short import corners, ocr_task, open_task, region, short_task
from plx_train.contract.truth import Outline, Truth

CORNERS = ((16.0, 16.0), (208.0, 16.0), (208.0, 48.0), (16.0, 48.0))


def export(root: Path, *tasks: object) -> Path:
    picture(root / "scans" / "a b.png", 1, (160, 320))
    (root / "project-1-at-2024-05-02-09-12.json").write_text(json.dumps(tasks))
    return root


def lines_of(root: Path) -> list[tuple[str, tuple[tuple[float, float], ...]]]:
    found = read_as("label_studio", root, Truth.TEXTS)
    assert not found.findings
    (outlines,) = truths(found).values()
    assert isinstance(outlines, tuple)
    return [(one.label, one.points) for one in outlines if isinstance(one, Outline)]


@pytest.mark.parametrize("address", ["/data/local-files/?d=scans/a%20b.png", "/data/local-files/?d=scans%2Fa%20b.png",
                                     "/data/upload/1/1a2b3c4d-a b.png"])  # fmt: skip
def test_regions_have_the_texts_in_their_order(tmp_path: Path, address: str) -> None:
    root = export(tmp_path, ocr_task(1, address))
    assert seen_as(root, Truth.TEXTS) == seen_as(root, Truth.TEXT) == "label_studio"
    (first, points), (second, _) = lines_of(root)
    assert (first, second) == ("one", "two") and np.allclose(points, CORNERS)


def test_a_single_region_has_a_text_and_no_list(tmp_path: Path) -> None:
    controls = {"bbox": [region(10.0)], "label": [region(10.0, labels=["Text"])], "transcription": "only one"}
    root = export(tmp_path, short_task(1, "/data/upload/1/0a1b2c3d-a b.png", **controls, quality="good"))
    assert [text for text, _ in lines_of(root)] == ["only one"]


def test_rectangles_and_polygons_stand_in_the_order_of_their_labels(tmp_path: Path) -> None:
    controls = {
        "bbox": [region(10.0)],
        "label": [region(10.0, labels=["Text"]), corners(50, labels=["Handwriting"])],
        "transcription": ["typed", "written"],
        "poly": [corners(50)],
    }
    root = export(tmp_path, short_task(1, "a b.png", **controls))
    (first, box), (second, polygon) = lines_of(root)
    assert (first, second) == ("typed", "written")
    assert np.allclose(box, CORNERS) and np.allclose(polygon[0], (16, 80))


def test_several_lines_of_one_region_are_joined(tmp_path: Path) -> None:
    typed = [region(10.0, text=["over", "two lines"]), "two"]
    assert [text for text, _ in lines_of(export(tmp_path, ocr_task(1, "a b.png", typed)))] == ["over two lines", "two"]


def test_texts_that_nobody_can_place_are_told(tmp_path: Path) -> None:
    found = read_as("label_studio", export(tmp_path, ocr_task(1, "a b.png", "one")), Truth.TEXTS)
    (finding,) = found.findings
    assert finding.code == "texts-without-regions" and finding.level == "error"
    assert "task 1: 1 texts for 2 regions" in finding.reason and "export the project as JSON" in finding.reason


def test_pages_without_regions_and_tasks_that_nobody_opened(tmp_path: Path) -> None:
    picture(tmp_path / "empty.png", 2, (160, 320))
    picture(tmp_path / "later.png", 3, (160, 320))
    root = export(tmp_path, ocr_task(1, "a b.png"), short_task(2, "empty.png"), open_task(3, "later.png"))
    found = read_as("label_studio", root, Truth.TEXTS)
    assert truths(found)["empty.png"] == () and "later.png" not in truths(found)
    assert [code for _, _, _, code in told(found)] == ["task-not-annotated"]


@pytest.mark.parametrize("name", ["a+b.png", "a&b.png", "a#b.png", "50%.png", "a%20b.png", "\u00fc.png"])
def test_local_files_that_stand_there_as_they_are_called(tmp_path: Path, name: str) -> None:
    picture(tmp_path / "scans" / name, 5, (160, 320))
    root = export(tmp_path, ocr_task(1, f"/data/local-files/?d=scans/{name}"))
    (tmp_path / "scans" / "a b.png").unlink()
    assert [*truths(read_as("label_studio", root, Truth.TEXTS))] == [f"scans/{name}"]


def test_regions_are_of_the_class_that_another_control_gives_them(tmp_path: Path) -> None:
    for controls in (
        {"label": [region(10.0, rectanglelabels=["cat"])]},
        {"bbox": [region(10.0)], "label": [region(10.0, labels=["cat"])]},
        {"bbox": [corners(10)], "label": [corners(10, polygonlabels=["cat"])]},
    ):
        root = export(tmp_path, short_task(1, "a b.png", **controls))
        (outlines,) = truths(read_as("label_studio", root, Truth.BOXES)).values()
        assert [one.label for one in outlines if isinstance(one, Outline)] == ["cat"], controls
