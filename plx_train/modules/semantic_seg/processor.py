"""Pre- and postprocessing of semantic segmentation as PaddleX does it; numpy and OpenCV only."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np

from plx_train.ground.errors import UserError
from plx_train.vision.masks import UNCOUNTED
from plx_train.vision.normalise import check_scales, planes_of, table_of
from plx_train.vision.segments import Segments
from plx_train.vision.tiled_processor import TiledProcessor, read_tiles
from plx_train.vision.tiles import Tiling

Context = tuple[int, int]
STEPS = {"Resize", "Normalize"}


@dataclass(frozen=True)
class SemanticSegProcessor(TiledProcessor):
    """Pre- and postprocessing of semantic segmentation.

    What is called an output is the numbers of classes (h, w); of the live network (2, h, w), with how far each is ahead
    of the next likeliest; of an image in windows with an axis more before them.

    Attributes:
        tells_doubt: whether predictions say how far ahead classes are, where the live network made them.
    """

    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)
    tells_doubt: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < len(self.labels) <= UNCOUNTED:
            raise UserError(f"a segmentation needs 1 to {UNCOUNTED} classes, not {len(self.labels)}")
        check_scales(self.mean, self.std)

    def preprocess(self, image: np.ndarray) -> tuple[tuple[np.ndarray, ...], Context]:
        """The graph's input (3, h, w), of several windows (T, 3, h, w), and the image's (H, W)."""
        shape = image.shape[0], image.shape[1]
        if self.tiling is not None:
            corners = self.tiling.corners(shape)
            inputs = self.tile_inputs(image, self.tiling, corners)
            return (inputs if len(corners) > 1 else (inputs[0][0],)), shape
        return (self.normalise(self.fit(image)),), shape

    def fit(self, image: np.ndarray) -> np.ndarray:
        """The image at the network's size."""
        return image if image.shape[1::-1] == self.size else cv2.resize(image, self.size)

    def graph_inputs(self, images: np.ndarray, scales: np.ndarray) -> tuple[np.ndarray, ...]:
        """The images alone."""
        return (images,)

    def outputs_of(self, found: list[np.ndarray]) -> list[np.ndarray]:
        """What `postprocess` takes, of the graph's outputs for each input: of one image's windows all."""
        return found if self.tile is None else [np.stack(found)]

    def postprocess(self, output: np.ndarray, shape: Context) -> Segments:
        """The class of each pixel of an image of `shape`."""
        classes = _classes(output, 2 if self.tiling is None else 3)
        if self.tiling is None:
            height, width = shape
            classes = cv2.resize(classes.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
            is_told = self.tells_doubt and output.ndim > 2
            ahead = cv2.resize(output[1], (width, height), interpolation=cv2.INTER_NEAREST) if is_told else None
            return Segments(classes, self.labels, ahead)
        return Segments(_joined(classes, self.tiling, shape), self.labels)

    def differences(self, output: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """How far the class of `reference` is ahead of its next likeliest at each pixel that has another one, else 0.

        So much at least one of its probabilities must have changed, twice as much at most.
        """
        axes = 2 if self.tiling is None else 3
        first, second = _classes(output, axes), _classes(reference, axes)
        if first.shape != second.shape or reference.ndim == axes:
            return np.full(1, np.inf)
        ahead = reference[1] if axes == 2 else reference[:, 1]
        return np.where(first == second, 0.0, ahead.astype(np.float64))

    def normalise(self, image: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Pixels uint8 (h, w, 3) BGR as float32 (3, h, w) RGB, in `out` if given."""
        return planes_of(image, self._table, "RGB", out)

    @cached_property
    def _table(self) -> np.ndarray:
        return table_of(self.mean, self.std)

    def to_inference(self, model_name: str) -> dict[str, Any]:
        """The sections of ``inference.yml``; PaddleX sees an image that is seen in windows here whole, at its size."""
        resize = {"type": "Resize", "target_size": list(self.size), "keep_ratio": False, "size_divisor": None}
        normalise = {"type": "Normalize", "mean": list(self.mean), "std": list(self.std)}
        return {
            "Global": {"model_name": model_name},
            "Deploy": {"transforms": [normalise] if self.tile else [resize, normalise]},
            "label_list": list(self.labels),
            **self.tile_section(),
        }

    @classmethod
    def from_inference(cls, inference: dict[str, Any]) -> SemanticSegProcessor:
        """The processor that an ``inference.yml`` of semantic segmentation describes.

        Raises:
            UserError: it is of another kind, or holds a step that can't be done here.
        """
        given = (inference.get("Deploy") or {}).get("transforms")
        if not isinstance(given, list):
            raise UserError("inference.yml has no Deploy.transforms, as segmentation networks have")
        steps = {str(step["type"]): step for step in given}
        tiles = read_tiles(inference)
        if not {"Normalize"} <= set(steps) <= STEPS or ("Resize" in steps) is bool(tiles):
            raise UserError(f"its steps are {', '.join(steps)}, only Resize and Normalize are known")
        if not inference.get("label_list"):
            raise UserError("inference.yml has no label_list with the names of the classes: train it here")
        labels = tuple(str(label) for label in inference["label_list"])
        mean, std = (tuple(float(value) for value in steps["Normalize"][name]) for name in ("mean", "std"))
        size = tiles["tile"] if tiles else _size(steps["Resize"])
        return cls(labels=labels, size=size, mean=mean, std=std, **tiles)


def _size(step: Mapping[str, Any]) -> tuple[int, int]:
    if step.get("keep_ratio", True) or step.get("size_divisor", 32) or step.get("interp", "LINEAR") != "LINEAR":
        raise UserError("Resize in inference.yml must have keep_ratio: false, size_divisor: null and interp: LINEAR")
    width, height = (int(side) for side in step["target_size"])
    return width, height


def _classes(output: np.ndarray, axes: int) -> np.ndarray:
    """The numbers of classes of an output of `axes`, or of the live network's, which has one more."""
    if output.ndim == axes:
        return output
    return output[0] if axes == 2 else output[:, 0]


def _joined(classes: np.ndarray, tiling: Tiling, shape: Context) -> np.ndarray:
    """One map of `shape`, each pixel from the window whose borders are farthest from it, uint8 (H, W).

    Args:
        classes: of each window, (T, h, w).
    """
    whole = np.zeros(shape, np.uint8)
    corners = tiling.corners(shape).tolist()
    lefts, tops = ({x for x, _ in corners}, {y for _, y in corners})
    columns, rows = _own(lefts, tiling.size[0], shape[1]), _own(tops, tiling.size[1], shape[0])
    for (x, y), window in zip(corners, classes, strict=True):
        (left, right), (top, bottom) = columns[x], rows[y]
        whole[top:bottom, left:right] = window[top - y : bottom - y, left - x : right - x]
    return whole


def _own(starts: set[int], side: int, end: int) -> dict[int, tuple[int, int]]:
    """What windows that begin at `starts` give: up to the middle of what they share with the next."""
    order = sorted(starts)
    cuts = [0, *((first + side + second) // 2 for first, second in itertools.pairwise(order)), end]
    return {start: (cuts[place], cuts[place + 1]) for place, start in enumerate(order)}
