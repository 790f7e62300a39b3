"""What a hardware profile has set before libraries read it: environment variables, and how freed memory is kept."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import warnings
from collections.abc import Mapping
from typing import Any

from plx_train.config.options import DeviceOptions
from plx_train.machine.device import resolve
from plx_train.machine.hardware import mkl_cpu_type
from plx_train.machine.paddle_build import installed_paddle
from plx_train.machine.threads import THREAD_VARIABLES, threads_by_cores

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Parameters of glibc's mallopt."""
FOUND_ON_THE_MACHINE = {"MKL_DEBUG_CPU_TYPE": mkl_cpu_type}
"""Variables that a profile may give as ``auto``: what fits this machine, None for nothing."""
_set_here: dict[str, str] = {}
"""Variables that the last run of this process has set, which the next may set anew."""


def prepare_environment(options: DeviceOptions) -> list[str]:
    """Sets what libraries read when they are loaded, before paddle is imported; what the user set wins.

    Returns the names of the variables that come too late, because paddle is loaded. Those of threads never do:
    `open_device` tells paddle.
    """
    build = installed_paddle()
    resolved = resolve(options, build)[0] if build else options
    former = {name: value for name, value in _set_here.items() if os.environ.get(name) == value}
    for name in former:
        del os.environ[name]
    new = {name: value for name, value in environment(resolved).items() if name not in os.environ}
    os.environ.update(new)
    _set_here.clear()
    _set_here.update(new)
    _keep_freed_memory()
    for noise in ("No ccache found", "Setuptools is replacing distutils", "When training, we now always track"):
        warnings.filterwarnings("ignore", message=noise)
    changed = {name for name in former | new if former.get(name) != new.get(name)}
    return sorted(changed.difference(THREAD_VARIABLES)) if "paddle" in sys.modules else []


def environment(options: DeviceOptions) -> dict[str, str]:
    """Environment variables of a profile, Paddle's flags among them, those of this machine filled in."""
    settings = {"GLOG_minloglevel": "2"}
    threads = threads_by_cores() if options.threads is None and options.type == "cpu" else options.threads
    if threads is not None:
        settings |= dict.fromkeys(THREAD_VARIABLES, str(threads))
    settings |= {f"FLAGS_{name.removeprefix('FLAGS_')}": str(value) for name, value in options.flags.items()}
    return settings | _filled_in(options.env)


def _filled_in(variables: Mapping[str, Any]) -> dict[str, str]:
    filled = {}
    for name, value in variables.items():
        found = FOUND_ON_THE_MACHINE[name]() if value == "auto" and name in FOUND_ON_THE_MACHINE else value
        if found not in (None, ""):
            filled[name] = str(found)
    return filled


def _keep_freed_memory() -> None:
    """Has glibc keep freed memory: a large tensor given back to the kernel costs a page fault per page."""
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(M_MMAP_MAX, 0)
    libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
