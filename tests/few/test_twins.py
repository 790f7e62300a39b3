"""Pictures that are nearly the same are found, whatever their size and file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from plx_train.few.twins import repeats_in, twins_of
from plx_train.vision.samples import LabelledImage


def picture(folder: Path, name: str, content: np.ndarray) -> LabelledImage[object]:
    path = folder / name
    cv2.imwrite(str(path), content)
    return LabelledImage(path, None, name)


def test_what_repeats_an_earlier_picture_is_found_and_the_first_is_kept(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    one, other = (cv2.resize(rng.integers(0, 255, (6, 6, 3), np.uint8), (96, 96)) for _ in range(2))
    plain = np.full((96, 96, 3), 128, np.uint8)
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    samples = [
        picture(tmp_path, "a.png", one),
        picture(tmp_path, "b.png", other),
        picture(tmp_path, "a_small.jpg", cv2.resize(one, (64, 64))),
        picture(tmp_path, "plain.png", plain),
        picture(tmp_path, "plain_too.png", plain),
        LabelledImage(tmp_path / "broken.jpg", None, "broken"),
    ]
    assert repeats_in(samples).tolist() == [False, False, True, False, False, False]
    assert twins_of(samples, samples[1:2]).tolist() == [False, True, False, False, False, False]
    assert repeats_in([]).tolist() == []
