"""Views of images with boxes: what is learned lies where it is seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plx_train.contract.dataset import Moment
from plx_train.data.loader import Loader, Sampler
from plx_train.vision.box_options import BoxViewOptions
from plx_train.vision.box_views import BoxViews, drawn_size, moved
from plx_train.vision.image import write_image
from plx_train.vision.mosaic import drawn_centre, quarters
from plx_train.vision.objects import Objects
from plx_train.vision.samples import ImageDataset, LabelledImage, planes

SHAPE, SIZE = (120, 160), (128, 96)
PLAIN = BoxViewOptions(scale=[1, 1], aspect=1, flip=False, colour=0)
DRAWN = BoxViewOptions(scale=[0.5, 2], aspect=1.5, colour=0, crop=0.5, mosaic=0.5)
START = Moment((0, 0, 0), 0.0)


def objects(*boxes: tuple[float, float, float, float]) -> Objects:
    array = np.asarray(boxes, np.float32).reshape(-1, 4)
    return Objects(array, np.arange(len(array)), np.zeros(len(array), bool))


def colour(level: int) -> tuple[int, int, int]:
    """One that no mixture of another with black has."""
    return level, 250 - level, 90


def pictures(count: int = 5) -> tuple[list[LabelledImage[Objects]], list[np.ndarray]]:
    """Black images with filled boxes, each of a colour of its own, which is its class."""
    rng, samples, images = np.random.default_rng(0), [], []
    for number in range(count):
        image, boxes, classes = np.zeros((*SHAPE, 3), np.uint8), [], []
        for place, (left, top) in enumerate([(5, 5), (90, 10), (20, 70), (100, 65)]):
            width, height = rng.integers(20, 45, 2).tolist()
            level = 40 + 10 * (4 * number + place)
            image[top : top + height, left : left + width] = colour(level)
            boxes.append((left, top, left + width, top + height))
            classes.append(level)
        truth = Objects(np.asarray(boxes, np.float32), np.asarray(classes), np.zeros(len(boxes), bool))
        samples.append(LabelledImage(Path(f"{number}.png"), truth, f"a:{number}"))
        images.append(image)
    return samples, images


def as_pairs(truth: Objects) -> list[tuple[int, np.ndarray]]:
    return list(zip(truth.classes.tolist(), truth.boxes, strict=True))


def view(options: BoxViewOptions, seed: int, moment: Moment = START) -> tuple[np.ndarray, Objects]:
    samples, images = pictures()
    made = BoxViews(options, SIZE).at(moment)
    return made(samples, seed % 5, images.__getitem__, np.random.default_rng(seed))


def test_boxes_are_cut_at_the_view_and_at_the_image() -> None:
    given_objects = objects((10, 10, 30, 20), (60, 10, 110, 20), (0, 0, 10, 40), (-20, 0, 20, 10))
    matrix = np.asarray([[2.0, 0, -20], [0, 1, 0]])
    found = moved(given_objects, matrix, (50, 80), (140, 50), 0.4)
    # The second ends at the image (80 of 110: 0.4 of it), the third lies left of the view, half of the fourth as well.
    assert found.classes.tolist() == [0, 1]
    assert found.boxes.tolist() == [[0, 10, 40, 20], [100, 10, 140, 20]]
    assert moved(given_objects, matrix, (50, 80), (140, 50), 0.41).classes.tolist() == [0]
    mirrored = moved(given_objects, np.asarray([[-1.0, 0, 80], [0, 1, 0]]), (50, 80), (80, 50), 1.0)
    assert mirrored.boxes.tolist() == [[50, 10, 70, 20], [70, 0, 80, 40]]


def test_a_mosaic_is_cut_at_one_point() -> None:
    assert quarters((100, 60), (40, 20)) == ((0, 0, 40, 20), (40, 0, 100, 20), (0, 20, 40, 60), (40, 20, 100, 60))
    centres = [drawn_centre((100, 60), np.random.default_rng(seed)) for seed in range(50)]
    assert all(30 <= x <= 70 and 18 <= y <= 42 for x, y in centres) and len(set(centres)) > 30


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_what_is_learned_is_seen_where_its_box_is(seed: int) -> None:
    image, truth = view(DRAWN, seed)
    assert image.shape == (*SIZE[::-1], 3)
    assert (truth.boxes[:, 2:] - truth.boxes[:, :2] >= 2).all()
    assert (truth.boxes >= 0).all() and (truth.boxes <= [*SIZE, *SIZE]).all()
    for level, box in as_pairs(truth):
        left, top = np.ceil(box[:2]).astype(int) + 1
        right, bottom = np.floor(box[2:]).astype(int) - 1
        inside = image[top:bottom, left:right]
        assert (np.abs(inside.astype(int) - colour(level)) <= 1).all(), (box, level)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_what_is_seen_well_enough_is_learned(seed: int) -> None:
    image, truth = view(replace(DRAWN, mosaic=0.0, min_visible=0.01), seed)
    for level in range(40, 240, 10):
        rows, columns = np.nonzero((image == colour(level)).all(axis=2))
        if len(rows):
            box = truth.boxes[truth.classes == level]
            seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            assert np.allclose(box, [seen], atol=4), (box, seen)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_a_crop_keeps_an_object_whole(seed: int) -> None:
    samples, _ = pictures()
    _, truth = view(replace(PLAIN, crop=1.0), seed)
    whole = {level: box for sample in samples for level, box in as_pairs(sample.truth)}
    factors = []
    for level, box in as_pairs(truth):
        sides, own = box[2:] - box[:2], whole[level][2:] - whole[level][:2]
        factors.append(sides / (own * [SIZE[0] / SHAPE[1], SIZE[1] / SHAPE[0]]))
    # Of an object that is cut one side at least is too short for the common scale.
    assert any(np.allclose(factor, np.max(factors), rtol=1e-3) for factor in factors)
    assert np.max(factors) <= 2.001


def test_mixup_lays_two_pictures_over_each_other() -> None:
    image, truth = view(replace(PLAIN, mixup=1.0), 3)
    assert len(truth) == 8
    assert all(image[tuple(np.floor((box[1::-1] + box[:1:-1]) / 2).astype(int))].max() > 0 for box in truth.boxes)


def test_the_end_of_the_training_has_no_mixed_pictures() -> None:
    mixed = replace(DRAWN, mosaic=1.0, mixup=1.0, settle=0.2)
    late, plain = Moment((0, 0, 0), 0.8), replace(DRAWN, mosaic=0.0)
    for seed in range(4):
        assert np.array_equal(view(mixed, seed, late)[0], view(plain, seed)[0])
        assert not np.array_equal(view(mixed, seed, Moment((0, 0, 0), 0.79))[0], view(plain, seed)[0])


def test_without_these_options_draws_are_what_they_were() -> None:
    state = np.random.default_rng(5)
    samples, images = pictures()
    BoxViews(BoxViewOptions(), SIZE)(samples, 0, images.__getitem__, state)
    others = np.random.default_rng(5)
    others.random(8)  # size, sides, two places, mirroring, three of colour
    assert state.random() == others.random()


def test_the_size_is_drawn_for_a_batch() -> None:
    sizes = {drawn_size((608, 800), [0.8, 1.2], Moment((7, 0, number), 0.0)) for number in range(200)}
    assert len(sizes) > 5 and all(width % 32 == 0 and height % 32 == 0 for width, height in sizes)
    assert {width for width, _ in sizes} >= {512, 608, 704} and all(480 <= width <= 736 for width, _ in sizes)
    assert drawn_size((600, 800), [1.0, 1.0], START) == (600, 800)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> ImageDataset[LabelledImage[Objects]]:
    samples, images = pictures()
    folder = tmp_path_factory.mktemp("views")
    for sample, image in zip(samples, images, strict=True):
        write_image(folder / sample.image, image)
    options = replace(DRAWN, multi_scale=[0.5, 1.5], mixup=0.5, colour=0.2)
    placed = [replace(sample, image=folder / sample.image) for sample in samples]
    return ImageDataset(placed, None, BoxViews(options, SIZE), 2**20)  # type: ignore[arg-type]


def collate(samples: list[object]) -> dict[str, object]:
    images = [sample.x for sample in samples]  # type: ignore[attr-defined]
    x = planes(images, lambda image, out: np.copyto(out, image.transpose(2, 0, 1)))
    return {"x": x, "boxes": [sample.truth.boxes for sample in samples]}  # type: ignore[attr-defined]


def batches(dataset: ImageDataset[LabelledImage[Objects]], workers: int, cursor: int = 0) -> list[dict[str, object]]:
    loader = Loader(dataset, Sampler(5, 2, seed=1), collate, workers)
    loader.progress = lambda epoch, number: (3 * epoch + number) / 9
    try:
        return [batch for epoch in range(3) for batch in loader.epoch(epoch, cursor if epoch == 0 else 0)]
    finally:
        loader.close()


@pytest.mark.parametrize(("workers", "cursor"), [(2, 0), (0, 2), (1, 1)])
def test_batches_are_the_same_by_workers_and_from_any_place(
    workers: int, cursor: int, dataset: ImageDataset[LabelledImage[Objects]]
) -> None:
    expected, found = batches(dataset, 0), batches(dataset, workers, cursor)
    assert len(expected) == 9 and len(found) == 9 - cursor
    for first, second in zip(expected[cursor:], found, strict=True):
        assert np.array_equal(first["x"], second["x"])  # type: ignore[arg-type]
        pairs = zip(first["boxes"], second["boxes"], strict=True)  # type: ignore[call-overload]
        assert all(np.array_equal(*pair) for pair in pairs)
    assert len({batch["x"].shape for batch in expected}) > 2  # type: ignore[attr-defined]
