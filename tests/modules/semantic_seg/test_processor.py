"""Processing of segmentation: windows of large images, what PaddleX reads of it, and how outputs are compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plx_train.ground.errors import UserError
from plx_train.modules.semantic_seg.processor import SemanticSegProcessor

WHOLE = SemanticSegProcessor(("a", "b", "c"), (64, 96))
WINDOWS = replace(WHOLE, tile=(64, 96), overlap=16)


def by_brightness(images: np.ndarray) -> list[np.ndarray]:
    """A graph that takes dark, grey and bright pixels for classes 0, 1 and 2."""
    return [(images[:, 0] > -0.3).astype(np.int32) + (images[:, 0] > 0.3)]


def striped(height: int, width: int) -> np.ndarray:
    """An image of brightness by place, uint8 (H, W, 3)."""
    rows, columns = np.mgrid[:height, :width]
    return np.repeat(((rows // 7 + columns // 5) % 3 * 127).astype(np.uint8)[..., None], 3, axis=2)


def expected(image: np.ndarray) -> np.ndarray:
    return (image[..., 0] // 127).astype(np.uint8)


@pytest.mark.parametrize("shape", [(96, 64), (200, 300), (97, 65), (96, 130), (40, 50), (30, 200)])
def test_windows_are_put_together_without_a_seam(shape: tuple[int, int]) -> None:
    image = striped(*shape)
    found = WINDOWS.predict_in_pieces(by_brightness, image)
    assert np.array_equal(found.classes, expected(image))
    assert np.array_equal(WINDOWS.predict_whole(by_brightness, image).classes, expected(image))


def test_a_pixel_is_that_of_the_window_whose_border_is_farther() -> None:
    outputs = np.stack([np.full((96, 64), number) for number in range(2)])
    found = WINDOWS.postprocess(outputs, (96, 112)).classes
    assert (found[:, :56] == 0).all() and (found[:, 56:] == 1).all()


def test_whole_images_come_back_at_their_size() -> None:
    image = np.zeros((192, 128, 3), np.uint8)
    image[:, 64:] = 255
    found = WHOLE.predict_whole(by_brightness, image)
    assert found.classes.shape == (192, 128) and found.classes.dtype == np.uint8
    assert (found.classes[:, :64] == 0).all() and (found.classes[:, 64:] == 2).all()
    assert found.to_json() == {
        "size": [192, 128],
        "classes": [
            {"cls_id": 0, "label": "a", "pixels": 192 * 64},
            {"cls_id": 2, "label": "c", "pixels": 192 * 64},
        ],
        "runs": [[0, 64], [2, 64]] * 192,
    }


@pytest.mark.parametrize("processor", [WHOLE, WINDOWS])
def test_what_is_shipped_is_read_back(processor: SemanticSegProcessor) -> None:
    shipped = processor.to_inference("PP-LiteSeg-T")
    steps = [step["type"] for step in shipped["Deploy"]["transforms"]]
    assert steps == (["Normalize"] if processor.tile else ["Resize", "Normalize"])
    assert SemanticSegProcessor.described_by(shipped) == processor


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ({"type": "Resize", "target_size": [64, 96]}, "keep_ratio: false"),
        ({"type": "Padding"}, "Padding"),
        ({"type": "Resize", "target_size": [64, 96], "keep_ratio": False, "size_divisor": 32}, "size_divisor: null"),
    ],
)
def test_other_steps_are_refused(step: dict[str, object], told: str) -> None:
    shipped = WHOLE.to_inference("PP-LiteSeg-T")
    shipped["Deploy"]["transforms"][0] = step
    with pytest.raises(UserError, match=told):
        SemanticSegProcessor.described_by(shipped)


def test_a_pixel_of_another_class_differs_by_how_sure_it_was() -> None:
    classes = np.zeros((96, 64))
    ahead = np.full((96, 64), 0.5)
    ahead[3, 4] = 1e-6
    reference = np.stack([classes, ahead])
    near, far = classes.copy(), classes.copy()
    near[3, 4] = far[5, 6] = 1
    assert WHOLE.differences(classes, reference).max() == 0
    assert WHOLE.differences(near, reference).max() == 1e-6
    assert WHOLE.differences(far, reference).max() == 0.5
    assert np.isinf(WHOLE.differences(classes[:4], reference)).all()
