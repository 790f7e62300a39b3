"""ICDAR 2015: for each image a text file ``gt_<name>.txt`` with eight numbers and a text a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from plx_train.contract.truth import IGNORED, Outline, Truth
from plx_train.data.formats.dataset_format import TRAIN, Annotation, Annotations, DataFolder, DatasetFormat
from plx_train.data.formats.folders import SPLIT_NAMES
from plx_train.data.formats.parsed_json import corners, number
from plx_train.data.formats.tree import ImageTree, files_below

LOOKED_AT = 20
NUMBERS = re.compile(r"\s*,\s*|\s+")
QUAD = re.compile(r"^\s*(-?\d+(?:\.\d+)?\s*,\s*){8}")
BOX = re.compile(r"^\s*(?:-?\d+(?:\.\d+)?\s*,\s*){4}|^\s*(?:-?\d+\s+){4}")
"""Lines of the focused scene texts of 2013, left, top, right, bottom, and the text in quotes."""
WORD = re.compile(r'^\s*(?P<name>[^,"]+\.\w+)\s*,\s*"(?P<text>.*)"\s*$')
"""Lines of the recognition tasks: a picture of a word, and the word in quotes."""
GROUND_TRUTH = re.compile(r"^gt_", re.IGNORECASE)


class Icdar(DatasetFormat):
    """Texts by their four corners; ``###`` marks those that count neither way."""

    name = "icdar"
    title = "ICDAR's text files"
    truths = frozenset({Truth.TEXTS, Truth.TEXT})

    def sign(self, folder: DataFolder) -> str | None:
        """A text file that is named after an image and begins with eight numbers."""
        for count, path in enumerate(_text_files(folder.root)):
            text = next((line for line in _lines(path) or () if line.strip()), "")
            if folder.truth is Truth.TEXT and WORD.match(text):
                return f"{path.relative_to(folder.root).as_posix()} holds names of pictures and their texts"
            if QUAD.match(text) or (GROUND_TRUTH.match(path.name) and BOX.match(text)):
                return f"{path.relative_to(folder.root).as_posix()} holds corners and texts"
            if count == LOOKED_AT:
                break
        return None

    def read(self, folder: DataFolder) -> Annotations:
        """One annotation per text file; of files that list pictures of words, where these are wanted, one per line."""
        tree = ImageTree(folder.root, folder.suffixes)
        if folder.truth is Truth.TEXT:
            words = _words(folder.root, tree)
            if any(words.splits.values()):
                return words
        found = Annotations(Truth.TEXTS)
        for path in _text_files(folder.root):
            file = path.relative_to(folder.root).as_posix()
            image = _image(file, tree)
            lines = _lines(path)
            if lines is None:
                found.add(file, 0, "not-utf8", "the file can't be read as UTF-8: save it in that encoding")
            elif not _is_annotation(path, lines, image):
                continue
            elif image is None:
                found.add(file, 0, "image-missing", f"there is no image {_stem(file)} for it in the dataset's folder")
            else:
                texts = tuple(_outlines(file, lines, found))
                found.splits.setdefault(_split_of(file), []).append(Annotation(image, texts, file))
        return found


def _words(root: Path, tree: ImageTree) -> Annotations:
    """Pictures of words, and of their lists the lines that are none."""
    found = Annotations(Truth.TEXT)
    for path in _text_files(root):
        lines = _lines(path) or []
        if not any(WORD.match(line) for line in lines):
            continue
        file = path.relative_to(root).as_posix()
        beside = file.rpartition("/")[0]
        for line, text in enumerate(lines, 1):
            match = WORD.match(text)
            image = tree.find(match["name"], beside) if match else None
            if match and image:
                word = match["text"].replace('\\"', '"')
                split = _split_of(f"{file.rpartition('.')[0]}/")
                found.splits.setdefault(split, []).append(Annotation(image, word, file, line))
            elif match:
                found.add(file, line, "image-missing", f"there is no image {match['name'][:200]!r} for the line")
            elif text.strip():
                found.add(file, line, "line-invalid", "the line is not a picture's name, a comma and a text in quotes")
    return found


def _text_files(root: Path) -> Iterator[Path]:
    return (path for path in files_below(root) if path.suffix.lower() == ".txt")


def _lines(path: Path) -> list[str] | None:
    """The lines of a file; None where it is no text."""
    try:
        return path.read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError):
        return None


def _is_annotation(path: Path, lines: list[str], image: str | None) -> bool:
    """Whether a text file is one: other texts lie beside images too."""
    is_named = bool(GROUND_TRUTH.match(path.name)) or any(QUAD.match(line.lstrip("\ufeff")) for line in lines)
    return is_named or (image is not None and not any(line.strip() for line in lines))


def _stem(file: str) -> str:
    return GROUND_TRUTH.sub("", PurePosixPath(file).stem)


def _image(file: str, tree: ImageTree) -> str | None:
    """The image beside the file or in a folder of its own; the one whose folder is called most alike."""
    beside, stem = file.rpartition("/")[0], _stem(file)
    fitting = tree.of_stem(stem)
    near = [name for name in fitting if name.rpartition("/")[0] == beside]
    same_split = [name for name in fitting if _split_of(name) == _split_of(file)]
    for names in (near, same_split, fitting):
        if len(names) == 1:
            return names[0]
    return None


def _split_of(file: str) -> str:
    """The split that a folder's name tells: ``ch4_training_images`` is of training."""
    words = re.split(r"[/_\-\s]", file.rpartition("/")[0].lower())
    return next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), TRAIN)


def _outlines(file: str, lines: list[str], found: Annotations) -> Iterator[Outline]:
    for line, given in enumerate(lines, 1):
        text = given.rstrip("\r").lstrip("\ufeff")
        if not text.strip():
            continue
        outline = _quad(text) or _box(text)
        if outline is None:
            found.add(file, line, "line-invalid", "the line is not eight numbers and a text, parted by commas")
        else:
            yield outline


def _quad(text: str) -> Outline | None:
    if not QUAD.match(text):
        return None
    *numbers, label = text.split(",", 8)
    values = [number(float(each)) for each in numbers]
    if None in values:
        return None
    pairs = [(float(x or 0), float(y or 0)) for x, y in zip(values[::2], values[1::2], strict=True)]
    return Outline(tuple(pairs), label.strip(), label.strip() in (IGNORED, ""))


def _box(text: str) -> Outline | None:
    match = BOX.match(text)
    if match is None:
        return None
    values = [number(float(each)) for each in NUMBERS.split(match[0].strip(" ,\t"))[:4]]
    if None in values:
        return None
    left, top, right, bottom = (float(each or 0) for each in values)
    label = text[match.end() :].strip().removeprefix('"').removesuffix('"')
    return Outline(corners(left, top, right, bottom), label, label in (IGNORED, ""))
