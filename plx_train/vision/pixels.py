"""Random changes of an image's pixels that leave what it shows where it is.

Images are uint8 (H, W, 3) BGR; the given ones stay as they are.
"""

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
ERASED = (0.1, 0.4)
"""Range of an erased rectangle's sides, as shares of the image's."""


def jitter_light(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Brightness and contrast changed by up to `strength` (0 to 1)."""
    brightness, contrast = rng.uniform(-strength, strength, 2)
    return _lit(image, brightness, contrast)


def jitter_colour(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Brightness, contrast and saturation changed by up to `strength` (0 to 1)."""
    brightness, contrast, saturation = rng.uniform(-strength, strength, 3)
    image = _lit(image, brightness, contrast)
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return cv2.addWeighted(image, 1 + saturation, grey, -saturation, 0)


def _lit(image: np.ndarray, brightness: float, contrast: float) -> np.ndarray:
    # Brightness moves by half the range at most: with white paper, more would wash the text out.
    levels = (np.arange(256) - 128) * (1 + contrast) + 128 * (1 + brightness)
    return cv2.LUT(image, np.clip(np.rint(levels), 0, 255).astype(np.uint8))


def defocus(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Out of focus."""
    return cv2.GaussianBlur(image, (0, 0), rng.uniform(*BLUR_SIGMA))


def blur(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Out of focus or, half of the time, moved while it was taken."""
    if rng.random() < 0.5:
        return defocus(image, rng)
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
    return with_noise(image, rng.standard_normal(image.shape[:2], np.float32) * sigma)


def with_noise(image: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """`noise` float32 (H, W) added to all channels alike."""
    return cv2.add(image, cv2.cvtColor(noise, cv2.COLOR_GRAY2BGR), dtype=cv2.CV_8U)


def compress_jpeg(image: np.ndarray, rng: np.random.Generator, quality: tuple[int, int] = JPEG_QUALITY) -> np.ndarray:
    """What JPEG leaves of it at a low quality, drawn from the range `quality`."""
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*quality))])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))


def erase(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A rectangle of it covered by noise (Zhong et al., 2020)."""
    height, width = image.shape[:2]
    rows, columns = (max(int(side * rng.uniform(*ERASED)), 1) for side in (height, width))
    top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
    image = image.copy()
    image[top : top + rows, left : left + columns] = rng.integers(0, 256, (rows, columns, 3), np.uint8)
    return image
