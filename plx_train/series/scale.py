"""Scaling of columns to mean 0 and deviation 1; plain numbers in the export, PaddleX's ``scaler.pkl`` beside them."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

ROWS_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Scaler:
    """Takes off the mean of each column and divides by its standard deviation.

    Attributes:
        mean, std: one per column; the deviation of a constant column is 1, as in scikit-learn's `StandardScaler`.
        num_rows: that they were taken from.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    num_rows: int = 0

    @classmethod
    def fit(cls, arrays: Sequence[np.ndarray]) -> Scaler:
        """The scaler of all rows of arrays (T, C) together, the population's deviation; NaN is left out.

        Raises:
            ValueError: there is no array.
        """
        if not arrays:
            raise ValueError("a scaler is fitted to one array at least")
        parts = [part for array in arrays for part in _parts(array)]
        count = np.maximum(sum(np.isfinite(part).sum(0) for part in parts), 1)
        mean = sum(np.nansum(part, 0, np.float64) for part in parts) / count
        # Around the mean in a second pass: the difference of squares loses digits where the mean is large.
        variance = sum(np.nansum(np.square(part - mean), 0) for part in parts) / count
        noise = np.finfo(np.float64).eps
        is_constant = variance <= count * noise * variance + (count * mean * noise) ** 2
        std = np.where(is_constant, 1.0, np.sqrt(variance))
        return cls(tuple(mean.tolist()), tuple(std.tolist()), sum(len(array) for array in arrays))

    def transform(self, values: np.ndarray) -> np.ndarray:
        """Values (…, C) on the scaled axis; float32 stays float32, all else becomes float64."""
        mean, std = self._arrays(values)
        with np.errstate(over="ignore"):  # told by who looks at the result
            return (values - mean) / std

    def inverse(self, values: np.ndarray) -> np.ndarray:
        """Scaled values (…, C) on the original axis."""
        mean, std = self._arrays(values)
        return values * std + mean

    def _arrays(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        kind = np.float32 if values.dtype == np.float32 else np.float64
        return np.asarray(self.mean, kind), np.asarray(self.std, kind)


def write_scaler_pkl(path: Path, scaler: Scaler, columns: Sequence[str] = ()) -> None:
    """Writes PaddleX's ``scaler.pkl``: a fitted `StandardScaler` of scikit-learn, as joblib reads it.

    It is only ever written, for PaddleX to read; reading one would run what is pickled in it. scikit-learn itself is
    not imported: with scipy that takes a second, and its state is a handful of numbers.

    Args:
        columns: names of the scaled columns in order; with them scikit-learn checks the frames it is given.
    """
    state = {
        "with_mean": True,
        "with_std": True,
        "copy": True,
        "mean_": np.asarray(scaler.mean, np.float64),
        "scale_": np.asarray(scaler.std, np.float64),
        "var_": np.square(np.asarray(scaler.std, np.float64)),
        "n_features_in_": len(scaler.mean),
        "n_samples_seen_": np.int64(max(scaler.num_rows, 1)),
        "_sklearn_version": version("scikit_learn"),
    }
    if columns:
        state["feature_names_in_"] = np.asarray(columns, object)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_pickled("sklearn.preprocessing._data", "StandardScaler", state))


def _pickled(module: str, name: str, state: dict[str, Any]) -> bytes:
    """What `pickle` writes of an object of a class that need not be imported for it, in protocol 2."""
    content = pickle.dumps(state, 2).removeprefix(pickle.PROTO + b"\x02").removesuffix(pickle.STOP)
    # The older name of numpy's module, which NumPy 1 and 2 both know.
    content = content.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
    class_of_it = pickle.GLOBAL + f"{module}\n{name}\n".encode() + pickle.EMPTY_TUPLE + pickle.NEWOBJ
    return pickle.PROTO + b"\x02" + class_of_it + content + pickle.BUILD + pickle.STOP


def _parts(array: np.ndarray) -> list[np.ndarray]:
    """Views of some rows each, so that no copy of a long series is made."""
    return [array[start : start + ROWS_AT_ONCE] for start in range(0, len(array), ROWS_AT_ONCE)]
