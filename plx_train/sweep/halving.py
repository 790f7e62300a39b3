"""The pruner behind sweep.pruner=asha: a run goes on past a rung where it is among the best that have come there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optuna.pruners import BasePruner
from optuna.study import StudyDirection

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial


class HalvingPruner(BasePruner):
    """Asynchronous successive halving (Li et al., 2018) of runs that can't be halted and taken up again.

    Optuna's own differs in two ways, by which it ended the best runs of recorded sweeps more often than not: it rounds
    the share that goes on down, so that of five runs one does, and it takes the latest evaluation, where a run keeps
    the weights of its best one. What is decided follows from the reported values alone.

    Args:
        first: evaluations before the first rung; the others lie at `reduction` times the one before.
        reduction: one run in so many goes on, rounded up.
    """

    def __init__(self, first: int, reduction: int) -> None:
        self.first, self.reduction = first, reduction

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether `trial`, whose newest evaluation is at a rung, is behind."""
        rung = trial.last_step
        if rung is None or not self._is_rung(rung):
            return False
        sign = 1 if study.direction == StudyDirection.MAXIMIZE else -1
        own = _best(trial, rung, sign)
        others = [one for one in study.get_trials(deepcopy=False) if rung in one.intermediate_values]
        values = [_best(one, rung, sign) for one in others if one.number != trial.number]
        num_kept = -(-(len(values) + 1) // self.reduction)
        return sum(value > own for value in values) >= num_kept

    def _is_rung(self, step: int) -> bool:
        rung = self.first
        while rung < step:
            rung *= self.reduction
        return rung == step


def _best(trial: FrozenTrial, rung: int, sign: int) -> float:
    """The best value up to a rung, made so that more is better."""
    return max(sign * value for step, value in trial.intermediate_values.items() if step <= rung)
