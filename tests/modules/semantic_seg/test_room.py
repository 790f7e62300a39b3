"""The room beyond what all rooms do: windows of large images, weights of other classes, its pipeline and endpoint."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient

import plx_train
from kit.exporters import labelme, shape
from kit.runs import train_room
from modules.semantic_seg.tiny import NAMES, make_shapes
from plx_train.config.serve_options import ServeOptions
from plx_train.contract.dataset_options import DatasetOptions
from plx_train.contract.rooms import load_room, options_class
from plx_train.ground.errors import ConfigError
from plx_train.serving.app import create_app
from plx_train.weights.load import load_weights, read_weights

PIPELINE = "semantic_segmentation"
WINDOWS = ("module.network=PP-LiteSeg-T", "module.windows=true")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of PP-LiteSeg that sees images in windows."""
    folder = tmp_path_factory.mktemp("seg")
    return train_room("semantic_seg", make_shapes(folder / "data"), folder / "run", *WINDOWS).output


@pytest.fixture(scope="module")
def large() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (90, 150, 3), np.uint8)


@pytest.mark.long
def test_windows_are_exported_with_proof_at_any_size(run: Path, large: np.ndarray) -> None:
    assert json.loads((run / "export/parity.json").read_text())["ok"]
    found = plx_train.Predictor(run / "export").predict(large)
    assert found.classes.shape == (90, 150) and set(np.unique(found.classes)) <= {0, 1, 2}
    names = [each["name"] for each in json.loads((run / "classes.json").read_text())]
    assert names == list(NAMES) and (run / "confusion.csv").is_file()


@pytest.mark.long
def test_a_pipeline_and_its_endpoint_give_the_map(run: Path, large: np.ndarray) -> None:
    pipeline = plx_train.pipeline(PIPELINE, SemanticSegmentation=str(run / "export"))
    (found,) = pipeline.predict(large)
    expected = plx_train.Predictor(run / "export").predict(large).classes
    assert np.array_equal(found["pred"][0], expected)
    assert found.img["res"].shape == large.shape
    body = {"image": base64.b64encode(cv2.imencode(".png", large)[1].tobytes()).decode()}
    with TestClient(create_app(pipeline, ServeOptions())) as client:
        answer = client.post("/semantic-segmentation", json=body).json()["result"]
    assert answer["size"] == [90, 150] and answer["labelMap"] == expected.ravel().tolist()
    assert sum(each["pixels"] for each in answer["classes"]) == expected.size


def test_classes_of_the_same_name_keep_their_rows(run: Path) -> None:
    room, options = load_room("semantic_seg"), options_class("semantic_seg")(network="PP-LiteSeg-T", size=[64, 64])
    processor = room.processor(("rectangle", "_background_", "other"), (64, 64))
    module = room.build(options, processor, None, True)
    coverage = load_weights(module.network, str(run / "checkpoints/best"), adapt=module.adapt_weights)
    old = read_weights(run / "checkpoints/best")["seg_heads.0.conv_out.weight"]
    new = module.network.state_dict()["seg_heads.0.conv_out.weight"].numpy()
    assert np.array_equal(new[:2], old[[2, 0]]) and not np.array_equal(new[2], old[1])
    assert coverage.note == "heads of 3 classes, 2 of them known to the weights"


def test_a_teachers_doubt_is_not_learned() -> None:
    room, options = load_room("semantic_seg"), options_class("semantic_seg")(network="PP-LiteSeg-T", size=[64, 64])
    processor = room.processor(NAMES, (64, 64))
    classes, ahead = np.zeros((2, 64, 64), np.float32)
    classes[:, 32:], ahead[:48] = 2, 0.9
    found = room.doubting(processor).postprocess(np.stack([classes, ahead]), (64, 64))
    assert processor.postprocess(np.stack([classes, ahead]), (64, 64)).ahead is None
    target = room.build(options, processor, None, True).target(room.pseudo_label(processor, found).truth, (64, 64))
    expected = classes.astype(np.uint8)
    expected[48:] = 255
    assert np.array_equal(target, expected)


def test_a_pool_needs_images_that_are_seen_whole() -> None:
    options = options_class("semantic_seg")(windows=True)
    with pytest.raises(ConfigError, match=r"leave module\.windows=true out"):
        load_room("semantic_seg").check_options(options, DatasetOptions(pool="rest"))


@pytest.mark.long
def test_outlines_of_labelme_are_learned(tmp_path: Path) -> None:
    root = make_shapes(tmp_path / "made")
    data = tmp_path / "data"
    data.mkdir()
    for path in sorted(root.glob("images/*.png")):
        split = path.stem.partition("_")[0]
        (data / split).mkdir(exist_ok=True)
        mask = cv2.imread(str(root / f"annotations/{path.name}"), cv2.IMREAD_UNCHANGED)
        path.rename(data / split / path.name)
        outlines, _ = cv2.findContours((mask == 2).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        shapes = [shape("rectangle", outline[:, 0].tolist()) for outline in outlines]
        labelme(data / split / f"{path.stem}.json", path.name, shapes=shapes)
    result = train_room("semantic_seg", data, tmp_path / "run", "trainer.epochs=1")
    classes = json.loads((result.output / "classes.json").read_text())
    assert [(each["name"], each["pixels"]) for each in classes] == [
        ("_background_", 6 * (64 * 64 - 20 * 22)),
        ("rectangle", 6 * 20 * 22),
    ]
