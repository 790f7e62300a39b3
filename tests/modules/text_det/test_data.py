"""Training samples of text detection: targets by hand, crops that keep labels on their pixels."""

from __future__ import annotations

import pickle
import subprocess
import sys

import cv2
import numpy as np
import pytest

from kit.checked_rooms import true_sample
from plx_train.ground.errors import DataError
from plx_train.modules.text_det.augment import TextDetAugment, cut_to_crop, is_cut_across
from plx_train.modules.text_det.config import TextDetAugmentOptions, TextDetConfig, TextDetLossOptions
from plx_train.modules.text_det.data import Crops
from plx_train.modules.text_det.labels import PageLabel, TextLabel
from plx_train.modules.text_det.metric import TextDetMetric
from plx_train.modules.text_det.processor import TextDetProcessor
from plx_train.modules.text_det.targets import TextDetTargets, outline_distance
from plx_train.vision import samples as samples_module
from plx_train.vision.image import write_image
from plx_train.vision.samples import ImageDataset
from plx_train.vision.warp import Outlines

PLAIN = {"colour": 0.0, "blur_probability": 0.0, "noise_probability": 0.0, "jpeg_probability": 0.0}


def make_augment(crop_size: tuple[int, int] = (320, 320), **options) -> TextDetAugment:
    """The room's defaults, with `options`."""
    return TextDetAugment(TextDetAugmentOptions(**options), crop_size)


def crops(pages, cache_bytes=0, with_threshold=False) -> ImageDataset:
    """Training crops of 64 x 64."""
    change = Crops(make_augment((64, 64)), TextDetProcessor(), TextDetTargets(with_threshold=with_threshold))
    return ImageDataset(pages, TextDetProcessor(), change, cache_bytes)


