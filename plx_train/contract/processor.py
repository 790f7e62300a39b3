"""What pre- and postprocessing offer: a frozen dataclass that ships with the model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.contract.prediction import Prediction
from plx_train.contract.sample import Arrays
from plx_train.contract.typed_fields import check_fields
from plx_train.ground.characters import legible
from plx_train.ground.errors import UserError, WeightsError

if TYPE_CHECKING:
    from typing_extensions import Self

READING = "Reading"
"""Section of ``inference.yml`` that PaddleX skips."""

SENSELESS = (
    LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, MemoryError,
)  # fmt: skip
"""What settings cause that are of other types or sizes than they should be."""
MOST_TOLD = 200
"""Characters of what they caused that are told."""

Graph = Callable[..., list[np.ndarray]]
"""An exported graph: takes its inputs in alphabetical order, gives its outputs."""


@dataclass(frozen=True)
class FilePage:
    """A page of a file, or what else it holds one of.

    Attributes:
        content: as `Processor.preprocess` takes it, an image uint8 (H, W, 3) BGR for example.
        index, count: of a PDF's page and of one of several pictures; None for a file of one.
    """

    content: Any
    index: int | None = None
    count: int | None = None

    def named(self, name: str) -> str:
        """`name` for this page: pages of one file have different ones."""
        return name if self.index is None else f"{name}_{self.index}"


@dataclass(frozen=True)
class Processor(ABC):
    """The sheet of facts that ships with a graph: its pre- and postprocessing, and what training data said.

    Its fields are plain values and tuples; it is written to ``inference.yml`` and read back from there.
    """

    @property
    @abstractmethod
    def suffixes(self) -> frozenset[str]:
        """Suffixes of the files that `as_input` reads, in lower case."""

    @abstractmethod
    def example(self) -> Any:
        """Something that `preprocess` takes."""

    @abstractmethod
    def as_input(self, given: Any) -> Any:
        """What `preprocess` takes, from what a user gives: a path, or values.

        Raises:
            UserError: it is neither.
        """

    def pages(self, path: Path) -> Iterator[FilePage | UserError]:
        """All that a file holds, one after the other; an error stands in the place of what can't be read."""
        try:
            yield FilePage(self.as_input(path))
        except UserError as error:
            yield error

    @abstractmethod
    def preprocess(self, original: Any) -> tuple[Arrays, Any]:
        """The network's input for one sample, and what `postprocess` needs to know of the original."""

    @abstractmethod
    def postprocess(self, output: np.ndarray, context: Any) -> Prediction:
        """The prediction from one sample's output."""

    @abstractmethod
    def to_inference(self, model_name: str) -> dict[str, Any]:
        """The sections of ``inference.yml``, from which PaddleX and `from_inference` do the same."""

    @classmethod
    @abstractmethod
    def from_inference(cls, inference: dict[str, Any]) -> Self:
        """The processor that an ``inference.yml`` describes.

        Raises:
            UserError: it is of another module type, or asks for what can't be done.
        """

    @classmethod
    def described_by(cls, inference: dict[str, Any]) -> Self:
        """What an ``inference.yml`` describes, with how it has files read.

        Raises:
            UserError: it is of another module type, asks for what can't be done, or makes no sense.
        """
        try:
            found = cls.from_inference(inference).with_reading(inference.get(READING) or {})
            check_fields(found)
            found.example()  # fields that don't fit one another make none
        except SENSELESS as error:
            told = f"{type(error).__name__}: {legible(str(error)[:MOST_TOLD])}"
            raise UserError(f"inference.yml can't be understood: {told}") from None
        return found

    @classmethod
    def from_record(cls, values: Mapping[str, Any]) -> Self:
        """The processor whose fields a checkpoint or a run's record keeps.

        Raises:
            WeightsError: they are not those of this module type.
        """
        try:
            found = cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
            check_fields(found)
        except SENSELESS as error:
            raise WeightsError(f"the recorded processing is not of this version ({error})") from None
        return found

    def reading(self) -> dict[str, Any]:
        """How files are read where it is not as ever: the section `READING`."""
        return {}

    def with_reading(self, reading: Mapping[str, Any]) -> Self:
        """The same, reading files as `reading` says."""
        return self

    def split_outputs(self, outputs: list[np.ndarray]) -> list[np.ndarray]:
        """What `postprocess` takes, one by one, of the graph's outputs for a batch: the first output's rows."""
        return list(outputs[0])

    def run(self, graph: Graph, inputs: tuple[np.ndarray, ...]) -> list[np.ndarray]:
        """What `postprocess` takes, per sample of a batch: the exported `graph` run on its `inputs`.

        Once, save where a sample is more than the graph takes at a time.
        """
        return self.split_outputs(graph(*inputs))

    def predict_in_pieces(self, graph: Graph, original: Any) -> Prediction | None:
        """The prediction for what `preprocess` would shrink until nothing is seen on it; None: it is none of those."""
        return None

    def told(self) -> list[str]:
        """What people should know of it that they did not ask for, in sentences."""
        return []

    def differences(self, output: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """How far apart two outputs of one sample are, number by number; infinite where they can't be compared."""
        if output.shape != reference.shape:
            return np.full(1, np.inf)
        return np.abs(output.astype(np.float64) - reference)

    def postprocess_with(self, other: Self, output: np.ndarray, context: Any) -> tuple[Any, Any]:
        """What `postprocess` of this and of another processor of the room give; for those that share work in it."""
        return self.postprocess(output, context), other.postprocess(output, context)

    def write_files(self, folder: Path) -> None:
        """Writes what PaddleX wants beside ``inference.yml``; nothing for most."""
        return
