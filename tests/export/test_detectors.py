"""Detectors as ONNX and in int8: boxes are chosen in the graph, of one image or of several, or of none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import plx_train
from kit.described import SIDE, export_detector, street
from plx_train.export.onnx_cache import largest_difference
from plx_train.export.quantize import write_quantized

ENGINES = ("native", "onnx", "openvino")
FEW, NONE = street()[:60], np.zeros((SIDE, SIDE, 3), np.uint8)


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(export_detector(tmp_path_factory.mktemp("detector") / "export", ("person", "car")))


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """One for all tests: converting takes seconds."""
    monkeypatch.setenv("PLX_TRAIN_CACHE", str(tmp_path_factory.getbasetemp() / "engines"))


def predictor(folder: Path, engine: str) -> plx_train.Predictor:
    for package in {"onnx": ("paddle2onnx", "onnxruntime"), "openvino": ("paddle2onnx", "openvino")}.get(engine, ()):
        pytest.importorskip(package)
    return plx_train.Predictor(folder, engine=engine, threads=1)


@pytest.mark.long
@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("engine", ENGINES)
def test_engines_find_the_same_boxes_in_one_image_and_in_several(export: Path, engine: str) -> None:
    images = [street(), FEW, NONE, 255 - street()]
    reference, other = predictor(export, "paddle"), predictor(export, engine)
    wanted = reference.predict(images)
    assert [len(one.candidates) for one in wanted] != [0] * len(images)
    for found in (other.predict(images), [other.predict(image) for image in images]):
        rows = [[one.candidates for one in each] for each in (wanted, found)]
        assert largest_difference(reference.processor, *rows) < 1e-4


@pytest.mark.long
@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("engine", ENGINES)
def test_engines_find_the_same_boxes_tile_by_tile(engine: str, tmp_path: Path) -> None:
    folder = Path(export_detector(tmp_path / "export", ("person", "car"), tile=(64, 64), overlap=16))
    wanted, found = (predictor(folder, name).predict(street()).candidates for name in ("paddle", engine))
    assert len(wanted) == len(found) > 0
    assert np.allclose(*(np.sort(rows[:, 1]) for rows in (wanted, found)), atol=1e-4)


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("engine", ["onnx", "openvino"])
def test_int8_finds_boxes_too(export: Path, engine: str, tmp_path: Path) -> None:
    reference, _ = predictor(export, "paddle"), predictor(export, engine)
    pytest.importorskip("ml_dtypes")
    inputs = [tuple(part[None] for part in reference.processor.preprocess(image)[0]) for image in (street(), FEW)]
    write_quantized(export, tmp_path / "int8", inputs)
    found = predictor(tmp_path / "int8", engine).predict([street(), FEW])
    assert all(len(one.candidates) for one in found)


def test_boxes_are_compared_whatever_their_order_and_missing_ones_count(export: Path) -> None:
    reference = predictor(export, "paddle")
    rows = reference.predict(street()).candidates
    assert largest_difference(reference.processor, [rows], [rows[::-1]]) == 0
    assert largest_difference(reference.processor, [rows], [rows[1:]]) > 1e-3
    assert largest_difference(reference.processor, [rows], [rows[:0]]) > 0.1
    assert largest_difference(reference.processor, [rows], [rows, rows]) == float("inf")
    broken = rows.copy()
    broken[0, 1] = np.nan
    assert not largest_difference(reference.processor, [rows], [broken]) <= 1e-3
