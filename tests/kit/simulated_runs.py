"""An engine whose runs are learning curves by formula: what a sweep sees of real ones, in milliseconds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plx_train.runs.folder import PRUNED_FILE, REPORTS_FILE
from plx_train.runs.trial import VARIABLE
from plx_train.sweep.executors.executor import Ended, JobSpec

Curve = Callable[[dict[str, Any], int], float]


class SimulatedRun:
    """One run: an evaluation every `epoch_seconds`, and a checkpoint with it."""

    def __init__(self, engine: SimulatedEngine, slot: str, spec: JobSpec) -> None:
        self.engine, self.slot, self.spec = engine, slot, spec
        self.params = json.loads(spec.environment[VARIABLE])["params"]
        self.done = self._saved()
        self.began = time.monotonic() - 0.0
        self.first = self.done
        self.ended: Ended | None = None
        spec.folder.mkdir(parents=True, exist_ok=True)

    def _saved(self) -> int:
        folder = self.spec.folder / "checkpoints"
        return max((int(path.name) for path in folder.glob("*")), default=0)

    def poll(self) -> Ended | None:
        if self.ended is None:
            self._go_on()
        return self.ended

    def _go_on(self) -> None:
        engine, folder = self.engine, self.spec.folder
        due = self.first + int((time.monotonic() - self.began) / engine.seconds(self.params))
        while self.done < min(due, engine.epochs):
            if (folder / PRUNED_FILE).exists():
                reason = f"pruned at step {self.done}"
                self._write({"status": "PRUNED", "reason": reason, "run_id": self.spec.name})
                self.ended = Ended(0)
                return
            self.done += 1
            fault = engine.fault(self.params, self.done) if engine.fault else None
            if fault is not None:
                self._write({"status": "FAILED", "reason": fault, "run_id": self.spec.name})
                self.ended = Ended(1)
                return
            value = engine.curve(self.params, self.done)
            line = {"step": self.done, "epochs": self.done, "planned_epochs": engine.epochs}
            engine.spent += 1
            with (folder / REPORTS_FILE).open("a") as file:
                file.write(json.dumps(line | {"monitor": "val/score", "metrics": {"val/score": value}}) + "\n")
            (folder / "checkpoints" / str(self.done)).mkdir(parents=True, exist_ok=True)
        if self.done >= engine.epochs:
            value = engine.curve(self.params, engine.epochs)
            engine.finished.append((engine.spent, value))
            metrics = {"val/score": value, "latency_ms": float(self.params.get("width", 1))}
            facts = {"status": "FINISHED", "metrics": metrics, "monitor": "val/score", "run_id": self.spec.name}
            self._write(facts)
            self.ended = Ended(0)

    def _write(self, facts: dict[str, Any]) -> None:
        (self.spec.folder / "run.json").write_text(json.dumps(facts))

    def stop(self) -> None:
        self.ended = self.ended or Ended(143)

    def kill(self) -> None:
        self.ended = self.ended or Ended(-9)


class SimulatedEngine:
    """Runs by formula, in so many places."""

    def __init__(
        self,
        curve: Curve,
        places: int = 2,
        epochs: int = 9,
        epoch_seconds: float | Callable[[dict[str, Any]], float] = 0.01,
        fault: Callable[[dict[str, Any], int], str | None] | None = None,
    ) -> None:
        self.curve, self.epochs, self.epoch_seconds, self.fault = curve, epochs, epoch_seconds, fault
        self.slots = tuple(f"place:{number}" for number in range(places))
        self.running: dict[str, SimulatedRun] = {}
        self.started: list[Path] = []
        self.spent = 0
        self.finished: list[tuple[int, float]] = []
        """(epochs spent by all so far, value) whenever a run is complete."""

    def seconds(self, params: dict[str, Any]) -> float:
        return self.epoch_seconds(params) if callable(self.epoch_seconds) else self.epoch_seconds

    def free(self) -> bool:
        self.running = {slot: run for slot, run in self.running.items() if run.poll() is None}
        return len(self.running) < len(self.slots)

    def start(self, spec: JobSpec) -> SimulatedRun:
        slot = next(slot for slot in self.slots if slot not in self.running)
        self.started.append(spec.folder)
        self.running[slot] = SimulatedRun(self, slot, spec)
        return self.running[slot]

    def close(self) -> None:
        for run in self.running.values():
            run.stop()
