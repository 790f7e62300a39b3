"""What the loop works with: the nouns it is given, already built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plx_train.config.options import OptimizerOptions, TrainerOptions
from plx_train.contract.module import Dataset, Module, Tracker
from plx_train.data.loader import Loader
from plx_train.ground.stop import StopRequest
from plx_train.metrics.evaluate import Evaluation
from plx_train.runs.trial import Trial
from plx_train.train.checkpoints import Keeper
from plx_train.train.learner import Learner

if TYPE_CHECKING:
    from plx_train.terminal.console import Console


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
