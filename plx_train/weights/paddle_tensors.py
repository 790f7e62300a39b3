"""Paddle's file of tensors, ``.pdiparams``: one after the other, each behind a header, without names."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from plx_train.ground.protobuf import ByteCursor, Bytes, FileCursor, fields, varints

DTYPES = {0: "?", 1: "<i2", 2: "<i4", 3: "<i8", 4: "<f2", 5: "<f4", 6: "<f8", 20: "u1", 21: "i1"}
BFLOAT16 = 22
OTHER_SIZES = {22: 2, 23: 8, 24: 16, 32: 1, 33: 1}
"""Bytes of an element of the kinds that numpy has no name for, or no network's weights are of."""
MAX_AXES = 16
TENSOR_DTYPE, TENSOR_DIMS = 1, 2


@dataclass(frozen=True)
class StoredTensor:
    """A tensor as its header says.

    Attributes:
        code: Paddle's number of its type.
        dims: its sizes.
        content: its bytes, as many as these need.
    """

    code: int
    dims: tuple[int, ...]
    content: memoryview

    def array(self) -> np.ndarray:
        """The tensor in memory of its own; bfloat16 as float32.

        Raises:
            ValueError: it is of a kind that weights are not of.
        """
        if self.code != BFLOAT16 and self.code not in DTYPES:
            raise ValueError("it holds a tensor of an unknown kind")
        dtype = np.dtype("<u2" if self.code == BFLOAT16 else DTYPES[self.code])
        array = np.frombuffer(self.content, dtype).reshape(self.dims)
        if self.code == BFLOAT16:
            return (array.astype(np.uint32) << 16).view(np.float32)
        return array.copy()


def stored_tensors(content: Bytes) -> Iterator[StoredTensor]:
    """The tensors of a file in their order.

    Raises:
        ValueError: one is damaged, or larger than what is left of the file.
    """
    cursor = ByteCursor(content)
    while not cursor.is_done:
        code, dims, size = _header(cursor)
        yield StoredTensor(code, dims, cursor.take(size))


def stored_sizes(file: BinaryIO) -> Iterator[tuple[int, ...]]:
    """The sizes of a file's tensors in their order, of which the headers alone are read.

    Raises:
        OSError: it can't be read.
        ValueError: as `stored_tensors`.
    """
    cursor = FileCursor(file)
    while not cursor.is_done:
        _, dims, size = _header(cursor)
        cursor.skip(size)
        yield dims


def _header(cursor: ByteCursor | FileCursor) -> tuple[int, tuple[int, ...], int]:
    """(Paddle's number of the type, sizes, bytes) of the tensor whose bytes come next."""
    cursor.skip(4)
    for _ in range(cursor.number(8)):
        cursor.skip(cursor.number(8))
    cursor.skip(4)
    code, dims = -1, []
    for number, value in fields(cursor.take(cursor.number(4))):
        if number == TENSOR_DTYPE:
            code = value if isinstance(value, int) else -1
        elif number == TENSOR_DIMS:
            dims += varints(value)
    size = np.dtype(DTYPES[code]).itemsize if code in DTYPES else OTHER_SIZES.get(code, 0)
    if len(dims) > MAX_AXES or not size:
        raise ValueError("it holds a tensor of an unknown kind")
    return code, tuple(dims), math.prod(dims) * size
