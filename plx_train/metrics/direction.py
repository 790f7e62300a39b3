"""Which metrics are better when lower: errors; all others are better when higher."""

from __future__ import annotations

ERRORS = frozenset(
    {"mse", "mae", "rmse", "smape", "mase", "pinball", "log_loss", "cer", "delay_rows", "latency_ms", "size_mb"}
)
NEARLY_ZERO = 1e-6


def sign(metric: str) -> int:
    """1 where more of `metric` is better, -1 where less is; ``val/mse`` and ``mse_official`` are as ``mse``."""
    name = metric.rpartition("/")[2].removesuffix("_official")
    return -1 if name in ERRORS or name.removeprefix("original_") in ERRORS else 1


def unit(metric: str, value: float) -> float:
    """What a difference of `metric` is measured in: 1, or for errors, which may be as small as a tolerance, `value`."""
    return 1.0 if sign(metric) > 0 else max(abs(value), NEARLY_ZERO)


def nearly_none(metric: str, value: float, before: float, share: float) -> bool:
    """Whether what `metric` can still gain is at most 1 - `share`: of 1, or for errors of the error `before`."""
    return value >= share if sign(metric) > 0 else value <= (1 - share) * before
