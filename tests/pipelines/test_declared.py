"""A pipeline of one model is its YAML: somebody else's room is run, promoted and served by it, mistakes are told."""

from __future__ import annotations

import ast
import base64
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from fastapi.testclient import TestClient

import plx_train
from kit import toy_room
from kit.fake_pipeline import FakePipeline, FakeResult
from kit.toy_room import NAME, PART, PIPELINE
from plx_train.config.serve_options import ServeOptions
from plx_train.contract.pipeline import declare
from plx_train.contract.pipelines import declaration_of, part_for, pipeline_files, place_of
from plx_train.contract.rooms import load_room, room_names
from plx_train.ground.errors import ConfigError, UserError
from plx_train.modes.serve import pipeline_config
from plx_train.pipelines.freeze import freeze
from plx_train.serving.app import create_app
from plx_train.serving.endpoints import SERVER_PATHS, endpoint_of

PURPLE = np.full((20, 30, 3), (204, 0, 102), np.uint8)
"""BGR: 0.8 blue, 0.4 red."""


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Each test has a package of its own under the one name."""
    load_room.cache_clear()
    yield
    load_room.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "toy_package"]:
        del sys.modules[name]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = toy_room.install(tmp_path / "site")
    monkeypatch.syspath_prepend(folder)
    return folder


@pytest.fixture
def model(installed: Path, tmp_path: Path) -> str:
    return str(toy_room.export(tmp_path / "export"))


def sent(image: np.ndarray = PURPLE) -> str:
    return base64.b64encode(cv2.imencode(".png", image)[1].tobytes()).decode()


def test_the_yaml_alone_makes_it_known(installed: Path) -> None:
    assert PIPELINE in pipeline_files()
    assert place_of(NAME) == (PIPELINE, PART)
    assert pipeline_config(PIPELINE.upper()) == PIPELINE


def test_it_runs_with_settings_of_the_call_the_yaml_and_the_model(model: str, tmp_path: Path) -> None:
    pipeline = plx_train.pipeline(PIPELINE, ToyMultiLabel=model)
    (found,) = pipeline.predict(PURPLE)
    assert found["label_names"] == ["blue", "red"] and found["scores"] == [0.8, 0.4]
    assert found["models"][PART]["name"] == "Toy-1"

    def names(**params: Any) -> list[str]:
        return next(iter(pipeline.predict(PURPLE, **params)))["label_names"]

    assert names(threshold=0.5) == ["blue"]
    assert names(threshold=0) == ["blue", "green", "red"]
    assert names(threshold=[0.9, 0.0, 0.4]) == ["green", "red"]
    assert names(threshold={"default": 0.9, "2": 0.4}) == ["red"]
    assert names() == ["blue", "red"], "what a call sets is forgotten after it"
    found.save_all(tmp_path / "out")
    assert np.abs(cv2.imread(str(tmp_path / "out" / "image_res.jpg")).astype(int) - PURPLE // 2).max() < 12

    config = yaml.safe_load(toy_room.YAML)
    config["SubModules"][PART] |= {"threshold": None, "model_dir": model}
    assert next(iter(plx_train.pipeline(config).predict(PURPLE)))["label_names"] == ["blue"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"threshold": "high"}, "must be float or list or tuple or dict"),
        ({"threshold": True}, "must be float"),
        ({"threshold": [0.1]}, "threshold must have 3 numbers"),
        ({"treshold": 0.5}, "did you mean threshold"),
    ],
)
def test_wrong_parameters_are_a_sentence(model: str, params: dict[str, Any], message: str) -> None:
    pipeline = plx_train.pipeline(PIPELINE, ToyMultiLabel=model)
    with pytest.raises(UserError, match=message):
        list(pipeline.predict(PURPLE, **params))


def test_it_is_promoted_and_a_worse_one_is_not(model: str, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'm.db'}"

    def promote(folder: str) -> Any:
        given = [f"run={folder}", "alias=champion", f"tracking.uri={uri}", f"output={tmp_path / 'promoted'}"]
        return plx_train.run(["mode=promote", *given, "quiet=true"])

    promote(model)
    with pytest.raises(UserError, match=r"error 0\.9000 is above 0\.8000 of version 1"):
        promote(str(toy_room.export(tmp_path / "worse", 0.9)))
    promote(str(toy_room.export(tmp_path / "better", 0.7)))
    output = tmp_path / "out"
    cv2.imwrite(str(tmp_path / "a.png"), PURPLE)
    asked = [f"pipeline={PIPELINE}", f"models.{PART}=models:/{NAME}@champion", f"tracking.uri={uri}"]
    plx_train.run(["mode=predict", *asked, f"input={tmp_path / 'a.png'}", f"output={output}", "quiet=true"])
    assert yaml.safe_load((output / "a_res.json").read_text())["models"][PART]["version"] == "3"


def test_it_is_served(model: str) -> None:
    pipeline = plx_train.pipeline(PIPELINE, ToyMultiLabel=model)
    with TestClient(create_app(pipeline, ServeOptions(max_wait_ms=0.0))) as client:
        told = client.post("/toy-multilabel", json={"image": sent(), "threshold": 0.5}).json()["result"]
        several = client.post("/toy-multilabel", json={"image": sent(), "threshold": {"default": 0.9, "2": 0.1}})
        listed = client.post("/toy-multilabel", json={"image": sent(), "threshold": [0.0, 0.0, 0.0]})
        above = client.post("/toy-multilabel", json={"image": sent(), "threshold": 2})
        short = client.post("/toy-multilabel", json={"image": sent(), "threshold": [0.5]})
        described = client.get("/openapi.json").json()["paths"]["/toy-multilabel"]["post"]["requestBody"]
        page = client.get("/").text
    assert told["categories"] == [{"id": 0, "name": "blue", "score": 0.8}]
    assert set(told) == {"categories", "image", "models"}
    assert [one["name"] for one in several.json()["result"]["categories"]] == ["red"]
    assert len(listed.json()["result"]["categories"]) == 3
    assert above.status_code == short.status_code == 422
    assert "threshold must have 3 numbers" in short.json()["errorMsg"]
    shown = described["content"]["application/json"]["schema"]["properties"]["threshold"]["anyOf"]
    assert shown[0] == {"maximum": 1, "minimum": 0, "type": "number"}
    assert '"field": "image"' in page


def test_it_is_frozen_and_runs_on(model: str, tmp_path: Path) -> None:
    frozen = freeze(plx_train.pipeline(PIPELINE, ToyMultiLabel=model), tmp_path / "frozen")
    assert "plx_train" not in yaml.safe_load((frozen / "pipeline.yaml").read_text())
    assert next(iter(plx_train.pipeline(frozen).predict(PURPLE)))["label_names"] == ["blue", "red"]


ATTRIBUTES = """
pipeline_name: my_people
SubModules:
  Classification: {model_name: Toy-1, model_dir: export}
