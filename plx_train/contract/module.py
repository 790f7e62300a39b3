"""What a module type's trainable side offers to loop, evaluator and export."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np

from plx_train.contract.dataset import Dataset
from plx_train.contract.evaluation import Evaluation
from plx_train.contract.metric import Metric
from plx_train.contract.processor import Processor
from plx_train.contract.sample import Batch, Sample

if TYPE_CHECKING:
    import paddle
    from paddle.static import InputSpec

    from plx_train.weights.fetch import WeightsSource

ProcessorT = TypeVar("ProcessorT", bound=Processor)
State = dict[str, np.ndarray]
"""A network's tensors by name."""
Members = tuple[tuple[Path, ...], ...]
"""Folders of the runs that a fusion is made of: those that weights are learned by, then those it is made of anew."""


class Module(ABC, Generic[ProcessorT]):
    """A network with its data, loss, processing and metric; made by `Room.build`.

    Attributes:
        name: the room's.
        monitor: key of the metric that picks the best checkpoint.
        network: what is trained.
        processor: as published, before any calibration.
        is_fine_tuning: what it was built for; a checkpoint's network is built alike.
    """

    name: str
    monitor: str
    network: paddle.nn.Layer
    processor: ProcessorT
    is_fine_tuning: bool

    sample_value: str = ""
    """What `Metric.update` returns, in words; empty: the monitored metric."""
    overlay_legend: ClassVar[str] = ""
    """What the colours of `Room.overlay` mean."""
    optional_weights: Sequence[str] = ()
    """Regular expressions of parameter names that published weights may lack."""
    eval_batch_size: int = 1
    """Samples that are evaluated together; above 1 where all have one shape."""
    has_official: ClassVar[bool] = True
    """Whether there are published settings to compare calibrated ones with."""
    has_calibration: bool = False
    """Whether `calibrate` chooses settings of post-processing on held-out samples."""
    has_fit: bool = False
    """Whether `fit` takes the place of training."""
    progress: Callable[[float, str], None] = staticmethod(lambda share, note: None)
    """Is told by a long `fit`, as often as it likes, which share of it is done, and what it is at."""

    @abstractmethod
    def dataset(self, samples: Sequence[Any], split: str, cache_mb: int) -> Dataset:
        """`samples` as the room's check left them; `split` is ``train``, ``val`` or ``holdout``."""

    @abstractmethod
    def collate(self, samples: list[Sample]) -> Batch:
        """A batch of training samples."""

    @abstractmethod
    def collate_eval(self, samples: list[Sample]) -> Batch:
        """A batch of samples to evaluate."""

    @abstractmethod
    def forward(self, batch: Batch) -> Any:
        """The network's outputs for a batch of tensors."""

    @abstractmethod
    def loss(self, outputs: Any, batch: Batch) -> dict[str, paddle.Tensor]:
        """``{"loss": …, parts}``: scalars."""

    @abstractmethod
    def outputs_to_numpy(self, outputs: Any) -> list[np.ndarray]:
        """What `Processor.postprocess` takes, per sample."""

    @abstractmethod
    def new_metric(self) -> Metric:
        """An empty metric."""

    @abstractmethod
    def export_network(self, processor: ProcessorT) -> tuple[paddle.nn.Layer, list[InputSpec]]:
        """The layer to save as a static graph beside `processor`, which ships with it, and its inputs."""

    def train_mode(self) -> None:
        """Training behaviour."""
        self.network.train()

    def eval_mode(self) -> None:
        """Inference behaviour."""
        self.network.eval()

    def expect(self, num_labelled: int) -> None:
        """Hears, before it is trained, how many labelled samples there are."""
        return

    def adapt_weights(self, state: State, source: WeightsSource) -> tuple[State, str | None]:
        """`state` as this network takes it, and what was changed, in words."""
        return state, None

    def weights_as_they_are(self, state: State, source: WeightsSource) -> tuple[State, str | None]:
        """`state` as this network takes it without being trained; a note: so much was changed that it has to be."""
        return self.adapt_weights(state, source)

    def begin(self, train: Sequence[Any]) -> str | None:
        """Sets by labelled samples what the starting weights leave at random, and says what, in words; None: nothing.

        Called once the weights are loaded, before the first step.
        """
        return None

    def check_frozen(self, trainable: Sequence[str]) -> None:
        """Refuses to train the parameters `trainable` alone where that can teach nothing.

        Raises:
            ConfigError: it can't.
        """
        return

    def features(self, batch: Batch) -> list[np.ndarray]:
        """What the network sees in each sample of a batch to evaluate, float32 (N, features) of each of its depths.

        The last is what it answers from.
        """
        raise NotImplementedError

    def target(self, truth: Any, shape: tuple[int, int]) -> Any:
        """What `collate` takes as the truth of a view of (height, width) whose pseudo-label says `truth`."""
        raise NotImplementedError

    def fit(self, train: Dataset, holdout: Dataset, members: Members) -> None:
        """Fits a method without gradients, in one go; called where `has_fit`."""
        raise NotImplementedError

    def calibrate(self, outputs: list[np.ndarray], samples: list[Sample]) -> ProcessorT:
        """The processor with settings chosen on held-out samples; `processor` where there is nothing to choose."""
        return self.processor

    def baselines(self, train: Dataset, holdout: Dataset, val: Dataset) -> dict[str, float]:
        """Metrics on `val` that need no training, ``seasonal_naive_mse`` for example; they may use all but `val`."""
        return {}

    def remarks(self, val: Dataset, evaluation: Evaluation) -> list[str]:
        """What people should be told of the best evaluation, in sentences."""
        return []

    def details(self, val: Dataset, evaluation: Evaluation) -> dict[str, str]:
        """Files about an evaluation, content by name: figures per class, for example."""
        return {}
