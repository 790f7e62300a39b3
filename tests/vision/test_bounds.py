"""No step makes gigabytes of a picture of a few bytes: what it would make is asked before memory is taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from kit.checked_rooms import checked
from kit.hostile_files import png_of_zeros
from plx_train.ground.errors import DataError, UserError
from plx_train.modules.image_cls.processor import ImageClsProcessor
from plx_train.modules.text_det.processor import TextDetProcessor
from plx_train.modules.text_rec.overlay import draw_lines
from plx_train.modules.text_rec.processor import TextRecProcessor
from plx_train.pipelines.crops import check_crops
from plx_train.pipelines.searchable import searchable_pdf
from plx_train.report.pictures import jpeg
from plx_train.vision.bounds import MOST_MADE, MOST_SEEN, TooManyPixels, batch_within, check_made, check_seen
from plx_train.vision.pdf import opened_pdf
from plx_train.vision.samples import ImageDataset, LabelledImage
from plx_train.vision.whole_image import WholeImageProcessor

THIN = [(1, 20_000), (20_000, 1), (1, 400_000), (400_000, 1), (3, 5_000_000), (48, 1_000_000)]
CLASSES = ("a", "b")
PROCESSORS: dict[str, Any] = {
    "resize_short": ImageClsProcessor(CLASSES, resize_short=256),
    "resize_short, large": ImageClsProcessor(CLASSES, resize_short=4000),
    "stretched": ImageClsProcessor(CLASSES, resize_short=None),
    "shrinks": TextDetProcessor(),
    "enlarges": TextDetProcessor(limit_type="min", limit_side_len=736),
    "enlarges without end": TextDetProcessor(limit_type="min", limit_side_len=10**6, max_side_limit=10**9),
    "lines": TextRecProcessor(("a", "b")),
}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Pixels of all that was resized; what is above all bounds is not made."""
    real, found = cv2.resize, list[int]()

    def resize(image: np.ndarray, size: tuple[int, int], *rest: Any, **named: Any) -> np.ndarray:
        found.append(size[0] * size[1])
        assert found[-1] <= max(MOST_MADE, image.shape[0] * image.shape[1])
        return real(image, size, *rest, **named)

    monkeypatch.setattr(cv2, "resize", resize)
    return found


class Seeing:
    """A graph that finds nothing, and knows how much it was shown."""

    def __init__(self, output: Callable[[np.ndarray], np.ndarray]) -> None:
        self.output, self.seen, self.calls = output, 0, 0

    def __call__(self, *inputs: np.ndarray) -> list[np.ndarray]:
        self.calls += 1
        self.seen = max(self.seen, inputs[0].shape[-1] * inputs[0].shape[-2])
        return [self.output(inputs[0])]


def graph_of(processor: Any) -> Seeing:
    if isinstance(processor, TextDetProcessor):
        return Seeing(lambda x: np.zeros((len(x), 1, *x.shape[2:]), np.float32))
    if isinstance(processor, TextRecProcessor):
        return Seeing(lambda x: np.eye(4, dtype=np.float32)[np.zeros((len(x), 4), int)])
    return Seeing(lambda x: np.ones((len(x), 2), np.float32))


@pytest.mark.parametrize("shape", THIN, ids=str)
@pytest.mark.parametrize("name", PROCESSORS)
def test_a_thin_picture_is_worked_on_within_bounds_or_refused(name: str, shape: Any, made: list[int]) -> None:
    processor, image = PROCESSORS[name], np.zeros((*shape, 3), np.uint8)
    graph = graph_of(processor)
    try:
        found = processor.predict_in_pieces(graph, image)
        if found is None:
            processor.predict_whole(graph, image)
    except TooManyPixels as error:
        assert f"of a picture of {shape[1]} x {shape[0]}, above the limit of" in str(error)
        assert graph.calls == 0
    assert graph.seen <= MOST_SEEN
    assert graph.calls <= 250


def test_pictures_of_usual_forms_are_not_refused() -> None:
    for shape in ((1, 1), (20, 4000), (4000, 20), (3000, 5000)):
        for name in ("resize_short", "stretched", "shrinks", "enlarges", "lines"):
            PROCESSORS[name].preprocess(np.zeros((*shape, 3), np.uint8))


