"""oneDNN's C interface, as far as it is needed here, from the library inside Paddle's wheel."""

from __future__ import annotations

import ctypes
import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

MAJOR, OLDEST_MINOR = 3, 4
"""Versions whose functions and numbers are those below; 3.4 brought the attribute for equal bits."""
OUT_OF_MEMORY = 1
CPU_ENGINE, IN_ORDER_STREAM, USER_SCRATCHPAD, ANY_FORMAT = 1, 1, 1, 1
TYPES = {"bf16": 2, "fp32": 3}
FORWARD_TRAINING, FORWARD_INFERENCE = 64, 96
CONVOLUTION_AUTO, DECONVOLUTION_DIRECT, HARDSWISH, AVERAGE_POOLING, NEAREST = 0x3, 0xA, 0x34, 0x2FF, 0x2FFF0
SRC, DST, WEIGHTS, BIAS, SCRATCHPAD = 1, 17, 33, 41, 80
DIFF_SRC, DIFF_DST, DIFF_WEIGHTS, DIFF_BIAS = 129, 145, 161, 169
"""Arguments of a primitive."""
QUERIES = {SRC: (129, 0), DIFF_SRC: (130, 0), WEIGHTS: (131, 0), BIAS: (131, 1), DIFF_WEIGHTS: (132, 0),
           DIFF_BIAS: (132, 1), DST: (133, 0), DIFF_DST: (134, 0), SCRATCHPAD: (136, 0)}  # fmt: skip
"""How a primitive is asked for the layout of an argument: the question and its index."""

Pointer = ctypes.c_void_p


class LibraryError(Exception):
    """oneDNN is not there, is of another version, or refused a call."""


class Argument(ctypes.Structure):
    """``dnnl_exec_arg_t``."""

    _fields_ = (("index", ctypes.c_int), ("memory", Pointer))


class _Version(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int) for name in ("major", "minor", "patch")),
        ("hash", ctypes.c_char_p),
        *((name, ctypes.c_uint) for name in ("cpu_runtime", "gpu_runtime")),
    )


@lru_cache(maxsize=1)
def library() -> Any:
    """The loaded library.

    Raises:
        LibraryError: Paddle's wheel has none, or one of a version that is not known.
    """
    spec = importlib.util.find_spec("paddle")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    found = [path for folder in folders for path in sorted((Path(folder) / "libs").glob("libdnnl.so*"))]
    if not found:
        raise LibraryError("this build of Paddle has no libdnnl.so")
    try:
        loaded = ctypes.CDLL(str(found[0]))
        loaded.dnnl_version.restype = ctypes.POINTER(_Version)
        version = loaded.dnnl_version().contents
    except (OSError, AttributeError) as error:
        raise LibraryError(f"{found[0].name} can't be loaded: {error}") from None
    if version.major != MAJOR or version.minor < OLDEST_MINOR:
        raise LibraryError(f"oneDNN {version.major}.{version.minor} is not {MAJOR}.{OLDEST_MINOR} or a later {MAJOR}.x")
    loaded.dnnl_primitive_desc_query_md.restype = Pointer
    loaded.dnnl_primitive_desc_query_md.argtypes = [Pointer, ctypes.c_int, ctypes.c_int]
    loaded.dnnl_memory_desc_get_size.restype = ctypes.c_size_t
    loaded.dnnl_memory_desc_get_size.argtypes = [Pointer]
    loaded.dnnl_memory_desc_equal.argtypes = [Pointer, Pointer]
    loaded.dnnl_memory_set_data_handle.argtypes = [Pointer, Pointer]
    loaded.dnnl_primitive_execute.argtypes = [Pointer, Pointer, ctypes.c_int, Pointer]
    size, number = ctypes.c_int64, ctypes.c_float
    loaded.dnnl_sgemm.argtypes = [
        *(ctypes.c_char, ctypes.c_char, size, size, size, number, Pointer, size, Pointer, size, number, Pointer, size)
    ]
    for kind in ("primitive", "primitive_desc", "memory", "memory_desc", "stream"):
        getattr(loaded, f"dnnl_{kind}_destroy").argtypes = [Pointer]
    return loaded


@lru_cache(maxsize=1)
def openmp() -> Any:
    """The OpenMP that the library is bound to: Paddle's own where its wheel has one, which loads it first."""
    own = Path(library()._name).parent / "libiomp5.so"
    return ctypes.CDLL(str(own)) if own.is_file() else library()


def take_threads(number: int) -> None:
    """Has what this thread computes from now on take so many threads of OpenMP, itself among them."""
    import paddle

    # The library is bound to the OpenMP of whatever loaded it first: Paddle's own, or that of the system.
    paddle.base.core.set_num_threads(number)
    library().omp_set_num_threads(number)


def version() -> str:
    """oneDNN's version, as in ``3.6.2``."""
    found = library().dnnl_version().contents
    return f"{found.major}.{found.minor}.{found.patch}"


def check(status: int, call: str) -> None:
    """Does nothing for the status 0.

    Raises:
        MemoryError: there is too little memory for the call.
        LibraryError: it failed.
    """
    if status == OUT_OF_MEMORY:
        raise MemoryError(f"oneDNN's {call}: out of memory")
    if status:
        raise LibraryError(f"oneDNN's {call} ended with status {status}")


@lru_cache(maxsize=1)
def engine() -> Pointer:
    """The CPU."""
    made = Pointer()
    check(library().dnnl_engine_create(ctypes.byref(made), CPU_ENGINE, ctypes.c_size_t(0)), "engine_create")
    return made


@lru_cache(maxsize=1)
def attributes() -> Pointer:
    """Attributes of every primitive: working memory is given to it, and equal inputs give equal bits."""
    made = Pointer()
    check(library().dnnl_primitive_attr_create(ctypes.byref(made)), "primitive_attr_create")
    check(library().dnnl_primitive_attr_set_scratchpad_mode(made, USER_SCRATCHPAD), "attr_set_scratchpad_mode")
    check(library().dnnl_primitive_attr_set_deterministic(made, 1), "attr_set_deterministic")
    return made
