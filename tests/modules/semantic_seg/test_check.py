"""What the check of a dataset of masks finds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from kit.runs import train_room
from modules.semantic_seg.tiny import make_shapes
from plx_train.runs.folder import CHECK_FILE

Change = Callable[[np.ndarray], np.ndarray]


def changed(root: Path, change: Change, only: str = "train_*.png") -> Path:
    """The tiny dataset with all masks of a pattern changed."""
    make_shapes(root)
    for path in root.glob(f"annotations/{only}"):
        cv2.imwrite(str(path), change(cv2.imread(str(path), cv2.IMREAD_UNCHANGED)))
    return root


def found(root: Path, tmp_path: Path) -> str:
    train_room("semantic_seg", root, tmp_path / "checked", "mode=check_dataset")
    return (tmp_path / "checked" / CHECK_FILE).read_text()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda mask: np.where(mask == 2, 9, mask), "mask-class"),
        (lambda mask: np.where(mask > 0, 255, 0), "mask-binary"),
        (lambda mask: np.where(mask == 2, 1, mask), "class-never"),
        (lambda mask: np.full_like(mask, 255), "mask-uncounted"),
        (lambda mask: np.stack([mask, mask * 9, mask], axis=-1), "mask-colours"),
        (lambda mask: mask[2:], "mask-size"),
    ],
)
def test_faults_of_masks_are_told(tmp_path: Path, change: Change, code: str) -> None:
    assert f'"{code}"' in found(changed(tmp_path / "data", change), tmp_path)


def test_a_mask_that_is_missing_or_changed_is_told(tmp_path: Path) -> None:
    root = make_shapes(tmp_path / "data")
    assert '"image-missing"' not in found(root, tmp_path)
    (root / "annotations/train_2.png").unlink()
    assert '"image-missing"' in found(root, tmp_path)
    cv2.imwrite(str(root / "annotations/train_2.png"), np.full((64, 64), 7, np.uint8))
    assert '"mask-class"' in found(root, tmp_path)


def test_classes_need_no_file_of_names(tmp_path: Path) -> None:
    root = make_shapes(tmp_path / "data")
    (root / "label.txt").unlink()
    assert '"percent of 2"' in found(root, tmp_path)
