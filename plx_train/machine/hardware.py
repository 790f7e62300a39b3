"""What this machine has: cores, memory, graphics cards; nothing is imported for it and nothing raises."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ASK_SECONDS = 5.0


@dataclass(frozen=True)
class Gpu:
    """One NVIDIA card.

    Attributes:
        memory_mib: all of its memory, used or not.
    """

    index: int
    name: str
    memory_mib: int


@dataclass(frozen=True)
class Cpu:
    """The processor as Linux describes it; empty fields elsewhere."""

    model: str
    vendor: str
    flags: frozenset[str]


@lru_cache(maxsize=1)
def cpu() -> Cpu:
    """The first processor of ``/proc/cpuinfo``."""
    fields: dict[str, str] = {}
    for line in _text(Path("/proc/cpuinfo")).splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    model = fields.get("model name") or platform.processor() or platform.machine()
    return Cpu(model, fields.get("vendor_id", ""), frozenset(fields.get("flags", "").split()))


def usable_cores() -> int:
    """Cores that this process may use: its affinity, within the container's quota; at least 1."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        cores = os.cpu_count() or 1
    quota = _cgroup_cores()
    return max(1, min(cores, round(quota))) if quota else cores


def _cgroup_cores() -> float | None:
    """The container's share of the processor in cores; None where there is no limit."""
    parts = _text(Path("/sys/fs/cgroup/cpu.max")).split()
    if len(parts) == 2 and parts[0].isdigit():
        return int(parts[0]) / int(parts[1])
    quota = _text(Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")).strip()
    period = _text(Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")).strip()
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None


def memory_mib() -> tuple[int, int] | None:
    """(all, available) memory in MiB, within the container's limit; None where it can't be found out."""
    try:
        import psutil
    except ImportError:
        return None
    memory = psutil.virtual_memory()
    total, available = memory.total, memory.available
    group = Path("/sys/fs/cgroup")
    limit, used = (_text(group / f"memory.{name}").strip() for name in ("max", "current"))
    if limit.isdigit() and used.isdigit():
        total = min(total, int(limit))
        available = max(0, min(available, int(limit) - int(used)))
    return total >> 20, available >> 20


def nvidia_gpus() -> list[Gpu]:
    """The NVIDIA cards that the driver shows, whatever Paddle can use of them."""
    table = _ask("nvidia-smi", "--query-gpu=index,name,memory.total", "--format=csv,noheader,nounits")
    found = (re.fullmatch(r"\s*(\d+), (.+), (\d+)\s*", row) for row in table.splitlines())
    return [Gpu(int(row[1]), row[2], int(row[3])) for row in found if row]


def is_any_visible(gpus: list[Gpu]) -> bool:
    """Whether ``CUDA_VISIBLE_DEVICES`` leaves one of the cards to this process; the driver's program ignores it."""
    asked = os.environ.get("CUDA_VISIBLE_DEVICES")
    if not gpus or asked is None:
        return bool(gpus)
    # CUDA stops at the first name that is no card's, so that one decides.
    first = asked.partition(",")[0].strip()
    return first.startswith(("GPU-", "MIG-")) or first in {str(gpu.index) for gpu in gpus}


def driver_cuda() -> str | None:
    """The newest CUDA that the NVIDIA driver can run, for example ``12.8``; None without a driver."""
    found = re.search(r"CUDA Version:\s*(\d+\.\d+)", _ask("nvidia-smi"))
    return found[1] if found else None


def mkl_cpu_type() -> str | None:
    """What makes Paddle's MKL use the vector units of an AMD processor, as it does not by itself; else None.

    The value names a kernel family: 7 the one for AVX-512, 5 the one for AVX2.
    """
    if cpu().vendor != "AuthenticAMD":
        return None
    if {"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= cpu().flags:
        return "7"
    return "5" if "avx2" in cpu().flags else None


def _ask(program: str, *arguments: str) -> str:
    """What `program` prints; nothing if it is not there or fails."""
    path = shutil.which(program)
    return _answer(path, *arguments) if path else ""


@lru_cache(maxsize=8)
def _answer(*command: str) -> str:
    # Kept, because a driver that no process holds awake takes seconds for each answer.
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASK_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
