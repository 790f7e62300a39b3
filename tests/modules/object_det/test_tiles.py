"""Runs on tiles: what is trained on parts is measured, exported and predicted on whole images."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

import plx_train
from kit.runs import as_if_killed, assert_same, train_room
from modules.object_det.tiny import TINY, make_rectangles
from plx_train.api import RunResult
from plx_train.ground.errors import ConfigError, UserError
from plx_train.modules.object_det.processor import ObjectDetProcessor
from plx_train.train.checkpoints import step_checkpoints
from plx_train.vision.image import read_image

TILED = ("module.tiles=64", "trainer.save_every_steps=2", "trainer.keep_last=99")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_rectangles(tmp_path_factory.mktemp("tiles") / "data")


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return train_room("object_det", data, tmp_path_factory.mktemp("tiles") / "run", *TILED, *TINY.drawn)


@pytest.mark.long
def test_the_export_in_tiles_is_proven_and_carries_them(run: RunResult) -> None:
    parity = json.loads((run.output / "export/parity.json").read_text())
    assert parity["ok"] and parity["num_samples"] == 9
    content = yaml.safe_load((run.output / "export/inference.yml").read_text())
    assert content["Tiles"] == {"size": [64, 64], "overlap": 32}
    assert content["Preprocess"][0]["target_size"] == [96, 96]
    assert json.loads((run.output / "check.json").read_text())["statistics"]["val"]["tiles"] == 9 * 4


@pytest.mark.long
def test_evaluation_of_run_and_export_is_of_whole_images(run: RunResult, tmp_path: Path) -> None:
    for source, tolerance in ((run.output, 0.0), (run.output / "export", 1e-4)):
        given = ["mode=evaluate", f"run={source}", f"output={tmp_path / source.name}", "device=cpu", "quiet=true"]
        found = plx_train.run([*given, "tracking=off"]).metrics
        for name, value in found.items():
            assert value == pytest.approx(run.metrics[name], rel=tolerance, abs=tolerance), name


@pytest.mark.long
def test_a_predictor_goes_tile_by_tile_and_puts_together(run: RunResult, data: Path) -> None:
    predictor = plx_train.Predictor(run.output / "export")
    image = read_image(data / "images/val_1.png")
    alone = predictor.predict(image)
    # A picture beside it changes nothing, and one of four is looked at in more tiles.
    wide = np.concatenate([image, image], axis=1)
    _, both = predictor.predict([wide, image])
    assert np.array_equal(both.candidates, alone.candidates) and alone.shape == (96, 96)
    (tiles, scales), shape = predictor.processor.preprocess(wide)
    assert tiles.shape == (2 * 5, 3, 96, 96) and scales.shape == (10, 2) and shape == (96, 192)
    rows = predictor.processor.run(predictor.model, (tiles, scales))
    assert len(rows) == 1 and rows[0].shape[1] == 7
    whole = predictor.processor.postprocess(rows[0], shape)
    assert np.array_equal(whole.candidates, predictor.predict(wide).candidates)


@pytest.mark.long
def test_a_killed_run_goes_on_to_the_same_bits(run: RunResult, tmp_path: Path) -> None:
    steps = sorted(int(path.name.removeprefix("step_")) for path in step_checkpoints(run.output / "checkpoints"))
    killed = as_if_killed(run.output, tmp_path / "killed", steps[len(steps) // 2])
    assert plx_train.run([f"resume={killed}", "quiet=true"]).metrics == run.metrics
    assert_same(run.output, killed)


def test_a_tile_of_no_size_is_refused_in_a_sentence(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^module\.tiles must be auto, off, or 64 to 4096 pixels, not many$"):
        train_room("object_det", data, tmp_path / "run", "module.tiles=many")


@pytest.mark.parametrize(
    "tiles",
    [
        {"size": [64, 64], "overlap": 64},
        {"size": [0, 64], "overlap": 1},
        {"size": [64, 64], "overlap": 0},
        {"size": [9999, 64], "overlap": 1},
        {"size": 3},
    ],
)
def test_tiles_of_a_foreign_file_that_make_no_sense_are_refused(tiles: dict[str, object]) -> None:
    written = ObjectDetProcessor(("a",), thresholds=(0.5,), tile=(64, 64), overlap=16).to_inference("PicoDet-S")
    with pytest.raises(UserError):
        ObjectDetProcessor.described_by(written | {"Tiles": tiles})
    assert ObjectDetProcessor.described_by(written).tiling is not None
