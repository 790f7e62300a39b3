"""``inference.yml`` of somebody else: what makes no sense is refused in a sentence before a graph is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

import plx_train
from plx_train.runs.exported import model_name

STEPS = "PreProcess: {transform_ops: [{ResizeImage: {size: [8, 8]}}, {NormalizeImage: {}}, {ToCHWImage: null}]}\n"
POST = "PostProcess: {Topk: {topk: 2, label_list: [a, b]}}\n"
GLOBAL = "Global: {model_name: PP-LCNet_x1_0, plx_train: {module: image_cls}}\n"


@pytest.mark.parametrize(
    "text",
    [
        GLOBAL + STEPS.replace("[8, 8]", "[8]") + POST,
        GLOBAL + STEPS.replace("[8, 8]", "{}") + POST,
        GLOBAL + STEPS + POST.replace("[a, b]", "5"),
        GLOBAL + STEPS + POST.replace("topk: 2", "topk: [2]"),
        GLOBAL + STEPS + POST + "Reading: [1]\n",
        GLOBAL + STEPS + POST + "Reading: {background: 3}\n",
        GLOBAL + STEPS + POST + "Calibration: {temperature: {}}\n",
        GLOBAL + "PreProcess: " + "[" * 3000 + "]" * 3000 + "\n" + POST,
        GLOBAL + "PreProcess: &a [*a]\n" + POST,
        "Global: {plx_train: {module: ts_anomaly}}\n"
        "size: {in_chunk_len: 8, out_chunk_len: 8, skip_chunk_len: 0}\n"
        "info_params: {time_col: date, feature_cols: [x], freq: 1h}\nmodel_threshold: 1.0\n"
        "input_data: {observed_cov_numeric: [1, 8, 1]}\nscale: true\ntime_feat: false\nholiday: false\n"
        "Series: {time: date, frequency: 1h, stride: 4, periods: [], mean: [], std: [2.0], rule: none}\n",
        "Global: [1]\n" + STEPS.replace("[8, 8]", "[8]") + POST,
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "inference.yml").write_text(text)

    with pytest.raises(plx_train.UserError, match=r"inference\.yml"):
        plx_train.Predictor(tmp_path)


@pytest.mark.parametrize("sides", ["[2, 0.5]", "[0, 8]", "[32, 300000000]", "[-1, 8]", "[8]"])
@pytest.mark.parametrize("kind", ["semantic_seg", "object_det"])
def test_sizes_that_no_picture_has_are_refused(tmp_path: Path, kind: str, sides: str) -> None:
    scales = "mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5]"
    resize = f"{{type: Resize, target_size: {sides}, keep_ratio: false"
    own = {
        "semantic_seg": f"Deploy: {{transforms: [{resize}, size_divisor: null}}, {{type: Normalize, {scales}}}]}}\n",
        "object_det": f"Preprocess: [{resize}, interp: 2}}, {{type: NormalizeImage, {scales}}}, {{type: Permute}}]\n",
    }
    text = f"Global: {{plx_train: {{module: {kind}}}}}\n{own[kind]}label_list: [a]\n"
    (tmp_path / "inference.yml").write_text(text)

    with pytest.raises(plx_train.UserError, match=r"size must be|above the limit|unpack"):
        plx_train.Predictor(tmp_path)


@pytest.mark.parametrize(("section", "expected"), [({"model_name": "x"}, "x"), ([1], ""), (None, ""), ({}, "")])
def test_a_name_is_a_text_whatever_stands_there(section: object, expected: str) -> None:
    assert model_name({"Global": section}) == expected
