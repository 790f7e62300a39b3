"""Parameters in a pipeline's configuration: each stands where the pipeline reads it."""

from __future__ import annotations

import pytest

from plx_train.contract.pipelines import pipeline_files
from plx_train.ground.errors import ConfigError
from plx_train.pipelines.config import read_config
from plx_train.pipelines.settings import kept_parameters, with_parameters


@pytest.mark.parametrize(
    ("pipeline", "name", "value", "part", "key"),
    [
        ("image_classification", "topk", 2, "ImageClassification", "topk"),
        ("object_detection", "threshold", 0.3, "ObjectDetection", "threshold"),
        ("OCR", "text_det_box_thresh", 0.7, "TextDetection", "box_thresh"),
        ("OCR", "text_rec_score_thresh", 0.2, "TextRecognition", "score_thresh"),
        ("pedestrian_attribute_recognition", "cls_threshold", 0.4, "Classification", "threshold"),
        ("pedestrian_attribute_recognition", "det_threshold", 0.6, "Detection", "threshold"),
    ],
)
def test_a_parameter_stands_in_its_parts_section(pipeline: str, name: str, value: float, part: str, key: str) -> None:
    config = read_config(pipeline)

    changed = with_parameters(config, {name: value})

    assert changed["SubModules"][part][key] == value
    assert kept_parameters(changed)[name] == value
    assert config["SubModules"][part].get(key) != value


@pytest.mark.parametrize("pipeline", pipeline_files())
def test_every_place_is_one_of_the_pipelines_own_parameters(pipeline: str) -> None:
    config = read_config(pipeline)

    assert {*kept_parameters(config)} <= {*pipeline_files()[pipeline].declaration.parameters}


def test_what_requests_alone_say_is_told() -> None:
    with pytest.raises(ConfigError, match="return_word_box is said by requests alone"):
        with_parameters(read_config("OCR"), {"return_word_box": False})
    with pytest.raises(ConfigError, match="must be int"):
        with_parameters(read_config("image_classification"), {"topk": "five"})
