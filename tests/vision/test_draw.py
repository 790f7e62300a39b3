"""Texts are drawn whatever characters they hold."""

from __future__ import annotations

import numpy as np
import pytest

from plx_train.pipelines.drawing import draw_labels, draw_texts
from plx_train.series.draw.canvas import Canvas, legend_width
from plx_train.vision.answers import Answers
from plx_train.vision.draw import BLACK, draw_answers, draw_captions

PICTURE = np.full((60, 200, 3), 255, np.uint8)
QUAD = np.asarray([[10, 10], [150, 10], [150, 40], [10, 40]], np.float32)
ODD = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x200B, 0x200E, 0x2028, 0x2029, 0xFEFF, 0xD800)]


@pytest.mark.parametrize("text", ["".join(ODD), *(f"a{character}b" for character in ODD)])
def test_control_characters_are_drawn_as_their_code_points(text: str) -> None:
    captioned = draw_captions(PICTURE, [(text, BLACK)])
    assert not np.array_equal(captioned, draw_captions(PICTURE, [("ab", BLACK)]))
    answers = Answers(np.asarray([0]), np.asarray([0.9], np.float32), (text,), np.asarray([0.9], np.float32))
    assert draw_answers(PICTURE, answers, [0], [text]).shape[2] == 3
    assert draw_texts(PICTURE, [QUAD], [text]).shape == (60, 400, 3)
    assert draw_labels(PICTURE, [text], [0.9]).shape == PICTURE.shape


@pytest.mark.parametrize("text", ["a\x85b", "a\nb", "a\u2029b", "a\rb"])
def test_charts_draw_names_of_columns_with_control_characters(text: str) -> None:
    canvas = Canvas(300, 80)
    canvas.words(10, 20, text)
    canvas.legend(290, 60, [(text, (0, 0, 0), "line")])
    assert canvas.image().shape == (80, 300, 3)
    assert legend_width([(text, (0, 0, 0), "line")]) > legend_width([("ab", (0, 0, 0), "line")])
