"""From a probability map to text boxes: the DB post-processing, step by step.

Differentiable Binarization shrinks text while it learns, so a box is found on the binarised map, scored on
the map and then grown back ("unclipped"). The arithmetic, rounding included, is that of PaddleX's
``DBPostProcess``: a model gives the same boxes there and here.

Source: Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", AAAI 2020.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import pyclipper

from plx_train.modules.text_det.growth import grown_rectangles

MIN_SIDE = 3
"""Shortest side, in pixels of the map, that a region must have; the grown box must have 2 more."""


@dataclass(frozen=True)
class Regions:
    """What was found on one binarised map, before the score threshold and before growing.

    Attributes:
        outlines: per region its corners on the map, float32 (4, 2), or (P, 2) for polygons.
        scores: mean probability inside each outline, float64 (N,), 0 to 1.
        map_size: height and width of the map.
    """

    outlines: list[np.ndarray]
    scores: np.ndarray
    map_size: tuple[int, int]

    @cached_property
    def spans(self) -> np.ndarray:
        """Area in square pixels and perimeter in pixels of each outline, float64 (N, 2)."""
        measured = [(cv2.contourArea(outline), cv2.arcLength(outline, True)) for outline in self.outlines]
        return np.asarray(measured, np.float64).reshape(-1, 2)

    def above(self, min_score: float) -> Regions:
        """Regions that score no less."""
        kept = np.flatnonzero(~(min_score > self.scores))
        return Regions([self.outlines[index] for index in kept.tolist()], self.scores[kept], self.map_size)


def binarise(prob_map: np.ndarray, thresh: float, use_dilation: bool) -> np.ndarray:
    """The pixels of `prob_map` (h, w) above `thresh`, uint8 0 or 255; thickened by a pixel if asked for."""
    mask = (prob_map > thresh).view(np.uint8) * 255
    return cv2.dilate(mask, np.ones((2, 2), np.uint8)) if use_dilation else mask


def find_quads(
    prob_map: np.ndarray, mask: np.ndarray, max_candidates: int, score_mode: str, min_score: float = 0.0
) -> Regions:
    """Rotated rectangles around the connected regions of `mask`.

    Args:
        prob_map: float32 (h, w), 0 to 1.
        mask: uint8 (h, w), as from `binarise`.
        max_candidates: contours looked at; later ones are left out.
        score_mode: ``fast`` scores the rectangle, ``slow`` the contour itself.
        min_score: regions below it are left out at once.
    """
    found = [(contour, cv2.minAreaRect(contour)) for contour in _contours(mask)[:max_candidates]]
    found = [(contour, rectangle) for contour, rectangle in found if min(rectangle[1]) >= MIN_SIDE]
    corners = np.asarray([cv2.boxPoints(rectangle) for _, rectangle in found], np.float32).reshape(-1, 4, 2)
    if score_mode == "fast":
        scores = means_inside(prob_map, corners)
    else:
        scores = np.asarray([mean_inside(prob_map, contour.reshape(-1, 2)) for contour, _ in found], np.float64)
    return Regions(list(order_corners(corners)), scores, prob_map.shape[:2]).above(min_score)


def find_polygons(prob_map: np.ndarray, mask: np.ndarray, max_candidates: int, min_score: float = 0.0) -> Regions:
    """Simplified outlines of the connected regions of `mask`, for bent text; arguments as in `find_quads`."""
    outlines, scores = [], []
    for contour in _contours(mask)[:max_candidates]:
        tolerance = 0.002 * cv2.arcLength(contour, True)
        outline = cv2.approxPolyDP(contour, tolerance, True).reshape(-1, 2)
        if len(outline) < 4:
            continue
        score = mean_inside(prob_map, outline)
        if min_score > score:
            continue
        outlines.append(outline)
        scores.append(score)
    return Regions(outlines, np.asarray(scores, np.float64), prob_map.shape[:2])


def grow_quads(regions: Regions, unclip_ratio: float, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The regions' rectangles grown by `unclip_ratio` and scaled to an image.

    Args:
        shape: height and width of the image in pixels.

    Returns:
        quads float32 (N, 4, 2) of whole pixels, clockwise from the top left, and the indices (N,) of the
        regions they come from (a grown box that is still too small is left out).
    """
    quads, kept = [], []
    outlines = np.asarray(regions.outlines, np.float32).reshape(-1, 4, 2)
    distances = regions.spans[:, 0] * unclip_ratio / regions.spans[:, 1]
    rectangles = grown_rectangles(outlines, distances, _scale(regions.map_size, shape), MIN_SIDE + 2)
    for index, rectangle in enumerate(rectangles):
        if rectangle is None:
            points = [point for path in unclip(outlines[index], unclip_ratio) for point in path]
            if not points:
                continue
            rectangle = cv2.minAreaRect(np.asarray(points, np.int32))
        if min(rectangle[1]) < MIN_SIDE + 2:
            continue
        quads.append(cv2.boxPoints(rectangle))
        kept.append(index)
    ordered = order_corners(np.asarray(quads, np.float32).reshape(-1, 4, 2))
    return to_image_pixels(ordered, regions.map_size, shape), np.asarray(kept, np.int64)


