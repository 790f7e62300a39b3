"""What rooms share whose samples have classes with numbers, and names in a file of the dataset's folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from plx_train.contract.check import Finding
from plx_train.ground.errors import UserError
from plx_train.vision.check import ImageCheck, ImageData
from plx_train.vision.labels.classes import missing_file_findings, read_class_file
from plx_train.vision.room import ImageOptions, ImageRoom
from plx_train.vision.samples import Labelled

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions


class NamedClassesOptions(ImageOptions, Protocol):
    """Options of such a room."""

    @property
    def label_file(self) -> str:
        """File of the classes."""


OptionsN = TypeVar("OptionsN", bound=NamedClassesOptions)
ProcessorN = TypeVar("ProcessorN", bound=Any)


@dataclass(frozen=True)
class NamedClassesCheck(ImageCheck[Labelled]):
    """What is looked for where images have classes.

    Attributes:
        classes: their names by number, as the model knows them.
    """

    classes: tuple[str, ...]

    def settings(self) -> dict[str, Any]:
        """The classes."""
        return {"classes": list(self.classes)}

    def of_both(self, data: ImageData[Labelled]) -> list[Finding]:
        """A class that a finished model knows by another name than the dataset's file gives it."""
        if not data.classes or self.classes == tuple(map(str, range(len(self.classes)))):
            return []
        pairs = enumerate(zip(data.classes, self.classes, strict=False))
        other = next(((number, given, known) for number, (given, known) in pairs if given != known), None)
        if other is None:
            return []
        reason = "class {} is {} here and {} to the model: give it the file of its training".format(*other)
        return [Finding(data.files[0], 0, "error", "other-classes", reason)]


class NamedClassesRoom(ImageRoom[OptionsN, Labelled, ProcessorN]):
    """A room whose samples have classes that ``label.txt`` names."""

    def read_classes(
        self, root: Path, dataset: DatasetOptions, options: OptionsN
    ) -> tuple[tuple[str, ...] | None, tuple[str, ...], tuple[Finding, ...]]:
        """The classes that ``label.txt`` names."""
        classes, file = read_class_file(root / options.label_file, root)
        if classes is None:
            return None, (), tuple(missing_file_findings(root, options.label_file))
        return tuple(classes) or None, (options.label_file,), tuple(file.findings)

    def class_names(
        self, dataset: DatasetOptions, options: OptionsN, processor: ProcessorN | None
    ) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
        """Names of classes whose numbers are known: a finished model's, or those of the dataset's file."""
        if processor is not None:
            return processor.labels, ()
        names, _, findings = self.read_classes(Path(dataset.root), dataset, options)
        return names or (), findings

    def class_file(self, options: OptionsN) -> str | None:
        """Name of the file that names the classes; None where it lies elsewhere."""
        path = Path(options.label_file)
        return None if path.is_absolute() or ".." in path.parts else options.label_file

    def known_classes(self, processor: ProcessorN) -> Sequence[str]:
        """The classes that it tells apart."""
        return processor.labels

    def processor_of_weights(
        self, data: ImageData[Labelled] | None, dataset: DatasetOptions, options: OptionsN, weights: str
    ) -> ProcessorN | None:
        """The processing that the options ask for, with the classes of the label files.

        Raises:
            UserError: there are no label files.
        """
        if data is None:
            raise UserError(
                f"weights={weights} don't say what their classes are: give run=<run, checkpoint or exported folder>, "
                "which one has by mode=train, or by mode=export with these weights and the dataset of their classes"
            )
        return self.fit(data, dataset, options, weights)
