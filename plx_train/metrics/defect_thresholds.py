"""The score above which a picture is said to show a defect, chosen on pictures that were held out."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from plx_train.metrics.thresholds import MIN_OF_A_KIND, best_threshold

FALSE_ALARMS, F1, AUTO = "false_alarms", "f1", "auto"
RULES = (AUTO, FALSE_ALARMS, F1)
LEAST = 1e-6
"""The lowest threshold: scores are divided by it."""


@dataclass(frozen=True)
class ChosenThreshold:
    """A threshold, and in a sentence where it comes from."""

    value: float
    reason: str


def choose_threshold(scores: np.ndarray, shows: np.ndarray, rule: str, false_alarms: float) -> ChosenThreshold:
    """The threshold of scores (N,) of pictures, of which `shows` bool (N,) says whether they show a defect.

    Args:
        rule: of `RULES`; auto: that of the best F1 where there are enough defects and good pictures, else that of the
            false alarms. The latter takes the place of F1 where there are too few, too.
        false_alarms: share of good pictures that may score above it.
    """
    good, num = scores[~shows], int(shows.sum())
    enough = min(num, len(good)) >= MIN_OF_A_KIND
    if rule != FALSE_ALARMS and enough:
        value = best_threshold(shows, scores, float(scores.max()))
        reason = f"the best F1 on {len(good)} held-out good pictures and {num} with a defect"
        return ChosenThreshold(max(value, LEAST), reason)
    if not len(good):
        return ChosenThreshold(
            max(float(scores.min(initial=1.0)), LEAST), "no good picture was held out to choose it on"
        )
    found = of_false_alarms(good, false_alarms)
    lacks = f" (too few held-out pictures for F1: {len(good)} good, {num} with a defect)" if rule == F1 else ""
    return ChosenThreshold(max(found.value, LEAST), found.reason + lacks)


def of_false_alarms(good: np.ndarray, share: float) -> ChosenThreshold:
    """The score that about a `share` of good pictures exceed.

    With enough pictures it is one of their scores, such that no more than the share of new ones is expected above it
    (split conformal prediction; Vovk et al., 2005). With fewer, it is told by the normal distribution of the scores'
    logarithms, and no lower than the highest score.
    """
    ordered = np.sort(good)
    place = int(np.ceil((len(good) + 1) * (1 - share)))
    if place <= len(good):
        reason = f"{share:.2%} false alarms on {len(good)} held-out good pictures"
        return ChosenThreshold(float(ordered[place - 1]), reason)
    logarithms = np.log(np.maximum(good, LEAST))
    spread = float(logarithms.std(ddof=1)) if len(good) > 1 else 0.0
    told = float(np.exp(logarithms.mean() + NormalDist().inv_cdf(1 - share) * spread))
    reason = f"{share:.2%} false alarms, told by the spread of only {len(good)} held-out good pictures"
    return ChosenThreshold(max(told, float(ordered[-1])), reason)
