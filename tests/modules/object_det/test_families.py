"""Families of detectors in the room: what graphs are given, what is refused, and a run of the one with queries."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

import plx_train
from kit.runs import train_room
from modules.object_det.tiny import NAMES, SIDE, TINY
from plx_train.__main__ import main
from plx_train.ground.errors import UserError
from plx_train.modules.object_det.processor import ObjectDetProcessor
from plx_train.vision.box_heads import rehead

PLAIN = ObjectDetProcessor(
    ("a", "b"), (96, 64), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), thresholds=(0.5, 0.4), takes_shape=True
)


def test_a_graph_is_given_the_size_where_it_takes_it() -> None:
    image = np.full((32, 24, 3), 255, np.uint8)
    inputs, context = PLAIN.preprocess(image)
    assert context == (32, 24)
    assert inputs[0].tolist() == [64, 96] and inputs[2].tolist() == [2, 4]
    assert inputs[1].shape == (3, 64, 96) and (inputs[1] == 1).all()
    assert len(ObjectDetProcessor(("a",), thresholds=(0.5,)).preprocess(image)[0]) == 2


def test_processing_of_both_families_comes_back() -> None:
    assert ObjectDetProcessor.from_inference(PLAIN.to_inference("RT-DETR-L")) == PLAIN
    assert not ObjectDetProcessor.from_inference(PLAIN.to_inference("PP-YOLOE_plus-S")).takes_shape


def test_the_official_way_to_write_plain_pixels_is_read() -> None:
    official = PLAIN.to_inference("RT-DETR-L")
    official["Preprocess"][1] = {"type": "NormalizeImage", "mean": [0, 0, 0], "std": [1, 1, 1], "norm_type": "none"}
    assert ObjectDetProcessor.from_inference(official) == PLAIN
    official["Preprocess"][1]["norm_type"] = "min_max"
    with pytest.raises(UserError, match="norm_type: mean_std or none"):
        ObjectDetProcessor.from_inference(official)


def test_a_name_of_the_other_family_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    given = ["module=object_det", f"dataset.root={tmp_path}", "mode=check_dataset", "module.model_name=RT-DETR-L"]
    assert main([*given, f"output={tmp_path / 'run'}", "module.network=PicoDet-S"]) == 2
    assert "module.model_name=RT-DETR-L is of another family than module.network=PicoDet-S" in capsys.readouterr().err


def test_heads_whose_classes_are_columns_are_carried_over() -> None:
    old = {"weight": np.arange(6.0).reshape(2, 3), "bias": np.arange(3.0)}
    own = {
        "weight": (np.full((2, 2), -1.0), 1),
        "bias": (np.full(2, -1.0), 0),
        "only_in_training": (np.zeros((2, 4)), 0),
    }
    state, note = rehead(old, ("a", "b", "c"), ("c", "new"), own)
    assert state["weight"].tolist() == [[2, -1], [5, -1]] and state["bias"].tolist() == [2, -1]
    assert note == "heads of 2 classes, 1 of them known to the weights" and "only_in_training" not in state


@pytest.mark.long
def test_a_network_of_queries_is_trained_exported_and_trained_on(tmp_path: Path) -> None:
    dataset = TINY.make_dataset(tmp_path / "data")
    given = ("module.network=RT-DETR-R18", "optimizer.lr=1e-4", "trainer.epochs=null", "trainer.max_steps=2")
    result = train_room("object_det", dataset, tmp_path / "run", *given, "trainer.batch_size=2", "dataset.limit=4")
    folder = result.output / "export"
    assert {each["name"] for each in json.loads((folder / "parity.json").read_text())["engines"]} >= {
        "native",
        "onednn",
    }
    assert yaml.safe_load((folder / "inference.yml").read_text())["Global"]["model_name"] == "RT-DETR-R18"
    found = plx_train.Predictor(folder).predict(np.zeros((SIDE, 2 * SIDE, 3), np.uint8))
    assert set(found.names) <= set(NAMES) and len(found.candidates) <= 300

    again = train_room(
        "object_det", dataset, tmp_path / "again", *given, "trainer.batch_size=2", f"init_from={result.output}"
    )

    assert again.metrics
