"""Predictor: pictures in, boxes out, and a sentence for whatever is wrong with the folder or the picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

import plx_train
from kit.checked_rooms import true_sample
from kit.tiny_detector import TinyDetector, draw_page
from plx_train.export.predictor import Predictor
from plx_train.export.write import write_export
from plx_train.ground.errors import DeviceError, UserError
from plx_train.modules.text_det.metric import TextDetMetric
from plx_train.vision.image import write_image


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    module = TinyDetector()
    path = tmp_path_factory.mktemp("export")
    write_export(module, module.processor, path, "PP-OCRv4_mobile_det", {"version": "<1>"})
    return path


@pytest.fixture(scope="module")
def predictor(folder: Path) -> Predictor:
    return Predictor(folder)


def settings_of(folder: Path, target: Path, **changes: object) -> Path:
    """A copy of the exported folder with other top-level settings."""
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    content = yaml.safe_load((target / "inference.yml").read_text()) | changes
    (target / "inference.yml").write_text(yaml.safe_dump(content))
    return target


def test_text_is_found_in_files_and_arrays(predictor: Predictor, tmp_path: Path) -> None:
    image, labels = draw_page(np.random.default_rng(3))
    path = tmp_path / "página 1.png"
    write_image(path, image)

    from_array, from_path, from_text = predictor.predict([image, path, str(path)])

    assert len(from_array) == len(labels)
    metric = TextDetMetric()
    metric.update(from_array, true_sample(labels))
    assert metric.compute()["hmean"] == 1.0
    assert from_path.to_json() == from_text.to_json() == from_array.to_json()
    assert predictor.predict(image).to_json() == from_array.to_json()
    assert predictor.predict([]) == []


def test_native_and_onednn_agree(predictor: Predictor, folder: Path) -> None:
    image, _ = draw_page(np.random.default_rng(4))
    native = Predictor(folder, onednn=False, threads=1)
    assert predictor.model.onednn and not native.model.onednn
    assert np.array_equal(native.predict(image).quads, predictor.predict(image).quads)


def test_overlay_draws_on_a_copy(predictor: Predictor) -> None:
    image, _ = draw_page(np.random.default_rng(5))
    before = image.copy()
    drawn = predictor.overlay(image, predictor.predict(image))
    assert drawn.shape == image.shape and drawn.dtype == np.uint8
    assert np.array_equal(image, before) and not np.array_equal(drawn, before)


def test_it_says_what_it_is(predictor: Predictor, folder: Path) -> None:
    assert repr(predictor) == f"Predictor(text_det, PP-OCRv4_mobile_det, cpu, {str(folder)!r})"
    page = predictor._repr_html_()
    assert page.startswith("<table>") and "oneDNN" in page
    assert "&lt;1&gt;" in page and "<1>" not in page
    assert plx_train.Predictor is Predictor


def test_folders_of_other_exporters(folder: Path, tmp_path: Path) -> None:
    foreign = settings_of(folder, tmp_path, Global={"model_name": "PP-OCRv5_mobile_det"})
    predictor = Predictor(foreign)
    assert (predictor.module, predictor.model_name, predictor.lineage) == (
        "text_det",
        "PP-OCRv5_mobile_det",
        {},
    )
    assert len(predictor.predict(draw_page(np.random.default_rng(3))[0])) > 0


@pytest.mark.parametrize("name", ["os", "../text_det", "text_det.module", "", 3, ["text_det"]])
def test_a_folder_can_name_only_module_types(folder: Path, tmp_path: Path, name: object) -> None:
    broken = settings_of(folder, tmp_path, Global={"model_name": "x", "plx_train": {"module": name}})
    with pytest.raises(UserError, match="names the module type"):
        Predictor(broken)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"PostProcess": {"name": "CTCLabelDecode"}},
            "belongs to no module type .*text_det: .*CTCLabelDecode",
        ),
        ({"PostProcess": {"name": "DBPostProcess", "thresh": "high"}}, "can't be understood.*high"),
        ({"PostProcess": {"name": "DBPostProcess", "thresh": 7}}, "thresh must lie between 0 and 1"),
        ({"PreProcess": 3}, "no PreProcess"),
    ],
)
def test_settings_of_no_known_module_type(folder: Path, tmp_path: Path, changes: dict, message: str) -> None:
    foreign = {"Global": {"model_name": "PP-OCRv5_mobile_det"}}
    with pytest.raises(UserError, match=message):
        Predictor(settings_of(folder, tmp_path, **foreign, **changes))


def test_yaml_with_code_is_not_executed(folder: Path, tmp_path: Path) -> None:
    broken = settings_of(folder, tmp_path)
    (broken / "inference.yml").write_text(f"Global: !!python/object/apply:os.mkdir ['{tmp_path}/made']\n")
    with pytest.raises(UserError, match="can't be read") as caught:
        Predictor(broken)
    assert "\n" not in str(caught.value), "one sentence"
    assert not (tmp_path / "made").exists()


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a folder"):
        Predictor(tmp_path / "nothing")


@pytest.mark.parametrize("missing", ["inference.json", "inference.pdiparams", "inference.yml"])
def test_folder_that_lacks_a_file(folder: Path, tmp_path: Path, missing: str) -> None:
    (settings_of(folder, tmp_path) / missing).unlink()
    with pytest.raises(UserError, match=f"not an exported folder.*{missing}"):
        Predictor(tmp_path)


def test_damaged_graph(folder: Path, tmp_path: Path) -> None:
    broken = settings_of(folder, tmp_path)
    (broken / "inference.json").write_text("{")
    with pytest.raises(UserError, match="can't be read as a Paddle graph"):
        Predictor(broken)


def test_damaged_pictures(predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "page.jpg").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"page\.jpg"):
        predictor.predict(tmp_path / "page.jpg")
    with pytest.raises(UserError, match=r"none\.jpg"):
        predictor.predict(str(tmp_path / "none.jpg"))


@pytest.mark.parametrize(
    "picture",
    [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 3), np.float32),
     np.zeros((0, 8, 3), np.uint8)],
)  # fmt: skip
def test_arrays_of_another_shape_or_type(predictor: Predictor, picture: np.ndarray) -> None:
    with pytest.raises(UserError, match="must be uint8"):
        predictor.predict(picture)


def test_device_that_is_not_there(folder: Path) -> None:
    with pytest.raises(DeviceError, match="device=npu is not there"):
        Predictor(folder, device="npu")


@pytest.mark.parametrize(
    "changes",
    [
        {"Global": ["a"]},
        {"Global": {"plx_train": {"module": ["text_det"]}}},
        {"PreProcess": {"transform_ops": "x" * 5000}},
        {"PreProcess": {"transform_ops": [[]]}},
        {"PreProcess": {"transform_ops": [{"NormalizeImage": {"std": [0, 0, 0], "mean": [], "scale": "1./0"}}]}},
        {"PostProcess": ["\x1b[2J"]},
        {"PostProcess": {"thresh": 10**90}},
    ],
)
def test_settings_of_other_kinds_are_told(changes: dict, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        Predictor(settings_of(folder, tmp_path, **changes))
    assert len(str(caught.value)) < 1500 and str(caught.value).isprintable()
