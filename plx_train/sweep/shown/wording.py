"""A sweep in words: short names, values as people write them, the verdict in a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from plx_train.report.axes import number_text
from plx_train.sweep.record import FAILED, RUNNING, WAITING, SweepRecord, TrialRecord
from plx_train.sweep.shown.ranking import count_states, first_value, gain_over_median, leaders, usable, within_spread

MOST_NAMED = 8
"""Trials that a sentence names by number; further ones are counted."""
ABSENT = "–"


def short_keys(keys: Iterable[str]) -> dict[str, str]:
    """As few last parts of each key as tell it from the others: ``optimizer.lr`` is ``lr`` where no other is."""
    parts = {key: key.split(".") for key in keys}
    short = {}
    for key, words in parts.items():
        # "name" alone tells nobody of what.
        length = 2 if words[-1] == "name" else 1
        while length < len(words) and sum(other[-length:] == words[-length:] for other in parts.values()) > 1:
            length += 1
        short[key] = ".".join(words[-length:])
    return short


def metric_names(metrics: Sequence[str]) -> list[str]:
    """Names without their prefix: ``val/hmean`` is ``hmean``, unless that would make two the same."""
    short = [metric.rpartition("/")[2] for metric in metrics]
    return short if len(set(short)) == len(short) else list(metrics)


def param_text(value: Any, digits: int = 4) -> str:
    """A parameter's value as users write it: floats at that many significant digits."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return number_text(float(f"{value:.{digits}g}")) if isinstance(value, float) else str(value)


def value_text(value: float, spread: float | None = None) -> str:
    """A value at four decimals, or four digits where it is large, with what seeds differ at as many decimals."""
    text = number_like(value, value)
    return text if spread is None else f"{text} ± {number_like(spread, value)}"


def number_like(value: float, other: float) -> str:
    """A difference at the decimals that `other` is written with."""
    size = abs(other)
    if not math.isfinite(other) or size >= 1e5 or 0 < size < 0.01:
        return number_text(value)
    decimals = 4 if size < 1 else max(4 - len(str(int(size))), 0)
    return f"{value:.{decimals}f}"


def trial_value_text(record: SweepRecord, trial: TrialRecord, index: int = 0) -> str:
    """One objective of a trial; a dash where it has none."""
    if trial.values is None:
        return ABSENT
    has_spread = record.seeds > 1 and trial.spreads is not None
    return value_text(trial.values[index], trial.spreads[index] if has_spread and trial.spreads else None)


def trial_title(record: SweepRecord, trial: TrialRecord) -> str:
    """All that is exactly known of a trial, line by line, for hovering."""
    lines = [f"trial {trial.number}, {trial.state}"]
    for index, objective in enumerate(record.objectives):
        if trial.values is not None:
            spread = f" ± {trial.spreads[index]:.6g}" if record.seeds > 1 and trial.spreads else ""
            lines.append(f"{objective.metric} {trial.values[index]:.6g}{spread}")
    lines += [f"{key} = {param_text(value, 6)}" for key, value in trial.params.items()]
    return "\n".join([*lines, *filter(None, [first_line(trial.reason)])])


def first_line(text: str | None) -> str:
    """The first line of a reason."""
    return next((line.strip() for line in (text or "").splitlines() if line.strip()), "")


def trials_text(trials: Sequence[TrialRecord]) -> str:
    """``trial 3``, ``trials 3, 5 and 8``; many are named in part."""
    numbers = [str(trial.number) for trial in trials]
    if len(numbers) == 1:
        return f"trial {numbers[0]}"
    if len(numbers) > MOST_NAMED:
        return f"trials {', '.join(numbers[:MOST_NAMED])} and {len(numbers) - MOST_NAMED} more"
    return f"trials {', '.join(numbers[:-1])} and {numbers[-1]}"


def counts_text(record: SweepRecord) -> str:
    """``40 trials: 25 complete, 13 pruned, 2 failed``."""
    total = sum(count_states(record).values())
    return f"{total} trial{'s' if total != 1 else ''}{_counts(record)}"


def _counts(record: SweepRecord) -> str:
    counts = count_states(record)
    return ": " + ", ".join(f"{count} {state}" for state, count in counts.items()) if counts else ""


def verdict(record: SweepRecord) -> str:
    """What the sweep came to, in one or two sentences."""
    best = leaders(record)
    if not best:
        return f"No trial is complete{_counts(record)}."
    open_trials = sum(count for state, count in count_states(record).items() if state in (WAITING, RUNNING))
    head = "So far " if open_trials else ""
    if len(record.objectives) > 1:
        names = " and ".join(objective.metric for objective in record.objectives)
        return _sentence(f"{head}{_frontier_text(best)} in {names}.")
    text = f"{head}trial {best[0].number} is best: {record.objectives[0].metric} {trial_value_text(record, best[0])}"
    gain = gain_over_median(record)
    if gain is not None:
        lead = number_like(gain, first_value(best[0]))
        text += f", {lead} better than the median of {len(usable(record))} complete trials"
    return " ".join(filter(None, [_sentence(f"{text}."), spread_text(record)]))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _frontier_text(best: Sequence[TrialRecord]) -> str:
    if len(best) == 1:
        return f"no trial surpasses trial {best[0].number} in any objective: it is best"
    return f"{len(best)} trials make up the frontier ({trials_text(best)}): no other surpasses them"


def spread_text(record: SweepRecord) -> str:
    """Whether the winner's lead is more than what its seeds differ; nothing with one seed or several objectives."""
    if record.seeds < 2 or len(record.objectives) > 1 or len(usable(record)) < 2:
        return ""
    near = within_spread(record)
    if not near:
        return f"No other trial comes within the spread of its {record.seeds} seeds."
    verb = "lies" if len(near) == 1 else "lie"
    return _sentence(f"{trials_text(near)} {verb} within the spread of its {record.seeds} seeds: not distinguishable.")


def failures(record: SweepRecord) -> list[tuple[str, tuple[TrialRecord, ...]]]:
    """(reason, trials that failed for it), the most frequent first."""
    found: dict[str, list[TrialRecord]] = {}
    for trial in record.trials:
        if trial.state == FAILED:
            found.setdefault(trial.reason or "no reason is known", []).append(trial)
    return [(reason, tuple(trials)) for reason, trials in sorted(found.items(), key=lambda item: -len(item[1]))]
