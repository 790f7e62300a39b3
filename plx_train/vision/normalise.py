"""From pixels to a network's planes, and the transforms of ``inference.yml`` that say how."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from plx_train.ground.errors import UserError
from plx_train.vision.image import to_planes

SCALE = 1 / 255
IMAGE_MODES = ("BGR", "RGB")
"""Orders of the colour channels that a network may have been trained with."""


def table_of(mean: Sequence[float], std: Sequence[float]) -> np.ndarray:
    """The normalised value of each of the 256 pixel values per channel, float32 (3, 256).

    Args:
        mean, std: of the channels, for pixels scaled to 0..1.
    """
    # Rounded to float32 where PaddleX does, so that both give the same bits.
    scale = (SCALE / np.asarray(std)).astype(np.float32)
    offset = (-np.asarray(mean) / np.asarray(std)).astype(np.float32)
    return np.arange(256, dtype=np.float32) * scale[:, None] + offset[:, None]


def write_planes(image: np.ndarray, table: np.ndarray, image_mode: str, out: np.ndarray) -> None:
    """Writes `image` uint8 (h, w, 3) BGR into `out` float32 (3, h, w).

    Args:
        table: float32 (3, 256), what becomes of pixel values in the channels' order of `image_mode`.
    """
    if image_mode == "RGB":
        table, out = table[::-1], out[::-1]
    to_planes(image, table, out)


def planes_of(image: np.ndarray, table: np.ndarray, image_mode: str, out: np.ndarray | None = None) -> np.ndarray:
    """`image` uint8 (h, w, 3) BGR as float32 (3, h, w), in `out` if given; see `write_planes`."""
    if out is None:
        out = np.empty((3, *image.shape[:2]), np.float32)
    write_planes(image, table, image_mode, out)
    return out


def check_scales(mean: Sequence[float], std: Sequence[float]) -> None:
    """
    Raises:
        UserError: `mean` and `std` of the channels can't be used.
    """
    if len(mean) != 3 or len(std) != 3 or not min(std) > 0:
        raise UserError("mean and std must be three numbers each, those of std above 0")


def decode_step(image_mode: str) -> dict[str, Any]:
    """The transform that reads an image, in the order of channels `image_mode`."""
    return {"DecodeImage": {"channel_first": False, "img_mode": image_mode}}


def image_mode_of(steps: Mapping[str, Mapping[str, Any]]) -> str:
    """The order of channels that the transforms `steps` ask for."""
    return str(steps.get("DecodeImage", {}).get("img_mode", "RGB"))


def read_steps(inference: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The transforms of an ``inference.yml`` by name.

    Raises:
        KeyError, TypeError, AttributeError: it has none.
    """
    return {name: step or {} for op in inference["PreProcess"]["transform_ops"] for name, step in op.items()}


def read_transforms(
    inference: Mapping[str, Any], what: str, post: str, needed: Collection[str], others: Collection[str]
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The transforms of an ``inference.yml`` by name, and its ``PostProcess``.

    Args:
        what: the kind of model that is wanted, for messages.
        post: the name of its ``PostProcess``.
        needed: transforms that must stand there, and `others` those that may, of training for example.

    Raises:
        UserError: it is of another kind of model.
    """
    try:
        steps, section = read_steps(inference), inference["PostProcess"]
        post_name = section["name"]
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"inference.yml has no PreProcess.transform_ops and PostProcess of {what}") from error
    unknown, missing = sorted(set(steps) - {*needed, *others}), sorted(set(needed) - set(steps))
    if unknown or missing or post_name != post:
        raise UserError(
            f"inference.yml is not of {what}: unknown steps {unknown}, missing steps {missing}, PostProcess {post_name}"
        )
    return steps, section
