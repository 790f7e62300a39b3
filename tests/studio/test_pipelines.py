"""Pipelines as the studio shows and saves them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kit.promotion import make_export
from kit.studio_homes import new_home
from plx_train.contract.pipelines import pipeline_files
from plx_train.ground.errors import ConfigError, UserError
from plx_train.pipelines.config import read_config
from plx_train.studio.home import Home
from plx_train.studio.pipelines import card, cards, remove, save


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path)


def test_every_known_pipeline_has_a_card(home: Home) -> None:
    found = cards(home)

    assert [one["source"] for one in found] == list(pipeline_files())
    assert not any("fault" in one for one in found)
    assert all(one["sentence"] and one["parts"] for one in found)


def test_a_card_says_parts_parameters_and_endpoint(home: Home) -> None:
    ocr = card(home, "ocr")

    needed = {part["key"]: part["published"]["name"] for part in ocr["parts"] if not part["isOptional"]}
    assert needed == {"TextDetection": "PP-OCRv4_mobile_det", "TextRecognition": "PP-OCRv4_mobile_rec"}
    assert {part["key"] for part in ocr["parts"] if part["isOptional"]} == {
        "TextLineOrientation",
        "DocOrientationClassify",
    }
    parameters = {one["name"]: one for one in ocr["parameters"]}
    assert parameters["text_rec_score_thresh"] | {"value": 0.0, "isKept": True} == parameters["text_rec_score_thresh"]
    assert parameters["text_det_limit_type"]["choices"] == ["min", "max"]
    assert not parameters["use_textline_orientation"]["isKept"]
    assert ocr["endpoint"] == {"path": "/ocr", "field": "file", "answer": "pages", "key": "ocrResults"}


def test_what_is_saved_is_read_by_commands_from_wherever(home: Home) -> None:
    make_export(home.outputs / "a" / "export")

    source = save(
        home,
        "My pages",
        "OCR",
        {"TextDetection": "outputs/a", "TextRecognition": "models:/text_rec@champion"},
        {"text_det_thresh": 0.25, "text_rec_score_thresh": 0.5},
    )

    assert source == "studio/pipelines/My pages.yaml"
    parts = read_config(home.root / source)["SubModules"]
    assert parts["TextDetection"]["model_dir"] == str(home.outputs / "a")
    assert parts["TextDetection"]["model_name"] == "PP-OCRv4_mobile_det"
    assert parts["TextDetection"]["thresh"] == 0.25
    assert parts["TextRecognition"]["model_dir"] == "models:/text_rec@champion"
    assert parts["TextRecognition"]["score_thresh"] == 0.5
    shown = cards(home)[0]
    assert (shown["source"], shown["name"], shown["isSaved"]) == (source, "OCR", True)
    assert {one["name"]: one["value"] for one in shown["parameters"]}["text_det_thresh"] == 0.25


def test_a_name_is_taken_once_and_is_no_path(home: Home) -> None:
    save(home, "mine", "OCR", {}, {})
    with pytest.raises(UserError, match="there is a pipeline mine already"):
        save(home, "mine", "OCR", {}, {})
    save(home, "mine", "OCR", {}, {"text_det_thresh": 0.1}, replaces=True)
    for name in ("../mine", "a/b", ".hidden", "", "x\n"):
        with pytest.raises(UserError, match="can't be called"):
            save(home, name, "OCR", {}, {})


def test_what_a_file_can_not_keep_is_refused(home: Home) -> None:
    with pytest.raises(ConfigError, match="use_textline_orientation is said by requests alone"):
        save(home, "mine", "OCR", {}, {"use_textline_orientation": True})
    with pytest.raises(ConfigError, match="takes no text_det_tresh; did you mean text_det_thresh"):
        save(home, "mine", "OCR", {}, {"text_det_tresh": 0.1})
    with pytest.raises(ConfigError, match="has no part Nothing"):
        save(home, "mine", "OCR", {"Nothing": "outputs/a"}, {})
    assert not list(home.pipelines.iterdir())


def test_a_file_that_is_broken_is_shown_with_its_fault(home: Home) -> None:
    (home.pipelines / "broken.yaml").write_text("pipeline_name: [\n")

    shown = cards(home)[0]
    assert shown["source"] == "studio/pipelines/broken.yaml"
    assert "is no YAML" in shown["fault"]


def test_only_what_was_saved_is_deleted(home: Home) -> None:
    source = save(home, "mine", "OCR", {}, {})
    (home.root / "other.yaml").write_text("")

    for other in ("other.yaml", "OCR", "../mine.yaml", f"{home.root}/{source}"):
        with pytest.raises(UserError):
            remove(home, other)
    remove(home, source)
    assert not list(home.pipelines.iterdir())


def test_what_was_frozen_is_a_pipeline_too(home: Home) -> None:
    folder = home.root / "frozen" / "mine"
    make_export(folder / "models" / "ObjectDetection")
    section = {"module_name": "object_detection", "model_dir": "models/ObjectDetection"}
    content = {"pipeline_name": "object_detection", "SubModules": {"ObjectDetection": section}}
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(content))

    shown = cards(home)[0]

    assert (shown["source"], shown["isFrozen"], shown["isSaved"]) == ("frozen/mine", True, False)
    assert shown["parts"][0]["given"] == str(folder / "models" / "ObjectDetection")
