"""Looks a machine over: versions, devices, memory, write rights, tracking; what is wrong and what helps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from plx_train.config.options import DeviceOptions
from plx_train.doctor import machine, places, software
from plx_train.doctor.bundle import last_run, write_bundle
from plx_train.doctor.check import FAIL, OK, WARN, Check

__all__ = ["FAIL", "OK", "WARN", "Check", "diagnose", "last_run", "to_json", "worst", "write_bundle"]


def diagnose(output: Path, tracking_uri: str | None, device: DeviceOptions) -> list[Check]:
    """Looks everything over, in about 5 seconds; changes nothing but for files that it removes again.

    Args:
        output: where runs are written.
        tracking_uri: MLflow's store; None for none.
        device: the profile that is to be used.
    """
    looks: list[tuple[str, Callable[[], Check]]] = [
        ("python", software.python),
        ("packages", software.packages),
        ("paddle", software.paddle),
        ("device", lambda: software.device(device)),
        ("processor", machine.processor),
        ("graphics cards", machine.graphics_cards),
        ("memory", machine.memory),
        ("shared memory", machine.shared_memory),
        ("open files", machine.open_files),
        ("output", lambda: places.folder_check("output", output, "output=<folder>")),
        ("disk", lambda: places.disk(output)),
        ("cache", places.cache),
        ("tracking", lambda: places.tracking(tracking_uri)),
        ("clock", lambda: places.clock(output)),
        ("pip", software.pip),
        ("git", software.git),
        ("environment", software.variables),
    ]
    return [_guarded(name, look) for name, look in looks]


def to_json(checks: Sequence[Check]) -> dict[str, Any]:
    """``{"status": the worst one, "checks": […]}``."""
    return {"status": worst(checks), "checks": [asdict(check) for check in checks]}


def worst(checks: Sequence[Check]) -> str:
    """ok, warn or fail."""
    return max((check.status for check in checks), key=(OK, WARN, FAIL).index, default=OK)


def _guarded(name: str, look: Callable[[], Check]) -> Check:
    """A look that stumbles is a finding like others: a doctor must not fall ill himself."""
    try:
        return look()
    except Exception as error:
        return Check(name, WARN, f"can't be looked at: {type(error).__name__}: {error}")