plx_train:
  reads: image
  parts: {Classification: {module: toy_colours, registered: [people]}}
  parameters: {cls_threshold: {type: number, setting: threshold, minimum: 0, maximum: 1}}
  endpoint: {path: /pedestrian-attribute-recognition, answer: attributes, key: pedestrians}
"""


def test_a_yaml_of_ones_own_needs_no_package_and_keeps_its_section_when_it_is_frozen(
    model: str, tmp_path: Path
) -> None:
    path = tmp_path / "people.yaml"
    path.write_text(ATTRIBUTES)
    pipeline = plx_train.pipeline(path)
    assert PIPELINE in pipeline_files() and "my_people" not in pipeline_files()
    with TestClient(create_app(pipeline, ServeOptions(max_wait_ms=0.0))) as client:
        asked = {"image": sent(), "clsThreshold": 0.5, "visualize": False}
        told = client.post("/pedestrian-attribute-recognition", json=asked).json()["result"]
        schema = client.get("/openapi.json").json()["components"]["schemas"]["AttributesAnswer"]
    described = {"bbox": [0, 0, 30, 20], "attributes": [{"label": "blue", "score": 0.8}], "score": 1.0}
    assert told["pedestrians"] == [described] and "image" not in told
    assert "pedestrians" in schema["required"]
    frozen = freeze(pipeline, tmp_path / "frozen")
    (found,) = plx_train.pipeline(frozen).predict(PURPLE, cls_threshold=0.5)
    assert found["label_names"] == ["blue"]


def test_the_part_of_a_given_pipeline_is_found_by_name_and_module(installed: Path) -> None:
    people = declaration_of(yaml.safe_load(ATTRIBUTES))
    assert part_for(people, "people", NAME) == part_for(people, "other", NAME) == "Classification"
    assert part_for(people, "other", "text_rec") is None
    ocr = pipeline_files()["OCR"].declaration
    assert part_for(ocr, "my_lines", "image_cls") == "TextLineOrientation"


def test_boxes_are_answered_as_detected_objects() -> None:
    class Boxes(FakePipeline):
        def _found(self, image: np.ndarray) -> FakeResult:
            box = {"cls_id": 3, "label": "cat", "score": 0.5, "coordinate": [1.0, 2.0, 3.0, 4.0]}
            return FakeResult({"input_path": None, "boxes": [box], "models": {}}, image, ("res",))

    section = {"endpoint": {"path": "/object-detection", "answer": "boxes"}}
    pipeline = Boxes("my_detection", config={"plx_train": section})
    with TestClient(create_app(pipeline, ServeOptions(max_wait_ms=0.0))) as client:
        told = client.post("/object-detection", json={"image": sent()}).json()["result"]
    assert told["detectedObjects"] == [
        {"bbox": [1.0, 2.0, 3.0, 4.0], "categoryId": 3, "categoryName": "cat", "score": 0.5}
    ]


def changed(**section: Any) -> dict[str, Any]:
    config = yaml.safe_load(toy_room.YAML)
    config["plx_train"] |= section
    return config


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"endpont": {}}, r"plx_train\.endpont is not known; did you mean endpoint\?"),
        (
            {"parts": {PART: {"module": "toy_colors"}}},
            r"\.module names toy_colors, which is none of image_anomaly",
        ),
        ({"parts": {PART: {}}}, r"parts\.ToyMultiLabel lacks module"),
        ({"parts": {PART: {"module": NAME, "registered": "x"}}}, r"registered must be a list of names"),
        ({"parts": {}}, r"reads makes a pipeline of one model"),
        (
            {"parts": {PART: {"module": "image_cls"}, "Other": {"module": "image_cls", "switch": "use_other"}}},
            r"reads makes a pipeline of one model, .* and no other",
        ),
        ({"reads": "video"}, r"plx_train\.reads is image or series, not video"),
        ({"latency_budget_ms": "fast"}, r"latency_budget_ms must be a number, not 'fast'"),
        ({"parameters": {"threshold": {"type": "float"}}}, r"parameters\.threshold\.type must be one or several of"),
        ({"parameters": {"threshold": {"type": "number", "min": 0}}}, r"threshold\.min is not known"),
        ({"parameters": {"topk": {"type": "integer"}}}, r"topk sets topk, which models of toy_colours do not have"),
        ({"endpoint": "/x"}, r"endpoint must hold path and answer"),
        ({"endpoint": {"path": "x", "answer": "categories"}}, r"endpoint\.path must be a path as in /ocr, not x"),
        ({"parameters": {"threshold": {"type": [["number"]]}}}, r"threshold\.type must be one or several of"),
        ({"parameters": {1: {"type": "number"}}}, r"parameters has the name 1, which is no text: put it in quotes"),
        ({"parts": ["x"]}, r"parts must hold one section for each name"),
    ],
)
def test_a_declaration_that_is_wrong_is_a_sentence(model: str, section: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plx_train.pipeline(changed(**section), ToyMultiLabel=model)


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        (None, "the pipeline my_fake has no place in the protocol: OCR, "),
        ({"path": "/x", "answer": "boxs"}, "answer is boxs, none of categories, boxes"),
        ({"path": "/x", "answer": "attributes"}, "lacks key"),
        ({"path": "/x", "answer": "boxes", "key": "y"}, "key is nothing that answers of the kind boxes take"),
        ({"path": "/x", "answer": "pages", "key": "y", "pictures": ["z"]}, "pictures must hold the answer's fields"),
        ({"path": "/x", "answer": "pages", "key": "y", "pictures": {1: "z"}}, "pictures must hold the answer's fields"),
        ({"path": "/x", "answer": "table"}, "lacks table"),
        *(({"path": path, "answer": "boxes"}, f"path is {path}, the server's own") for path in SERVER_PATHS[1:]),
        ({"path": "/x", "answer": "boxes"}, r"parameters\.visualize has the name of a field that every request has"),
    ],
)
def test_an_endpoint_that_can_not_be_is_a_sentence(endpoint: dict[str, Any] | None, message: str) -> None:
    section = {"endpoint": endpoint, "parameters": {"visualize": {"type": "boolean"}}}
    pipeline = FakePipeline("my_fake", config={"plx_train": section})
    with pytest.raises(UserError, match=message):
        endpoint_of(pipeline)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (toy_room.YAML.replace(PIPELINE, "OCR"), "are both of the pipeline OCR"),
        (
            toy_room.YAML.replace(f"{NAME}}}", f"{NAME}, registered: [text_det]}}"),
            "both take the registered",
        ),
        (toy_room.YAML.replace(f"  {PART}:\n    model_name", "  Other:\n    model_name"), "stands in no SubModules"),
        ("pipeline_name: [", "is no YAML"),
        ("SubModules: {}", "names no pipeline"),
    ],
)
def test_what_contradicts_is_told_with_the_file(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(toy_room.install(tmp_path / "site", text))
    with pytest.raises(UserError, match=rf"toy\.yaml.*{message}"):
        pipeline_files()


def test_what_reads_pictures_does_not_answer_with_tables() -> None:
    config = {"plx_train": {"reads": "image", "parts": {PART: {"module": "image_cls"}}}}
    config["plx_train"]["endpoint"] = {"path": "/x", "answer": "label"}
    with pytest.raises(ConfigError, match="answer is label, but pipelines that read image answer with one of cat"):
        endpoint_of(FakePipeline("my_fake", config=config))


def test_a_package_that_can_not_be_imported_takes_nothing_from_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = toy_room.install(tmp_path / "site")
    (folder / "toy_package" / "__init__.py").write_text("raise RuntimeError('broken')")
    monkeypatch.syspath_prepend(folder)
    assert "OCR" in pipeline_files() and PIPELINE not in pipeline_files()


def test_a_class_of_ones_own_goes_before_what_its_yaml_reads(model: str) -> None:
    from plx_train.pipelines.known import kind_of
    from plx_train.pipelines.single import ImageModel

    class Counting(ImageModel):
        NAME = "toy_counting"

        def run(self, pages: Any, params: Any) -> Any:
            found = super().run(pages, params)
            for one in found:
                one["count"] = len(one["label_names"])
            return found

    assert kind_of({"pipeline_name": "image_classification"}) is ImageModel, "of its own pipeline alone"
    pipeline = plx_train.pipeline(changed() | {"pipeline_name": "toy_counting"}, ToyMultiLabel=model)
    with pytest.raises(ConfigError, match="parts must name the one part that the pipeline always has"):
        plx_train.pipeline({"pipeline_name": "toy_counting", "SubModules": {PART: {"model_dir": model}}})
    assert isinstance(pipeline, Counting) and next(iter(pipeline.predict(PURPLE)))["count"] == 2


def test_the_core_names_no_room_and_no_pipeline_of_one_model() -> None:
    package = Path(plx_train.__file__).parent
    single = {name for name, file in pipeline_files().items() if file.declaration.reads}
    parts = [part for file in pipeline_files().values() for part in file.declaration.parts.values()]
    registered = {name for part in parts for name in part.registered}
    names = {*room_names(), *registered, *single}
    files = [path for path in package.rglob("*.py") if not path.is_relative_to(package / "modules")]
    found = [
        f"{path.relative_to(package)}:{node.lineno}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and node.value in names
    ]
    assert len(files) > 200 and len(registered) > 7 and found == []


def test_declarations_are_read_as_they_stand() -> None:
    section = {"parameters": {"cls_threshold": {"type": ["number", "array"], "setting": "threshold", "minimum": 0}}}
    parameter = declare(section, "here").parameters["cls_threshold"]
    assert (parameter.request_name, parameter.setting, parameter.limits) == (
        *("clsThreshold", "threshold"),
        {"minimum": 0},
    )
    assert parameter.python_types == (float, list, tuple)
