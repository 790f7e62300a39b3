"""Captions of boxes stand clear of each other and within the picture, as far as there is room."""

from __future__ import annotations

import itertools

import numpy as np

from plx_train.vision.draw_boxes import Panel, _meet, draw_boxes

GREEN = (80, 160, 20)


def panels_of(boxes: list[list[float]], captions: list[str], size: tuple[int, int] = (200, 300)) -> list[Panel]:
    taken: list[Panel] = []
    drawn = draw_boxes(np.full((*size, 3), 255, np.uint8), np.asarray(boxes), captions, GREEN, taken)
    assert drawn.shape == (*size, 3) and (drawn != 255).any()
    assert all(left >= 0 and top >= 0 and right <= size[1] and bottom <= size[0] for left, top, right, bottom in taken)
    return taken


def test_a_caption_stands_above_its_box() -> None:
    ((left, _, _, bottom),) = panels_of([[50, 60, 120, 150]], ["cat 0.90"])
    assert left == 50 and bottom == 60


def test_captions_of_boxes_at_one_place_do_not_cover_each_other() -> None:
    panels = panels_of([[50, 60, 120, 150]] * 5, [f"class {number} 0.90" for number in range(5)])
    assert not any(_meet(*pair) for pair in itertools.combinations(panels, 2))


def test_captions_at_the_edges_stay_in_the_picture() -> None:
    panels_of([[250, 0, 300, 40], [0, 180, 30, 200], [290, 190, 300, 200]], ["a long caption 0.50"] * 3)


def test_where_all_is_taken_a_caption_covers_another() -> None:
    assert len(panels_of([[10, 10, 20, 20]] * 30, ["class"] * 30, (40, 60))) == 30


def test_boxes_without_captions_are_outlines() -> None:
    assert panels_of([[50, 60, 120, 150]], [""]) == []
