"""The three steps of scripts/check_paddlex, each run in the environment that has what it needs.

plx_train FOLDER OUT.json IMAGES…   boxes, texts or classes by plx_train.Predictor
paddlex   FOLDER OUT.json IMAGES…   the same by PaddleX with default options
compare   OURS.json PADDLEX.json    prints the differences; exit code 1 if there are any
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
SCORE_TOLERANCE = 1e-4
"""The two run the same graph by oneDNN, with other numbers of threads."""
PIXEL_TOLERANCE = 0.01
"""Corners of texts are whole numbers; those of objects are not."""
SHARE_TOLERANCE = 1e-4
"""Share of an image's pixels that may be of another class: two of a pixel may be as likely but for rounding."""


def list_images(paths: list[str]) -> list[Path]:
    """Image files among `paths` and directly inside those that are folders, in order."""
    images: list[Path] = []
    for path in map(Path, paths):
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        images += [item for item in inside if item.suffix.lower() in SUFFIXES]
    if not images:
        sys.exit(f"no images in {', '.join(paths)}")
    return images


def with_plx_train(folder: str) -> Callable[[Path], Any]:
    """Boxes of an image, or its text or classes, by plx_train."""
    from plx_train.export.predictor import Predictor

    predictor, sees_any_size = Predictor(folder), False
    processor: Any = predictor.processor
    if hasattr(processor, "temperature"):
        # PaddleX knows the scores before calibration.
        processor = replace(processor, temperature=1.0)
    if hasattr(processor, "tile"):
        # PaddleX sees whole images, at their own size where no step of the export resizes them.
        sees_any_size = processor.tile is not None and "Deploy" in settings_of(folder)
        processor = replace(processor, tile=None)
    predictor.processor = processor

    def predict(image: Path) -> Any:
        if sees_any_size:
            height, width = processor.as_input(image).shape[:2]
            predictor.processor = replace(processor, size=(width, height))
        prediction = predictor.predict(image)
        found = prediction.to_json()
        if "pred" in prediction.findings():
            return {"runs": runs_of(prediction.findings()["pred"])}
        if "boxes" in found:
            return objects(zip(prediction.names, prediction.scores, prediction.boxes, strict=True))
        if "label_names" in found:
            return classes(found, has_several_labels(folder))
        if "feature" in found:
            return feature(found["feature"])
        return {"text": found["text"], "scores": [found["score"]]} if "text" in found else found

    return predict


def runs_of(pixels: Any) -> list[list[int]]:
    """A map of classes (H, W), or (1, H, W), row by row, as [class, pixels in a row]."""
    import numpy as np

    flat = np.asarray(pixels).ravel().astype(int)
    starts = np.flatnonzero(np.diff(flat, prepend=-1))
    return np.stack([flat[starts], np.diff(starts, append=len(flat))], axis=1).tolist()


def has_several_labels(folder: str) -> bool:
    """Whether an image may have several labels, each with a threshold, rather than one of several classes."""
    return "MultiLabelThreshOutput" in settings_of(folder)["PostProcess"]


def settings_of(folder: str) -> Any:
    """What an export's inference.yml says."""
    import yaml

    return yaml.safe_load(Path(folder, "inference.yml").read_text("utf-8"))


def objects(found: Iterable[tuple[str, Any, Any]]) -> list[dict[str, Any]]:
    """Objects by class, the surest first, each by two corners; of (class, score, box)."""
    rows = sorted((name, -float(score), [float(value) for value in box]) for name, score, box in found)
    return [{"label": name, "points": [box[:2], box[2:]], "score": -score} for name, score, box in rows]


def feature(values: Iterable[Any]) -> dict[str, Any]:
    """A feature as scores, one for each of its numbers."""
    scores = [float(value) for value in values]
    return {"text": f"a feature of {len(scores)} numbers", "scores": scores}


def classes(found: Any, several: bool) -> dict[str, Any]:
    """The likeliest class, or `several` labels, as a text with the scores."""
    kept = len(found["label_names"]) if several else 1
    return {
        "text": ", ".join(str(name) for name in found["label_names"][:kept]),
        "scores": [float(score) for score in found["scores"][:kept]],
    }


def with_paddlex(folder: str) -> Callable[[Path], Any]:
    """Boxes of an image, or its text or classes, by PaddleX, default options but for the device."""
    from paddlex import create_model

    settings = settings_of(folder)
    model = create_model(settings["Global"]["model_name"], model_dir=folder, device="cpu")

    def predict(image: Path) -> Any:
        result = next(iter(model.predict(str(image))))
        if "pred" in result:
            return {"runs": runs_of(result["pred"])}
        if "rec_text" in result:
            return {"text": result["rec_text"], "scores": [float(result["rec_score"])]}
        if "label_names" in result:
            return classes(result, has_several_labels(folder))
        if "feature" in result:
            return feature(result["feature"][0])
        if "boxes" in result:
            return objects((box["label"], box["score"], box["coordinate"]) for box in result["boxes"])
        boxes = zip(result["dt_polys"], result["dt_scores"], strict=True)
        return [{"points": [[int(x), int(y)] for x, y in box], "score": float(score)} for box, score in boxes]

    return predict


