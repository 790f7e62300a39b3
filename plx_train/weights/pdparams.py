"""Reads ``.pdparams``, what ``paddle.save`` writes of a state dict, without paddle and without executing anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from plx_train.errors import WeightsError
from plx_train.weights.restricted_pickle import restricted_load

NAME_TABLE = "StructuredToParameterName@@"


def read_pdparams(path: Path) -> dict[str, np.ndarray]:
    """Arrays by structured name.

    Raises:
        WeightsError: the file is damaged, no state dict, or not trusted.
    """
    content = restricted_load(path.read_bytes(), str(path))
    if not isinstance(content, dict):
        raise WeightsError(f"{path} holds no weights by name but a {type(content).__name__}")
    arrays = {}
    for name, value in content.items():
        if name == NAME_TABLE:
            continue
        # paddle ≥ 2.1 writes a tensor as (its generated name, its array).
        array = value[1] if isinstance(value, tuple) and len(value) == 2 else value
        if isinstance(name, str) and isinstance(array, np.ndarray):
            arrays[name] = array
    if not arrays:
        raise WeightsError(f"{path} holds no weights")
    return arrays
