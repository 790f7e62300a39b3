"""Figures, scores and processing of image classification, against examples written out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from kit.checked_rooms import true_sample
from plx_train.contract.rooms import load_room
from plx_train.ground.errors import UserError
from plx_train.metrics.classes import calibration_error, confusion
from plx_train.metrics.temperature import fit_temperature, tempered
from plx_train.modules.image_cls.metric import ImageClsMetric
from plx_train.modules.image_cls.processor import ImageClsProcessor
from plx_train.vision.answers import Answers


def prediction(*classes: int, score: float = 0.5) -> Answers:
    scores = np.linspace(score, 0.01, len(classes)).astype(np.float32)
    return Answers(np.asarray(classes), scores, tuple(map(str, classes)), scores)


def test_figures_of_four_images() -> None:
    metric = ImageClsMetric()
    values = [
        metric.update(answer, true_sample(true))
        for answer, true in [
            (prediction(0, 1, score=0.9), 0),
            (prediction(1, 0, score=0.6), 0),
            (prediction(1, 2, score=0.8), 1),
            (prediction(0, 1, score=0.7), 2),
        ]
    ]
    figures = metric.compute()
    assert figures["accuracy"] == 0.5
    assert figures["top5"] == 0.75
    # class 0: 1 hit of 2 samples and 2 answers; class 1: 1 hit of 1 and 2; class 2: no hit.
    assert figures["macro_f1"] == pytest.approx((2 / 4 + 2 / 3 + 0) / 3)
    # each score is alone in its bin: gaps 0.1, 0.6, 0.2, 0.7
    assert figures["calibration"] == pytest.approx(1 - (0.1 + 0.6 + 0.2 + 0.7) / 4, abs=1e-6)
    assert values == pytest.approx([0.9, 0.01, 0.8, 0.0], abs=1e-6)
    assert confusion(metric.true, metric.predicted, 3).tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]


def test_scores_that_tell_the_truth_have_no_error() -> None:
    hits = np.asarray([1, 0, 1, 1], bool)
    assert calibration_error(hits, np.full(4, 0.75)) == pytest.approx(0)
    assert calibration_error(hits, np.full(4, 1.0)) == pytest.approx(0.25)


def test_the_temperature_undoes_what_was_sharpened() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 5))
    honest = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    classes = [int(rng.choice(5, p=row)) for row in honest]
    assert fit_temperature(list(tempered(honest, 0.5)), classes) == pytest.approx(2.0, abs=0.15)
    assert fit_temperature(list(honest), classes) == pytest.approx(1.0, abs=0.1)
    assert fit_temperature(list(honest[:5]), classes[:5]) == 1.0


def test_a_temperature_changes_scores_but_no_order() -> None:
    probabilities = np.asarray([0.1, 0.6, 0.3], np.float32)
    plain, warm = (
        ImageClsProcessor(("a", "b", "c"), temperature=value).postprocess(probabilities, (1, 1)) for value in (1, 2)
    )
    assert plain.classes.tolist() == warm.classes.tolist() == [1, 2, 0]
    roots = np.sqrt(probabilities)
    assert warm.scores == pytest.approx(np.sort(roots / roots.sum())[::-1], abs=1e-6)
    assert plain.to_json() == {"class_ids": [1, 2, 0], "scores": [0.6, 0.3, 0.1], "label_names": ["b", "c", "a"]}


@pytest.mark.parametrize(
    "processor",
    [
        ImageClsProcessor(("cat", "dog")),
        ImageClsProcessor(("0", "90"), None, (160, 80), "CUBIC", (0.5, 0.5, 0.5), (0.5, 0.5, 0.4), 1.37),
    ],
)
def test_inference_yml_gives_the_processor_back(processor: ImageClsProcessor) -> None:
    written = yaml.safe_dump(processor.to_inference("PP-LCNet_x1_0"))
    assert ImageClsProcessor.from_inference(yaml.safe_load(written)) == processor


def test_what_paddlex_means_by_its_defaults() -> None:
    settings = ImageClsProcessor(("a",)).to_inference("ResNet50")
    steps = settings["PreProcess"]["transform_ops"]
    steps[0], steps[1] = {"ResizeImage": {"resize_short": 256}}, {"CropImage": None}
    assert ImageClsProcessor.from_inference(settings) == ImageClsProcessor(("a",))
    settings["PostProcess"] = {"Topk": {"topk": 1, "label_list": [0, 90]}}
    assert ImageClsProcessor.from_inference(settings).labels == ("0", "90")


@pytest.mark.parametrize(
    "step", [{"Rotate": {}}, {"ResizeImage": {"size": 224, "backend": "pil"}}, {"NormalizeImage": {"scale": 1.0}}]
)
def test_other_steps_are_refused(step: dict) -> None:
    settings = ImageClsProcessor(("a",)).to_inference("ResNet50")
    settings["PreProcess"]["transform_ops"].append(step)
    with pytest.raises(UserError, match=r"inference\.yml"):
        ImageClsProcessor.from_inference(settings)


@pytest.mark.parametrize(
    "wrong", [{"labels": ()}, {"size": (4, 4)}, {"resize_short": 10}, {"interpolation": "SHARP"}, {"temperature": 0}]
)
def test_impossible_settings_are_refused(wrong: dict) -> None:
    with pytest.raises(UserError):
        ImageClsProcessor(**({"labels": ("a",)} | wrong))


def test_preprocessing_by_hand() -> None:
    """Shorter side to 4 of 8 x 16, then the middle 2 rows... of one colour, so only size and numbers matter."""
    image = np.zeros((16, 32, 3), np.uint8)
    image[...] = (0, 128, 255)  # BGR
    x, shape = ImageClsProcessor(("a",), 10, (8, 8), mean=(0.5, 0.5, 0.5), std=(0.5, 0.25, 0.5)).preprocess(image)
    assert x.shape == (3, 8, 8) and shape == (16, 32) and x.dtype == np.float32
    assert x[:, 0, 0] == pytest.approx([1.0, (128 / 255 - 0.5) / 0.25, -1.0], abs=1e-6)


def test_the_overlay_has_room_for_its_text() -> None:
    picture = load_room("image_cls").overlay(
        ImageClsProcessor(tuple("abcdefgh")), np.zeros((28, 28, 3), np.uint8), prediction(3, 1, 2), 7
    )
    assert picture.shape[0] > 160 and picture.shape[2] == 3 and picture.dtype == np.uint8
