"""Pictures that are nearly the same are known in other sizes and formats, and others are not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from plx_train.few.twins import repeats, thumbnails, twins
from plx_train.vision.samples import LabelledImage


def sample(path: Path) -> LabelledImage[None]:
    return LabelledImage(path, None, path.name)


def picture(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return cv2.resize(rng.integers(0, 256, (12, 12, 3), np.uint8), (120, 120), interpolation=cv2.INTER_CUBIC)


def test_another_size_and_quality_is_the_same_picture(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), picture(0))
    cv2.imwrite(str(tmp_path / "b.png"), picture(1))
    cv2.imwrite(str(tmp_path / "small.jpg"), cv2.resize(picture(0), (96, 96), interpolation=cv2.INTER_AREA))
    cv2.imwrite(str(tmp_path / "even.png"), np.full((50, 50, 3), 90, np.uint8))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    own = [sample(tmp_path / name) for name in ("small.jpg", "b.png", "even.png", "broken.png")]
    seen, can_be_read = thumbnails(own)
    others = thumbnails([sample(tmp_path / name) for name in ("a.png", "even.png")])[0]
    assert twins(seen, others).tolist() == [True, False, False, False]
    assert can_be_read.tolist() == [True, True, True, False]


def test_without_others_there_is_no_twin() -> None:
    nothing, read = thumbnails([])
    assert (nothing.shape, read.shape) == ((0, 576), (0,))
    assert twins(np.zeros((3, 576), np.float32), nothing).tolist() == [False] * 3


def test_of_pictures_that_repeat_the_first_is_none() -> None:
    one, other = np.zeros(576, np.float32), np.full(576, 100, np.float32)
    nothing = np.full(576, np.nan, np.float32)
    seen = np.stack([one, other, one + 1, nothing, nothing, other - 1, one])
    assert repeats(seen).tolist() == [False, False, True, False, False, True, True]
    assert repeats(seen[:0]).tolist() == []
