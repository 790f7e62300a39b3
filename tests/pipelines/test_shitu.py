"""PP-ShiTuV2: known things are found, others are not, and an index is built in Python and over HTTP."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from starlette.testclient import TestClient

import plx_train
from kit.described import export_detector, street
from kit.promotion import new_store
from kit.runs import train_room
from modules.image_feature.tiny import make_patterns
from plx_train.config.serve_options import ServeOptions
from plx_train.ground.errors import ConfigError, UserError
from plx_train.index.feature_index import FeatureIndex, read_index
from plx_train.pipelines.freeze import freeze
from plx_train.pipelines.load import load_pipeline
from plx_train.registry.indexes import publish_index
from plx_train.registry.resolve import resolver
from plx_train.serving.app import create_app

NAME = "PP-ShiTuV2"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_patterns(tmp_path_factory.mktemp("shitu") / "data")


@pytest.fixture(scope="module")
def export(data: Path) -> str:
    return str(train_room("image_feature", data, data.parent / "run", "trainer.epochs=4").export)


@pytest.fixture(scope="module")
def pipeline(export: str, data: Path) -> Any:
    config = plx_train.pipeline(NAME, Recognition=export).config | {"index_store": str(data.parent / "store")}
    return plx_train.pipeline(config)


def picture(data: Path, number: int, place: int) -> np.ndarray:
    return cv2.imread(str(data / f"images/{number}_{place}.png"))


@pytest.fixture(scope="module")
def index(pipeline: Any, data: Path) -> FeatureIndex:
    images = [picture(data, number, 0) for number in range(6, 10)]
    return pipeline.build_index(images, ["six", "seven", "eight", "nine"])


def only(pipeline: Any, image: Any, **params: Any) -> list[dict[str, Any]]:
    (result,) = pipeline.predict(image, **params)
    return result["boxes"]


@pytest.mark.long
def test_a_known_thing_has_its_label_first(pipeline: Any, index: FeatureIndex, data: Path) -> None:
    (box,) = only(pipeline, picture(data, 8, 0), index=index, rec_threshold=0.0)
    assert box["labels"][0] == "eight" and box["rec_scores"][0] == pytest.approx(1, abs=1e-4)
    assert len(box["labels"]) == 4 and box["rec_scores"] == sorted(box["rec_scores"], reverse=True)
    assert (box["coordinate"], box["det_score"]) == ([0, 0, 24, 24], 0)
    (box,) = only(pipeline, picture(data, 8, 0), index=index, rec_threshold=0.0, rec_topk=2)
    assert len(box["labels"]) == 2


def test_an_unknown_thing_has_none(pipeline: Any, index: FeatureIndex, data: Path) -> None:
    (box,) = only(pipeline, picture(data, 0, 0), index=index, rec_threshold=1.0)
    assert (box["labels"], box["rec_scores"]) == ([None], [None])


def test_the_threshold_is_the_models_unless_it_is_given(pipeline: Any, export: str) -> None:
    limit = plx_train.Predictor(export).processor.threshold
    assert pipeline.config["rec_threshold"] == pytest.approx(limit, abs=1e-6)


def test_an_index_lies_in_a_folder(pipeline: Any, index: FeatureIndex, data: Path, tmp_path: Path) -> None:
    index.save(tmp_path)
    wanted = only(pipeline, picture(data, 7, 1), index=index)
    assert only(pipeline, picture(data, 7, 1), index=str(tmp_path)) == wanted
    configured = plx_train.pipeline(pipeline.config | {"index": str(tmp_path)})
    assert only(configured, picture(data, 7, 1)) == wanted


def test_without_an_index_nothing_is_known(pipeline: Any, data: Path) -> None:
    with pytest.raises(UserError, match="needs an index of known images"):
        only(pipeline, picture(data, 7, 1))


@pytest.mark.long
def test_another_models_index_is_refused(pipeline: Any, index: FeatureIndex, data: Path, tmp_path: Path) -> None:
    other = train_room("image_feature", data, tmp_path / "other", "trainer.epochs=1", "seed=3").export
    second = plx_train.pipeline(NAME, Recognition=str(other))
    with pytest.raises(UserError, match="vectors of two models can't be compared"):
        only(second, picture(data, 7, 1), index=index)
    index.save(tmp_path)
    with pytest.raises(UserError, match="vectors of two models"):
        plx_train.pipeline(second.config | {"index": str(tmp_path)})


@pytest.mark.long
def test_main_bodies_are_cut_out(export: str, index: FeatureIndex, data: Path, tmp_path: Path) -> None:
    detector = export_detector(tmp_path / "detector")
    found = plx_train.pipeline(NAME, Detection=detector, Recognition=export)
    boxes = only(found, street(), index=index)
    wanted = found.parts["Detection"].predictor.with_settings(cut=0.5).predict(street()).to_json()["boxes"]
    assert [box["coordinate"] for box in boxes] == [box["coordinate"] for box in wanted] and wanted
    left, top, right, bottom = (int(value) for value in wanted[0]["coordinate"])
    crop = found.vectors([street()[top:bottom, left:right]])
    _, cosines = index.search(crop, 1)
    (best, *_) = only(found, street(), index=index, rec_threshold=-1.0)
    assert best["rec_scores"][0] == pytest.approx(float(cosines[0, 0]), abs=1e-4)
    (whole,) = only(found, street(), index=index, det_threshold=1.0)
    assert whole["coordinate"] == [0, 0, street().shape[1], street().shape[0]]


@pytest.mark.long
def test_an_index_may_be_a_version_of_the_registry(
    export: str, index: FeatureIndex, data: Path, tmp_path: Path
) -> None:
    uri = new_store(tmp_path / "store")
    resolve = resolver(uri)
    models, configured = {"Recognition": export}, {"index": "models:/pots@champion"}
    for number, each in enumerate((index, index.without(labels=["six"])), 1):
        folder = tmp_path / f"index{number}"
        folder.mkdir()
        each.save(folder)
        assert publish_index(uri, folder, each, "pots", "champion").ok
    found = load_pipeline(NAME, models=models, resolve=resolve, parameters=configured)
    assert (found.data["index"].version, found.data["index"].reference) == ("2", "models:/pots@champion")
    assert "six" not in only(found, picture(data, 6, 0), rec_threshold=-1.0)[0]["labels"]
    (box,) = only(found, picture(data, 6, 0), rec_threshold=-1.0, index="models:/pots/1")
    assert box["labels"][0] == "six"
    written = tmp_path / "pots.yaml"
    written.write_text(yaml.safe_dump(found.config | configured))
    assert load_pipeline(written, resolve=resolve).data["index"].version == "2"
    frozen = freeze(found, tmp_path / "frozen")
    assert json.loads((frozen / "manifest.json").read_text())["data"]["index"]["version"] == "2"
    assert only(plx_train.pipeline(frozen), picture(data, 7, 1)) == only(found, picture(data, 7, 1))
    with pytest.raises(UserError, match="no alias challenger"):
        load_pipeline(NAME, models=models, resolve=resolve, parameters={"index": "models:/pots@challenger"})


def test_an_index_of_a_yaml_lies_beside_it(export: str, index: FeatureIndex, data: Path, tmp_path: Path) -> None:
    index.save(new_folder(tmp_path / "known"))
    config = plx_train.pipeline(NAME, Recognition=export).config
    for given, is_there in (("known", True), ("None", False), (None, False)):
        (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump(config | {"index": given}))
        assert ("index" in plx_train.pipeline(tmp_path / "pipeline.yaml").data) == is_there
    (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump(config | {"index": "gone"}))
    with pytest.raises(UserError, match="gone holds no index"):
        plx_train.pipeline(tmp_path / "pipeline.yaml")


def new_folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_it_is_frozen_with_its_index_and_the_threshold_for_paddlex(
    pipeline: Any, index: FeatureIndex, data: Path, tmp_path: Path
) -> None:
    index.save(tmp_path)
    whole = plx_train.pipeline(pipeline.config | {"index": str(tmp_path)})
    frozen = freeze(whole, tmp_path / "frozen")
    config = yaml.safe_load((frozen / "pipeline.yaml").read_text())
    assert (config["rec_threshold"], config["index"]) == (pipeline.config["rec_threshold"], "index")
    moved = frozen.rename(tmp_path / "moved")
    assert only(plx_train.pipeline(moved), picture(data, 7, 1)) == only(whole, picture(data, 7, 1))
    config["index"] = "../frozen"
    (moved / "pipeline.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(UserError):
        plx_train.pipeline(moved)


@pytest.fixture
def client(pipeline: Any) -> Iterator[TestClient]:
    with TestClient(create_app(pipeline, ServeOptions(max_wait_ms=0.0))) as client:
        yield client


def sent(data: Path, number: int, place: int) -> str:
    return base64.b64encode((data / f"images/{number}_{place}.png").read_bytes()).decode()


def pairs(data: Path, numbers: range, place: int = 0) -> list[dict[str, str]]:
    return [{"image": sent(data, number, place), "label": f"no {number}"} for number in numbers]


def result(client: TestClient, path: str, **body: Any) -> dict[str, Any]:
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def test_an_index_is_built_and_changed_over_http(client: TestClient, pipeline: Any, data: Path) -> None:
    built = result(client, "/shitu-index-build", imageLabelPairs=pairs(data, range(6, 9)))
    key = built["indexKey"]
    assert built["imageCount"] == 3
    added = result(client, "/shitu-index-add", imageLabelPairs=pairs(data, range(9, 10)), indexKey=key)
    assert added == {"imageCount": 4}
    asked = {"image": sent(data, 9, 0), "indexKey": key, "recThreshold": 0.0, "topk": 1, "visualize": False}
    (thing,) = result(client, "/shitu-infer", **asked)["detectedObjects"]
    assert [one["label"] for one in thing["recResults"]] == ["no 9"] and thing["bbox"] == [0, 0, 24, 24]
    assert result(client, "/shitu-index-remove", ids=[3, 0], indexKey=key) == {"imageCount": 2}
    assert read_index(pipeline.store.folder / key).labels == ("no 7", "no 8")
    (thing,) = result(client, "/shitu-infer", **(asked | {"recThreshold": 1.0}))["detectedObjects"]
    assert thing["recResults"] == []


def test_images_added_at_once_are_all_there(client: TestClient, pipeline: Any, data: Path) -> None:
    key = result(client, "/shitu-index-build", imageLabelPairs=pairs(data, range(6, 7)))["indexKey"]
    adds = [
        threading.Thread(
            target=result,
            args=(client, "/shitu-index-add"),
            kwargs={"imageLabelPairs": pairs(data, range(number, number + 1)), "indexKey": key},
        )
        for number in range(6)
    ]
    for one in adds:
        one.start()
    for one in adds:
        one.join()
    assert read_index(pipeline.store.folder / key).ids.tolist() == list(range(7))


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        (
            "/shitu-index-add",
            {"imageLabelPairs": [{"image": "x", "label": "a"}], "indexKey": "../../etc"},
            "no index of the",
        ),
        ("/shitu-index-remove", {"ids": [1], "indexKey": "0" * 32}, "no index of the key"),
        ("/shitu-index-build", {"imageLabelPairs": []}, "at least 1 item"),
        ("/shitu-index-build", {"imageLabelPairs": [{"image": "AAAA", "label": "a"}]}, "image"),
        ("/shitu-index-build", {"imageLabelPairs": [{"image": "AAAA"}]}, "label"),
        ("/shitu-infer", {"image": "", "indexKey": "x"}, ""),
    ],
)
def test_what_can_not_be_is_refused(client: TestClient, path: str, body: dict[str, Any], told: str) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code == 422 and told in answer.json()["errorMsg"]


def test_an_unknown_id_removes_nothing(client: TestClient, data: Path) -> None:
    key = result(client, "/shitu-index-build", imageLabelPairs=pairs(data, range(6, 8)))["indexKey"]
    answer = client.post("/shitu-index-remove", json={"ids": [0, 7], "indexKey": key})
    assert answer.status_code == 422 and "7 is neither an id" in answer.json()["errorMsg"]
    assert result(client, "/shitu-index-add", imageLabelPairs=pairs(data, range(8, 9)), indexKey=key)["imageCount"] == 3


def test_indexes_of_a_server_take_so_much_of_its_disk(pipeline: Any, data: Path) -> None:
    kept = {path.name for path in pipeline.store.folder.iterdir()}
    taken = sum(path.stat().st_size for path in pipeline.store.folder.rglob("*") if path.is_file())
    one = pipeline.build_index([picture(data, 6, 0)], ["six"])
    key = pipeline.store.put(one)
    size = sum(path.stat().st_size for path in (pipeline.store.folder / key).iterdir())
    options = ServeOptions(max_wait_ms=0.0, max_index_mb=(taken + 1.5 * size) / 2**20)
    with TestClient(create_app(pipeline, options)) as client:
        answer = client.post("/shitu-index-build", json={"imageLabelPairs": pairs(data, range(6, 7))})
        assert answer.status_code == 422 and "serve.max_index_mb" in answer.json()["errorMsg"]
        # What takes the place of an index may be as large as that.
        assert result(client, "/shitu-index-remove", ids=[0], indexKey=key) == {"imageCount": 0}
    assert {path.name for path in pipeline.store.folder.iterdir()} == {*kept, key}


def test_a_server_with_a_key_keeps_its_indexes_too(pipeline: Any, data: Path) -> None:
    with TestClient(create_app(pipeline, ServeOptions(max_wait_ms=0.0), api_key="secret")) as client:
        answer = client.post("/shitu-index-build", json={"imageLabelPairs": pairs(data, range(6, 7))})
    assert answer.status_code == 401


def test_settings_that_can_not_be_are_a_sentence(pipeline: Any, index: FeatureIndex, data: Path) -> None:
    with pytest.raises(ConfigError, match="rec_topk must be at least 1"):
        only(pipeline, picture(data, 7, 1), index=index, rec_topk=-1)
    with pytest.raises(UserError, match="2 images need as many labels"):
        pipeline.build_index([picture(data, 7, 1)] * 2, ["a"])
