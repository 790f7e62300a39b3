"""Pipelines: parts found and loaded, pages in, results as PaddleX names them, frozen folders that stay as they are."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from PIL import Image

import plx_train
import plx_train.pipelines.config
from kit.checked_rooms import built
from kit.places import ROOT
from kit.tiny_detector import TinyDetector, draw_page
from plx_train.export.write import write_export
from plx_train.ground.errors import ConfigError, UserError
from plx_train.pipelines.crops import crop_line, reading_order, rotate
from plx_train.pipelines.freeze import freeze, verify
from plx_train.pipelines.searchable import searchable_pdf

TINY_PARTS = ("TextDetection", "TextRecognition")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Exported folders: one finds dark bars, the other reads some letters into them."""
    import paddle

    folder = tmp_path_factory.mktemp("models")
    paddle.seed(3)
    detector = TinyDetector()
    options = {"scale": 0.25, "neck_channels": 16, "neck_depth": 1}
    recogniser = built("text_rec", characters=tuple("abcdefgh"), options=options)
    for name, module, model_name in (
        ("det", detector, "PP-OCRv4_mobile_det"),
        ("rec", recogniser, "PP-OCRv4_mobile_rec"),
    ):
        module.eval_mode()
        (folder / name).mkdir()
        write_export(module, module.processor, folder / name, model_name, {"run_id": f"run-of-{name}"})
    return {"TextDetection": str(folder / "det"), "TextRecognition": str(folder / "rec")}


@pytest.fixture(scope="module")
def ocr(models: dict[str, str]) -> plx_train.Pipeline:
    return plx_train.pipeline("OCR", **models)


@pytest.fixture(scope="module")
def pages() -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [draw_page(rng, size)[0] for size in ((256, 320), (320, 256), (200, 420))]


def plain(result: Any) -> dict[str, Any]:
    return {name: value for name, value in result.json["res"].items() if name != "input_path"}


def test_what_is_found_in_a_page(ocr: plx_train.Pipeline, pages: list[np.ndarray]) -> None:
    (result,) = ocr.predict(pages[0])
    count = len(result["dt_polys"])
    assert count > 2
    assert len(result["rec_texts"]) == len(result["rec_scores"]) == len(result["rec_polys"]) == count
    assert result["rec_boxes"].shape == (count, 4)
    tops = [box[1] for box in result["rec_boxes"]]
    assert tops == sorted(tops)
    assert result["textline_orientation_angles"] == [-1] * count
    assert result["model_settings"] == {"use_doc_preprocessor": False, "use_textline_orientation": False}
    assert result["text_type"] == "general"
    assert result.text == "\n".join(result["rec_texts"])


def test_a_result_says_which_models_it_comes_from(ocr: plx_train.Pipeline, pages: list[np.ndarray]) -> None:
    (result,) = ocr.predict(pages[0])
    assert {key: part["run_id"] for key, part in result["models"].items()} == {
        "TextDetection": "run-of-det",
        "TextRecognition": "run-of-rec",
    }
    assert all(len(part["sha256"]) == 64 for part in result.json["res"]["models"].values())


def test_pages_of_any_sizes_come_out_together_as_alone(ocr: plx_train.Pipeline, pages: list[np.ndarray]) -> None:
    together = ocr.predict_many([*pages, *pages[::-1]])
    alone = [next(iter(ocr.predict(page))) for page in [*pages, *pages[::-1]]]
    assert [plain(result) for result in together] == [plain(result) for result in alone]


