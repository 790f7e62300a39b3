"""The pipeline of anomalies: PaddleX's map and the picture's score, from Python, as JSON and over HTTP."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import paddle
import pytest
from fastapi.testclient import TestClient

import plx_train
from kit.checked_rooms import built
from modules.image_anomaly.tiny import striped
from plx_train.config.serve_options import ServeOptions
from plx_train.export.write import write_export
from plx_train.serving.app import create_app

SIDE = 64


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A student with random weights, whose threshold lies among its scores of one picture."""
    paddle.seed(1)
    options = {"network": "STFPM", "backbone": "MobileNetV2", "size": [SIDE, SIDE], "blur": 2.0}
    folder = tmp_path_factory.mktemp("model")
    module = built("image_anomaly", options, size=(SIDE, SIDE))
    module.eval_mode()
    x, _ = module.processor.preprocess(picture())
    scores = module.outputs_to_numpy(module.forward({"x": paddle.to_tensor(x[None])}))[0]
    processor = module.processor.from_record({"size": (SIDE, SIDE), "threshold": float(np.median(scores))})
    write_export(module, processor, folder / "export", "STFPM", {})
    return str(folder / "export")


def picture() -> np.ndarray:
    return striped(np.random.default_rng(0))


@pytest.mark.long
def test_a_map_and_a_score(model: str) -> None:
    pipeline = plx_train.pipeline("anomaly_detection", AnomalyDetection=model)
    (found,) = pipeline.predict(picture())
    assert found["pred"].shape == (1, SIDE, SIDE) and set(np.unique(found["pred"])) == {0, 255}
    assert found["is_anomalous"] and found["score"] > 1
    assert np.array_equal(found.json["res"]["pred"], found["pred"])
    (other,) = pipeline.predict(picture(), threshold=found["score"] * 1.01)
    assert not other["is_anomalous"] and not other["pred"].any() and other["score"] == found["score"]


@pytest.mark.long
def test_the_answer_is_paddlexs_with_the_score_beside_it(model: str) -> None:
    pipeline = plx_train.pipeline("anomaly_detection", AnomalyDetection=model)
    (found,) = pipeline.predict(picture())
    sent = base64.b64encode(cv2.imencode(".png", picture())[1].tobytes()).decode()
    with TestClient(create_app(pipeline, ServeOptions(max_wait_ms=0.0))) as client:
        told = client.post("/image-anomaly-detection", json={"image": sent}).json()["result"]
        refused = client.post("/image-anomaly-detection", json={"image": sent, "threshold": 0})
    assert told["size"] == [SIDE, SIDE] and told["labelMap"] == found["pred"].ravel().tolist()
    assert told["isAnomalous"] is True and told["score"] == pytest.approx(found["score"])
    assert refused.status_code == 422