def test_the_same_for_what_a_model_asks_for() -> None:
    with pytest.raises(TooManyPixels, match="above the limit of 20 million"):
        ImageClsProcessor(CLASSES, resize_short=None, size=(10**6, 10**6))


def test_what_is_large_itself_may_stay_so() -> None:
    check_made(6000, 6000, (6000, 6000), "x")
    with pytest.raises(TooManyPixels, match="x would make 6000 x 6001 pixels of a picture of 6000 x 6000, above the"):
        check_made(6001, 6000, (6000, 6000), "x")
    with pytest.raises(TooManyPixels):
        check_seen(6000, 6000, (6000, 6000), "x")
    for side in (float("inf"), float("nan")):
        with pytest.raises(TooManyPixels):
            check_made(side, 1, (1, 1), "x")


def test_batches_of_large_inputs_are_small() -> None:
    assert batch_within((3, 224, 224), 8) == 8
    assert batch_within((3, 4000, 4000), 8) == 1
    assert batch_within((3, 2000, 2000), 8) == 5
    assert batch_within((3, 9000, 9000), 8) == 1


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLX_TRAIN_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    for number in range(4):
        noise = np.random.default_rng(number).integers(0, 255, (32, 32, 3), np.uint8)
        cv2.imwrite(str(folder / f"images/{number}.png"), noise)
    (folder / "images/thin.png").write_bytes(png_of_zeros(1, 20_000))
    (folder / "train.txt").write_text("images/0.png 0\nimages/1.png 1\nimages/thin.png 0\n")
    (folder / "val.txt").write_text("images/2.png 0\nimages/3.png 1\n")
    return folder


def test_the_check_names_what_is_too_long(root: Path) -> None:
    found = [item for item in checked("image_cls", root, resize_short=256).report.findings if item.level == "error"]
    assert [(item.path, item.line, item.code) for item in found] == [("train.txt", 3, "image-too-long")]
    assert found[0].reason.startswith("thin.png: resize_short=256 would make 256 x 5120000 pixels of a picture of 1 x")
    stretched = checked("image_cls", root, resize_short=None).report.findings
    assert "image-too-long" not in {item.code for item in stretched}


@pytest.mark.parametrize("is_changed", [False, True])
def test_a_sample_that_is_too_long_is_named_with_its_line(root: Path, is_changed: bool) -> None:
    processor = ImageClsProcessor(CLASSES)
    sample = LabelledImage(root / "images/thin.png", 0, "train.txt:3")

    def change(samples: Any, index: int, read: Callable[[int], np.ndarray], rng: Any) -> Any:
        return WholeImageProcessor.fit(processor, read(index)), 0

    dataset = ImageDataset([sample], processor, change if is_changed else None)
    with pytest.raises(DataError, match=r"^train\.txt:3: .*thin\.png: resize_short=256 would make"):
        dataset.get(0, np.random.default_rng(0))


def test_boxes_that_cover_a_page_again_and_again_are_refused() -> None:
    page = np.zeros((1000, 1000, 3), np.uint8)
    quad = np.asarray([[0, 0], [999, 0], [999, 999], [0, 999]])
    check_crops(page, [quad] * 30)
    with pytest.raises(UserError, match="the 40 boxes found on a page of 1000 x 1000 pixels have 40 million together"):
        check_crops(page, [quad] * 40)
    check_crops(page, [])


def test_pictures_of_thin_ones_are_small(tmp_path: Path, made: list[int]) -> None:
    line = np.zeros((1, 4_000_000, 3), np.uint8)
    assert draw_lines(line, [[("x" * 10_000, (0, 0, 0))]]).shape[1] <= 21_000
    (tmp_path / "thin.png").write_bytes(png_of_zeros(1, 20_000))
    assert jpeg(tmp_path / "thin.png")[1:] == (1, 1200)


def test_a_page_longer_than_jpeg_becomes_a_pdf_of_its_size() -> None:
    page = np.full((40, 70_000, 3), 255, np.uint8)
    with opened_pdf(searchable_pdf(page, [], []), "page") as document:
        assert document.image(0, 1_500_000).shape[1] > 30_000
