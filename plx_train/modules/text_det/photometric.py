"""Random changes of a training crop's pixels that leave its texts where they are."""

from __future__ import annotations

import cv2
import numpy as np

NOISE_SIGMA = (2.0, 12.0)
"""Range of the noise's standard deviation, of 255."""
JPEG_QUALITY = (30, 90)
BLUR_SIGMA = (0.4, 1.2)
"""Pixels."""
MAX_MOTION = 5
"""Longest smear, an odd number of pixels."""


def change_pixels(
    image: np.ndarray,
    colour: float,
    blur_probability: float,
    noise_probability: float,
    jpeg_probability: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """`image` uint8 (H, W, 3) BGR with each change of this file, by its strength or probability."""
    if colour > 0:
        image = jitter_colour(image, colour, rng)
    if rng.random() < blur_probability:
        image = blur(image, rng)
    if rng.random() < noise_probability:
        image = add_noise(image, rng)
    if rng.random() < jpeg_probability:
        image = compress_jpeg(image, rng)
    return image


def jitter_colour(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Brightness, contrast and saturation changed by up to `strength` (0 to 1)."""
    brightness, contrast, saturation = rng.uniform(-strength, strength, 3)
    # Brightness moves by half the range at most: with white pages, more would wash the text out.
    levels = (np.arange(256) - 128) * (1 + contrast) + 128 * (1 + brightness)
    image = cv2.LUT(image, np.clip(np.rint(levels), 0, 255).astype(np.uint8))
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return cv2.addWeighted(image, 1 + saturation, grey, -saturation, 0)


def blur(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Out of focus or, half of the time, moved while it was taken."""
    if rng.random() < 0.5:
        return cv2.GaussianBlur(image, (0, 0), rng.uniform(*BLUR_SIGMA))
    length = int(rng.integers(3, MAX_MOTION + 1))
    angle = rng.uniform(0, np.pi)
    direction = np.asarray([np.cos(angle), np.sin(angle)]) * (length - 1) / 2
    kernel = np.zeros((MAX_MOTION, MAX_MOTION), np.float32)
    middle = np.asarray([MAX_MOTION // 2, MAX_MOTION // 2])
    start, end = np.rint(middle - direction).astype(int), np.rint(middle + direction).astype(int)
    cv2.line(kernel, tuple(start.tolist()), tuple(end.tolist()), 1.0)
    return cv2.filter2D(image, -1, kernel / kernel.sum())


def add_noise(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Grey noise of a sensor, the same in all channels."""
    sigma = np.float32(rng.uniform(*NOISE_SIGMA))
    noise = rng.standard_normal(image.shape[:2], np.float32) * sigma
    return cv2.add(image, cv2.cvtColor(noise, cv2.COLOR_GRAY2BGR), dtype=cv2.CV_8U)


def compress_jpeg(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What JPEG leaves of it at a low quality."""
    quality = int(rng.integers(*JPEG_QUALITY))
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))
