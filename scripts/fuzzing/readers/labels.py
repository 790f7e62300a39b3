"""Folders of labelled pictures in every format: recognised, read, turned into label files, checked by their room."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from fuzzing.cases import Case
from fuzzing.reader import Reader, Wrong

ROOMS = (
    "image_cls",
    "image_mlcls",
    "text_det",
    "text_rec",
    "object_det",
    "semantic_seg",
    "image_anomaly",
    "image_feature",
)
TOKENS = (
    *(
        b"\t",
        b" ",
        b",",
        b'"',
        b"[",
        b"]",
        b"{",
        b"}",
        b"\n",
        b"../",
        b"/",
        b"\\",
        b"###",
        b"*",
        b"0",
        b"-1",
        b"1e308",
        b"NaN",
    ),
    *(
        b'"points"',
        b'"transcription"',
        b'"shapes"',
        b'"imagePath"',
        b'"flags"',
        b'"annotations"',
        b'"result"',
        b'"value"',
    ),
    *(
        b'"rectanglelabels"',
        b'"choices"',
        b'"original_width"',
        b'"rotation"',
        b"val",
        b"train",
        b".png",
        b"\xef\xbb\xbf",
    ),
)


def _png(colour: int) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (48, 32), (colour, 99, 255 - colour)).save(file, "PNG")
    return file.getvalue()


def seeds(folder: Path) -> dict[str, Case]:
    """A few pictures labelled in each format that is known."""
    names = [f"p{number}.png" for number in range(6)]
    pictures = {name: _png(40 * number) for number, name in enumerate(names)}
    boxes = [[4, 4], [30, 4], [30, 20], [4, 20]]
    quoted = json.dumps([{"transcription": "ab", "points": boxes}, {"transcription": "###", "points": boxes}])
    shapes = [
        {"label": "ab", "points": boxes, "shape_type": "polygon"},
        {"label": "c", "points": boxes[::2], "shape_type": "rectangle"},
    ]
    labelme = {
        f"p{number}.json": json.dumps(
            {
                "version": "5.0",
                "flags": {"cat": number % 2 == 0, "dog": number % 2 == 1},
                "shapes": shapes,
                "imagePath": name,
                "imageHeight": 32,
                "imageWidth": 48,
            }
        ).encode()
        for number, name in enumerate(names)
    }
    size = {"original_width": 48, "original_height": 32}
    region = {"x": 10, "y": 10, "width": 50, "height": 40, "rotation": 5}
    results: list[dict[str, Any]] = [
        {
            "id": "r",
            "from_name": "label",
            "to_name": "image",
            "type": "rectanglelabels",
            **size,
            "value": {**region, "rectanglelabels": ["Text"]},
        },
        {
            "id": "r",
            "from_name": "transcription",
            "to_name": "image",
            "type": "textarea",
            **size,
            "value": {**region, "text": ["ab"]},
        },
    ]
    choice = [{"from_name": "choice", "to_name": "image", "type": "choices", "value": {"choices": ["cat"]}}]
    tasks = [
        {
            "id": number,
            "data": {"image": f"/data/upload/1/0123abcd-{name}", "ocr": name},
            "annotations": [{"result": results + choice}],
        }
        for number, name in enumerate(names)
    ]
    coco = {
        "images": [{"id": 1, "file_name": "p0.png", "width": 48, "height": 32}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 4, 9, 9]}],
        "categories": [{"id": 1, "name": "a"}],
    }
    cases: dict[str, Case] = {
        "classes": {
            "train.txt": b"p0.png 0\np1.png 1\np2.png 0\n",
            "val.txt": b"p3.png 1\np4.png 0\n",
            "label.txt": b"0 cat\n1 dog\n",
        },
        "labels": {
            "train.txt": b"p0.png\t0,1\np1.png\t1,1\n",
            "val.txt": b"p3.png\t1,0\n",
            "label.txt": b"0 cat\n1 dog\n",
        },
        "texts": {
            "train.txt": f"p0.png\t{quoted}\np1.png\t{quoted}\n".encode(),
            "val.txt": f"p3.png\t[]\np2.png\t{quoted}\n".encode(),
        },
        "text": {"train.txt": b"p0.png\tab\np1.png\tba c\n", "val.txt": b"p3.png\ta\n", "dict.txt": b"a\nb\nc\n"},
        "csv": {
            "list.csv": b"path,label,split\n" + b"".join(f"{one},cat,train\n{one},dog,val\n".encode() for one in names)
        },
        "csv labels": {
            "train.csv": b"image,cat,dog\np0.png,1,0\np1.png,0,1\n",
            "val.csv": b"image,cat,dog\np2.png,1,1\n",
        },
        "folders": {},
        "labelme": labelme,
        "studio": {"project.json": json.dumps(tasks).encode()},
        "ppocrlabel": {
            "Label.txt": f"d/p0.png\t{quoted}\nd/p1.png\t{quoted}\n".encode(),
            "fileState.txt": b"C:\\d\\p0.png\t1\n",
            "Cache.cach": b"{}",
            "rec_gt.txt": b"p2.png\tab\n",
        },
        "icdar": {f"gt_p{number}.txt": b"4,4,30,4,30,20,4,20,ab\n4,4,30,4,30,20,4,20,###\n" for number in range(6)},
        "icdar boxes": {f"gt_p{number}.txt": b'4, 4, 30, 20, "ab"\n' for number in range(6)},
        "coco": {"instances.json": json.dumps(coco).encode()},
    }
    cases |= _of_pixels(names) | _of_features(names)
    for name, case in cases.items():
        if name == "folders":
            case |= {
                f"{'cat' if number % 2 else 'dog'}/{one}": content
                for number, (one, content) in enumerate(pictures.items())
            }
        else:
            case |= pictures
    return cases


def _mask(number: int) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    picture = Image.new("L", (48, 32), 0)
    picture.paste(number, (4, 4, 30, 20))
    picture.save(file, "PNG")
    return file.getvalue()


def _of_pixels(names: list[str]) -> dict[str, Case]:
    """Masks: PaddleX's, by colours, and of defects."""
    masks = {f"masks/{name}": _mask(1 + number % 2) for number, name in enumerate(names)}
    pairs = [f"{name} masks/{name}\n".encode() for name in names]
    return {
        "masks": {
            **masks,
            "train.txt": b"".join(pairs[:4]),
            "val.txt": b"".join(pairs[4:]),
            "label.txt": b"0 _background_\n1 road\n2 house\n",
        },
        "coloured masks": {
            **masks,
            "train.txt": b"".join(pairs[:4]).replace(b" ", b"\t"),
            "val.txt": b"".join(pairs[4:]).replace(b" ", b"\t"),
            "labelmap.txt": b"road:1,1,1::\nhouse:2,2,2::\n",
        },
        "defects": {
            **{f"train/good/{name}": _png(90 + number) for number, name in enumerate(names)},
            "test/good/a.png": _png(95),
            "test/crack/b.png": _png(9),
            "ground_truth/crack/b_mask.png": _mask(255),
        },
    }