def test_parameters_of_one_call(ocr: plx_train.Pipeline, pages: list[np.ndarray]) -> None:
    (strict,) = ocr.predict(pages[0], text_det_box_thresh=0.999, text_rec_score_thresh=None)
    assert strict["text_det_params"]["box_thresh"] == 0.999
    (usual,) = ocr.predict(pages[0])
    assert usual["text_det_params"]["box_thresh"] == 0.6
    (none,) = ocr.predict(pages[0], text_rec_score_thresh=1)
    assert none["rec_texts"] == [] and len(none["dt_polys"]) == len(usual["dt_polys"])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"text_det_tresh": 0.3}, "did you mean text_det_thresh"),
        ({"text_det_thresh": "high"}, "must be float"),
        ({"text_det_limit_side_len": True}, "must be int"),
        ({"use_textline_orientation": True}, "needs a model for TextLineOrientation"),
        ({"text_det_thresh": 7.0}, "thresh must lie between 0 and 1"),
    ],
)
def test_wrong_parameters_are_a_sentence(
    ocr: plx_train.Pipeline, pages: list[np.ndarray], params: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        list(ocr.predict(pages[0], **params))


def test_an_empty_page_holds_nothing(ocr: plx_train.Pipeline, tmp_path: Path) -> None:
    (result,) = ocr.predict(np.full((64, 64, 3), 255, np.uint8))
    assert result["rec_texts"] == [] and result["rec_boxes"].shape == (0, 4)
    result.save_all(tmp_path)
    assert json.loads((tmp_path / "image_res.json").read_text())["rec_boxes"] == []


def test_a_folder_is_read_one_file_at_a_time_and_no_name_is_lost(
    ocr: plx_train.Pipeline, pages: list[np.ndarray], tmp_path: Path
) -> None:
    for name in ("a/page.png", "b/page.png", "b/ünï.png"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(cv2.imencode(".png", pages[0])[1].tobytes())
    (tmp_path / "in" / "b" / "notes.md").write_text("no image")
    for result in ocr.predict(tmp_path / "in"):
        result.save_all(tmp_path / "out")
    written = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    stems = ("a/page", "b/page", "b/ünï")
    assert written == {f"{stem}_{end}" for stem in stems for end in ("res.json", "res.txt", "ocr_res_img.jpg")}
    broken = tmp_path / "in" / "c.png"
    broken.write_bytes(b"")
    results = ocr.predict(tmp_path / "in")
    for _ in range(3):
        next(results)
    with pytest.raises(UserError, match=r"c\.png"):
        next(results)


def test_inputs_that_are_none(ocr: plx_train.Pipeline, tmp_path: Path) -> None:
    for wrong in (tmp_path / "no.png", tmp_path, 7, np.zeros((3, 3)), [np.zeros((3, 3, 3))]):
        with pytest.raises(UserError):
            list(ocr.predict(wrong))


def test_a_frozen_pipeline_gives_the_same_and_says_if_it_was_changed(
    ocr: plx_train.Pipeline, pages: list[np.ndarray], tmp_path: Path
) -> None:
    frozen = freeze(ocr, tmp_path / "frozen")
    moved = tmp_path / "elsewhere"
    shutil.move(frozen, moved)
    again = plx_train.pipeline(moved)
    for page in pages:
        (one,), (other,) = ocr.predict(page), again.predict(page)
        assert one["rec_texts"] == other["rec_texts"]
        assert one["rec_boxes"].tolist() == other["rec_boxes"].tolist()
    config = yaml.safe_load((moved / "pipeline.yaml").read_text())
    assert config["SubModules"]["TextDetection"]["model_dir"] == "models/TextDetection"
    assert {"thresh", "box_thresh", "unclip_ratio"} <= set(config["SubModules"]["TextDetection"])
    manifest = json.loads((moved / "manifest.json").read_text())
    assert manifest["models"]["TextRecognition"]["run_id"] == "run-of-rec"
    verify(moved)
    with pytest.raises(UserError, match="is there already"):
        freeze(ocr, moved)
    (moved / "models/TextDetection/inference.yml").write_text("Global: {}\n")
    with pytest.raises(UserError, match="not what was frozen"):
        verify(moved)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere"]


@pytest.mark.parametrize(
    ("config", "given", "message"),
    [
        ("ORC", {}, "did you mean OCR"),
        ("OCR", {"TextDetecton": "x"}, "did you mean TextDetection"),
        ("OCR", {"TextDetection": "/nowhere"}, "TextDetection: /nowhere is no exported folder"),
        ({"pipeline_name": "OCR"}, {}, "needs SubModules.TextDetection"),
        ({"pipeline_name": "seal_recognition"}, {}, "none that is known here"),
        ({"SubModules": {}}, {}, "names no pipeline"),
        ({"pipeline_name": "OCR", "SubModules": {"TextDetection": {"model_dir": 5}}}, {}, "must be a text or null"),
        ("image_classification", {}, "no model of the name PP-LCNet_x1_0 can be fetched"),
        ({"pipeline_name": "doc_preprocessor", "use_doc_unwarping": True}, {}, "can't be unwarped"),
        ("/nowhere/ocr.yaml", {}, "can't be read"),
    ],
)
def test_configurations_that_are_wrong(config: Any, given: dict[str, str], message: str) -> None:
    with pytest.raises((UserError, ConfigError), match=message):
        plx_train.pipeline(config, **given)


def test_a_model_of_another_module_is_refused(models: dict[str, str]) -> None:
    with pytest.raises(UserError, match="TextDetection takes a model of text_det, not of text_rec"):
        plx_train.pipeline("OCR", TextDetection=models["TextRecognition"], TextRecognition=models["TextRecognition"])


def test_a_pipeline_of_ones_own(models: dict[str, str], pages: list[np.ndarray], tmp_path: Path) -> None:
    from plx_train.pipelines.base import Pipeline
    from plx_train.pipelines.result import PipelineResult

    class CountLines(Pipeline):
        NAME = "count_lines"
        PARTS = ("TextDetection",)

        def run(self, pages: Any, params: Any) -> list[PipelineResult]:
            found = [self.parts["TextDetection"].predictor.predict(page.image) for page in pages]
            return [PipelineResult({"lines": len(one)}, page.name) for one, page in zip(found, pages, strict=True)]

    path = tmp_path / "count.yaml"
    section = {"TextDetection": {"model_name": "any", "model_dir": models["TextDetection"]}}
    path.write_text(yaml.safe_dump({"pipeline_name": "count_lines", "SubModules": section}))
    results = list(plx_train.pipeline(path).predict(pages))
    assert all(result["lines"] > 2 for result in results)


def quad(left: float, top: float, width: float = 50, height: float = 12) -> np.ndarray:
    right, bottom = left + width, top + height
    return np.asarray([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def test_lines_are_read_from_the_top_and_within_a_line_from_the_left() -> None:
    quads = [quad(200, 104), quad(10, 50), quad(10, 108), quad(100, 99)]
    ordered = [tuple(one[0]) for one in reading_order(quads)]
    assert ordered == [(10, 50), (10, 108), (100, 99), (200, 104)]
    far = [np.asarray(one, np.int16) for one in (quad(0, 30000), quad(0, -30000))]
    assert reading_order(far)[0][0][1] == -30000


def test_a_line_is_cut_out_flat_and_one_that_runs_down_is_turned() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    image[20:40, 30:130] = 255
    flat = crop_line(image, quad(30, 20, 99, 19))
    assert flat.shape[:2] == (19, 99) and flat.mean() > 250
    image = np.zeros((200, 100, 3), np.uint8)
    image[20:120, 30:50, 2] = np.arange(100)[:, None] * 2
    turned = crop_line(image, quad(30, 20, 19, 99))
    assert turned.shape[:2] == (19, 99)
    assert turned[9, 90, 2] > turned[9, 10, 2], "its top comes to the left when it is turned against the clock"
    assert crop_line(image, np.zeros((4, 2))).size == 0


def test_turning_is_against_the_clock() -> None:
    image = np.zeros((2, 3, 3), np.uint8)
    image[0, 2] = 9
    assert rotate(image, 90)[0, 0].tolist() == [9, 9, 9]
    assert rotate(image, 0) is image


@pytest.mark.long
@pytest.mark.network
def test_published_models_read_a_page() -> None:
    page = ROOT / "datasets" / "pages" / "images" / "debian-reference-en_0003.jpg"
    (result,) = plx_train.pipeline("OCR").predict(page)
    assert "9.2.1 Customizing vim with internal features" in result["rec_texts"]
    assert len(result["rec_texts"]) == 48


def test_inference_needs_nothing_of_the_workbench(
    models: dict[str, str], pages: list[np.ndarray], tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / "page.png"), pages[0])
    script = tmp_path / "read.py"
    script.write_text(
        "import sys\n"
        "class Blocked:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('hydra', 'omegaconf', 'mlflow', 'visualdl', 'jinja2', 'rich', 'psutil'):\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "import plx_train\n"
        f"pipeline = plx_train.pipeline('OCR', **{models!r})\n"
        f"print(len(next(iter(pipeline.predict({str(tmp_path / 'page.png')!r})))['rec_texts']))\n"
        "try:\n"
        "    plx_train.run([])\n"
        "except plx_train.UserError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    count, sentence = done.stdout.splitlines()
    assert int(count) > 2, done.stderr
    assert "pip install 'plx_train[train]'" in sentence


def test_onnx_runtime_finds_the_same(models: dict[str, str], pages: list[np.ndarray]) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("paddle2onnx")
    config = plx_train.pipelines.config.read_config("OCR")
    one, other = (plx_train.pipeline(config | {"engine": name}, **models) for name in ("paddle", "onnx"))
    assert {part.predictor.engine for part in other.parts.values()} == {"onnx"}
    for page in pages:
        (wanted,), (got,) = one.predict(page), other.predict(page)
        assert wanted["rec_texts"] == got["rec_texts"]
        assert wanted["rec_boxes"].tolist() == got["rec_boxes"].tolist()
        assert np.allclose(wanted["rec_scores"], got["rec_scores"], atol=1e-4)


def test_the_pages_of_a_pdf(ocr: plx_train.Pipeline, pages: list[np.ndarray], tmp_path: Path) -> None:
    pytest.importorskip("pypdfium2")
    images = [Image.fromarray(page) for page in pages]
    images[0].save(tmp_path / "three.pdf", save_all=True, append_images=images[1:])
    results = list(ocr.predict(tmp_path / "three.pdf"))
    assert [(result["page_index"], result["page_count"]) for result in results] == [(0, 3), (1, 3), (2, 3)]
    assert all(len(result["rec_texts"]) > 2 for result in results)
    results[1].save_to_json(tmp_path / "out")
    assert (tmp_path / "out" / "three_1_res.json").is_file()
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    with pytest.raises(UserError, match=r"broken\.pdf is no PDF"):
        list(ocr.predict(tmp_path / "broken.pdf"))


def test_the_example_in_the_docs(models: dict[str, str]) -> None:
    folder = ROOT / "docs" / "examples"
    specification = importlib.util.spec_from_file_location("coloured_text", folder / "coloured_text.py")
    example = importlib.util.module_from_spec(specification)  # type: ignore[arg-type]
    sys.modules["coloured_text"] = example
    specification.loader.exec_module(example)  # type: ignore[union-attr]
    page = np.full((200, 300, 3), 255, np.uint8)
    page[30:50, 40:240] = (0, 0, 200)
    page[120:140, 40:240] = (30, 30, 30)
    pipeline = plx_train.pipeline(folder / "coloured_text.yaml", **models)
    (red,), (green,) = pipeline.predict(page), pipeline.predict(page, hue=60)
    assert (len(red["texts"]), green["texts"]) == (1, [])


@pytest.fixture(scope="module")
def classifiers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Exported classifiers of page orientation, line orientation and of six classes, with random weights."""
    import paddle

    folder = tmp_path_factory.mktemp("classifiers")
    found = {}
    for name, model_name, labels in (
        ("doc", "PP-LCNet_x1_0_doc_ori", ["0", "90", "180", "270"]),
        ("line", "PP-LCNet_x0_25_textline_ori", ["0_degree", "180_degree"]),
        ("six", "PP-LCNet_x0_25", list("uvwxyz")),
    ):
        paddle.seed(1)
        module = built("image_cls", {"network": "PP-LCNet_x0_25"}, labels=tuple(labels), size=(64, 64))
        module.eval_mode()
        (folder / name).mkdir()
        write_export(module, module.processor, folder / name, model_name, {})
        found[name] = str(folder / name)
    return found


def test_classes_of_a_picture(classifiers: dict[str, str], pages: list[np.ndarray], tmp_path: Path) -> None:
    pipeline = plx_train.pipeline("image_classification", ImageClassification=classifiers["six"])
    results = pipeline.predict_many(pages, {"topk": 3})
    for result in results:
        assert len(result["class_ids"]) == len(result["scores"]) == len(result["label_names"]) == 3
        assert list(result["scores"]) == sorted(result["scores"], reverse=True)
        assert set(result["label_names"]) <= set("uvwxyz")
    alone = [next(iter(pipeline.predict(page, topk=3))) for page in pages]
    assert [one["label_names"] for one in alone] == [one["label_names"] for one in results]
    results[0].save_all(tmp_path)
    assert (tmp_path / "image_0_res.jpg").is_file()
    with pytest.raises(ConfigError, match="topk=0"):
        list(pipeline.predict(pages[0], topk=0))
    assert set(next(iter(pipeline.predict(pages[0], topk=6)))["label_names"]) == set("uvwxyz")


def test_pages_of_a_pdf_have_files_of_their_own(
    classifiers: dict[str, str], pages: list[np.ndarray], tmp_path: Path
) -> None:
    pytest.importorskip("pypdfium2")
    images = [Image.fromarray(page) for page in pages[:2]]
    images[0].save(tmp_path / "two.pdf", save_all=True, append_images=images[1:])
    for pipeline in (
        plx_train.pipeline("image_classification", ImageClassification=classifiers["six"]),
        plx_train.pipeline("doc_preprocessor", DocOrientationClassify=classifiers["doc"]),
    ):
        for result in pipeline.predict(tmp_path / "two.pdf"):
            result.save_to_json(tmp_path / pipeline.name)
        written = {path.name for path in (tmp_path / pipeline.name).iterdir()}
        assert written == {"two_0_res.json", "two_1_res.json"}


@pytest.mark.long
def test_pages_and_lines_are_turned_by_what_the_classifiers_say(
    models: dict[str, str], classifiers: dict[str, str], pages: list[np.ndarray]
) -> None:
    parts = {**models, "TextLineOrientation": classifiers["line"], "DocOrientationClassify": classifiers["doc"]}
    pipeline = plx_train.pipeline("OCR", **parts)
    (result,) = pipeline.predict(pages[0])
    assert result["model_settings"] == {"use_doc_preprocessor": True, "use_textline_orientation": True}
    assert set(result["textline_orientation_angles"]) <= {0, 1}
    angle = result["doc_preprocessor_res"]["angle"]
    assert angle in (0, 90, 180, 270)
    assert np.array_equal(result["doc_preprocessor_res"]["output_img"], rotate(pages[0], angle))
    (off,) = pipeline.predict(pages[0], use_doc_orientation_classify=False, use_textline_orientation=False)
    (without,) = plx_train.pipeline("OCR", **models).predict(pages[0])
    assert off["rec_texts"] == without["rec_texts"]
    (upright,) = plx_train.pipeline("doc_preprocessor", DocOrientationClassify=classifiers["doc"]).predict(pages[0])
    assert upright["angle"] == angle


def test_a_searchable_pdf_holds_the_text_at_its_place(tmp_path: Path) -> None:
    pypdfium2 = pytest.importorskip("pypdfium2")
    page = np.full((200, 400, 3), 240, np.uint8)
    texts = ["Grüße, 世界 (a)", "second line"]
    quads = [quad(40, 30, 300, 20), quad(60, 120, 200, 30)]
    (tmp_path / "page.pdf").write_bytes(searchable_pdf(page, quads, texts))
    document = pypdfium2.PdfDocument(tmp_path / "page.pdf")
    content = document[0].get_textpage()
    assert document[0].get_size() == (200, 100)
    assert content.get_text_range().split("\r\n") == texts
    assert content.get_text_bounded(left=0, bottom=0, right=200, top=50).strip() == "second line"
    picture = document[0].render(scale=2).to_numpy()
    assert picture.shape[:2] == (200, 400) and np.abs(picture[..., :3].astype(int) - 240).max() < 8
    document.close()


@pytest.mark.parametrize("name", ["use_doc_unwarping", "use_doc_orientation_classify"])
def test_what_a_request_can_not_have_is_told(name: str) -> None:
    pipeline = plx_train.pipeline({"pipeline_name": "doc_preprocessor", "use_doc_orientation_classify": False})
    with pytest.raises(UserError, match=r"unwarp|orientation"):
        pipeline.predict_many([np.zeros((9, 9, 3), np.uint8)], {name: True})
