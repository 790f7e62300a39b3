"""How much each parameter decided: the share of what differs between trials that it explains."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import warnings
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from typing import Any

from plx_train.ground.files import replace_file
from plx_train.ground.parsed import parse_json
from plx_train.sweep.record import SweepRecord, TrialRecord
from plx_train.sweep.shown.ranking import first_value, usable

FEWEST_TRIALS = 8
"""Least number of trials: with fewer, importances are drawn from noise."""
NUM_TREES = 32
"""Trees of fANOVA: enough for shares to settle within a few hundredths, at half the time of the default."""
MOST_CATEGORIES = 8
"""Choices without an order up to which fANOVA is asked: its time doubles with each one, 40 of them take minutes."""
FEWEST_IN_TARGET = 5
"""PED-ANOVA compares at least this many of the best trials with all of them."""
KEPT_FILE = "importances.json"


@dataclass(frozen=True)
class Importances:
    """Importance of parameters for the first objective.

    Attributes:
        shares: by key, 0 to 1, adding up to 1, greatest first; empty where nothing can be said.
        remark: why there are none, or how they came about.
    """

    shares: dict[str, float] = field(default_factory=dict)
    remark: str = ""


def kept_importances(record: SweepRecord) -> Importances:
    """`parameter_importances`, kept in the sweep's folder: of the same trials they are not computed again.

    What computes them takes seconds to import alone.
    """
    path = record.folder / KEPT_FILE
    known = [[trial.params, trial.values] for trial in usable(record)]
    said = [known, sorted(record.space), asdict(record.objectives[0]), find_spec("sklearn") is not None]
    key = hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        kept = parse_json(path.read_text("utf-8"))
        if kept["key"] == key:
            return Importances(dict(kept["shares"]), str(kept["remark"]))
    found = parameter_importances(record)
    with contextlib.suppress(OSError):
        replace_file(path, json.dumps({"key": key} | asdict(found)))
    return found


def parameter_importances(record: SweepRecord) -> Importances:
    """Importances by fANOVA (variance explained), or by PED-ANOVA: without scikit-learn, or of many choices.

    Choices that are all numbers count as numbers. Parameters that some complete trials don't have are left out, and so
    are those with a single value.
    """
    trials = usable(record)
    if len(trials) < FEWEST_TRIALS:
        return Importances(remark=f"Importances need at least {FEWEST_TRIALS} complete trials; so far: {len(trials)}.")
    if len({first_value(trial) for trial in trials}) == 1:
        return Importances(remark="All complete trials came to the same value: no parameter made a difference.")
    known = {key: one for key, one in record.space.items() if all(_fits(one, trial, key) for trial in trials)}
    keys = [key for key in known if len({repr(trial.params[key]) for trial in trials}) > 1]
    if not keys:
        return Importances(remark="No parameter took several values in all complete trials.")
    if len(keys) == 1:
        return Importances({keys[0]: 1.0}, f"{keys[0]} alone took several values, in {len(trials)} complete trials.")
    shares, method = _evaluated(record, trials, {key: _ordered(known[key]) for key in keys})
    left_out = [key for key in record.space if key not in keys]
    remark = f"{method}, from {len(trials)} complete trials."
    if left_out:
        remark += f" Left out, as not every trial has them or they never changed: {', '.join(left_out)}."
    return Importances(shares, remark)


def _fits(distribution: Any, trial: TrialRecord, key: str) -> bool:
    """Whether the trial has the parameter, with a value that the distribution knows."""
    if key not in trial.params:
        return False
    try:
        return bool(distribution._contains(distribution.to_internal_repr(trial.params[key])))
    except (TypeError, ValueError):
        return False


def _ordered(distribution: Any) -> Any:
    """Choices of numbers as the range that they lie in; all else as it is."""
    from optuna.distributions import FloatDistribution

    choices: Any = getattr(distribution, "choices", ("",))
    if not all(type(one) in (int, float) and math.isfinite(one) for one in choices):
        return distribution
    return FloatDistribution(min(choices), max(choices))


def _evaluated(
    record: SweepRecord, trials: tuple[TrialRecord, ...], space: dict[str, Any]
) -> tuple[dict[str, float], str]:
    import optuna

    sign = record.objectives[0].sign
    # Minimized, because one of the evaluators asks for that.
    study = _silent_study()
    for trial in trials:
        params = {key: trial.params[key] for key in space}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=space, value=-sign * first_value(trial)))
    evaluator: Any
    most = max(len(getattr(one, "choices", ())) for one in space.values())
    if find_spec("sklearn") and most <= MOST_CATEGORIES:
        evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=NUM_TREES, seed=0)
        method = "Share of the variance between trials that each parameter explains by itself (fANOVA)"
    else:
        quantile = max(0.1, min(0.5, FEWEST_IN_TARGET / len(trials)))
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=quantile)
        method = f"How much each parameter sets the best {quantile:.0%} of the trials apart (PED-ANOVA)"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = optuna.importance.get_param_importances(study, evaluator=evaluator, params=list(space))
    return {key: float(share) for key, share in sorted(found.items(), key=lambda item: -item[1])}, method


def _silent_study() -> Any:
    """A study in memory whose making isn't announced on stderr."""
    import optuna

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.create_study(direction="minimize")
    finally:
        optuna.logging.set_verbosity(level)