def _of_features(names: list[str]) -> dict[str, Case]:
    """Pictures of classes that are trained on, known and asked for."""
    return {
        "features": {
            "train.txt": b"p0.png 0\np1.png 1\n",
            "gallery.txt": b"p2.png 2\np3.png 3\n",
            "query.txt": b"p4.png 2\np5.png 3\n",
        }
    }


@cache
def _options(room: str) -> Any:
    from plx_train.config.compose import compose_run

    return compose_run([f"module={room}", "dataset.root=.", "device=cpu", "tracking=off", "weights=null"]).options


def run(folder: Path) -> str:
    """Checks the folder as each room of pictures would before a training."""
    from plx_train.ground.errors import UserError
    from plx_train.workflow.dataset import check

    told, output = [], folder.parent / "output"
    for room in ROOMS:
        options = _options(room)
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir()
        try:
            _, checked = check(replace(options, dataset=replace(options.dataset, root=str(folder))), output)
        except UserError as error:
            told.append(f"{type(error).__name__} {str(error)[:60]}")
            continue
        report = checked.report
        if not checked.train and not report.errors:
            raise Wrong(f"{room}: no sample, and no error that says why")
        codes = sorted({finding.code for finding in report.findings})
        told.append(f"{room} {len(checked.train) > 0} {' '.join(codes)}")
    return " | ".join(told)


READER = Reader("labels", seeds, run, TOKENS, seconds=15.0)
