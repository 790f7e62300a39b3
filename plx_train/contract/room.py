"""What a module type (a room) offers to the core; the core knows nothing else of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np

from plx_train.contract.check import Checked, Finding
from plx_train.contract.division import Divided
from plx_train.contract.doubt import Suspicion
from plx_train.contract.metric import Metric
from plx_train.contract.module import Module, ProcessorT
from plx_train.contract.processor import Processor
from plx_train.contract.pseudo_label import PseudoLabel
from plx_train.contract.truth import Truth
from plx_train.ground.errors import ConfigError, UserError

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions

CONTRACT = 1
"""Version of what a room must offer; it rises when rooms of other packages have to be changed."""

OptionsT = TypeVar("OptionsT")
"""The dataclass of a room's options."""
DataT = TypeVar("DataT")
"""A dataset as a room reads it: samples and findings per split."""
CheckedT = TypeVar("CheckedT", bound=Checked)


class Room(ABC, Generic[OptionsT, DataT, ProcessorT, CheckedT]):
    """A module type without its network: found by name, and imported without paddle.

    A run goes through `check_options`, `read`, `fit`, `check` and `build`, in this order. A finished model's processor
    takes the place of what `fit` finds.

    Attributes:
        contract: the `CONTRACT` that it was written for.
        name: what users type, ``module=<name>``.
        options: a dataclass whose field ``name`` has the room's name for its default.
        kind: the truth in its label files, which other formats may give too; None: it reads its own alone.
        pool_schedule: what ``few=auto`` stands for, ``rounds`` or ``online``; None: it learns from labels alone.
        doubts: what speaks against a sample's truth, by processor, prediction, sample and output of the network; None:
            of a class, or labels, it is told by what the network sees, and of all else nothing is.
        retired_options: keys that former versions recorded; they are passed over where a recorded run is read.
    """

    contract: ClassVar[int]
    name: ClassVar[str]
    options: ClassVar[type]
    processor: ClassVar[type[Processor]]
    metric: ClassVar[type[Metric]]
    monitor: ClassVar[str]
    kind: ClassVar[Truth | None] = None
    retired_options: ClassVar[frozenset[str]] = frozenset()
    pool_schedule: ClassVar[str | None] = None
    doubts: ClassVar[staticmethod[[Any, Any, Any, Any], Suspicion | None] | None] = None

    def check_options(self, options: OptionsT, dataset: DatasetOptions) -> None:
        """Refuses options that do not fit together; what one option may be is said where it is declared.

        Raises:
            ConfigError: they don't.
        """
        return

    def truth(self, options: OptionsT) -> Truth | None:
        """The kind of truth in its label files: `kind`, unless options say otherwise."""
        return self.kind

    def class_names(
        self, dataset: DatasetOptions, options: OptionsT, processor: ProcessorT | None
    ) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
        """Names of classes whose numbers are known before the data are read, and what is wrong with their file.

        They are those of a finished model, or of a file in the dataset's folder.
        """
        return (), ()

    def class_file(self, options: OptionsT) -> str | None:
        """Name of the file beside the label files that names the classes; None: there is none."""
        return None

    def divide(self, dataset: DatasetOptions, options: OptionsT, folder: Path, is_copy: bool = False) -> Divided | None:
        """Files that it writes into `folder` and reads instead of the dataset's, where validation is missing.

        Rooms with a kind of truth have it done for them.

        Args:
            is_copy: data that are divided already are written too.

        Returns:
            None where it reads the dataset's files as they are.

        Raises:
            ConfigError: the options ask for a division that can't be had.
        """
        return None

    def divides_by(self, dataset: DatasetOptions, options: OptionsT) -> dict[str, Any]:
        """What else of the options decides what `divide` writes, as plain values."""
        return {}

    @abstractmethod
    def read(self, dataset: DatasetOptions, options: OptionsT) -> DataT:
        """The dataset's samples and what is wrong with its files; no image is opened, nothing is raised."""

    @abstractmethod
    def fit(self, data: DataT, dataset: DatasetOptions, options: OptionsT, weights: str | None) -> ProcessorT | None:
        """The processor: what options ask for, and what the training samples say.

        Args:
            weights: what the network's weights are read from; None from scratch.

        Returns:
            None where there are no samples to look at: `check` says why.

        Raises:
            UserError: the options ask for what can't be had.
        """

    @abstractmethod
    def check(self, data: DataT, processor: ProcessorT | None, dataset: DatasetOptions, options: OptionsT) -> CheckedT:
        """Everything that is wrong or odd in a dataset, and the samples without errors; nothing is raised for them."""

    @abstractmethod
    def draw_samples(self, samples: Sequence[Any], folder: Path) -> list[Path]:
        """Pictures of a few samples with their truth, written into `folder`."""

    @abstractmethod
    def build(
        self, options: OptionsT, processor: ProcessorT, checked: CheckedT | None, is_fine_tuning: bool
    ) -> Module[ProcessorT]:
        """The module; imports paddle.

        Args:
            checked: the data, of which the module takes what only training needs, weights of classes for example; None
                where it is only to run.
        """

    @abstractmethod
    def overlay(self, processor: ProcessorT, original: Any, prediction: Any, truth: Any = None) -> np.ndarray:
        """A picture of the original with prediction (and truth, if given) drawn on it, (H, W, 3) uint8 BGR."""

    def classes_in(self, sample: Any) -> Sequence[int]:
        """Numbers of the classes that a labelled sample shows; none where it has none."""
        return ()

    def known_classes(self, processor: ProcessorT) -> Sequence[str]:
        """Names of the classes that a model knows, by number; none where it knows none."""
        return ()

    def unlabelled(self, image: Path, where: str) -> Any:
        """A sample of an image that nobody labelled; `where` is its place, for messages.

        Raises:
            ConfigError: the room learns from labelled samples alone.
        """
        raise ConfigError(f"module={self.name} learns from labelled samples alone: leave dataset.pool out")

    def doubting(self, processor: ProcessorT) -> ProcessorT:
        """`processor` so that predictions tell what is doubtful too, where `pseudo_label` must know of it."""
        return processor

    def pseudo_label(self, processor: ProcessorT, prediction: Any) -> PseudoLabel:
        """What a model's prediction says in the place of a label."""
        raise NotImplementedError

    def looks(self, processor: ProcessorT, size: int) -> Sequence[ProcessorT]:
        """Processors that show a network the same samples, in `size` pixels at least too where that says more."""
        return (processor,)

    def official(self, processor: ProcessorT, options: OptionsT) -> ProcessorT:
        """`processor` before any calibration: with the settings that are published, or that options ask for."""
        return processor

    def processor_of_weights(
        self, data: DataT | None, dataset: DatasetOptions, options: OptionsT, weights: str
    ) -> ProcessorT | None:
        """The processor of weights that are used as they are, without the run that made them.

        Args:
            data: None where there is no dataset, at prediction.
            weights: what the network's weights are read from.

        Returns:
            None where there are no samples to look at: `check` says why.

        Raises:
            UserError: weights don't say it.
        """
        raise UserError(
            f"weights={weights} can't be used as they are: a model of module={self.name} needs the facts of its "
            "training data, which lie beside the weights in a run, a checkpoint or an exported folder: give run=…"
        )

    def monitor_of(self, checked: CheckedT) -> str:
        """Key of the metric that picks the best checkpoint on these data."""
        return self.monitor

    def pretrained(self, options: OptionsT) -> str | None:
        """Weights that ``weights=auto`` stands for; None: there are none, the network starts from scratch."""
        return None

    @abstractmethod
    def model_name(self, options: OptionsT) -> str:
        """Name in the exported ``inference.yml``: PaddleX accepts only names it knows."""

    def member_networks(self, options: OptionsT) -> Sequence[str]:
        """Networks that are trained one by one and then fused; none: a run has one network."""
        return ()

    def member_shares(self, options: OptionsT) -> Sequence[float]:
        """Shares of the training samples that members of a fusion leave out, run by run."""
        return ()

    def published(self, folder: Path) -> tuple[OptionsT, ProcessorT]:
        """Options and processor of the published weights in `folder`.

        Raises:
            UserError: none are published.
        """
        raise UserError(f"no weights are published for module={self.name}")


AnyRoom = Room[Any, Any, Any, Any]
"""A room of whatever kind."""
