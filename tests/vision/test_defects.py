"""Masks as people keep them, and defects that are planted."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from plx_train.data.defect_lines import GOOD
from plx_train.vision.defects import Defect, DefectImage, read_defect
from plx_train.vision.planted import planted


def test_masks_of_255_and_of_1(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "mvtec.png"), np.asarray([[0, 255], [0, 0]], np.uint8))
    cv2.imwrite(str(tmp_path / "paddlex.png"), np.asarray([[0, 255], [1, 0]], np.uint8))
    assert read_defect(tmp_path / "mvtec.png").tolist() == [[0, 1], [0, 0]]
    assert read_defect(tmp_path / "paddlex.png").tolist() == [[0, 255], [1, 0]]


def test_a_planted_defect_is_where_its_mask_says_and_always_the_same(tmp_path: Path) -> None:
    for place in range(8):
        path = tmp_path / f"{place}.png"
        cv2.imwrite(str(path), np.full((90, 120, 3), 128, np.uint8))
        good = DefectImage(path, Defect(GOOD), "val.txt:1")
        spoilt = planted(good)
        changed = np.abs(spoilt.read().astype(int) - good.read()).max(axis=2)
        mask = spoilt.truth.pixels()
        assert mask is not None and mask.shape == (90, 120) and 0 < mask.sum() < 0.25 * mask.size
        inside = cv2.erode(mask, np.ones((3, 3), np.uint8)) > 0
        assert (changed[inside] > 10).all()
        assert (changed[cv2.dilate(mask, np.ones((9, 9), np.uint8)) == 0] == 0).all()
        assert np.array_equal(spoilt.read(), planted(good).read()) and spoilt.key != good.key
