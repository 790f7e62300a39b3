"""Looks at the hardware and the limits of this process."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

from plx_train.doctor.check import FAIL, OK, WARN, Check
from plx_train.machine import hardware

LITTLE_MEMORY_MIB = 4096
LITTLE_SHARED_MIB = 60
FEW_OPEN_FILES = 1024


def processor() -> Check:
    cpu = hardware.cpu()
    vectors = [name for name in ("avx", "avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in cpu.flags]
    detail = f"{cpu.model}, {hardware.usable_cores()} cores, {' '.join(vectors) or 'vector units unknown'}"
    if cpu.flags and "avx" not in cpu.flags and platform.machine() in ("x86_64", "AMD64"):
        return Check("processor", FAIL, detail, "PaddlePaddle's wheels need a processor with AVX")
    return Check("processor", OK, detail)


def graphics_cards() -> Check:
    found = [f"{gpu.index}: {gpu.name}, {gpu.memory_mib} MiB" for gpu in hardware.nvidia_gpus()]
    cuda = hardware.driver_cuda()
    driver = f" (driver up to CUDA {cuda})" if cuda else ""
    return Check("graphics cards", OK, f"{'; '.join(found)}{driver}" if found else "no NVIDIA card")


def memory() -> Check:
    found = hardware.memory_mib()
    if found is None:
        return Check("memory", WARN, "unknown")
    total, available = found
    little = available < LITTLE_MEMORY_MIB
    hint = "lower trainer.batch_size, device.num_workers and dataset.cache_mb" if little else ""
    return Check("memory", WARN if little else OK, f"{available} MiB of {total} MiB available", hint)


def shared_memory() -> Check:
    folder = Path("/dev/shm")
    if not folder.is_dir():
        return Check("shared memory", OK, "not used on this system")
    usage = shutil.disk_usage(folder)
    # Containers give 64 MiB; ours needs none, but several devices talk through it.
    little = usage.total >> 20 < LITTLE_SHARED_MIB
    hint = "start the container with --shm-size=1g" if little else ""
    detail = f"{usage.free >> 20} MiB of {usage.total >> 20} MiB free"
    return Check("shared memory", WARN if little else OK, detail, hint)


def open_files() -> Check:
    try:
        import resource
    except ImportError:
        return Check("open files", OK, "no limit on this system")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = 0 <= soft < FEW_OPEN_FILES
    return Check("open files", WARN if few else OK, f"up to {soft} ({hard} at most)", "ulimit -n 4096" if few else "")
