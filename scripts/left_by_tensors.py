#!/usr/bin/env python3
"""What an array leaves behind in memory that becomes a tensor and is let go of: bytes each, by Paddle alone.

OMP_NUM_THREADS=1 python scripts/left_by_tensors.py
"""

from __future__ import annotations

import gc

import numpy as np
import paddle
import psutil

WARM_UP, TIMES = 300, 8000


def left(array: np.ndarray) -> float:
    """Bytes of this process that each of `TIMES` tensors leaves."""
    for _ in range(WARM_UP):
        paddle.to_tensor(array)
    gc.collect()
    before = psutil.Process().memory_info().rss
    for _ in range(TIMES):
        paddle.to_tensor(array)
    gc.collect()
    return (psutil.Process().memory_info().rss - before) / TIMES


if __name__ == "__main__":
    paddle.set_device("cpu")
    for shape in ((1,), (32, 64), (4, 3, 32, 32)):
        print(f"paddle {paddle.__version__}, float32 {shape}: {left(np.ones(shape, np.float32)):.0f} bytes each")
