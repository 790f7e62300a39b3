"""How a decoder process is started, with no more than it needs, and what is said of one that ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

START = (
    "import json, sys; handle, memory, formats, sys.path[:] = json.loads(sys.argv[1]);"
    "from plx_train.vision.decoders.worker import work; work(handle, memory, formats)"
)
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Variables of the environment that it keeps: keys and passwords lie in others."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
KEPT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(64 << 20)}
"""What glibc keeps for the next file: to be given memory anew takes a third of the time of an ordinary JPEG."""
BASE_BYTES = 256 << 20
BYTES_A_PIXEL = 24
"""What decoding takes at most of a picture that means no harm: 16 bits, four channels, and what is made of them."""


def started(handle: int, max_pixels: int, formats: Collection[str] | None) -> subprocess.Popen[bytes]:
    """The process that answers on the line of this handle.

    Raises:
        OSError: the system starts none.
    """
    memory = BASE_BYTES + BYTES_A_PIXEL * max_pixels
    places = [str(Path(place).absolute()) for place in sys.path]
    told = json.dumps([handle, memory, None if formats is None else sorted(formats), places])
    return subprocess.Popen(
        [sys.executable, "-I", "-c", START, told],
        pass_fds=[handle],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ} | ONE_THREAD | KEPT_MEMORY,
        cwd="/",
        # Signals of a terminal are for the process that started it.
        start_new_session=True,
    )


def how_ended(code: int) -> str:
    """What is said of a file whose process ended with this exit code."""
    if code == -signal.SIGXCPU:
        return "it was not decoded in the time that it had"
    try:
        how = signal.Signals(-code).name if code < 0 else f"code {code}"
    except ValueError:
        how = f"signal {-code}"
    return f"the reader of its format failed on it ({how})"
