"""Object detection in seconds: a third of PicoDet on bright rectangles of two colours."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from kit.rooms import TinyRoom

NAMES = ("red", "blue")
SIDE = 96


def make_rectangles(root: Path) -> Path:
    """Dark noise with one or two rectangles of one colour each; every ninth picture has none."""
    rng = np.random.default_rng(0)
    (root / "images").mkdir(parents=True)
    (root / "annotations").mkdir()
    for split, count in (("train", 24), ("val", 9)):
        images, annotations = [], []
        for index in range(count):
            image = rng.integers(0, 50, (SIDE, SIDE, 3), np.uint8)
            for place in range(0 if index % 9 == 8 else 1 + index % 2):
                left, top = 8 + 44 * place + int(rng.integers(0, 6)), int(rng.integers(8, 50))
                width, height = rng.integers(26, 34, 2).tolist()
                number = int(rng.integers(2))
                image[top : top + height, left : left + width, 2 - 2 * number] += 180
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": index,
                        "category_id": number + 1,
                        "bbox": [left, top, width, height],
                        "area": width * height,
                        "iscrowd": 0,
                    }
                )
            name = f"{split}_{index}.png"
            cv2.imwrite(str(root / "images" / name), image)
            images.append({"id": index, "file_name": name, "width": SIDE, "height": SIDE})
        categories = [{"id": number, "name": name} for number, name in enumerate(NAMES, 1)]
        content = {"images": images, "annotations": annotations, "categories": categories}
        (root / f"annotations/instance_{split}.json").write_text(json.dumps(content))
    return root


def spoil(dataset: Path) -> str:
    """Gives the box of the fourth picture no numbers."""
    path = dataset / "annotations/instance_train.json"
    content = json.loads(path.read_text())
    next(row for row in content["annotations"] if row["image_id"] == 3)["bbox"] = ["a", 1, 2, 3]
    path.write_text(json.dumps(content))
    return r"instance_train\.json:4\b.*bbox is not"


TINY = TinyRoom(
    make_dataset=make_rectangles,
    overrides=(
        "module.network=PicoDet-XS",
        "module.size=[96,96]",
        "module.augment.scale=[1,1]",
        "module.augment.aspect=1",
        "module.augment.flip=false",
        "module.augment.colour=0",
        "weights=null",
        "trainer.ema_decay=null",
        "optimizer.lr=2e-3",
        "trainer.batch_size=4",
        "trainer.epochs=2",
        "trainer.eval_every_epochs=1",
        "trainer.log_every_steps=1",
    ),
    by_heart=("optimizer.lr=5e-3",),
    drawn=(
        *("module.augment.scale=[0.8,1.2]", "module.augment.flip=true", "module.augment.colour=0.3"),
        *("module.augment.crop=0.3", "module.augment.mosaic=0.5", "module.augment.mixup=0.3"),
        *("module.augment.settle=0.3", "module.augment.multi_scale=[0.6,1.4]"),
    ),
    spoil=spoil,
)
