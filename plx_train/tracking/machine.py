"""Which machine a run is on, and since which of its starts."""

from __future__ import annotations

import platform
import uuid
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
MACHINE_ID = Path("/etc/machine-id")


def machine_tags() -> dict[str, str]:
    """Host name, the machine's id and that of its present start, as far as the system has them."""
    return {
        "plx.host": platform.node(),
        "plx.machine": _text(MACHINE_ID) or f"{uuid.getnode():x}",
        "plx.boot": _text(BOOT_ID),
    }


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
