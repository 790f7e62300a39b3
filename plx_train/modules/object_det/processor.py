"""Pre- and postprocessing of object detection as PaddleX does it; numpy and OpenCV only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np

from plx_train.ground.errors import UserError
from plx_train.metrics.thresholds import chosen_limits
from plx_train.nn.detection.names import PLAIN, takes_shape
from plx_train.nn.detection.nearest import nearest
from plx_train.vision.normalise import check_scales, planes_of, table_of
from plx_train.vision.objects import Detections, detections
from plx_train.vision.seams import merge_tiles
from plx_train.vision.tiled_processor import TiledProcessor, read_tiles

CUBIC = 2
"""PaddleDetection's number of the interpolation."""
STEPS = ("Resize", "NormalizeImage", "Permute")
Context = tuple[int, int]


@dataclass(frozen=True)
class ObjectDetProcessor(TiledProcessor):
    """Pre- and postprocessing of object detection.

    Attributes:
        thresholds: score above which a box of each class is shown.
        takes_shape: the graph is also told the size that the image was brought to.
        cut: another one for all, or some by number or name of their class, where it is given; not shipped.
    """

    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    thresholds: tuple[float, ...] = ()
    takes_shape: bool = False
    cut: float | Mapping[Any, float] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.labels:
            raise UserError("a detector needs at least one class")
        if len(self.thresholds) != len(self.labels) or not all(0 < limit < 1 for limit in self.thresholds):
            raise UserError(f"thresholds must be {len(self.labels)} numbers above 0 and below 1, one for each class")
        chosen_limits(self.cut, np.zeros(len(self.labels)), self.labels)
        check_scales(self.mean, self.std)

    @cached_property
    def _limits(self) -> np.ndarray:
        return chosen_limits(self.cut, np.asarray(self.thresholds, np.float32), self.labels)

    def preprocess(self, image: np.ndarray) -> tuple[tuple[np.ndarray, ...], Context]:
        """The graph's inputs in alphabetical order, and the image's (H, W).

        They are ``im_shape`` float32 (2,) where that is taken, ``image`` (3, h, w) and ``scale_factor`` (2,); of
        several tiles each has one axis more.
        """
        height, width = image.shape[:2]
        if self.tiling is not None:
            corners = self.tiling.corners((height, width))
            inputs = self.tile_inputs(image, self.tiling, corners)
            return (inputs if len(corners) > 1 else tuple(each[0] for each in inputs)), (height, width)
        scale = np.asarray([[self.size[1] / height, self.size[0] / width]], np.float32)
        inputs = self.graph_inputs(self.normalise(self.fit(image))[None], scale)
        return tuple(each[0] for each in inputs), (height, width)

    def graph_inputs(self, images: np.ndarray, scales: np.ndarray) -> tuple[np.ndarray, ...]:
        """See `TiledProcessor`; with the size that the images were brought to where that is taken."""
        if not self.takes_shape:
            return images, scales
        shape = np.asarray([self.size[::-1]], np.float32)
        return np.repeat(shape, len(images), axis=0), images, scales

    def fit(self, image: np.ndarray) -> np.ndarray:
        """The image at the network's size, uint8 (height, width, 3) BGR."""
        if image.shape[1::-1] == self.size:
            return image
        return cv2.resize(image, self.size, interpolation=cv2.INTER_CUBIC)

    def normalise(self, image: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Pixels uint8 (h, w, 3) BGR as float32 (3, h, w) RGB, in `out` if given."""
        return planes_of(image, self._table, "RGB", out)

    @cached_property
    def _table(self) -> np.ndarray:
        return table_of(self.mean, self.std)

    def postprocess(self, rows: np.ndarray, shape: Context) -> Detections:
        """What is shown of rows class, score, x1, y1, x2, y2, float32 (M, 6); of tiles with their number before."""
        if self.tiling is not None:
            rows = merge_tiles(rows, self.tiling, shape)
        return detections(rows, self._limits, self.labels, shape)

    def split_outputs(self, outputs: list[np.ndarray]) -> list[np.ndarray]:
        """The rows of each image, of those of all and their numbers."""
        return list(np.split(outputs[0].reshape(-1, 6), np.cumsum(outputs[1])[:-1]))

    def differences(self, output: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """The difference of each box to the most similar one: of scores, or of places as shares of the whole.

        One that the other side lacks counts by how far its score is above those that are left out.
        """
        pairs = self.by_tile(reference, output)
        return np.concatenate([np.zeros(0), *(nearest(*each) for pair in pairs for each in (pair, pair[::-1]))])

    def to_inference(self, model_name: str) -> dict[str, Any]:
        """The sections of ``inference.yml`` from which PaddleX, and `from_inference`, do the same."""
        size = [self.size[1], self.size[0]]
        normalise = {"mean": list(self.mean), "std": list(self.std), "is_scale": True, "norm_type": "mean_std"}
        return {
            "Global": {"model_name": model_name},
            "draw_threshold": dict(enumerate(self.thresholds)),
            "label_list": list(self.labels),
            **self.tile_section(),
            "Preprocess": [
                {"type": "Resize", "target_size": size, "keep_ratio": False, "interp": CUBIC},
                {"type": "NormalizeImage", **normalise},
                {"type": "Permute"},
            ],
        }

    @classmethod
    def from_inference(cls, inference: dict[str, Any]) -> ObjectDetProcessor:
        """The processor that an ``inference.yml`` of object detection describes.

        Raises:
            UserError: it is of another kind, or holds a step that can't be done here.
        """
        given = inference.get("Preprocess")
        if not isinstance(given, list) or not inference.get("label_list"):
            raise UserError("inference.yml has no Preprocess and label_list, as detectors have")
        steps = {str(step["type"]): step for step in given}
        if tuple(steps) != STEPS:
            raise UserError(f"its steps are {', '.join(steps)}, only {', '.join(STEPS)} are known")
        resize, normalise = steps["Resize"], steps["NormalizeImage"]
        if resize.get("keep_ratio") or resize.get("interp", CUBIC) != CUBIC:
            raise UserError("Resize in inference.yml must have keep_ratio: false and interp: 2")
        mean, std = _scales(normalise)
        labels = tuple(str(label) for label in inference["label_list"])
        height, width = (int(side) for side in resize["target_size"])
        return cls(
            labels=labels,
            size=(width, height),
            mean=mean,
            std=std,
            thresholds=_thresholds(inference.get("draw_threshold", 0.5), len(labels)),
            takes_shape=takes_shape(str(inference.get("Global", {}).get("model_name"))),
            **read_tiles(inference),
        )


def _scales(step: Mapping[str, Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of the channels that a step NormalizeImage takes."""
    kind = step.get("norm_type", "mean_std")
    if not step.get("is_scale", True) or kind not in ("mean_std", "none"):
        raise UserError("NormalizeImage in inference.yml must have is_scale: true and norm_type: mean_std or none")
    if kind == "none":
        return PLAIN
    mean, std = (tuple(float(value) for value in step[name]) for name in ("mean", "std"))
    return mean, std


def _thresholds(given: Any, count: int) -> tuple[float, ...]:
    if isinstance(given, dict):
        return tuple(float(given.get(number, 0.5)) for number in range(count))
    return (float(given),) * count
