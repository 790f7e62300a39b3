"""Durations as users write and read them."""

from __future__ import annotations

import re

from plx_train.ground.errors import ConfigError

SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(text: str | None, key: str) -> float | None:
    """Seconds of ``90s``, ``20m``, ``1h30m``; a bare number is seconds.

    Raises:
        ConfigError: anything else, naming `key`.
    """
    if text is None:
        return None
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd]?)", str(text))
    if not parts or "".join(number + unit for number, unit in parts) != str(text):
        raise ConfigError(f"{key}={text} is not a duration: write 90s, 20m or 1h30m")
    seconds = sum(float(number) * SECONDS[unit or "s"] for number, unit in parts)
    if seconds <= 0:
        raise ConfigError(f"{key}={text} is no time at all: it must be more than 0s, as in 20m")
    return seconds


def readable_duration(seconds: float) -> str:
    """``4.2 s``, ``3 min 05 s``, ``1 h 02 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
