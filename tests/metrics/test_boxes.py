"""Average precision against COCO's own program, and hand-worked cases of what is shown."""

from __future__ import annotations

import numpy as np
import pytest

from plx_train.metrics.boxes import ImageBoxes, judge, precisions

SHAPE = (100, 100)


def image(truth: list[list[float]], rows: list[list[float]], crowd: list[bool] | None = None) -> ImageBoxes:
    """An image of class 0 alone."""
    boxes = np.asarray(truth, float).reshape(-1, 4)
    is_crowd = np.asarray(crowd if crowd is not None else [False] * len(boxes), bool)
    return ImageBoxes(boxes, np.zeros(len(boxes), int), is_crowd, np.asarray(rows, float).reshape(-1, 6), SHAPE)


def drawn(seed: int, count: int = 12, num_classes: int = 3) -> list[ImageBoxes]:
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(count):
        number = int(rng.integers(0, 9))
        low = rng.uniform(0, 300, (number, 2))
        boxes = np.concatenate([low, low + rng.uniform(5, 250, (number, 2))], axis=1)
        classes = rng.integers(0, num_classes, number)
        found = np.concatenate([boxes + rng.normal(0, 8, boxes.shape), boxes[: number // 2] + 15])
        named = np.concatenate([classes, classes[: number // 2]])
        rows = np.concatenate([named[:, None], rng.uniform(0, 1, (len(found), 1)).round(2), found], axis=1)
        images.append(ImageBoxes(boxes, classes, rng.random(number) < 0.15, rows, (600, 600)))
    return images


@pytest.mark.parametrize("seed", range(4))
def test_the_figures_are_those_of_pycocotools(seed: int) -> None:
    pytest.importorskip("pycocotools", reason="pycocotools is not installed")
    import contextlib
    import io

    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    from plx_train.metrics import boxes as ours

    images = drawn(seed)
    found = precisions(images, 3)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": place, "height": 600, "width": 600} for place in range(1, len(images) + 1)],
            "annotations": ours._annotations(images),
            "categories": [{"id": number, "name": str(number)} for number in range(3)],
        }
        truth.createIndex()
        judged = COCOeval(truth, truth.loadRes(ours._found(images)), "bbox")
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    given = [found.ap, found.ap50, found.ap75, found.small, found.medium, found.large, found.recall]
    wanted = [float(judged.stats[place]) for place in (0, 1, 2, 3, 4, 5, 8)]
    assert given == pytest.approx([value if value >= 0 else float("nan") for value in wanted], abs=1e-6, nan_ok=True)


def test_what_is_found_exactly_has_an_ap_of_one() -> None:
    found = precisions([image([[10, 10, 60, 60]], [[0, 0.9, 10, 10, 60, 60]])], 2)
    assert (found.ap, found.ap50, found.by_class[0]) == pytest.approx((1, 1, 1)) and np.isnan(found.by_class[1])
    assert precisions([image([[10, 10, 60, 60]], [])], 1).ap == 0
    assert np.isnan(precisions([image([], [])], 1).ap)


def test_half_of_the_overlap_levels_is_half_of_the_ap() -> None:
    # 100 of 140 square pixels: 0.714, so the levels 0.5, 0.55, 0.6, 0.65 and 0.7 of ten are met.
    found = precisions([image([[0, 0, 10, 10]], [[0, 0.9, 0, 0, 14, 10]])], 1)
    assert found.ap == pytest.approx(0.5)


def test_the_surest_takes_the_box_and_a_second_one_is_wrong() -> None:
    one = image([[0, 0, 10, 10]], [])
    judged = judge(one, np.asarray([[0, 0.5, 0, 0, 10, 10], [0, 0.9, 0, 0, 10, 9]], float))
    assert judged.rows[:, 1].tolist() == [0.9, 0.5]
    assert judged.is_right.tolist() == [True, False] and judged.is_found.tolist() == [True]


def test_another_class_is_not_right() -> None:
    judged = judge(image([[0, 0, 10, 10]], []), np.asarray([[1, 0.5, 0, 0, 10, 10]], float))
    assert judged.is_right.tolist() == [False] and judged.is_found.tolist() == [False]


def test_what_lies_in_a_crowd_does_not_count() -> None:
    judged = judge(image([[0, 0, 50, 50]], [], [True]), np.asarray([[0, 0.5, 5, 5, 15, 15]], float))
    assert len(judged.rows) == 0


def test_crowded_images_can_be_right() -> None:
    grid = [[x, y, x + 5, y + 5] for x in range(0, 100, 8) for y in range(0, 100, 8)]
    rows = [[0, 0.9 - 0.001 * place, *box] for place, box in enumerate(grid)]
    assert len(grid) > 150
    found = precisions([image(grid, rows)], 1)
    assert found.ap == found.ap50 == found.recall == 1.0
    # Of images with fewer the hundred surest count, as COCO has it: the right one is not among them.
    wrong = [[0, 0.9, 50 + place % 40, 50, 95, 95] for place in range(100)]
    assert precisions([image([[0, 0, 9, 9]], [*wrong, [0, 0.5, 0, 0, 9, 9]])], 1).ap == 0.0
