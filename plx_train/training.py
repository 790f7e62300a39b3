"""What the loop works with: the nouns it is given, already built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plx_train.contract import Dataset, Module, Tracker
from plx_train.evaluate import Evaluation
from plx_train.keeper import Keeper
from plx_train.learner import Learner
from plx_train.loader import Loader
from plx_train.optimizer import OptimizerOptions
from plx_train.options import TrainerOptions
from plx_train.stop import StopRequest
from plx_train.trial import Trial

if TYPE_CHECKING:
    from plx_train.console import Console


@dataclass(frozen=True)
class Training:
    """A run's parts."""

    module: Module
    loader: Loader
    holdout: Dataset
    evaluate: Callable[[], Evaluation]
    learner: Learner
    keeper: Keeper
    tracker: Tracker
    console: Console
    stop: StopRequest
    trial: Trial
    options: TrainerOptions
    optimizer_options: OptimizerOptions
