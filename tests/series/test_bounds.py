"""A model can't ask for more memory a series than there is, whatever its ``inference.yml`` says."""

from __future__ import annotations

import pytest

from plx_train.ground.errors import UserError
from plx_train.modules.ts_cls.processor import TsClsProcessor


def of_length(length: int) -> TsClsProcessor:
    return TsClsProcessor(mean=(0.0,), std=(1.0,), length=length, columns=("a",), labels=("x", "y"))


def test_a_network_is_not_given_more_than_memory_holds() -> None:
    assert of_length(100_000).rows == (100_000, 1)
    with pytest.raises(UserError, match="1000 million values of a series, above the limit of 20 million"):
        of_length(10**9)