def write_found(predict: Callable[[Path], Any], target: str, images: list[Path]) -> None:
    """Writes what was found in every image, the time they took, and OpenCV's version."""
    import cv2

    found, started = {}, time.perf_counter()
    for image in images:
        found[str(image)] = predict(image)
    seconds = (time.perf_counter() - started) / len(images)
    content = {"seconds_per_image": seconds, "opencv": cv2.__version__, "found": found}
    Path(target).write_text(json.dumps(content))


def compare(ours_file: str, paddlex_file: str) -> int:
    """Prints a line per image; 1 if any of them differs, else 0."""
    ours, theirs = (json.loads(Path(name).read_text()) for name in (ours_file, paddlex_file))
    width = max(len(Path(name).name) for name in ours["found"])
    if all(isinstance(item, dict) and "runs" in item for item in ours["found"].values()):
        return compare_maps(ours, theirs, width)
    if all(isinstance(item, dict) for item in ours["found"].values()):
        return compare_texts(ours, theirs, width)
    print(f"{'image':{width}}  plx_train  PaddleX  max px  max score")
    differing = 0
    for name, boxes in ours["found"].items():
        others = theirs["found"][name]
        pixels, scores = _differences(boxes, others)
        same = len(boxes) == len(others) and pixels <= PIXEL_TOLERANCE and scores <= SCORE_TOLERANCE
        differing += not same
        mark = "" if same else "  DIFFERS"
        print(f"{Path(name).name:{width}}  {len(boxes):9}  {len(others):7}  {pixels:6.2g}  {scores:9.1e}{mark}")
    print(
        f"{len(ours['found']) - differing} of {len(ours['found'])} images have the same boxes; "
        f"seconds per image: plx_train {ours['seconds_per_image']:.3f}, "
        f"PaddleX {theirs['seconds_per_image']:.3f}"
    )
    if differing and ours["opencv"] != theirs["opencv"]:
        print(
            f"OpenCV is {ours['opencv']} here and {theirs['opencv']} in PaddleX's environment: its rotated "
            "rectangles differ in the last bits between versions, which moves scores by some thousandths and "
            "now and then a box"
        )
    return 1 if differing else 0


def compare_maps(ours: dict[str, Any], theirs: dict[str, Any], width: int) -> int:
    """Prints a line per image; 1 if more pixels than the tolerance are of another class, else 0."""
    import numpy as np

    print(f"{'image':{width}}  pixels of another class")
    differing = 0
    for name, found in ours["found"].items():
        first, second = (
            np.repeat(*np.asarray(each["runs"], int).reshape(-1, 2).T) for each in (found, theirs["found"][name])
        )
        count = int((first != second).sum()) if first.shape == second.shape else max(len(first), len(second))
        same = count <= SHARE_TOLERANCE * len(first)
        differing += not same
        print(f"{Path(name).name:{width}}  {count} of {len(first)}{'' if same else '  DIFFERS'}")
    print(
        f"{len(ours['found']) - differing} of {len(ours['found'])} images have the same classes; seconds per image: "
        f"plx_train {ours['seconds_per_image']:.3f}, PaddleX {theirs['seconds_per_image']:.3f}"
    )
    return 1 if differing else 0


def compare_texts(ours: dict[str, Any], theirs: dict[str, Any], width: int) -> int:
    """Prints a line per image; 1 if any text differs, or a score by more than the tolerance, else 0."""
    print(f"{'image':{width}}  score difference  text")
    differing = 0
    for name, found in ours["found"].items():
        other = theirs["found"][name]
        pairs = zip(found["scores"], other["scores"], strict=False)
        scores = max((abs(one - another) for one, another in pairs), default=0.0)
        same = found["text"] == other["text"] and scores <= SCORE_TOLERANCE
        differing += not same
        mark = "" if same else f"  DIFFERS: {other['text']}"
        print(f"{Path(name).name:{width}}  {scores:16.1e}  {found['text']}{mark}")
    print(
        f"{len(ours['found']) - differing} of {len(ours['found'])} images have the same text; seconds per image: "
        f"plx_train {ours['seconds_per_image']:.3f}, PaddleX {theirs['seconds_per_image']:.3f}"
    )
    return 1 if differing else 0


def _differences(boxes: list[dict], others: list[dict]) -> tuple[float, float]:
    """Largest difference of a coordinate in pixels, and of a score."""
    pixels = scores = 0.0
    for box, other in zip(boxes, others, strict=False):
        if len(box["points"]) != len(other["points"]) or box.get("label") != other.get("label"):
            return float("inf"), float("inf")
        for (x, y), (u, v) in zip(box["points"], other["points"], strict=True):
            pixels = max(pixels, abs(x - u), abs(y - v))
        scores = max(scores, abs(box["score"] - other["score"]))
    return pixels, scores


def main() -> int:
    step, *arguments = sys.argv[1:]
    if step == "compare":
        return compare(*arguments)
    folder, target, *images = arguments
    engine = with_plx_train if step == "plx_train" else with_paddlex
    write_found(engine(folder), target, list_images(images))
    return 0


if __name__ == "__main__":
    sys.exit(main())
