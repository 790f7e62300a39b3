"""Reads pickles that hold nothing but containers, numbers, text and numpy arrays; anything else is refused."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from typing import Any

import numpy as np

from plx_train.errors import WeightsError

_RECONSTRUCT = np.zeros(1).__reduce__()[0]  # numpy's own function that rebuilds an array
_SCALAR = np.float32(0).__reduce__()[0]

ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    **{(module, "_reconstruct"): _RECONSTRUCT for module in ("numpy.core.multiarray", "numpy._core.multiarray")},
    **{(module, "scalar"): _SCALAR for module in ("numpy.core.multiarray", "numpy._core.multiarray")},
    **{("builtins", kind.__name__): kind for kind in (dict, list, set, tuple, str, int, float, bool, bytes)},
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise WeightsError(f"it asks for {module}.{name}, which no weights need: the file is not trusted")
        return ALLOWED[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise WeightsError("it refers to objects outside itself")


def restricted_load(data: bytes, name: str) -> Any:
    """The content of the pickle `data`.

    Raises:
        WeightsError: it is damaged or asks for anything but data, naming `name`.
    """
    try:
        # numpy pickled by Python 2 and 3 alike; latin1 keeps array bytes as they are.
        return _Unpickler(io.BytesIO(data), encoding="latin1").load()
    except WeightsError as error:
        raise WeightsError(f"{name} can't be read: {error}") from None
    except Exception as error:  # noqa: BLE001 - damaged pickles raise nearly anything
        raise WeightsError(f"{name} can't be read: it is damaged ({type(error).__name__})") from None
