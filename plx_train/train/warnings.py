"""Notices runs that learn nothing and runs that wait for data, and says what to try."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from plx_train.metrics.direction import Better, nearly_none, sign

CONSTANT_LOSS_STEPS = 50
ZERO_METRIC_EVALUATIONS = 3
VANISHED_GRADIENT = 1e-6
DATA_BOUND_SHARE = 0.3
BY_HEART = 0.85
"""Metric from which on samples count as learned by heart; the last small words of a page take a detector long."""


@dataclass
class LearningWatch:
    """Collects what the loop sees; `notes` gives each finding once."""

    losses: list[float] = field(default_factory=list)
    metrics: list[float] = field(default_factory=list)
    zero_gradients: int = 0
    said: set[str] = field(default_factory=set)

    def see_step(self, loss: float, gradient_norm: float) -> None:
        """Takes in one optimizer step."""
        self.losses = [*self.losses[-CONSTANT_LOSS_STEPS + 1 :], loss]
        self.zero_gradients = self.zero_gradients + 1 if gradient_norm < VANISHED_GRADIENT else 0

    def see_metric(self, value: float) -> None:
        """Takes in one evaluation's monitored metric."""
        self.metrics.append(value)

    def notes(self, is_over: bool = False) -> list[str]:
        """New findings, as sentences; at the end fewer evaluations suffice."""
        found = {}
        full = len(self.losses) == CONSTANT_LOSS_STEPS
        if full and math.isclose(max(self.losses), min(self.losses), rel_tol=1e-6):
            found["loss"] = (
                f"the loss has been {self.losses[-1]:.4g} for {CONSTANT_LOSS_STEPS} steps: nothing is learned; "
                "look at mode=check_dataset's pictures and raise optimizer.lr"
            )
        if self.zero_gradients >= CONSTANT_LOSS_STEPS:
            found["gradient"] = (
                f"gradients have been below {VANISHED_GRADIENT:g} for {self.zero_gradients} steps: see whether any "
                "sample has labels and what optimizer.freeze leaves; from scratch, take another loss or weights"
            )
        late = self.metrics[-ZERO_METRIC_EVALUATIONS:]
        if late and (is_over or len(late) == ZERO_METRIC_EVALUATIONS) and not any(late):
            which = f"the last {len(late)} evaluations" if len(late) > 1 else "the only evaluation"
            found["metric"] = (
                f"the metric was 0 in {which}: try debug=overfit, which trains on one batch and must reach a metric "
                "near 1 if data and labels fit"
            )
        fresh = [text for key, text in found.items() if key not in self.said]
        self.said |= set(found)
        return fresh


def data_verdict(data_seconds: float, total_seconds: float, num_workers: int) -> str | None:
    """One sentence when the loop waits for data, with the knob to turn."""
    share = data_seconds / max(total_seconds, 1e-9)
    if share < DATA_BOUND_SHARE:
        return None
    return (
        f"data-bound: {share:.0%} of the step time waits for the loader; raise device.num_workers (now {num_workers}) "
        "or dataset.cache_mb"
    )


def baseline_verdicts(metric: str, better: Better, value: float, baselines: Mapping[str, float]) -> list[str]:
    """A sentence for each baseline that the model is no better than; `baselines` by ``<name>_<metric>``."""
    found = {name.removesuffix(f"_{metric}"): other for name, other in baselines.items() if name.endswith(f"_{metric}")}
    return [
        f"the model does not beat the {name.replace('_', ' ')} baseline: {metric} {value:.4g} against {other:.4g}"
        for name, other in found.items()
        if sign(better) * (value - other) <= 0
    ]


def by_heart_verdict(better: Better, value: float, before: float) -> str:
    """What a run on the very samples that it is measured on has shown; the metric was `before` and is `value`."""
    if nearly_none(better, value, before, BY_HEART):
        return "yes: a model can learn these samples"
    return (
        "no: see mode=check_dataset's pictures; if data and labels fit, raise trainer.max_steps or optimizer.lr, "
        "and begin with weights, without which a network needs many more steps"
    )
