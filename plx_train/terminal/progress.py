"""Where training is, as one line: what it says, and how long is left."""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from plx_train.terminal.words import shown

RECENT_STEPS = 25


class Progress(Protocol):
    """Takes in where training is and shows it."""

    def begin(self, step: int, seconds: float) -> None:
        """Goes on from a step that was reached after so long."""
        ...

    def expect(self, total_steps: int | None) -> None:
        """Sets how many steps there will be; None is not known yet."""
        ...

    def update(
        self,
        *,
        step: int | None = None,
        epoch: int | None = None,
        loss: float | None = None,
        data_share: float | None = None,
        seconds_per_step: float | None = None,
        best: float | None = None,
        note: str | None = None,
    ) -> None:
        """Sets what is given and keeps the rest; without `seconds_per_step` the pace is measured."""
        ...


@dataclass
class ProgressState:
    """Where training is, as far as it has been told; NaN is not known yet."""

    total_steps: int | None
    """None is not known yet."""
    max_seconds: float | None = None
    step: int = 0
    epoch: int = 0
    loss: float = math.nan
    data_share: float = math.nan
    """Share of the step time spent waiting for data, 0 to 1."""
    seconds_per_step: float = math.nan
    best: float = math.nan
    note: str = ""

    def share_done(self, elapsed: float) -> float:
        """0 to 1, by steps or by time, whichever is nearer to its end."""
        by_steps = self.step / max(self.total_steps, 1) if self.total_steps is not None else 0.0
        by_time = elapsed / self.max_seconds if self.max_seconds else 0.0
        return min(max(by_steps, by_time), 1.0)

    def seconds_left(self, elapsed: float) -> float:
        """Seconds left at the pace so far, evaluations included; NaN before the first step."""
        done = self.share_done(elapsed)
        return elapsed * (1.0 - done) / done if self.step and done else math.nan

    def parts(self, elapsed: float) -> list[tuple[str, str]]:
        """(name, value) pairs of the progress line, the most wanted first."""
        left = self.seconds_left(elapsed)
        steps = str(self.step if self.total_steps is None else self.total_steps)
        pace = "" if math.isnan(self.seconds_per_step) else _pace(self.seconds_per_step)
        if pace and not math.isnan(self.data_share):
            pace += f" (data {self.data_share:.0%})"
        found = [
            ("", shown(self.note)),
            ("step", steps if self.total_steps is None else f"{self.step:>{len(steps)}}/{steps}"),
            ("loss", "" if math.isnan(self.loss) else f"{self.loss:.4f}"),
            ("best", f"{self.best:.4f}" if math.isfinite(self.best) else ""),
            ("left", "" if math.isnan(left) else readable_clock(left)),
            ("", pace),
            ("epoch", str(self.epoch)),
        ]
        return [(name, value) for name, value in found if value]


class ProgressMeter:
    """Measures the pace and applies updates to a state."""

    def __init__(self, state: ProgressState) -> None:
        self.state = state
        self._started = time.monotonic()
        self._measured_at = self._started
        # The median passes over steps that an evaluation held up.
        self._recent: deque[float] = deque(maxlen=RECENT_STEPS)

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._started

    def expect(self, total_steps: int | None) -> None:
        self.state.total_steps = total_steps

    def begin(self, step: int, seconds: float) -> None:
        self.state.step = step
        self._measured_at = time.monotonic()
        self._started = self._measured_at - seconds

    def update(
        self,
        *,
        step: int | None = None,
        epoch: int | None = None,
        loss: float | None = None,
        data_share: float | None = None,
        seconds_per_step: float | None = None,
        best: float | None = None,
        note: str | None = None,
    ) -> None:
        state = self.state
        if step is not None and step > state.step:
            self._measure(step - state.step, seconds_per_step)
            state.step = step
        state.epoch = state.epoch if epoch is None else epoch
        state.loss = state.loss if loss is None else loss
        state.data_share = state.data_share if data_share is None else data_share
        state.best = state.best if best is None else best
        state.note = state.note if note is None else note
        self.show()

    def _measure(self, num_steps: int, given: float | None) -> None:
        now = time.monotonic()
        latest = given if given is not None else (now - self._measured_at) / num_steps
        self._measured_at = now
        self._recent.append(latest)
        self.state.seconds_per_step = statistics.median(self._recent)

    def show(self) -> None:
        """Called after every update."""


def readable_clock(seconds: float) -> str:
    """``4:05`` or ``1:02:03``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _pace(seconds: float) -> str:
    return f"{seconds:.2f} s/step" if seconds >= 0.1 else f"{seconds * 1000:.0f} ms/step"