def grow_polygons(regions: Regions, unclip_ratio: float, shape: tuple[int, int]) -> tuple[list[np.ndarray], np.ndarray]:
    """Grown polygons, as `grow_quads` grows quads: a list of float32 (P, 2) and the regions' indices."""
    polygons, kept = [], []
    for index, outline in enumerate(regions.outlines):
        grown = unclip(outline, unclip_ratio)
        if len(grown) != 1:
            continue
        points = np.asarray(grown[0], np.int32)
        if min(cv2.minAreaRect(points)[1]) < MIN_SIDE + 2:
            continue
        polygons.append(to_image_pixels(points, regions.map_size, shape))
        kept.append(index)
    return polygons, np.asarray(kept, np.int64)


def unclip(outline: np.ndarray, ratio: float) -> list[list[list[int]]]:
    """`outline` (P, 2) grown by area * `ratio` / perimeter with round corners: paths of whole pixels.

    pyclipper cuts the corners' fractions off before it grows them; that belongs to the arithmetic.
    """
    distance = cv2.contourArea(outline) * ratio / cv2.arcLength(outline, True)
    offset = pyclipper.PyclipperOffset()
    offset.AddPath(outline, pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    return offset.Execute(distance)


def order_corners(quads: np.ndarray) -> np.ndarray:
    """`quads` (N, 4, 2) clockwise from the top left; the two left corners are told apart by their height."""
    by_x = np.take_along_axis(quads, np.argsort(quads[..., 0], axis=1, kind="stable")[..., None], axis=1)
    second_is_lower = by_x[:, 1, 1] > by_x[:, 0, 1]
    fourth_is_lower = by_x[:, 3, 1] > by_x[:, 2, 1]
    upper_left, lower_left = np.where(second_is_lower, 0, 1), np.where(second_is_lower, 1, 0)
    upper_right, lower_right = np.where(fourth_is_lower, 2, 3), np.where(fourth_is_lower, 3, 2)
    places = np.stack([upper_left, upper_right, lower_right, lower_left], axis=1)
    return np.take_along_axis(by_x, places[..., None], axis=1)


def mean_inside(prob_map: np.ndarray, outline: np.ndarray) -> float:
    """Mean of `prob_map` (h, w) over the pixels of the polygon `outline` (P, 2)."""
    height, width = prob_map.shape[:2]
    left, top = outline.min(axis=0).tolist()
    right, bottom = outline.max(axis=0).tolist()
    x0, x1 = _within(math.floor(left), width), _within(math.ceil(right), width)
    y0, y1 = _within(math.floor(top), height), _within(math.ceil(bottom), height)
    mask = np.zeros((y1 - y0 + 1, x1 - x0 + 1), np.uint8)
    shifted = (outline - np.asarray([x0, y0], outline.dtype)).astype(np.int32)
    cv2.fillPoly(mask, shifted.reshape(1, -1, 2), 1)
    return cv2.mean(prob_map[y0 : y1 + 1, x0 : x1 + 1], mask)[0]


def means_inside(prob_map: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """`mean_inside` of each of `quads` float32 (N, 4, 2), float64 (N,)."""
    most = np.asarray(prob_map.shape[1::-1]) - 1
    lows = np.clip(np.floor(quads.min(axis=1)), 0, most).astype(np.int64)
    highs = np.clip(np.ceil(quads.max(axis=1)), 0, most).astype(np.int64)
    shifted = (quads - lows[:, None].astype(quads.dtype)).astype(np.int32)
    scores = np.empty(len(quads), np.float64)
    boxes = np.concatenate([lows, highs + 1], axis=1).tolist()
    for index, (x0, y0, x1, y1) in enumerate(boxes):
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        cv2.fillPoly(mask, shifted[index : index + 1], 1)
        scores[index] = cv2.mean(prob_map[y0:y1, x0:x1], mask)[0]
    return scores


def to_image_pixels(points: np.ndarray, map_size: tuple[int, int], shape: tuple[int, int]) -> np.ndarray:
    """`points` (…, 2) on a map scaled to an image, rounded half to even and clipped to it, float32.

    An image's right and lower border (x = width, y = height) count as inside.
    """
    scaled = np.rint(np.asarray(points).astype(np.float64) * _scale(map_size, shape))
    return np.clip(scaled, 0, [shape[1], shape[0]]).astype(np.float32)


def _scale(map_size: tuple[int, int], shape: tuple[int, int]) -> np.ndarray:
    """Pixels of an image per pixel of its map, along x and y."""
    return np.asarray([shape[1] / map_size[1], shape[0] / map_size[0]], np.float64)


def _contours(mask: np.ndarray) -> Sequence[np.ndarray]:
    return cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)[0]


def _within(value: int, size: int) -> int:
    return max(0, min(value, size - 1))
