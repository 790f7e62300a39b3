"""The pool: images that nobody labelled, wherever they lie."""

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from plx_train.data.formats.parsed_json import JsonFault, read_json
from plx_train.data.formats.tree import files_below, is_image, sort_key
from plx_train.data.label_file import LabelFile
from plx_train.ground.errors import UserError
from plx_train.ground.files import user_path
from plx_train.vision.labels.coco import where_it_lies

REST = "rest"
"""What stands for the training images whose labels are left out."""
FORMS = "a folder, a label file, a pattern such as 'scans/*.jpg', or rest"


@dataclass(frozen=True)
class Pool:
    """Unlabelled images.

    Attributes:
        root: the folder that holds all of them.
        images: their paths relative to it, with slashes, each once and in order.
    """

    root: Path
    images: tuple[str, ...]

    def paths(self) -> Iterator[tuple[str, Path]]:
        """Each with its absolute path."""
        return ((image, self.root / image) for image in self.images)


def find_pool(given: str, root: Path, suffixes: Collection[str]) -> Pool:
    """The images that ``dataset.pool`` names.

    Args:
        given: a path or pattern, from where the command runs or else from the dataset's folder.
        root: the dataset's folder.
        suffixes: of images, in small letters.

    Raises:
        UserError: there is none.
    """
    for base in (Path.cwd(), root):
        path = base / user_path(given)
        if path.is_dir():
            images = [one for one in files_below(path) if is_image(one, suffixes)]
            return _pool_of(given, path, images)
        if path.is_file() and not is_image(path, suffixes):
            named = named_images(path, (path.parent, root))
            if named is None:
                raise UserError(
                    f"dataset.pool={given}: no line of it begins with the path of an image in {path.parent} or {root}"
                )
            return named
        found = map(Path, glob.iglob(str(path), recursive=True)) if glob.has_magic(given) else ()  # noqa: PTH207
        images = [one for one in found if is_image(one, suffixes) and one.is_file()]
        if images:
            return _pool_of(given, Path(os.path.commonpath([one.parent for one in images])), images)
    raise UserError(f"dataset.pool={given} names no image: give {FORMS}")


def _pool_of(given: str, root: Path, images: Collection[Path]) -> Pool:
    if not images:
        raise UserError(f"dataset.pool={given} holds no image: give {FORMS}")
    return _below(root, images)


def _below(root: Path, images: Iterable[Path]) -> Pool:
    root = root.absolute()
    names = {Path(os.path.relpath(one.absolute(), root)).as_posix() for one in images}
    return Pool(root, tuple(sorted(names, key=sort_key)))


def named_images(path: Path, folders: Iterable[Path]) -> Pool | None:
    """The images that a label file, or one in COCO's format, names, and nothing else that stands there.

    Args:
        folders: in one of which they lie, tried one after the other.

    Returns:
        None where none of them holds one.
    """
    for base in folders:
        file = LabelFile(path, base)
        named = (file.image(name, number) for number, name in _names_in(file, base))
        images = [one for one in named if one is not None and one.is_file()]
        if images:
            return _below(base, images)
    return None


def _names_in(file: LabelFile, base: Path) -> Iterator[tuple[int, str]]:
    """Each image with the number of its line, or its place among those of a COCO file."""
    if file.path.suffix.lower() != ".json":
        yield from ((number, _name_in(text, base)) for number, text in file.lines())
        return
    try:
        content = read_json(file.path)
    except JsonFault:
        return
    entries = content.get("images") if isinstance(content, dict) else None
    for place, entry in enumerate(entries if isinstance(entries, list) else (), 1):
        name = entry.get("file_name") if isinstance(entry, dict) else None
        if isinstance(name, str):
            yield place, where_it_lies(base, name)


def _name_in(text: str, base: Path) -> str:
    """What may be an image's path: all before a line's first tab, else all of it, else all before its last space."""
    if "\t" in text:
        return text.partition("\t")[0]
    text = text.strip()
    return text if " " not in text or (base / text).is_file() else text.rsplit(" ", 1)[0].strip()