def box(x: float, y: float, width: float, height: float) -> np.ndarray:
    return np.asarray([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)


def make(polygons, ignore=None, size=(100, 160), **options):
    ignored = np.zeros(len(polygons), bool) if ignore is None else np.asarray(ignore)
    return TextDetTargets(**options).make(polygons, ignored, size)


def test_kernel_of_a_rectangle_by_hand():
    # A = 4000, L = 280, r = 0.6: d = 4000 · 0.64 / 280 = 9.14; corners (29.14, 39.14) and (110.86, 60.86).
    maps = make([box(20, 30, 100, 40)], shrink_ratio=0.6)
    expected = np.zeros((100, 160), np.uint8)
    expected[39:62, 29:112] = 1
    assert np.array_equal(maps["shrink_map"], expected)
    assert maps["shrink_mask"].all()
    assert set(maps) == {"shrink_map", "shrink_mask"}


@pytest.mark.parametrize(("ratio", "rows"), [(0.4, 17), (0.6, 23), (0.9, 35)])
def test_kernels_grow_with_the_ratio(ratio, rows):
    # d = 12, 9.14 and 2.71.
    assert make([box(20, 30, 100, 40)], shrink_ratio=ratio)["shrink_map"][:, 70].sum() == rows


def test_threshold_map_of_a_rectangle_by_hand():
    maps = make([box(20, 30, 100, 40)], shrink_ratio=0.6, with_threshold=True)
    threshold = maps["threshold_map"].astype(float)
    distance = 4000 * 0.64 / 280
    assert threshold[30, 70] == pytest.approx(0.7, abs=1e-3)
    assert threshold[34, 70] == pytest.approx(0.3 + 0.4 * (1 - 4 / distance), abs=1e-3)
    assert threshold[26, 70] == pytest.approx(0.3 + 0.4 * (1 - 4 / distance), abs=1e-3)
    assert threshold[50, 70] == threshold[5, 5] == pytest.approx(0.3, abs=1e-3)
    corner = np.hypot(20 - 15, 30 - 26)
    assert threshold[26, 15] == pytest.approx(0.3 + 0.4 * (1 - corner / distance), abs=1e-3)
    mask = maps["threshold_mask"]
    assert mask[50, 70] == mask[22, 70] == mask[78, 70] == 1 and mask[20, 70] == mask[80, 70] == 0
    assert threshold.dtype == float and maps["threshold_map"].dtype == np.float16


def test_threshold_maps_of_neighbours_take_the_nearer_outline():
    both = make([box(20, 20, 60, 20), box(20, 44, 60, 20)], with_threshold=True)["threshold_map"]
    alone = [make([item], with_threshold=True)["threshold_map"] for item in (box(20, 20, 60, 20), box(20, 44, 60, 20))]
    assert np.array_equal(both, np.maximum(*alone))


def test_outline_distance_is_that_of_opencv():
    polygon = np.asarray([[5, 8], [50, 3], [60, 30], [30, 25], [10, 40]], np.float32)
    distance = outline_distance(polygon, np.asarray([0, 0]), np.asarray([70, 50]))
    for x, y in ((0, 0), (30, 12), (69, 49), (20, 30)):
        expected = abs(cv2.pointPolygonTest(polygon, (float(x), float(y)), True))
        assert distance[y, x] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("polygon", [box(20, 30, 50, 20), np.concatenate([box(20, 30, 50, 20), [[20, 40]]])])
def test_ignored_and_thin_text_is_masked(polygon):
    polygon = polygon.astype(np.float32)
    for maps in (make([polygon], [True]), make([polygon], min_text_size=20.5)):
        assert not maps["shrink_map"].any()
        assert not maps["shrink_mask"][32:48, 22:68].any() and maps["shrink_mask"][10, 10] == 1


def test_an_ignored_region_hides_a_kernel_under_it():
    maps = make([box(20, 30, 100, 40), box(20, 30, 50, 40)], [False, True])
    assert maps["shrink_map"][50, 40] == 1 and maps["shrink_mask"][50, 40] == 0 and maps["shrink_mask"][50, 100] == 1


def test_overlapping_kernels_add_up():
    maps = make([box(20, 30, 100, 40), box(20, 30, 100, 40)])
    assert maps["shrink_map"][50, 70] == 1


def test_postprocessing_finds_the_boxes_in_their_own_kernels():
    polygons = [box(20 + 3 * index, 10 + 36 * index, 40 + 30 * index, 8 + 2 * index) for index in range(10)]
    prob_map = make(polygons, size=(384, 448))["shrink_map"].astype(np.float32)
    metric = TextDetMetric()
    labels = tuple(TextLabel("a", points, False) for points in polygons)
    metric.update(TextDetProcessor(unclip_ratio=1.4).postprocess(prob_map, (384, 448)), true_sample(labels))
    assert metric.compute()["hmean"] == 1.0


def test_no_text_at_all():
    maps = make([], with_threshold=True)
    assert not maps["shrink_map"].any() and maps["shrink_mask"].all() and not maps["threshold_mask"].any()


def test_text_that_vanishes_when_shrunk_gets_a_larger_kernel():
    # At r = 0.1 the long thin triangle shrinks to nothing, at a larger ratio it doesn't.
    spike = np.asarray([[10, 10], [150, 40], [150, 60], [149, 60]], np.float32)
    assert make([spike], shrink_ratio=0.1, min_text_size=1)["shrink_map"].any()


def page_of_boxes(boxes, size=(300, 400)) -> np.ndarray:
    image = np.zeros((*size, 3), np.uint8)
    for points in boxes:
        cv2.fillPoly(image, [np.rint(points).astype(np.int32)], (255, 255, 255))
    return image


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("options", [{}, {"flip_probability": 1.0}, {"perspective": 0.1}, {"rotate_degrees": 90.0}])
def test_polygons_stay_on_their_pixels(seed, options):
    polygon = box(150, 120, 120, 60)
    augment = make_augment(crop_size=(256, 256), **(PLAIN | {"rotate_degrees": 15.0} | options))
    crop = augment.crop(page_of_boxes([polygon]), [polygon], np.zeros(1, bool), (288, 416), np.random.default_rng(seed))
    white = crop.image[..., 0] > 127
    drawn = page_of_boxes(crop.polygons, (256, 256))[..., 0] > 0
    assert white.sum() > 500
    assert (white & drawn).sum() / (white | drawn).sum() > 0.93


@pytest.mark.parametrize(("options", "low", "high"), [({"scale": (1.0, 1.0)}, 1.0, 1.0), ({"scale": (2, 3)}, 2, 3)])
def test_scale_is_relative_to_evaluation(options, low, high):
    polygon = box(1000, 1000, 400, 200)
    augment = make_augment(crop_size=(512, 512), rotate_degrees=0.0, **(PLAIN | options))
    page = np.zeros((2000, 2000, 3), np.uint8)
    for seed in range(4):
        crop = augment.crop(page, [polygon], np.zeros(1, bool), (500, 500), np.random.default_rng(seed))
        width = np.ptp(crop.polygons[0][:, 0])
        assert 100 * low - 0.1 <= width <= 100 * high + 0.1


def test_cut_text_is_dropped_ignored_or_kept():
    polygons = [
        box(10, 10, 50, 10),  # whole
        box(-80, 30, 100, 10),  # cut across, two heights to be seen
        box(-90, 50, 100, 10),  # cut across, one height to be seen
        box(20, 95, 50, 10),  # cut along
        box(200, 10, 50, 10),  # outside
    ]
    kept, ignore = cut_to_crop(Outlines.of(polygons), np.zeros(5, bool), (100, 100), min_cut_length=2.0)
    assert [points.tolist() for points in kept] == [points.tolist() for points in polygons[:4]]
    assert ignore.tolist() == [False, False, True, True]
    assert (
        cut_to_crop(Outlines.of(polygons), np.zeros(5, bool), (100, 100), float("inf"))[1].tolist()
        == [False] + [True] * 3
    )
    assert cut_to_crop(Outlines.of([]), np.zeros(0, bool), (100, 100), 2.0)[0] == []


def test_text_that_runs_down_is_cut_across_by_the_lower_border():
    assert is_cut_across(box(10, 40, 10, 200), (100, 100), 20.0)
    assert not is_cut_across(box(95, 40, 10, 200), (100, 100), 20.0)


def test_a_page_without_text_and_one_smaller_than_the_crop():
    augment = make_augment(crop_size=(128, 128))
    for polygons in ([], [box(3, 3, 20, 8)]):
        page = np.full((40, 50, 3), 200, np.uint8)
        crop = augment.crop(page, polygons, np.zeros(len(polygons), bool), (32, 64), np.random.default_rng(1))
        assert crop.image.shape == (128, 128, 3) and len(crop.polygons) == len(polygons) == len(crop.ignore)


def test_crops_hold_text():
    polygons = [box(2000, 2500, 60, 12)]
    page = np.zeros((3000, 3000, 3), np.uint8)
    augment = make_augment(crop_size=(128, 128), **PLAIN)
    hits = sum(
        bool(augment.crop(page, polygons, np.zeros(1, bool), (2976, 2976), np.random.default_rng(seed)).polygons)
        for seed in range(40)
    )
    assert hits >= 30


@pytest.fixture
def pages(tmp_path):
    rng = np.random.default_rng(0)
    made = []
    for index in range(3):
        image = rng.integers(0, 256, (200, 300, 3), np.uint8)
        write_image(tmp_path / f"{index}.png", image)
        labels = (TextLabel("a", box(30, 40, 100, 20), False), TextLabel("###", box(30, 100, 100, 20), True))
        made.append(PageLabel(tmp_path / f"{index}.png", labels, f"train.txt:{index + 1}"))
    return made


def same(first, second) -> bool:
    return np.array_equal(first.x, second.x) and all(
        np.array_equal(first.truth[name], second.truth[name]) for name in first.truth
    )


def test_samples_depend_on_the_generator_alone(pages):
    dataset = crops(pages, with_threshold=True)
    first, again, other = (dataset.get(1, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert same(first, again) and not np.array_equal(first.x, other.x)
    assert set(first.truth) == {"shrink_map", "shrink_mask", "threshold_map", "threshold_mask"}
    assert first.name == "1.png (train.txt:2)" == dataset.names[1]
    assert len(dataset) == len(dataset.names) == 3


@pytest.mark.parametrize("cache_bytes", [0, 200 * 300 * 3 * 2, 10**9])
def test_the_cache_changes_nothing_but_speed(pages, cache_bytes, monkeypatch):
    calls, read = [], samples_module.read_image
    monkeypatch.setattr(samples_module, "read_image", lambda path, **given: calls.append(path) or read(path, **given))
    plain, cached = crops(pages), crops(pages, cache_bytes)
    for index in (0, 1, 0, 2, 1, 2):
        assert same(plain.get(index, np.random.default_rng(1)), cached.get(index, np.random.default_rng(1)))
    assert cached._cache.num_bytes <= cache_bytes
    assert len(calls) - 6 == {0: 6, 10**9: 3}.get(cache_bytes, 4)


def test_dataset_travels_to_workers_without_its_cache(pages):
    dataset = crops(pages, 10**9)
    expected = dataset.get(0, np.random.default_rng(2))
    packed = pickle.dumps(dataset)
    assert len(packed) < 20_000
    assert same(pickle.loads(packed).get(0, np.random.default_rng(2)), expected)


@pytest.mark.parametrize("with_threshold", [False, True])
def test_collate_makes_floats(pages, with_threshold):
    from plx_train.modules.text_det.module import TextDet

    loss = TextDetLossOptions(threshold_weight=float(with_threshold))
    options = TextDetConfig(crop_size=[64, 64], loss=loss, scale=0.25, neck_channels=16)
    module = TextDet(options, TextDetProcessor(), is_fine_tuning=True)
    dataset = module.dataset(pages, "train", 1)
    samples = [dataset.get(index, np.random.default_rng(index)) for index in range(3)]
    batch = module.collate(samples)
    assert batch["x"].shape == (3, 3, 64, 64) and batch["shrink_map"].shape == (3, 64, 64)
    assert ("threshold_map" in batch) == with_threshold
    assert all(value.dtype == np.float32 for key, value in batch.items() if key != "names")
    expected = (samples[1].x / 255 - np.asarray(module.processor.mean)) / np.asarray(module.processor.std)
    assert np.allclose(batch["x"][1], expected.transpose(2, 0, 1), atol=1e-5)


def test_evaluation_samples_are_the_processors(pages):
    sample = ImageDataset(pages, TextDetProcessor()).get(0, np.random.default_rng(0))
    assert sample.context == (200, 300) and sample.x.shape == (3, 192, 288)
    assert sample.truth is pages[0].truth


def test_an_image_that_went_away_is_named_with_its_line(pages):
    pages[2].image.unlink()
    with pytest.raises(DataError, match=r"train\.txt:3: .*2\.png: there is no such image"):
        crops(pages).get(2, np.random.default_rng(0))


@pytest.mark.parametrize("name", ["data", "check", "labels", "processor", "room"])
def test_workers_and_commands_stay_free_of_paddle(name):
    code = f"import sys, plx_train.modules.text_det.{name}; sys.exit('paddle' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
