"""Annotations with a file's corrections taken in, whatever the format that gave them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from plx_train.config.options import RunOptions
from plx_train.config.values import nearest
from plx_train.contract.check import Finding
from plx_train.contract.truth import Outline, Truth
from plx_train.data.classes import listed
from plx_train.data.corrections import Correction, Corrections, MaskFile, Truths, read_corrections
from plx_train.data.defect_lines import words_of
from plx_train.data.formats.dataset_format import Annotation, Annotations, AsWritten
from plx_train.data.formats.lines import class_names, plain_text
from plx_train.ground.errors import ConfigError
from plx_train.ground.files import user_path

WANTED = {
    Truth.CLASS: "the name of a class",
    Truth.LABELS: "a list of names of labels",
    Truth.TEXT: "a text",
    Truth.TEXTS: "a list of outlines with points and label",
    Truth.BOXES: "a list of outlines with points and label",
    Truth.MASKS: "a mask with its classes, or a list of outlines with points and label",
    Truth.DEFECT: "good, the name of a defect, or a mask with its classes",
}
"""What the truth of an entry is for each kind, in words."""
NAMED = (Truth.CLASS, Truth.LABELS, Truth.BOXES, Truth.MASKS)
"""Kinds whose truths are names of a list."""


class Correcting:
    """What is corrected in one dataset, and how much of it was.

    Args:
        corrections: all of them; those of images that a dataset does not have are told.
        numbered: names of classes by number, as masks have them, for data that name none.
    """

    def __init__(self, corrections: Corrections, numbered: tuple[str, ...] = ()) -> None:
        self.corrections = corrections
        self._numbered = numbered
        self._used: set[str] = set()
        self._added_images: set[str] = set()
        self._counts = {"corrected": 0, "left out": 0, "added": 0}
        self._findings = [*corrections.findings]

    def take_in(self, found: Annotations, known: Sequence[str]) -> tuple[str, ...]:
        """Changes the annotations that entries are about.

        Args:
            known: names of classes whose numbers are known.

        Returns:
            `known`; all names where lines that stay unread go on with their numbers, and the entries bring new ones.
        """
        kind, names = found.truth, self._names_in(found, known)
        # Their pixels are numbers, which stay those of the names.
        has_numbers = kind is Truth.MASKS and _is_as_written(found)
        new = [name for name in self.corrections.classes if name not in names] if kind in NAMED else []
        if new:
            _extend(found, new)
            names = (*names, *new)
        for split, samples in found.splits.items():
            found.splits[split] = [
                one for one in (self._corrected(each, kind, names) for each in samples) if one is not None
            ]
        return names if has_numbers or (new and _is_as_written(found)) else tuple(known)

    def _names_in(self, found: Annotations, known: Sequence[str]) -> tuple[str, ...]:
        return names_in(found, known) or (self._numbered if found.truth is Truth.MASKS else ())

    def added(
        self, found: Annotations, known: Sequence[str], images: Callable[[], Collection[str]]
    ) -> list[Annotation]:
        """Annotations of images that lie in the dataset's folder and that no label names; to be asked first.

        Args:
            images: all images of the folder, which are listed only where some are sought.
        """
        labelled = {one.image for samples in found.splits.values() for one in samples}
        left = [one for one in self.corrections.entries.values() if one.image not in labelled]
        there = images() if left else ()
        left = [one for one in left if one.image in there]
        is_bare = not labelled
        names = tuple(dict.fromkeys((*self._names_in(found, known), *self.corrections.classes)))
        if is_bare:
            names = (*names, *(name for one in left for name in _names(one.truth, found.truth) if name not in names))
            found.labels = (
                tuple(dict.fromkeys(names)) if found.truth in (Truth.LABELS, Truth.BOXES, Truth.MASKS) else ()
            )
        is_as_written = _is_as_written(found)
        return [one for one in (self._added(entry, found.truth, names, is_as_written) for entry in left) if one]

    def _added(self, entry: Correction, kind: Truth, names: Sequence[str], is_as_written: bool) -> Annotation | None:
        if entry.truth is None:
            self._used.add(entry.image)
            return None
        fault = _fault(entry.truth, kind, names)
        if fault:
            self._tell(entry, f"{entry.image}: {fault}")
        self._used.add(entry.image)
        if fault:
            return None
        self._counts["added"] += 1
        self._added_images.add(entry.image)
        truth = _read(entry.truth, kind, names, is_as_written)
        return Annotation(entry.image, truth, self.corrections.file, entry.line)

    def _corrected(self, one: Annotation, kind: Truth, names: Sequence[str]) -> Annotation | None:
        entry = self.corrections.entries.get(one.image)
        if entry is None or entry.image in self._added_images:
            return one
        fault = "" if entry.truth is None else _fault(entry.truth, kind, names)
        if fault:
            self._tell(entry, f"{entry.image}: {fault}")
        self._used.add(entry.image)
        if fault:
            return one
        self._counts["left out" if entry.truth is None else "corrected"] += 1
        if entry.truth is None:
            return None
        return replace(one, truth=_read(entry.truth, kind, names, isinstance(one.truth, AsWritten)))

    def _tell(self, entry: Correction, reason: str) -> None:
        if entry.image not in self._used:
            file = self.corrections.file
            self._findings.append(Finding(file, entry.line, "error", "correction-invalid", reason))

    def words(self) -> str:
        """How many samples were corrected and left out."""
        said = ", ".join(f"{number} {word}" for word, number in self._counts.items() if number)
        return f"{said or 'nothing corrected'} by {Path(self.corrections.file).name}"

    def findings(self) -> list[Finding]:
        """What is wrong with the file, and which of its images there are not; in the order of its lines."""
        left = [one for name, one in self.corrections.entries.items() if name not in self._used]
        findings = [*self._findings]
        if left:
            reason = f"{len(left)} entries are of images that no label names: {listed([one.image for one in left])}"
            findings.append(Finding(self.corrections.file, left[0].line, "warning", "correction-unused", reason))
        return sorted(findings, key=lambda found: found.line)


def _is_as_written(found: Annotations) -> bool:
    return any(isinstance(one.truth, AsWritten) for samples in found.splits.values() for one in samples)


def _extend(found: Annotations, new: Sequence[str]) -> None:
    """Makes room for new names in annotations that hold a figure for each label, and in their list."""
    if found.labels:
        found.labels = (*found.labels, *new)
    if found.truth is not Truth.LABELS:
        return
    for split, samples in found.splits.items():
        found.splits[split] = [
            replace(one, truth=AsWritten(one.truth.text + ",0" * len(new)))
            if isinstance(one.truth, AsWritten) and not one.truth.is_whole
            else one
            for one in samples
        ]


def _names(truth: Truths | None, kind: Truth) -> tuple[str, ...]:
    """Names of classes in a truth."""
    if truth is None or kind not in NAMED:
        return ()
    return (truth,) if isinstance(truth, str) else tuple(_label(each) for each in _counted(truth, kind))


def _counted(truth: Truths, kind: Truth) -> tuple[str | Outline, ...]:
    """The names and outlines of a truth that are of classes."""
    given = () if isinstance(truth, str | MaskFile) else truth
    return tuple(each for each in given if not (kind is Truth.MASKS and isinstance(each, Outline) and each.is_ignored))


def _label(each: str | Outline) -> str:
    return each.label if isinstance(each, Outline) else each


def open_corrections(options: RunOptions) -> Correcting | None:
    """The corrections that ``dataset.corrections`` names; None where it names none.

    Raises:
        ConfigError: there is no such file.
    """
    given = options.dataset.corrections
    if given is None:
        return None
    path = _file(options)
    if path is None:
        where = "neither where the command runs nor in the dataset's folder"
        raise ConfigError(f"dataset.corrections={given}: there is no such file, {where}")
    read = read_corrections(path, given)
    if not any(isinstance(one.truth, MaskFile) for one in read.entries.values()):
        return Correcting(read)
    from plx_train.workflow.corrected_masks import with_outlines

    return Correcting(*with_outlines(read, path.parent))


def looked_at(options: RunOptions) -> Mapping[str, Correction]:
    """The corrections of images that people have looked at already, by image; none where their file is gone."""
    path = _file(options)
    return read_corrections(path, path.name).entries if path else {}


def _file(options: RunOptions) -> Path | None:
    given = options.dataset.corrections
    if given is None:
        return None
    places = (base / user_path(given) for base in (Path.cwd(), user_path(options.dataset.root)))
    return next((place for place in places if place.is_file()), None)


def names_in(found: Annotations, known: Sequence[str]) -> tuple[str, ...]:
    """Names of the classes by number; of label files that have numbers alone, the numbers."""
    names = class_names(found, known)
    written = [
        one.truth.text for samples in found.splits.values() for one in samples if isinstance(one.truth, AsWritten)
    ]
    if names or not written:
        return names
    if found.truth is Truth.LABELS:
        return tuple(map(str, range(written[0].count(",") + 1)))
    return tuple(map(str, range(1 + max((int(text) for text in written if _is_number(text)), default=-1))))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6


def _fault(truth: Truths, kind: Truth, names: Sequence[str]) -> str:
    """Why images can't be labelled so; empty where they can."""
    is_text = kind in (Truth.CLASS, Truth.TEXT, Truth.DEFECT)
    has_outlines = kind in (Truth.TEXTS, Truth.BOXES, Truth.MASKS)
    if kind is Truth.DEFECT and _has_pixels(truth):
        return ""
    if isinstance(truth, str) is not is_text:
        return f"the truth is not {WANTED[kind]}"
    if isinstance(truth, str):
        named: Sequence[str] = (truth,) if kind is Truth.CLASS else ()
        if not plain_text(truth):
            return f"the truth is not {WANTED[kind]}, but empty: leave_out leaves an image out"
    elif isinstance(truth, MaskFile) or any(isinstance(each, Outline) is not has_outlines for each in truth):
        return f"the truth is not {WANTED[kind]}"
    else:
        named = () if kind is Truth.TEXTS else tuple(_label(each) for each in _counted(truth, kind))
    unknown = next((name for name in named if name not in names), None)
    if unknown is None:
        return ""
    near = nearest(unknown, names)
    return f"{unknown!r} is no class of the data" + (f": is {near!r} meant?" if near else f"; there is {listed(names)}")


def _has_pixels(truth: Truths) -> bool:
    """Whether it is marked pixel by pixel."""
    return isinstance(truth, tuple) and bool(truth) and all(isinstance(each, Outline) and each.runs for each in truth)


def _read(
    truth: Truths, kind: Truth, names: Sequence[str], is_as_written: bool
) -> str | tuple[str, ...] | tuple[Outline, ...] | AsWritten:
    """A truth as formats give it.

    Args:
        is_as_written: lines of PaddleX's label files were left unread: it is in their words.
    """
    assert not isinstance(truth, MaskFile), "masks are outlines by now"
    if kind is Truth.CLASS and is_as_written and isinstance(truth, str):
        return AsWritten(str(names.index(truth)))
    if kind is Truth.LABELS and is_as_written:
        return AsWritten(",".join(str(int(name in truth)) for name in names))
    if kind is Truth.DEFECT:
        outlines = [each for each in truth if isinstance(each, Outline)]
        return AsWritten(words_of(outlines) if outlines else str(truth))
    return truth
