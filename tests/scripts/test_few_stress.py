"""Label files and pools that make it hard to learn: unbalanced, foreign, wrong, and never the user's own."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from kit.places import ROOT


@pytest.fixture(scope="module")
def stress() -> ModuleType:
    spec = importlib.util.spec_from_file_location("few_stress", ROOT / "scripts/few_stress.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def data(root: Path, num: int = 60) -> Path:
    """Ten times as many images as there are of the classes 0, 1 and 2, in a label file."""
    (root / "images").mkdir(parents=True)
    lines = [f"images/{number}.png {number % 3}\n" for number in range(num)]
    (root / "train.txt").write_text("".join(lines))
    return root


def counts(path: Path) -> list[int]:
    found = Counter(line.rsplit(" ", 1)[1] for line in path.read_text().splitlines())
    return [found[name] for name in "012"]


def test_labels_and_pool_are_unbalanced_the_other_way_round(stress: ModuleType, tmp_path: Path) -> None:
    root = data(tmp_path / "data", 300)
    train, pool = (Path(one.partition("=")[2]) for one in stress.unbalanced(root, "train.txt", "14/class", 1))
    labelled, unlabelled = counts(root / train), counts(pool)
    assert max(labelled) == 10 * min(labelled) or max(labelled) // min(labelled) in (9, 10, 11)
    assert sum(labelled) in range(40, 45)
    assert np.argsort(labelled).tolist() == np.argsort(unlabelled)[::-1].tolist()
    assert max(unlabelled) > 8 * min(unlabelled)
    names = [{line.split()[0] for line in path.read_text().splitlines()} for path in (root / train, pool)]
    assert not names[0] & names[1]
    before = (root / train).read_bytes()
    stress.unbalanced(root, "train.txt", "14/class", 1)
    assert (root / train).read_bytes() == before


def test_three_of_ten_images_of_a_pool_are_foreign(stress: ModuleType, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "own").mkdir()
    (tmp_path / "pages").mkdir()
    own = [tmp_path / f"own/{number}.png" for number in range(7)]
    for number, path in enumerate(own):
        cv2.imwrite(str(path), rng.integers(0, 255, (20 + number, 30, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "pages/a.png"), rng.integers(0, 255, (200, 300, 3), np.uint8))
    pool = stress.with_foreign(tmp_path / "pool", own, tmp_path / "pages")
    shapes = {path.name: cv2.imread(str(path)).shape[:2] for path in pool.iterdir()}
    foreign = [shape for name, shape in shapes.items() if name.startswith("foreign")]
    assert (len(shapes), len(foreign)) == (10, 3)
    assert {*foreign} <= {shape for name, shape in shapes.items() if not name.startswith("foreign")}


def test_one_label_in_ten_is_anothers(stress: ModuleType, tmp_path: Path) -> None:
    root = data(tmp_path / "data")
    before = (root / "train.txt").read_text().splitlines()
    after = (root / stress.with_wrong(root, "train.txt", 0)).read_text().splitlines()
    assert [line.split()[0] for line in before] == [line.split()[0] for line in after]
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 6
    assert (root / "train.txt").read_text().splitlines() == before
    (root / "lines.txt").write_text("".join(f"{number}.png\tword {number}\n" for number in range(20)))
    lines = (root / stress.with_wrong(root, "lines.txt", 0)).read_text().splitlines()
    assert sum(line != f"{number}.png\tword {number}" for number, line in enumerate(lines)) == 2


@pytest.mark.parametrize("num_categories", [1, 2])
def test_boxes_are_of_another_category_or_gone(stress: ModuleType, num_categories: int, tmp_path: Path) -> None:
    rows = [{"id": number, "category_id": 1} for number in range(30)]
    categories = [{"id": number + 1} for number in range(num_categories)]
    (tmp_path / "t.json").write_text(json.dumps({"images": [], "annotations": rows, "categories": categories}))
    found = json.loads((tmp_path / stress.with_wrong(tmp_path, "t.json", 0)).read_text())["annotations"]
    assert (len(found), sum(row["category_id"] == 1 for row in found)) == ((27, 27), (30, 27))[num_categories - 1]


def test_a_copy_is_made_once_and_whole(stress: ModuleType, tmp_path: Path) -> None:
    root = data(tmp_path / "data")
    for _ in range(2):
        copy = stress.copied(root, tmp_path / "out" / "data")
    assert (copy / "train.txt").read_bytes() == (root / "train.txt").read_bytes()
