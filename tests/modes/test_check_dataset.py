"""mode=check_dataset tells of the pool too, in every room that learns from one."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import plx_train
from kit.rooms import own_rooms, tiny_room
from kit.runs import arguments_of
from plx_train.contract.rooms import load_room
from plx_train.few.pool import named_images
from plx_train.ground.errors import ConfigError

ROOMS = [name for name in own_rooms() if load_room(name).pool_schedule]


def check(room: str, data: Path, output: Path, *options: str) -> tuple[int, dict[str, Any]]:
    given = [one for one in arguments_of(room, data, output, *options) if not one.startswith("trainer.")]
    result = plx_train.run(["mode=check_dataset", *given])
    return result.exit_code, json.loads((output / "check.json").read_text())


def with_test(room: str, data: Path, image: Path) -> None:
    """Gives the dataset a test split of one image, whose label nobody could read."""
    name = image.relative_to(data).as_posix()
    if room == "object_det":
        content = {"images": [{"id": 0, "file_name": f"./{name}"}], "annotations": "none"}
        (data / "annotations/instance_test.json").write_text(json.dumps(content))
    else:
        (data / "test.txt").write_text(f"{name}\n")


def first_of(split: str, data: Path) -> Path:
    """The first image that the label file of a split names."""
    (file,) = (path for path in data.rglob("*") if path.name in (f"{split}.txt", f"instance_{split}.json"))
    named = named_images(file, (data,))
    assert named is not None
    return named.root / named.images[0]


def noise(seed: int, shape: tuple[int, int]) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
    return cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("room", ROOMS)
def test_the_pool_is_told_of(room: str, tmp_path: Path) -> None:
    data = tiny_room(room).make_dataset(tmp_path / "data")
    labelled, validated = (first_of(split, data) for split in ("train", "val"))
    shape = cv2.imread(str(labelled)).shape[:2]
    pool = tmp_path / "pool"
    pool.mkdir()
    for seed, name in enumerate(("a", "b", "c")):
        cv2.imwrite(str(pool / f"{name}.png"), noise(seed, shape))
    cv2.imwrite(str(data / "kept_apart.png"), noise(0, shape))
    with_test(room, data, data / "kept_apart.png")
    shutil.copy(pool / "b.png", pool / "b_again.png")
    shutil.copy(labelled, pool / "known.png")
    shutil.copy(validated, pool / "validated.png")
    cv2.imwrite(str(pool / "huge.png"), noise(5, (9 * shape[0], 9 * shape[1])))
    (pool / "broken.png").write_bytes(b"no picture")
    code, told = check(room, data, tmp_path / "out", f"dataset.pool={pool}")
    of_pool = [one for one in told["findings"] if one["code"].startswith("pool-")]
    assert Counter(one["code"] for one in of_pool) == dict.fromkeys(
        ("pool-unreadable", "pool-in-val", "pool-in-test", "pool-labelled", "pool-same-picture", "pool-other-size"), 1
    )
    assert code == 0 and {one["level"] for one in of_pool} == {"warning"}
    assert all("1 of 8 images" in one["reason"] for one in of_pool if one["code"] != "pool-unreadable")
    assert told["statistics"]["pool"]["images"] == 8 and told["statistics"]["pool"]["left_for_learning"] == 4


def test_a_pool_of_which_nothing_is_left_is_an_error(tmp_path: Path) -> None:
    data = tiny_room("image_cls").make_dataset(tmp_path / "data")
    code, told = check("image_cls", data, tmp_path / "known", "dataset.pool=images/val_*.png")
    (found,) = (one for one in told["findings"] if one["level"] == "error")
    assert code == 1 and found["code"] == "pool-empty"
    assert "of 9 images are left out: 9 show the same as validation images" in found["reason"]
    code, told = check("image_cls", data, tmp_path / "none", "dataset.pool=nowhere")
    assert code == 1 and "dataset.pool=nowhere names no image" in told["findings"][-1]["reason"]


def test_what_learns_from_labels_alone_has_no_pool(tmp_path: Path) -> None:
    data = tiny_room("ts_cls").make_dataset(tmp_path / "data")
    with pytest.raises(ConfigError, match=r"learns from labelled samples alone: leave dataset\.pool out"):
        check("ts_cls", data, tmp_path / "out", "dataset.pool=.")
