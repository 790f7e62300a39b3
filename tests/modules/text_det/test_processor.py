"""Pre- and postprocessing of text detection, against numbers worked out by hand."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from plx_train.ground.errors import UserError
from plx_train.modules.text_det.boxes import order_corners
from plx_train.modules.text_det.processor import TextDetProcessor

NAME = "PP-OCRv4_mobile_det"


def bar_map(probability: float = 0.9) -> np.ndarray:
    """A map 96 x 160 with one bar: rows 30 to 41, columns 20 to 99."""
    prob_map = np.zeros((96, 160), np.float32)
    prob_map[30:42, 20:100] = probability
    return prob_map


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1207, 1020), (960, 800)),  # 1020 x 960 / 1207 = 811, 25.3 x 32
        ((727, 1007), (704, 960)),  # 693, 21.7 x 32
        ((100, 60), (96, 64)),  # not enlarged
        ((48, 80), (64, 64)),  # 1.5 and 2.5 are rounded to the even number
        ((5, 900), (32, 896)),  # never below 32
    ],
)
def test_input_size_shrinks_the_long_side(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    assert TextDetProcessor().input_size(shape) == expected


def test_input_size_by_the_short_side() -> None:
    processor = TextDetProcessor(limit_side_len=736, limit_type="min")
    assert processor.input_size((368, 500)) == (736, 992)  # 500 x 2, 31.25 x 32
    assert processor.input_size((800, 900)) == (800, 896)
    # 736 x 7360 would be longer than 4000: 400 x 4000
    assert processor.input_size((100, 1000)) == (384, 4000)


def test_preprocess_normalises_in_the_order_of_the_channels() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    image[..., 0], image[..., 2] = 255, 51  # blue 1.0, red 0.2
    x, shape = TextDetProcessor().preprocess(image)
    assert (x.shape, x.dtype, shape) == ((3, 64, 64), np.float32, (64, 64))
    expected = [(1 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225]
    assert np.allclose(x, np.asarray(expected)[:, None, None], atol=1e-6)

    x, _ = TextDetProcessor(image_mode="RGB").preprocess(image)
    expected = [(0.2 - 0.485) / 0.229, -0.456 / 0.224, (1 - 0.406) / 0.225]
    assert np.allclose(x, np.asarray(expected)[:, None, None], atol=1e-6)


def test_preprocess_pads_tiny_images() -> None:
    x, shape = TextDetProcessor().preprocess(np.full((10, 20, 3), 255, np.uint8))
    assert x.shape == (3, 32, 32) and shape == (10, 20)
    black = np.float32(-0.485 / 0.229)
    assert np.allclose(x[0, 10:], black) and np.allclose(x[0, :, 20:], black) and x[0, :10, :20].min() > 2


def test_postprocess_grows_the_box() -> None:
    # The outline runs through pixel centres, 79 x 11: grown by 869 x 1.5 / 180 = 7.24 on each side.
    prediction = TextDetProcessor().postprocess(bar_map(), (96, 160))
    assert prediction.quads.dtype == np.float32
    assert prediction.quads.tolist() == [[[13, 23], [106, 23], [106, 48], [13, 48]]]
    assert prediction.scores == pytest.approx([0.9])
    # 1.0: grown by 4.83
    grown_less = TextDetProcessor(unclip_ratio=1.0).postprocess(bar_map(), (96, 160))
    assert grown_less.quads.tolist() == [[[15, 25], [104, 25], [104, 46], [15, 46]]]


def test_postprocess_scales_to_the_image() -> None:
    prediction = TextDetProcessor().postprocess(bar_map(), (288, 240))
    # x times 1.5, halves rounded to the even number; y times 3
    assert prediction.quads.tolist() == [[[20, 69], [159, 69], [159, 144], [20, 144]]]


def test_postprocess_clips_to_the_image() -> None:
    prob_map = np.zeros((64, 128), np.float32)
    prob_map[50:64, 100:128] = 1
    quads = TextDetProcessor().postprocess(prob_map, (64, 128)).quads
    assert quads[0, 2].tolist() == [128, 64]
    assert quads.min() >= 0


def test_thresholds() -> None:
    assert len(TextDetProcessor().postprocess(bar_map(0.61), (96, 160))) == 1
    assert len(TextDetProcessor().postprocess(bar_map(0.59), (96, 160))) == 0
    assert len(TextDetProcessor(box_thresh=0.5).postprocess(bar_map(0.59), (96, 160))) == 1
    assert len(TextDetProcessor(thresh=0.7, box_thresh=0.5).postprocess(bar_map(0.59), (96, 160))) == 0


def test_small_regions_are_left_out() -> None:
    prob_map = np.zeros((64, 64), np.float32)
    prob_map[10:13, 10:40] = 1  # 2 pixels between the centres of its edges
    prob_map[40:44, 10:40] = 1  # 3 pixels
    assert len(TextDetProcessor().postprocess(prob_map, (64, 64))) == 1


def test_at_most_so_many_candidates() -> None:
    prob_map = np.zeros((64, 256), np.float32)
    for left in range(0, 240, 40):
        prob_map[20:40, left : left + 20] = 1
    assert len(TextDetProcessor().postprocess(prob_map, (64, 256))) == 6
    assert len(TextDetProcessor(max_candidates=4).postprocess(prob_map, (64, 256))) == 4


def test_dilation_thickens_the_mask() -> None:
    plain = TextDetProcessor().postprocess(bar_map(), (96, 160)).quads[0]
    thick = TextDetProcessor(use_dilation=True).postprocess(bar_map(), (96, 160)).quads[0]
    assert cv2.contourArea(thick) > cv2.contourArea(plain)


def test_slow_score_leaves_out_the_box_s_empty_corner() -> None:
    prob_map = np.zeros((96, 96), np.float32)
    prob_map[20:70, 20:40] = prob_map[50:70, 20:70] = 0.9  # an L
    fast = TextDetProcessor(box_thresh=0.1).postprocess(prob_map, (96, 96)).scores[0]
    slow = TextDetProcessor(box_thresh=0.1, score_mode="slow").postprocess(prob_map, (96, 96)).scores[0]
    assert slow == pytest.approx(0.9, abs=1e-6) and fast < 0.8


def test_polygons_follow_bent_text() -> None:
    prob_map = np.zeros((128, 128), np.float32)
    cv2.ellipse(prob_map, (64, 110), (50, 60), 0, 200, 340, 0.9, 12)
    prediction = TextDetProcessor(box_type="poly").postprocess(prob_map, (128, 128))
    assert len(prediction) == 1 and len(prediction.quads[0]) > 8
    around = TextDetProcessor().postprocess(prob_map, (128, 128))
    assert len(around) == 0, "a box around a bow is half empty"


def test_an_empty_map_gives_no_boxes() -> None:
    for box_type in ("quad", "poly"):
        prediction = TextDetProcessor(box_type=box_type).postprocess(np.zeros((32, 32), np.float32), (50, 50))
        assert len(prediction) == 0 and prediction.to_json() == []
        assert repr(prediction) == "TextDetPrediction(0 boxes)"
    assert TextDetProcessor().postprocess(np.zeros((32, 32), np.float32), (50, 50)).quads.shape == (0, 4, 2)


def test_corners_begin_at_the_top_left() -> None:
    ordered = np.asarray([[0, 1], [9, 0], [10, 5], [1, 6]], np.float32)
    turned = np.stack([np.roll(ordered, turn, axis=0) for turn in range(4)])
    assert order_corners(turned).tolist() == [ordered.tolist()] * 4
    assert order_corners(np.zeros((0, 4, 2), np.float32)).shape == (0, 4, 2)


def test_predictions_as_json() -> None:
    prediction = TextDetProcessor().postprocess(bar_map(), (96, 160))
    assert prediction.to_json() == [{"points": [[13, 23], [106, 23], [106, 48], [13, 48]], "score": 0.9}]
    assert repr(prediction) == "TextDetPrediction(1 boxes, scores 0.90 to 0.90)"


def test_outputs_of_the_graph_are_split_by_image() -> None:
    outputs = [np.arange(24, dtype=np.float32).reshape(2, 1, 3, 4)]
    maps = TextDetProcessor().split_outputs(outputs)
    assert [one.shape for one in maps] == [(3, 4), (3, 4)] and maps[1][0, 0] == 12


def test_settings_come_back() -> None:
    for processor in (
        TextDetProcessor(),
        TextDetProcessor(1280, thresh=0.2, box_thresh=0.45, unclip_ratio=1.2, max_candidates=3000),
        TextDetProcessor(image_mode="RGB", mean=(0.5, 0.5, 0.5), std=(0.5, 0.4, 0.3), use_dilation=True),
        TextDetProcessor(score_mode="slow", box_type="poly"),
    ):
        assert TextDetProcessor.from_inference(processor.to_inference(NAME)) == processor
    seal = TextDetProcessor(736, "min")
    assert TextDetProcessor.from_inference(seal.to_inference("PP-OCRv4_mobile_seal_det")) == seal


def official() -> dict[str, Any]:
    """What PaddleOCR's own exporter writes."""
    return {
        "Global": {"model_name": NAME},
        "PreProcess": {
            "transform_ops": [
                {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
                {"DetLabelEncode": None},
                {"DetResizeForTest": {"resize_long": 960}},
                {"NormalizeImage": {"mean": [0.485, 0.456, 0.406], "order": "hwc", "scale": "1./255.",
                                    "std": [0.229, 0.224, 0.225]}},
                {"ToCHWImage": None},
                {"KeepKeys": {"keep_keys": ["image", "shape", "polys", "ignore_tags"]}},
            ]
        },
        "PostProcess": {"name": "DBPostProcess", "thresh": 0.3, "box_thresh": 0.6, "max_candidates": 1000,
                        "unclip_ratio": 1.5},
    }  # fmt: skip


def test_official_settings_are_understood() -> None:
    assert TextDetProcessor.from_inference(official()) == TextDetProcessor()


def test_what_is_missing_is_taken_as_paddlex_takes_it() -> None:
    settings = official()
    settings["PreProcess"]["transform_ops"] = [
        {"DetResizeForTest": None}, {"NormalizeImage": {"order": "hwc"}}, {"ToCHWImage": None}
    ]  # fmt: skip
    settings["PostProcess"] = {"name": "DBPostProcess"}
    assert TextDetProcessor.from_inference(settings) == TextDetProcessor(image_mode="RGB", unclip_ratio=2.0)
    settings["Global"]["model_name"] = "PP-OCRv4_server_seal_det"
    assert TextDetProcessor.from_inference(settings) == TextDetProcessor(736, "min", image_mode="RGB", unclip_ratio=2.0)


@pytest.mark.parametrize(
    ("section", "value", "message"),
    [
        ("PostProcess", {"name": "CTCLabelDecode"}, "CTCLabelDecode"),
        ("PostProcess", {}, "not of text detection|no PreProcess"),
        ("PreProcess", {"transform_ops": [{"ToCHWImage": None}]}, "missing steps.*DetResizeForTest"),
        ("PreProcess", {"transform_ops": [{"Flip": None}]}, r"unknown steps \['Flip'\]"),
        ("PreProcess", None, "no PreProcess"),
    ],
)
def test_other_settings_are_refused(section: str, value: Any, message: str) -> None:
    settings = official() | {section: value}
    with pytest.raises(UserError, match=message):
        TextDetProcessor.from_inference(settings)


def test_steps_that_are_not_done_here_are_refused() -> None:
    settings = official()
    settings["PreProcess"]["transform_ops"][2] = {"DetResizeForTest": {"image_shape": [640, 640]}}
    with pytest.raises(UserError, match="image_shape"):
        TextDetProcessor.from_inference(settings)
    settings = official()
    settings["PreProcess"]["transform_ops"][3]["NormalizeImage"]["order"] = "chw"
    with pytest.raises(UserError, match="order hwc"):
        TextDetProcessor.from_inference(settings)


@pytest.mark.parametrize(
    ("field", "value"),
    [("thresh", 0.0), ("box_thresh", 1.0), ("unclip_ratio", -1.0), ("limit_type", "long"),
     ("box_type", "rect"), ("image_mode", "GRAY"), ("max_candidates", 0)],
)  # fmt: skip
def test_values_out_of_range_are_refused(field: str, value: Any) -> None:
    with pytest.raises(UserError, match=field):
        replace(TextDetProcessor(), **{field: value})


def test_names_decide_how_paddlex_resizes() -> None:
    with pytest.raises(UserError, match="limit_type=min for the name MyNet"):
        TextDetProcessor().to_inference("MyNet")
    with pytest.raises(UserError, match="max_side_limit"):
        TextDetProcessor(max_side_limit=2000).to_inference(NAME)


def test_processing_needs_no_paddle() -> None:
    code = "import sys, plx_train.modules.text_det.processor, plx_train.modules.text_det.calibrate; " \
        "sys.exit('paddle' in sys.modules)"  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
