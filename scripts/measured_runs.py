"""Runs that are made once, measured on a test split, and found again: what scripts that measure share."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measured:
    """A run's metric on the test split, and its processor time in seconds."""

    metric: float
    seconds: float


def measured(run: Path, training: Sequence[str], test_file: str) -> Measured:
    """A run on the test split; trained and evaluated where that was not done yet.

    Args:
        training: options of the run, but its folder; of them the evaluation is given those of the device alone.
        test_file: label file of the test split.
    """
    test, spent = run.with_name(f"{run.name}-test"), run.with_name(f"{run.name}.seconds")
    if not (test / "metrics.json").is_file():
        before = _seconds()
        command([*training, f"output={run}", "resume=auto", "tracking=off"])
        spent.write_text(f"{_seconds() - before + (float(spent.read_text()) if spent.is_file() else 0)}\n", "utf-8")
        where = [each for each in training if each.startswith("device")]
        command(["mode=evaluate", f"run={run}", *where, f"dataset.val={test_file}", f"output={test}", "tracking=off"])
    monitor = json.loads((run / "run.json").read_text("utf-8"))["monitor"]
    metric = float(json.loads((test / "metrics.json").read_text("utf-8"))[monitor])
    return Measured(metric, float(spent.read_text("utf-8")))


def _seconds() -> float:
    """Processor time of all commands that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def command(arguments: Sequence[str]) -> None:
    """Runs plx_train; what goes wrong ends the script."""
    done = subprocess.run([sys.executable, "-m", "plx_train", *arguments, "quiet=true"], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}\n{done.stderr[-2000:]}")


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation in words; a dash where there is none."""
    if not values:
        return "–"
    deviation = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.3f}{deviation}"
