"""Attributes of people and vehicles: things found by one model, each described by another, as PaddleX has it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from fastapi.testclient import TestClient

import plx_train
from kit.described import ATTRIBUTES, export_attributes, export_detector, street
from plx_train.config.serve_options import ServeOptions
from plx_train.contract.pipelines import place_of
from plx_train.ground.errors import ConfigError, UserError
from plx_train.pipelines.attribute_recognition import AttributeRecognition
from plx_train.serving.app import create_app

PEDESTRIANS, VEHICLES = "pedestrian_attribute_recognition", "vehicle_attribute_recognition"
Parts = dict[str, str]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    folder = tmp_path_factory.mktemp("models")
    return {"Detection": export_detector(folder / "det"), "Classification": export_attributes(folder / "cls")}


@pytest.fixture(scope="module")
def pipeline(parts: Parts) -> plx_train.Pipeline:
    return plx_train.pipeline(PEDESTRIANS, **parts)


def only(pipeline: plx_train.Pipeline, image: np.ndarray, **params: Any) -> list[dict[str, Any]]:
    (found,) = pipeline.predict(image, **params)
    return list(found["boxes"])


def between(boxes: list[dict[str, Any]]) -> float:
    """A threshold that some of the boxes are above."""
    scores = sorted({box["det_score"] for box in boxes})
    return (scores[-1] + scores[-2]) / 2


@pytest.mark.long
def test_each_thing_that_is_found_is_described(pipeline: plx_train.Pipeline) -> None:
    boxes = only(pipeline, street())
    detector, classifier = (pipeline.parts[key].predictor for key in ("Detection", "Classification"))
    found = detector.predict(street()).to_json()["boxes"]
    assert len(boxes) == len(found) > 2
    for box, wanted in zip(boxes, found, strict=True):
        assert (box["coordinate"], box["det_score"]) == (wanted["coordinate"], wanted["score"])
        left, top, right, bottom = (int(value) for value in wanted["coordinate"])
        described = classifier.predict(street()[top:bottom, left:right])
        assert box["labels"] == list(described.names)
        assert np.allclose(box["cls_scores"], described.scores, atol=1e-5)
    assert any(box["labels"] for box in boxes)


@pytest.mark.long
def test_thresholds_are_those_of_the_call_the_section_and_the_model(pipeline: plx_train.Pipeline, parts: Parts) -> None:
    usual = only(pipeline, street())
    limit = between(usual)
    strict = only(pipeline, street(), det_threshold=limit)
    assert 0 < len(strict) < len(usual) and min(box["det_score"] for box in strict) > limit
    everything = only(pipeline, street(), cls_threshold=0.0)
    assert all(set(box["labels"]) == set(ATTRIBUTES) for box in everything)
    bags = only(pipeline, street(), cls_threshold={"default": 1.0, "2": 0.0})
    assert all(box["labels"] == ["bag"] for box in bags)
    assert only(pipeline, street(), cls_threshold=[1.0, 1.0, 0.0]) == bags
    config = yaml.safe_load(yaml.safe_dump(pipeline.config))
    config["SubModules"]["Detection"]["threshold"] = limit
    assert only(plx_train.pipeline(config), street()) == strict


def test_nothing_found_is_nothing_described(pipeline: plx_train.Pipeline) -> None:
    assert only(pipeline, street(), det_threshold=1.0) == []


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"cls_threshold": [0.5]}, "one number, or 3, one for each class"),
        ({"cls_threshold": {"7": 0.5}}, "names the class 7, which is none of hat, coat, bag"),
        ({"cls_threshold": {"9" * 5000: 0.5}}, "which is none of"),
        ({"det_threshold": {"person": "high"}}, "must be a number from 0 to 1"),
        ({"det_treshold": 0.5}, "did you mean det_threshold"),
    ],
)
def test_what_can_not_be_is_a_sentence(pipeline: plx_train.Pipeline, params: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        only(pipeline, street(), **params)


@pytest.mark.long
def test_a_model_of_another_kind_is_refused(parts: Parts) -> None:
    with pytest.raises(UserError, match="Classification takes a model of image_mlcls, not of object_det"):
        plx_train.pipeline(VEHICLES, Detection=parts["Detection"], Classification=parts["Detection"])
    with pytest.raises(UserError, match="no model of the name PP-LCNet_x1_0_vehicle_attribute can be fetched"):
        plx_train.pipeline(VEHICLES, Detection=parts["Detection"])


def test_pictures_and_files(pipeline: plx_train.Pipeline, tmp_path: Path) -> None:
    for name in "ab":
        cv2.imwrite(str(tmp_path / f"{name}.png"), street())
    for result in pipeline.predict(tmp_path):
        result.save_all(tmp_path / "out")
    picture = cv2.imread(str(tmp_path / "out/a_res.jpg"))
    assert picture.shape == street().shape and np.abs(picture.astype(int) - street()).max() > 60
    told = yaml.safe_load((tmp_path / "out/b_res.json").read_text())
    assert set(told["models"]) == {"Detection", "Classification"}
    assert set(told["boxes"][0]) == {"labels", "cls_scores", "det_score", "coordinate"}


@pytest.mark.long
def test_it_is_frozen_for_paddlex(parts: Parts, pipeline: plx_train.Pipeline, tmp_path: Path) -> None:
    given = [f"models.{key}={folder}" for key, folder in parts.items()]
    plx_train.run(
        ["mode=export_pipeline", f"pipeline={PEDESTRIANS}", *given, f"output={tmp_path / 'frozen'}", "quiet=true"]
    )
    config = yaml.safe_load((tmp_path / "frozen/pipeline.yaml").read_text())
    assert config["pipeline_name"] == PEDESTRIANS and "plx_train" not in config
    assert config["SubModules"]["Detection"]["model_dir"] == "models/Detection"
    assert only(plx_train.pipeline(tmp_path / "frozen"), street()) == only(pipeline, street())


@pytest.mark.long
@pytest.mark.parametrize(("name", "key"), [(PEDESTRIANS, "pedestrians"), (VEHICLES, "vehicles")])
def test_it_is_served_as_by_paddlex(name: str, key: str, parts: Parts) -> None:
    pipeline = plx_train.pipeline(name, **parts)
    image = base64.b64encode(cv2.imencode(".png", street())[1].tobytes()).decode()
    path, limit = "/" + name.replace("_", "-"), between(only(pipeline, street()))
    with TestClient(create_app(pipeline, ServeOptions(max_wait_ms=0.0))) as client:
        told = client.post(path, json={"image": image, "detThreshold": limit, "clsThreshold": 0.0}).json()["result"]
        bad = client.post(path, json={"image": image, "clsThreshold": [0.5]})
    wanted = only(pipeline, street(), det_threshold=limit, cls_threshold=0.0)
    assert set(told) == {key, "image", "models"} and len(told[key]) == len(wanted)
    for thing, box in zip(told[key], wanted, strict=True):
        assert thing["bbox"] == box["coordinate"] and thing["score"] == box["det_score"]
        assert [one["label"] for one in thing["attributes"]] == box["labels"]
    assert bad.status_code == 422 and "one for each class" in bad.json()["errorMsg"]


@pytest.mark.long
def test_small_objects_are_served_at_paddlex_path(parts: Parts) -> None:
    pipeline = plx_train.pipeline("small_object_detection", SmallObjectDetection=parts["Detection"])
    image = base64.b64encode(cv2.imencode(".png", street())[1].tobytes()).decode()
    with TestClient(create_app(pipeline, ServeOptions(max_wait_ms=0.0))) as client:
        told = client.post("/small-object-detection", json={"image": image, "visualize": False}).json()["result"]
    assert told["detectedObjects"] and "image" not in told
    assert {one["categoryName"] for one in told["detectedObjects"]} == {"person"}


def test_recipes_are_promoted_to_where_they_run() -> None:
    assert place_of("human_det") == place_of("table_cells_det") == ("object_detection", "ObjectDetection")
    assert place_of("small_object_det") == ("small_object_detection", "SmallObjectDetection")
    assert place_of("pedestrian_attribute") == (PEDESTRIANS, "Classification")


def test_the_pipelines_have_names_and_their_base_has_none() -> None:
    assert AttributeRecognition.NAME == ""
    with pytest.raises(ConfigError, match="pipeline=pedestrian_atribute_recognition does not exist; did you mean"):
        plx_train.pipeline("pedestrian_atribute_recognition")
