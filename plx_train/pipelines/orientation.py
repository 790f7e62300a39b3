"""How far a picture is turned, as a classifier of orientations says by its labels."""

from __future__ import annotations

from typing import Any

from plx_train.ground.errors import UserError


def angle_of(prediction: Any) -> int:
    """Degrees by which to turn against the clock: 0, 90, 180 or 270.

    Raises:
        UserError: the labels are no angles.
    """
    label = str(prediction.names[0]).removesuffix("_degree")
    if label not in ("0", "90", "180", "270"):
        raise UserError(f"the model for orientation has labels like {label!r}: they must be 0, 90, 180 and 270")
    return int(label)
