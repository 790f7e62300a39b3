"""What processors of detectors share that look at large images tile by tile."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from plx_train.contract.prediction import Prediction
from plx_train.contract.processor import Graph
from plx_train.ground.errors import UserError
from plx_train.vision.bounds import batch_within, check_seen
from plx_train.vision.image import drawn_page
from plx_train.vision.processor import ImageProcessor
from plx_train.vision.tiles import OVERLAPS, SIDES, Tiling

TILES = "Tiles"
"""Section of ``inference.yml`` that PaddleX skips."""
MOST_AT_ONCE = 8
"""Tiles that go through the network together."""


@dataclass(frozen=True)
class TiledProcessor(ImageProcessor):
    """Pre- and postprocessing of images that are seen whole, or tile by tile.

    Attributes:
        labels: names of the classes by number.
        size: width and height of the network's input.
        tile: width and height of a tile, in pixels of the image; None: images are seen whole.
        overlap: pixels that neighbouring tiles have in common, at least.
    """

    labels: tuple[str, ...]
    size: tuple[int, int] = (608, 800)
    tile: tuple[int, int] | None = field(default=None, kw_only=True)
    overlap: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        if len(self.size) != 2 or min(self.size) < 1:
            raise UserError(f"size must be width and height in pixels, not {list(self.size)}")
        check_seen(self.size[1], self.size[0], (self.size[1], self.size[0]), f"size={list(self.size)}")
        if self.tile is None:
            return
        if len(self.tile) != 2 or not min(self.tile) >= 1 or not max(self.tile) <= SIDES[1]:
            raise UserError(f"tiles must have width and height of 1 to {SIDES[1]} pixels, not {list(self.tile)}")
        if not 1 <= self.overlap <= OVERLAPS[1] * min(self.tile) + 1:
            raise UserError(f"tiles of {list(self.tile)} pixels can't overlap by {self.overlap}")

    @property
    def tiling(self) -> Tiling | None:
        """How images are cut."""
        return None if self.tile is None else Tiling(self.tile, self.overlap)

    def told(self) -> list[str]:
        """That images are looked at tile by tile, and what PaddleX does instead."""
        return [] if self.tiling is None else [str(self.tiling)]

    @abstractmethod
    def normalise(self, image: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Pixels uint8 (h, w, 3) BGR as float32 (3, h, w), in `out` if given."""

    def tile_inputs(
        self, image: np.ndarray, tiling: Tiling, corners: Sequence[Any] | np.ndarray
    ) -> tuple[np.ndarray, ...]:
        """What the graph takes of some of an image's tiles."""
        (width, height), (across, down) = self.size, tiling.size
        tiles = np.empty((len(corners), 3, height, width), np.float32)
        interpolation = cv2.INTER_AREA if width < across else cv2.INTER_LINEAR
        for corner, out in zip(corners, tiles, strict=True):
            part = tiling.cut(image, corner)
            if tiling.size != self.size:
                part = cv2.resize(part, self.size, interpolation=interpolation)
            self.normalise(part, out)
        scale = np.asarray([height / down, width / across], np.float32)
        return self.graph_inputs(tiles, np.tile(scale, (len(corners), 1)))

    def graph_inputs(self, images: np.ndarray, scales: np.ndarray) -> tuple[np.ndarray, ...]:
        """The graph's inputs in alphabetical order, for images of the network's size.

        Args:
            images: float32 (N, 3, h, w).
            scales: that size against the one that they had, y and x, float32 (N, 2).
        """
        return images, scales

    def outputs_of(self, found: list[np.ndarray]) -> list[np.ndarray]:
        """What `postprocess` takes, of the rows of each input (M, 6): of one image's tiles all, numbered, (M, 7)."""
        if self.tile is None:
            return found
        numbers = np.repeat(np.arange(len(found), dtype=np.float32), [len(rows) for rows in found])
        return [np.concatenate([numbers[:, None], np.concatenate(found).astype(np.float32)], axis=1)]

    def run(self, graph: Graph, inputs: tuple[np.ndarray, ...]) -> list[np.ndarray]:
        """What `postprocess` takes, per image: of whole ones run together, or of one in tiles, run a few at a time."""
        if self.tile is None:
            return super().run(graph, inputs)
        found: list[np.ndarray] = []
        for place in few_at_a_time(images_in(inputs).shape):
            found += self.split_outputs(graph(*(each[place] for each in inputs)))
        return self.outputs_of(found)

    def predict_whole(self, graph: Graph, image: np.ndarray) -> Prediction:
        """The prediction for one image, which goes through the `graph` alone."""
        inputs, context = self.preprocess(image)
        assert isinstance(inputs, tuple)
        return self.postprocess(self.run(graph, as_batch(inputs))[0], context)

    def predict_in_pieces(self, graph: Graph, original: np.ndarray) -> Prediction | None:
        """The prediction for an image that is looked at tile by tile, a few at a time; None: it is seen whole."""
        tiling = self.tiling
        if tiling is None:
            return None
        shape = original.shape[0], original.shape[1]
        corners, found = tiling.corners(shape), list[np.ndarray]()
        for place in few_at_a_time((len(corners), 3, *self.size[::-1])):
            found += self.split_outputs(graph(*self.tile_inputs(original, tiling, corners[place])))
        return self.postprocess(self.outputs_of(found)[0], shape)

    def by_tile(self, first: np.ndarray, second: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Rows of two outputs of one image, tile by tile; of a whole image these."""
        if self.tile is None:
            return [(first, second)]
        numbers = np.union1d(first[:, 0], second[:, 0]).tolist()
        return [(first[first[:, 0] == number, 1:], second[second[:, 0] == number, 1:]) for number in numbers]

    def example(self) -> np.ndarray:
        """A picture with something on it, of one tile."""
        page = drawn_page()
        return page if self.tile is None else cv2.resize(page, self.tile)

    def tile_section(self) -> dict[str, Any]:
        """The section ``Tiles`` of ``inference.yml``, where there are any."""
        return {} if self.tile is None else {TILES: {"size": list(self.tile), "overlap": self.overlap}}


def as_batch(inputs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """The inputs of one image as the graph takes them: a whole one alone, the tiles of a large one together."""
    return tuple(each[None] for each in inputs) if images_in(inputs).ndim == 3 else inputs


def images_in(inputs: Sequence[Any]) -> Any:
    """The images among a graph's inputs, which have more axes than what else is said of them."""
    return max(inputs, key=lambda each: len(each.shape))


def few_at_a_time(shape: tuple[int, ...]) -> Iterator[slice]:
    """Which inputs of all (T, 3, h, w) go through the network together."""
    step = batch_within(shape, MOST_AT_ONCE)
    return (slice(start, start + step) for start in range(0, shape[0], step))


def read_tiles(inference: Mapping[str, Any]) -> dict[str, Any]:
    """`tile` and `overlap` that an ``inference.yml`` asks for; nothing where images are seen whole."""
    given = inference.get(TILES)
    if given is None:
        return {}
    width, height = (int(side) for side in given["size"])
    return {"tile": (width, height), "overlap": int(given["overlap"])}
