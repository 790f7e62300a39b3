"""Scaling of columns to mean 0 and deviation 1; plain numbers in the export, PaddleX's ``scaler.pkl`` beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
    """Writes PaddleX's ``scaler.pkl``: a fitted `StandardScaler` of scikit-learn, by joblib.

    It is only ever written, for PaddleX to read; reading one would run what is pickled in it.

    Args:
        columns: names of the scaled columns in order; with them scikit-learn checks the frames it is given.
    """
    import joblib
    from sklearn.preprocessing import StandardScaler

    fitted = StandardScaler()
    fitted.mean_ = np.asarray(scaler.mean, np.float64)
    fitted.scale_ = np.asarray(scaler.std, np.float64)
    fitted.var_ = np.square(fitted.scale_)
    fitted.n_features_in_ = len(scaler.mean)
    fitted.n_samples_seen_ = np.int64(max(scaler.num_rows, 1))
    if columns:
        fitted.feature_names_in_ = np.asarray(columns, object)
    path.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(fitted, path)


def _parts(array: np.ndarray) -> list[np.ndarray]:
    """Views of some rows each, so that no copy of a long series is made."""
    return [array[start : start + ROWS_AT_ONCE] for start in range(0, len(array), ROWS_AT_ONCE)]
