"""``contract/typed_fields.py``: values of each type, and those that only look like it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from plx_train.contract.typed_fields import check_fields


@dataclass(frozen=True)
class Sheet:
    size: tuple[int, int] = (1, 2)
    names: tuple[str, ...] = ()
    cut: float | tuple[float, ...] = 0.5
    side: int | None = None
    is_on: bool = False


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"names": ("a",), "side": 3},
        {"cut": (1, 2.5)},
        {"cut": np.float32(1)},
        {"size": (np.int64(1), 2)},
        {"is_on": True},
    ],
)
def test_values_of_the_types_are_taken(values: dict[str, object]) -> None:
    check_fields(Sheet(**values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "values",
    [
        {"size": (1,)},
        {"size": [1, 2]},
        {"names": "ab"},
        {"names": (1,)},
        {"cut": "0.5"},
        {"side": 2.5},
        {"side": True},
        {"is_on": 1},
    ],
)
def test_others_are_told_by_name(values: dict[str, object]) -> None:
    with pytest.raises(TypeError, match=next(iter(values))):
        check_fields(Sheet(**values))  # type: ignore[arg-type]
