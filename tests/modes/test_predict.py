"""mode=predict: all pages of all files, in JSON and in pictures, whatever else lies in the folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

import plx_train
from kit.tiny_detector import TinyDetector, draw_page
from plx_train.export.write import write_export
from plx_train.ground.errors import ConfigError, UserError
from plx_train.pipelines.base import Pipeline
from plx_train.pipelines.inputs import Page
from plx_train.pipelines.result import PipelineResult
from plx_train.runs.result import RunResult


class Sizes(Pipeline):
    """Tells how large a page is."""

    NAME = "sizes_of_pages"
    PARAMETERS = {"times": int, "unit": str}  # noqa: RUF012

    def run(self, pages: Sequence[Page], params: Mapping[str, Any]) -> list[PipelineResult]:
        times = params.get("times", 1)
        return [
            PipelineResult({"input_path": page.path, "height": times * page.image.shape[0]}, page.result_name)
            for page in pages
        ]


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    module = TinyDetector()
    module.eval_mode()
    folder = tmp_path_factory.mktemp("model") / "det"
    folder.mkdir()
    write_export(module, module.processor, folder, "PP-OCRv4_mobile_det", {})
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files of one stem, one of two pages, and four that can't be read."""
    folder = tmp_path / "in"
    (folder / "album.png").mkdir(parents=True)
    rng = np.random.default_rng(5)
    pages = [Image.fromarray(draw_page(rng)[0]) for _ in range(4)]
    pages[0].save(folder / "scan.png")
    pages[1].save(folder / "scan.bmp")
    pages[2].save(folder / "doc.tif", save_all=True, append_images=pages[3:])
    (folder / "cut.png").write_bytes((folder / "scan.png").read_bytes()[:99])
    (folder / "._scan.png").write_bytes(b"\0\5\26\7Mac OS X")
    (folder / "dead.jpg").symlink_to(folder / "gone.jpg")
    (folder / "notes.md").write_text("no image")
    return folder


def predict(given: Path, output: Path, *more: str) -> RunResult:
    return plx_train.run(["mode=predict", f"input={given}", f"output={output}", "device=cpu", "tracking=off", *more])


def test_a_models_predictions_and_overlays_are_all_there(
    detector: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = predict(folder, tmp_path / "out", f"run={detector}")
    assert done.exit_code == 1
    predictions = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert list(predictions) == ["doc.tif_0", "doc.tif_1", "scan.bmp", "scan.png"]
    assert len({json.dumps(one) for one in predictions.values()}) == 4
    overlays = {path.name for path in (tmp_path / "out" / "overlays").iterdir()}
    assert overlays == {"doc_0.jpg", "doc_1.jpg", "scan.bmp.jpg", "scan.png.jpg"}
    told = "".join(capsys.readouterr())
    assert all(name in told for name in ("cut.png", "._scan.png", "dead.jpg", "album.png"))
    assert "1 .md" in told and "not readable" in told


def test_predictions_of_another_input_are_not_written_over(detector: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray(draw_page(np.random.default_rng(1))[0]).save(tmp_path / name / "p.png")
    for _ in range(2):
        assert predict(tmp_path / "a", tmp_path / "out", f"run={detector}", "quiet=true").exit_code == 0
    with pytest.raises(UserError, match="holds the predictions of input="):
        predict(tmp_path / "b", tmp_path / "out", f"run={detector}", "quiet=true")


def test_a_predictor_takes_all_pages_or_says_that_there_are_several(detector: Path, folder: Path) -> None:
    predictor = plx_train.Predictor(detector)
    with pytest.raises(UserError, match=r"doc\.tif has 2 pages: take predict_pages"):
        predictor.predict(folder / "doc.tif")
    found = list(predictor.predict_pages(folder / "doc.tif"))
    assert [(page.index, page.count) for page, _ in found] == [(0, 2), (1, 2)]
    for page, prediction in found:
        assert np.array_equal(prediction.quads, predictor.predict(page.content).quads)
    faults: list[UserError] = []
    assert list(predictor.predict_pages(folder / "cut.png", faults.append)) == [] and len(faults) == 1
    with pytest.raises(UserError, match=r"cut\.png"):
        list(predictor.predict_pages(folder / "cut.png"))


def test_a_predictor_sees_a_long_page(detector: Path) -> None:
    image = np.full((9000, 700, 3), 255, np.uint8)
    for top in range(40, 8900, 60):
        image[top : top + 16, 60:600] = 20
    assert len(plx_train.Predictor(detector).predict(image).quads) == len(range(40, 8900, 60))


@pytest.fixture
def declared(tmp_path: Path) -> str:
    (tmp_path / "sizes.yaml").write_text(yaml.safe_dump({"pipeline_name": "sizes_of_pages"}))
    return f"pipeline={tmp_path / 'sizes.yaml'}"


def test_a_pipeline_goes_on_behind_a_bad_file(
    declared: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = predict(folder, tmp_path / "out", declared)
    assert (done.exit_code, done.metrics["pages"]) == (1, 4)
    names = {path.name for path in (tmp_path / "out").glob("*_res.json")}
    assert names == {"doc_0_res.json", "doc_1_res.json", "scan.bmp_res.json", "scan.png_res.json"}
    told = "".join(capsys.readouterr())
    assert all(name in told for name in ("cut.png", "._scan.png", "dead.jpg", "album.png", "1 .md", "not readable"))


def test_another_input_into_the_same_folder_takes_no_ones_place(declared: str, tmp_path: Path) -> None:
    for height, name in ((30, "a"), (40, "b")):
        (tmp_path / name).mkdir()
        Image.new("RGB", (20, height)).save(tmp_path / name / "p.png")
        predict(tmp_path / name, tmp_path / "out", declared, "quiet=true")
    heights = [json.loads(path.read_text())["height"] for path in sorted((tmp_path / "out").glob("*_res.json"))]
    assert sorted(heights) == [30, 40]


def test_parameters_of_a_pipeline_are_keys(declared: str, tmp_path: Path) -> None:
    Image.new("RGB", (20, 30)).save(tmp_path / "p.png")
    predict(tmp_path / "p.png", tmp_path / "out", declared, "pipeline.times=3", "quiet=true")
    assert json.loads((tmp_path / "out" / "p_res.json").read_text())["height"] == 90


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["pipeline=OCR", "pipeline.text_det_limit_sid_len=64"], "did you mean pipeline.text_det_limit_side_len"),
        (["pipeline=OCR", "pipeline.text_det_thresh=high"], "pipeline.text_det_thresh='high' must be float"),
        (["pipeline=OCR", "text_det_limit_side_len=64"], "did you mean 'pipeline.text_det_limit_side_len'"),
        (["pipeline=image_classification", "pipeline.top=3"], "did you mean pipeline.topk"),
        (["pipeline.topk=3"], "is of no pipeline: name one"),
        (["mode=train", "pipeline.topk=3"], "is for mode=predict and mode=serve"),
    ],
)
def test_misspelt_parameters_are_told_before_anything_is_loaded(
    given: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plx_train.pipelines.load._load_part", lambda *_, **__: pytest.fail("a model was loaded"))
    Image.new("RGB", (20, 30)).save(tmp_path / "p.png")
    with pytest.raises(ConfigError, match=message):
        predict(tmp_path / "p.png", tmp_path / "out", *given)
