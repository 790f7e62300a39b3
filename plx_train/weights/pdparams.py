"""Reads ``.pdparams``, what ``paddle.save`` writes of a state dict, without paddle, running nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from plx_train.ground.errors import WeightsError
from plx_train.ground.files import read_limited
from plx_train.runs.checkpoint import MOST_TENSOR_BYTES
from plx_train.weights.restricted_pickle import array_of, restricted_load

NAME_TABLE = "StructuredToParameterName@@"
"""Paddle's own entry: structured names by generated ones."""


def read_pdparams(path: Path) -> dict[str, np.ndarray]:
    """Arrays by structured name.

    Raises:
        WeightsError: the file is damaged, no state dict, or not trusted.
    """
    try:
        content = restricted_load(read_limited(path, MOST_TENSOR_BYTES), str(path))
    except OSError as error:
        raise WeightsError(f"{path} can't be read ({error.strerror or error})") from None
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict):
        raise WeightsError(f"{path} holds no weights by name but a {type(content).__name__}")
    named = {str(name): array_of(value) for name, value in content.items() if name != NAME_TABLE}
    arrays = {name: array for name, array in named.items() if array is not None}
    if not arrays:
        raise WeightsError(f"{path} holds no weights by name")
    return arrays
