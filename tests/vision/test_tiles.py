"""Tiles of large images: how they are cut, when, and that what is found in them is put together again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from plx_train.ground.errors import ConfigError
from plx_train.metrics.boxes import overlaps_of
from plx_train.vision.image import write_image
from plx_train.vision.objects import Objects
from plx_train.vision.samples import LabelledImage
from plx_train.vision.seams import merge_tiles
from plx_train.vision.tiles import Tiling, check_tiles, choose_tiling, tiles_of

TILING = Tiling((100, 80), 30)


def labelled(folder: Path, shape: tuple[int, int], boxes: list[list[float]], name: str = "a.png") -> LabelledImage:
    """A picture whose pixels tell their places, with boxes of one class."""
    image = np.zeros((*shape, 3), np.uint8)
    image[:, :, 0], image[:, :, 1] = np.arange(shape[1]) % 251, (np.arange(shape[0]) % 251)[:, None]
    write_image(folder / name, image)
    array = np.asarray(boxes, np.float32).reshape(-1, 4)
    truth = Objects(array, np.zeros(len(array), np.int64), np.zeros(len(array), bool))
    return LabelledImage(folder / name, truth, "train.json:1")


def test_tiles_lie_evenly_from_end_to_end() -> None:
    assert Tiling((100, 100), 20).corners((100, 250)).tolist() == [[0, 0], [75, 0], [150, 0]]
    assert Tiling((100, 80), 20).corners((90, 100)).tolist() == [[0, 0], [0, 10]]
    assert Tiling((100, 80), 20).corners((40, 30)).tolist() == [[0, 0]]


@given(st.integers(1, 700), st.integers(1, 700), st.integers(8, 200), st.integers(8, 200), st.floats(0, 0.5))
def test_tiles_cover_all_and_overlap_enough(height: int, width: int, across: int, down: int, share: float) -> None:
    tiling = Tiling((across, down), int(share * min(across, down)))
    corners = tiling.corners((height, width))
    for axis, side, tile in ((0, width, across), (1, height, down)):
        starts = np.unique(corners[:, axis])
        assert starts[0] == 0 and starts[-1] == max(side - tile, 0)
        assert (np.diff(starts) <= tile - tiling.overlap).all()
    assert len(np.unique(corners, axis=0)) == len(corners)


def test_a_tile_is_of_full_size_and_grey_beyond_the_image() -> None:
    image = np.arange(60 * 70 * 3, dtype=np.uint32).reshape(60, 70, 3).astype(np.uint8)
    tile = TILING.cut(image, (0, 0))
    assert tile.shape == (80, 100, 3) and np.array_equal(tile[:60, :70], image)
    assert (tile[60:] == (124, 116, 104)).all() and (tile[:, 70:] == (124, 116, 104)).all()


def test_tiles_hold_what_is_seen_well_enough_in_their_own_pixels(tmp_path: Path) -> None:
    # Tiles begin at 0, 70 and 140 across, 0 and 20 down: one object lies in two of them, half of the other in a third.
    sample = labelled(tmp_path, (100, 240), [[80, 40, 100, 60], [160, 10, 180, 30]])
    tiles = tiles_of([sample], TILING, 0.6)
    seen = {tile.corner: tile.truth.boxes.tolist() for tile in tiles}
    assert seen[(0, 0)] == [[80, 40, 100, 60]] and seen[(0, 20)] == [[80, 20, 100, 40]]
    assert seen[(70, 0)] == [[10, 40, 30, 60]]
    assert seen[(140, 0)] == [[20, 10, 40, 30]]
    assert (140, 20) not in seen or seen[(140, 20)] == []
    for tile in tiles:
        x, y = tile.corner
        seen_there = tile.part(tile.read())
        assert (seen_there[0, 0, :2] == (x % 251, y % 251)).all() and seen_there.shape == (80, 100, 3)
    assert {tile.key for tile in tiles} == {sample.image}, "an image is decoded once for all of its tiles"
    assert {tile.document for tile in tiles} == {str(sample.image)}
    half = {tile.corner: tile.truth.boxes.tolist() for tile in tiles_of([sample], TILING, 0.5)}
    assert half[(140, 20)] == [[20, -10, 40, 10]], "boxes stay whole, so that their share in a view can be told"


def test_as_many_tiles_have_no_object_as_have_one(tmp_path: Path) -> None:
    tiles = tiles_of([labelled(tmp_path, (800, 1000), [[5, 5, 20, 20]])], TILING, 0.5)
    assert [len(tile.truth) for tile in tiles] == [1, 0]


def test_images_without_any_object_give_all_their_tiles(tmp_path: Path) -> None:
    corners = TILING.corners((400, 500))
    assert len(tiles_of([labelled(tmp_path, (400, 500), [])], TILING, 0.5)) == len(corners) > 1


@pytest.mark.parametrize("wanted", ["auto", "AUTO", "off", "False", "64", "640", "4096"])
def test_tiles_that_can_be_asked_for(wanted: str) -> None:
    check_tiles(wanted)


@pytest.mark.parametrize("wanted", ["", "63", "4097", "-100", "1e3", "640.5", "[640]", "9" * 30, "²"])
def test_tiles_that_make_no_sense(wanted: str) -> None:
    with pytest.raises(ConfigError, match=r"^module\.tiles must be auto, off, or 64 to 4096 pixels, not"):
        check_tiles(wanted)


def test_images_are_cut_where_objects_would_be_too_small(tmp_path: Path) -> None:
    small = [[x, y, x + 32, y + 40] for x in range(0, 2000, 100) for y in range(0, 900, 100)]
    large = labelled(tmp_path, (1000, 2000), small)
    # Whole, 32 of 2000 pixels become 5 of 320; at 16 of 320 they are 32 of 640.
    assert choose_tiling([large], (320, 320), "auto") == Tiling((640, 640), 128)
    assert choose_tiling([large], (320, 320), "off") is None
    assert choose_tiling([large], (320, 160), "500") == Tiling((500, 250), 50)
    # Where the network sees enough of them, or the picture is no larger than a tile, it is seen whole.
    assert choose_tiling([large], (640, 640), "auto") is None
    assert choose_tiling([labelled(tmp_path, (300, 300), [[0, 0, 5, 5]], "b.png")], (320, 320), "auto") is not None
    assert choose_tiling([labelled(tmp_path, (300, 300), [], "c.png")], (320, 320), "auto") is None
    # The largest objects fit into half of a tile.
    mixed = replace(large, truth=replace(large.truth, boxes=large.truth.boxes.copy()))
    mixed.truth.boxes[::10, 2:] = mixed.truth.boxes[::10, :2] + 400
    assert choose_tiling([mixed], (320, 320), "auto") == Tiling((800, 800), 400)


def found_by_eye(boxes: np.ndarray, tiling: Tiling, shape: tuple[int, int]) -> np.ndarray:
    """What a detector gives that sees every part of 6 pixels or more in a tile, surer of what it sees more of."""
    rows = []
    for number, (x, y) in enumerate(tiling.corners(shape).tolist()):
        for place, box in enumerate(boxes):
            own = np.clip(box - [x, y, x, y], 0, [*tiling.size, *tiling.size])
            sides = own[2:] - own[:2]
            if (sides >= 6).all():
                share = np.prod(sides) / np.prod(box[2:] - box[:2])
                rows.append([number, place % 2, 0.4 + 0.5 * share, *own])
    return np.asarray(rows, np.float32).reshape(-1, 7)


def same_boxes(rows: np.ndarray, boxes: np.ndarray) -> bool:
    return np.array_equal(np.sort(rows[:, 2:].view("f4,f4,f4,f4"), axis=0), np.sort(boxes.view("f4,f4,f4,f4"), axis=0))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(60, 500), st.integers(60, 500), st.sampled_from([28, 75]))
def test_objects_are_found_once_and_whole(seed: int, height: int, width: int, largest: int) -> None:
    rng = np.random.default_rng(seed)
    sides = rng.integers(10, largest + 1, (30, 2))
    low = rng.integers(0, [width, height], (30, 2))
    drawn = np.concatenate([low, low + sides], axis=1).astype(np.float32)
    drawn = drawn[(drawn[:, 2:] <= [width, height]).all(axis=1)]
    boxes = np.zeros((0, 4), np.float32)
    for box in drawn:
        # Objects apart: else whose parts are whose could be a matter of opinion.
        if not (overlaps_of(box[None] + [-8, -8, 8, 8], boxes) > 0).any():
            boxes = np.concatenate([boxes, box[None]])
    assume(len(boxes))

    rows = merge_tiles(found_by_eye(boxes, TILING, (height, width)), TILING, (height, width))

    assert same_boxes(np.ascontiguousarray(rows), boxes), (rows, boxes)
    assert rows[:, 1].max() == pytest.approx(0.9) or largest > 30


def test_the_surest_of_two_tiles_counts_and_classes_stay_apart() -> None:
    # Tiles of 100 begin at 0 and 70.
    rows = np.asarray([
        [0, 0, 0.6, 75, 10, 95, 30], [1, 0, 0.9, 5, 10, 25, 31],
        [0, 1, 0.5, 75, 10, 95, 30], [1, 0, 0.2, 60, 10, 80, 30],
    ], np.float32)  # fmt: skip
    merged = merge_tiles(rows, Tiling((100, 100), 30), (100, 170))
    kept = {(row[0], round(float(row[1]), 2), *row[2:]) for row in merged.tolist()}
    assert kept == {(0, 0.9, 75, 10, 95, 31), (1, 0.5, 75, 10, 95, 30), (0, 0.2, 130, 10, 150, 30)}


def test_a_cut_box_gives_way_to_the_whole_one_even_if_surer() -> None:
    rows = np.asarray([[0, 0, 0.95, 80, 10, 99.5, 50], [1, 0, 0.4, 10, 10, 60, 50]], np.float32)
    merged = merge_tiles(rows, Tiling((100, 100), 30), (100, 170))
    assert merged.tolist() == [[0, pytest.approx(0.4), 80, 10, 130, 50]]
    empty = merge_tiles(np.zeros((0, 7), np.float32), Tiling((100, 100), 30), (100, 170))
    assert empty.shape == (0, 6)
