"""Samples of what the machine does while a run is on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

INTERVAL_SECONDS = 10.0
FIRST_SAMPLE_SECONDS = 1.0


class SystemMetrics:
    """A daemon thread that hands numbered samples to `log` every ten seconds; MLflow's names for them."""

    def __init__(self, log: Callable[[dict[str, float], int], None], folder: Path, first_step: int = 0) -> None:
        self._log = log
        self._folder = folder
        self._step = first_step
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="plx-system-metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the sampling; does not wait for it."""
        self._stop.set()

    def _run(self) -> None:
        try:
            import psutil
        except ImportError:
            return
        gpus, step = _gpus(), self._step
        psutil.cpu_percent()
        pause = FIRST_SAMPLE_SECONDS
        while not self._stop.wait(pause):
            values = sample(self._folder)
            for index, gpu in enumerate(gpus):
                values |= _gpu_sample(gpu, index)
            self._log(values, step)
            step, pause = step + 1, INTERVAL_SECONDS


def sample(folder: Path) -> dict[str, float]:
    """CPU, memory and disk now; CPU since the last call. What can't be read is left out."""
    import psutil

    values: dict[str, float] = {}
    try:
        memory = psutil.virtual_memory()
        values["system/cpu_utilization_percentage"] = psutil.cpu_percent()
        values["system/system_memory_usage_percentage"] = memory.percent
        values["system/system_memory_usage_megabytes"] = memory.used / 1e6
        values["system/disk_usage_percentage"] = psutil.disk_usage(str(folder)).percent
        values["system/process_memory_megabytes"] = psutil.Process().memory_info().rss / 1e6
        values["system/process_tree_memory_megabytes"] = _tree_bytes() / 1e6
    except (OSError, psutil.Error):
        pass
    return values


def _tree_bytes() -> int:
    """Resident memory of this process and its loader workers; pages they share count in each."""
    import psutil

    total = 0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue
    return total


def _gpus() -> list[Any]:
    """Handles of NVIDIA devices; none without the library, the driver or a device."""
    try:
        import pynvml
    except ImportError:
        return []
    try:
        pynvml.nvmlInit()
        return [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError:
        return []


def _gpu_sample(gpu: Any, index: int) -> dict[str, float]:
    import pynvml

    try:
        use, memory = pynvml.nvmlDeviceGetUtilizationRates(gpu), pynvml.nvmlDeviceGetMemoryInfo(gpu)
    except pynvml.NVMLError:
        return {}
    return {
        f"system/gpu_{index}_utilization_percentage": float(use.gpu),
        f"system/gpu_{index}_memory_usage_megabytes": memory.used / 1e6,
        f"system/gpu_{index}_memory_usage_percentage": 100.0 * memory.used / memory.total,
    }
