"""The file of vectors that PaddleX searches, faiss's flat index with ids, written and read without faiss."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from plx_train.ground.errors import UserError
from plx_train.ground.files import read_limited

HEADER = struct.Struct("<4siqqq?i")
"""Kind, dimensions, number of vectors, twice what faiss fills with `FILLER`, whether trained, and the metric."""
LENGTH = struct.Struct("<Q")
WITH_IDS, FLAT, FILLER = b"IxM2", b"IxFI", 1 << 20
INNER_PRODUCT = 0
MOST_BYTES = 8 << 30


def write_flat(path: Path, vectors: np.ndarray, ids: np.ndarray) -> None:
    """Writes vectors (N, D) and their ids (N,) as ``IndexIDMap2`` of ``IndexFlatIP``."""
    number, dimensions = vectors.shape
    with path.open("wb") as file:
        for kind in (WITH_IDS, FLAT):
            file.write(HEADER.pack(kind, dimensions, number, FILLER, FILLER, True, INNER_PRODUCT))
        file.write(LENGTH.pack(vectors.size))
        file.write(np.ascontiguousarray(vectors, "<f4").tobytes())
        file.write(LENGTH.pack(number))
        file.write(np.ascontiguousarray(ids, "<i8").tobytes())


def read_flat(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vectors float32 (N, D) and ids int64 (N,) of such a file.

    Raises:
        UserError: it can't be read, or is of another kind.
    """
    try:
        content = read_limited(path, MOST_BYTES)
        dimensions, number = _shape_of(content)
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror or error})") from None
    except (struct.error, ValueError) as error:
        raise UserError(
            f"{path} is no flat index of inner products with ids ({error}): build it with mode=build_index, or in "
            "PaddleX with index_type=Flat metric_type=IP"
        ) from None
    start = 2 * HEADER.size + LENGTH.size
    vectors = np.frombuffer(content, "<f4", number * dimensions, start).reshape(number, dimensions)
    ids = np.frombuffer(content, "<i8", number, start + vectors.nbytes + LENGTH.size)
    return vectors.astype(np.float32), ids.astype(np.int64)


def _shape_of(content: bytes) -> tuple[int, int]:
    """Dimensions and number of vectors.

    Raises:
        ValueError: the file is of another kind, or not as long as it says.
        struct.error: it ends early.
    """
    shapes = []
    for place, kind in enumerate((WITH_IDS, FLAT)):
        found, dimensions, number, _, _, _, metric = HEADER.unpack_from(content, place * HEADER.size)
        if found != kind or metric != INNER_PRODUCT:
            raise ValueError(f"its kind is {found!r}, metric {metric}")
        shapes.append((dimensions, number))
    dimensions, number = shapes[0]
    start = 2 * HEADER.size
    expected = start + 2 * LENGTH.size + number * (4 * dimensions + 8)
    if shapes[0] != shapes[1] or dimensions < 1 or number < 0 or len(content) != expected:
        raise ValueError("it is not as long as it says")
    (values,) = LENGTH.unpack_from(content, start)
    (numbers,) = LENGTH.unpack_from(content, start + LENGTH.size + 4 * number * dimensions)
    if values != number * dimensions or numbers != number:
        raise ValueError("its numbers contradict each other")
    return dimensions, number
