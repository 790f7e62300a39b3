"""The nearest of many vectors, exactly: by faiss where it is installed and they are many, else by numpy."""

from __future__ import annotations

import importlib.util

import numpy as np

FAISS_FROM = 20_000
"""Vectors from which faiss is asked, where it is installed."""
AT_ONCE = 256
"""Queries that numpy compares with all vectors at a time."""
SPARE = 16
"""Further vectors that are looked at again, so that sums of another order decide nothing."""


def nearest(vectors: np.ndarray, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Places int64 (Q, k) of the nearest vectors, best first, and cosines float32 (Q, k).

    Of equal ones the first counts. Which engine searches changes nothing: cosines are summed anew in one way.

    Args:
        vectors: float32 (N, D), of length 1.
        queries: float32 (Q, D), of length 1.
        count: k, or fewer where there are fewer vectors.
    """
    count = min(count, len(vectors))
    if not count or not len(queries):
        return np.zeros((len(queries), 0), np.int64), np.zeros((len(queries), 0), np.float32)
    rough = _by_faiss if len(vectors) >= FAISS_FROM and has_faiss() else _by_numpy
    found = np.sort(rough(vectors, queries, min(count + SPARE, len(vectors))), axis=1)
    exact = np.stack([vectors[row].astype(np.float64) @ query for row, query in zip(found, queries, strict=True)])
    cosines = exact.astype(np.float32)
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(found, order, 1), np.take_along_axis(cosines, order, 1)


def has_faiss() -> bool:
    """Whether faiss is installed."""
    return importlib.util.find_spec("faiss") is not None


def _by_numpy(vectors: np.ndarray, queries: np.ndarray, count: int) -> np.ndarray:
    parts = [
        np.argpartition(-(queries[start : start + AT_ONCE] @ vectors.T), count - 1, axis=1)[:, :count]
        for start in range(0, len(queries), AT_ONCE)
    ]
    return np.concatenate(parts)


def _by_faiss(vectors: np.ndarray, queries: np.ndarray, count: int) -> np.ndarray:
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors))
    found: np.ndarray = index.search(np.ascontiguousarray(queries), count)[1]
    return found
