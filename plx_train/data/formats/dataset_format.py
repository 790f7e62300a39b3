"""What a format of datasets offers: whether a folder looks like it, and what it says of which image."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from plx_train.contract.check import Finding
from plx_train.contract.truth import Outline, Truth
from plx_train.data.formats.parsed_json import read_json
from plx_train.data.formats.tree import files_below

TRAIN, VAL, TEST = "train", "val", "test"
"""The splits, as `Annotations.splits` calls them."""


@dataclass(frozen=True)
class AsWritten:
    """The truth of a line that is in PaddleX's format already, unread.

    Attributes:
        is_whole: the line could not be taken apart: `text` is all of it, and no image is known.
    """

    text: str
    is_whole: bool = False


@dataclass(frozen=True)
class Annotation:
    """What one image is labelled with.

    Attributes:
        image: path relative to the dataset's folder, with slashes.
        truth: a class or a text, names of labels, outlines, or a line's own words.
        file: where it stands, relative to the dataset's folder.
        line: counted from 1; 0 where the file has no lines that matter.
    """

    image: str
    truth: str | tuple[str, ...] | tuple[Outline, ...] | AsWritten
    file: str
    line: int = 0


@dataclass
class Annotations:
    """All that was read of a folder.

    Attributes:
        splits: by name; data that are not divided all stand under `TRAIN`.
        truth: of which kind they are: texts may be given where single ones are wanted, to be cut out.
        labels: names of the labels, or of the classes of boxes, in order, where the files say it.
    """

    truth: Truth
    splits: dict[str, list[Annotation]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    labels: tuple[str, ...] = ()

    def add(self, file: str, line: int, code: str, reason: str, is_error: bool = True) -> None:
        """A finding of a file."""
        self.findings.append(Finding(file, line, "error" if is_error else "warning", code, reason))


@dataclass(frozen=True)
class DataFolder:
    """A dataset's folder as a format is asked about it.

    Attributes:
        truth: what is wanted.
        train, val: what the options call the files of the splits.
        suffixes: of files that count as images, in small letters.
        label: the column, or control, that holds the classes, where the options name it.
        size_of: (height, width) of an image; raises `UserError` where it can't be read.
    """

    root: Path
    truth: Truth
    train: str
    val: str
    suffixes: frozenset[str]
    size_of: Callable[[Path], tuple[int, int]]
    label: str | None = None
    _last: dict[Path, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """All files below it, listed once; see `files_below`."""
        return tuple(files_below(self.root))

    def json(self, path: Path) -> Any:
        """What a file says; the last one is kept, for a large export is asked for by several formats.

        Raises:
            JsonFault: it can't be read, or is no JSON.
        """
        if path not in self._last:
            content = read_json(path)
            self._last.clear()
            self._last[path] = content
        return self._last[path]


class DatasetFormat(ABC):
    """A way in which people keep labelled images; reading writes nothing, and of images it asks for sizes at most.

    Attributes:
        name: as users type it, ``dataset.format=<name>``.
        title: in words, for messages.
        truths: the kinds that it gives.
        names_all: whether images that it does not name were forgotten, and are worth a warning.
        is_seen: whether a folder can look like it.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    truths: ClassVar[frozenset[Truth]]
    names_all: ClassVar[bool] = True
    is_seen: ClassVar[bool] = True

    def gives(self, truth: Truth) -> bool:
        """Whether `truth` can be had from it: single texts also by cutting them out of pages."""
        return truth in self.truths or (truth is Truth.TEXT and Truth.TEXTS in self.truths)

    def given(self, truth: Truth) -> Truth:
        """The kind that is read where `truth` is wanted: texts of pages where single ones have to be cut out."""
        return truth if truth in self.truths else Truth.TEXTS

    @abstractmethod
    def sign(self, folder: DataFolder) -> str | None:
        """What shows that the folder is in this format, in words; None: nothing does."""

    @abstractmethod
    def read(self, folder: DataFolder) -> Annotations:
        """What the folder's files say; what is wrong with them is told, never raised."""
