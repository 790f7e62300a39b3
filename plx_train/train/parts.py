"""What the loop works with: the nouns it is given, already built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plx_train.config.options import TrainerOptions
from plx_train.config.training_options import OptimizerOptions
from plx_train.contract.dataset import Dataset
from plx_train.contract.evaluation import Evaluation
from plx_train.contract.module import Members, Module
from plx_train.contract.sample import Batch
from plx_train.contract.tracker import Tracker
from plx_train.data.loader import Loader
from plx_train.few.stream import PoolStream
from plx_train.ground.stop import StopRequest
from plx_train.runs.trial import Trial
from plx_train.train.checkpoints import Keeper
from plx_train.train.first_evaluation import FirstEvaluation
from plx_train.train.learner import Learner

if TYPE_CHECKING:
    from plx_train.terminal.console import Console


@dataclass(frozen=True)
class Contender:
    """Weights that may be the best.

    Attributes:
        name: what they came of, in words.
        checkpoint: their folder.
    """

    name: str
    checkpoint: Path


@dataclass(frozen=True)
class Training:
    """A run's parts."""

    module: Module[Any]
    loader: Loader
    holdout: Dataset
    evaluate: Callable[..., Evaluation]
    """Calibrates and evaluates; with a `Processor`, evaluates by that alone."""
    learner: Learner
    keeper: Keeper
    tracker: Tracker
    console: Console
    stop: StopRequest
    trial: Trial
    options: TrainerOptions
    optimizer_options: OptimizerOptions
    members: Members
    """Members of a fusion."""
    first: FirstEvaluation
    """Where the evaluation of the initial weights is remembered."""
    pool: PoolStream | None = None
    """What comes of unlabelled samples beside each labelled batch."""
    contenders: tuple[Contender, ...] = ()
    """Weights that may be the best beside those that are trained here."""

    def with_pool(self, batches: list[Batch], share: float) -> list[Batch]:
        """The batches of a step with what is learned of those of the pool, when a share of the run is over."""
        return self.pool.ready(batches, self.learner.average, share) if self.pool else batches
