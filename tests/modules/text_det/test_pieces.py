"""Long images are looked at in pieces: every line once and in full, and ordinary pages as ever."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from plx_train.modules.text_det.processor import TextDetProcessor
from plx_train.vision.pieces import pieces_of

PROCESSOR = TextDetProcessor(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


class Graph:
    """Finds dark pixels, and notes what it was given."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, values: Any) -> list[np.ndarray]:
        self.shapes.append(values.shape)
        return [(values.mean(axis=1, keepdims=True) < 0).astype(np.float32)]


def bars(size: tuple[int, int], boxes: list[tuple[int, int, int, int]]) -> np.ndarray:
    image = np.full((*size, 3), 255, np.uint8)
    for left, top, right, bottom in boxes:
        image[top:bottom, left:right] = 0
    return image


@pytest.mark.parametrize(
    "shape",
    [(3508, 2480), (7016, 4960), (2400, 1080), (1080, 1920), (900, 100), (3000, 1000), (1900, 300), (40, 40), (1, 900)],
)
def test_ordinary_pages_and_small_ones_are_seen_as_a_whole(shape: tuple[int, int]) -> None:
    assert pieces_of(shape, PROCESSOR.input_size) is None
    graph = Graph()
    assert PROCESSOR.predict_in_pieces(graph, np.zeros((*shape, 3), np.uint8)) is None
    assert graph.shapes == []


@pytest.mark.parametrize("is_wide", [False, True])
def test_every_line_is_found_once_wherever_it_lies(is_wide: bool) -> None:
    wanted = [(50, top, 700, top + 30) for top in range(20, 11900, 79)]
    image = bars((12000, 800), wanted)
    if is_wide:
        image = np.ascontiguousarray(image.transpose(1, 0, 2))
        wanted = [(top, left, bottom, right) for left, top, right, bottom in wanted]
    graph = Graph()
    whole = PROCESSOR.postprocess(PROCESSOR.split_outputs(graph(PROCESSOR.preprocess(image)[0][None]))[0], (1, 1))
    assert len(whole.quads) < 10, "shrunk as a whole nothing is seen"
    found = PROCESSOR.predict_in_pieces(Graph(), image)
    assert found is not None and len(found.quads) == len(wanted)
    boxes = sorted((*quad.min(axis=0), *quad.max(axis=0)) for quad in found.quads)
    for box, (left, top, right, bottom) in zip(boxes, sorted(wanted), strict=True):
        grown = 30 * 650 * 1.5 / (2 * (30 + 650))
        limits = np.clip([left - grown, top - grown, right + grown, bottom + grown], 0, max(image.shape))
        np.testing.assert_allclose(box, limits, atol=4)


def test_a_line_along_all_pieces_is_one_box() -> None:
    image = bars((400, 9000), [(100, 180, 8900, 210)])
    found = PROCESSOR.predict_in_pieces(Graph(), image)
    assert found is not None and len(found.quads) == 1
    assert found.quads[0][:, 0].min() < 100 and found.quads[0][:, 0].max() > 8900


def test_one_piece_is_looked_at_at_a_time_and_all_are_alike() -> None:
    graph = Graph()
    assert PROCESSOR.predict_in_pieces(graph, bars((20000, 1000), [])) is not None
    assert len(set(graph.shapes)) == 1 and graph.shapes[0] == (1, 3, *PROCESSOR.input_size((1500, 1000)))


def test_more_lines_than_one_map_may_have() -> None:
    processor = replace(PROCESSOR, max_candidates=40)
    found = processor.predict_in_pieces(
        Graph(), bars((12000, 800), [(50, top, 700, top + 30) for top in range(20, 11900, 79)])
    )
    assert found is not None and len(found.quads) == 151


@pytest.mark.parametrize(
    ("limits", "count"), [((12000, "max", 12000), 0), ((64, "min", 4000), 12), ((960, "max", 4000), 12)]
)
def test_limits_that_leave_enough_need_no_pieces(limits: tuple[int, str, int], count: int) -> None:
    side, kind, most = limits
    processor = replace(PROCESSOR, limit_side_len=side, limit_type=kind, max_side_limit=most)
    pieces = pieces_of((12000, 800), processor.input_size)
    assert (len(pieces.starts) if pieces else 0) == count
    if pieces:
        ends = [start + pieces.length for start in pieces.starts]
        assert pieces.starts[0] == 0 and ends[-1] == pieces.size[0]
        assert all(end - start >= pieces.length // 8 for end, start in zip(ends[:-1], pieces.starts[1:], strict=True))


@pytest.mark.parametrize("shape", [(5, 20000), (31, 2000), (4000, 20), (12000, 800)])
def test_what_no_pieces_can_be_cut_of_is_seen_as_a_whole(shape):
    processor = PROCESSOR if min(shape) < 32 else replace(PROCESSOR, limit_side_len=32)
    assert pieces_of(shape, processor.input_size) is None
