"""Pre- and postprocessing of text recognition, against numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from plx_train.ground.errors import UserError
from plx_train.modules.text_rec.processor import TextRecProcessor, steps_needed, steps_of

NAME = "PP-OCRv4_mobile_rec"
AB = TextRecProcessor(("a", "b"))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((30, 100), (160, 320)),
        ((30, 300), (480, 480)),
        ((7, 101), (692, 692)),  # 692.57: the canvas is rounded down, and the crop squeezed into it
        ((9, 10), (54, 320)),  # 53.3 is rounded up
        ((10, 1000), (3200, 3200)),
    ],
)
def test_a_crop_keeps_its_aspect_ratio_and_is_padded(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    assert AB.input_width(shape) == expected


@pytest.mark.parametrize("mode", ["BGR", "RGB"])
def test_pixels_go_from_minus_one_to_one_and_padding_is_zero(mode: str) -> None:
    image = np.zeros((24, 50, 3), np.uint8)
    image[..., 0], image[..., 1] = 255, 51
    x, shape = TextRecProcessor(("a",), image_mode=mode).preprocess(image)
    assert (x.shape, x.dtype, shape) == ((3, 48, 320), np.float32, (24, 50))
    expected = [1.0, -0.6, -1.0] if mode == "BGR" else [-1.0, -0.6, 1.0]
    assert np.allclose(x[:, :, :100], np.asarray(expected)[:, None, None], atol=1e-6)
    assert not x[:, :, 100:].any()


def test_normalised_bits_are_those_of_scaling_subtracting_and_dividing_in_single_precision() -> None:
    image = np.random.default_rng(0).integers(0, 256, (31, 77, 3), np.uint8)
    resized = cv2.resize(image, (120, 48)).astype("float32").transpose(2, 0, 1)  # 48 x 77 / 31 = 119.2
    expected = resized / 255
    expected -= 0.5
    expected /= 0.5
    assert np.array_equal(AB.preprocess(image)[0][:, :, :120], expected)


def probabilities(*classes: int, sure: float = 0.7) -> np.ndarray:
    steps = np.full((len(classes), 4), (1 - sure) / 3, np.float32)
    steps[np.arange(len(classes)), classes] = sure
    return steps


def test_runs_are_one_character_and_a_blank_parts_equal_ones() -> None:
    steps = probabilities(0, 1, 1, 0, 1, 2, 3, 3, 0, 2)
    steps[1, 1] = 0.9  # the first step of a run gives its score
    prediction = AB.postprocess(steps, (48, 320))
    assert prediction.text == "aab b"
    assert prediction.score == pytest.approx((0.9 + 0.7 * 4) / 5)
    assert prediction.to_json() == {"text": "aab b", "score": 0.74}


def test_nothing_but_blanks_is_an_empty_text() -> None:
    prediction = AB.postprocess(probabilities(0, 0), (48, 320))
    assert (prediction.text, prediction.score) == ("", 0.0)


def test_encode_leaves_out_what_it_does_not_know_and_unknown_names_it() -> None:
    assert AB.encode("ab xa") == [1, 2, 3, 1]
    assert AB.unknown("ab xay") == ["x", "y"]


def test_steps() -> None:
    assert [steps_of(width) for width in (320, 321, 325, 48)] == [40, 40, 41, 6]
    assert [steps_needed(classes) for classes in ([], [1], [1, 1], [1, 2, 2, 2])] == [0, 1, 3, 6]


def test_settings_come_back_from_the_file() -> None:
    awkward = TextRecProcessor(tuple("1~'\"#:-a中\u3000ſ\\{"), 480, "RGB")
    written = yaml.safe_dump(awkward.to_inference(NAME), allow_unicode=True)
    assert TextRecProcessor.from_inference(yaml.safe_load(written)) == awkward


def test_paddlex_must_know_the_name() -> None:
    with pytest.raises(UserError, match="end with _rec"):
        AB.to_inference("my_reader")


def changed(part: str, value: Any) -> dict[str, Any]:
    return AB.to_inference(NAME) | {part: value}


@pytest.mark.parametrize(
    ("inference", "message"),
    [
        ({}, "has no PreProcess"),
        (changed("PostProcess", {"name": "DBPostProcess"}), "not of text recognition by CTC"),
        (changed("PostProcess", {"name": "CTCLabelDecode"}), "character_dict"),
        (changed("PreProcess", {"transform_ops": [{"Magic": None}]}), "unknown steps.*Magic"),
        (changed("PreProcess", {"transform_ops": [{"RecResizeImg": {"image_shape": [3, 32, 320]}}]}), "3 x 32 x W"),
    ],
)
def test_other_settings_are_refused_in_words(inference: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        TextRecProcessor.from_inference(inference)


@pytest.mark.parametrize("values", [{"image_mode": "GRAY"}, {"width": 20}, {"characters": ()}])
def test_impossible_settings_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        TextRecProcessor(**{"characters": ("a",)} | values)
