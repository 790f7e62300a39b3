"""One folder of images per class, with ``train/``, ``val/`` and ``test/`` above them or without."""

from __future__ import annotations

from pathlib import Path

from plx_train.contract.truth import Truth
from plx_train.data.classes import listed
from plx_train.data.formats.dataset_format import TEST, TRAIN, VAL, Annotation, Annotations, DataFolder, DatasetFormat
from plx_train.data.formats.tree import files_below, folders_in, is_image

SPLIT_NAMES = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval", "query"), VAL),
    **dict.fromkeys(("test", "testing"), TEST),
}
MAX_DEPTH = 3
"""Folders that hold nothing but one other are looked through so far."""


class ClassFolders(DatasetFormat):
    """A folder's name is the class of all images in it and below."""

    name = "folders"
    title = "one folder per class"
    truths = frozenset({Truth.CLASS})
    names_all = False

    def sign(self, folder: DataFolder) -> str | None:
        """Folders of images, below ``train/`` or two at least side by side."""
        places = split_folders(folder)
        classes = [path.name for path in folders_in(places[TRAIN]) if _holds_image(path, folder)]
        is_named = places[TRAIN].name.lower() in SPLIT_NAMES
        if not classes or (len(classes) < 2 and not is_named):
            return None
        where = f"{places[TRAIN].relative_to(folder.root).as_posix()}/" if places[TRAIN] != folder.root else "it"
        return f"{where} holds a folder of images per class: {listed(classes)}"

    def read(self, folder: DataFolder) -> Annotations:
        """The images of all folders."""
        found = Annotations(Truth.CLASS)
        for split, place in split_folders(folder).items():
            found.splits[split] = []
            for path in folders_in(place):
                found.splits[split] += _of_class(path, folder, found)
            loose = [
                path.name for path in sorted(place.iterdir()) if path.is_file() and is_image(path, folder.suffixes)
            ]
            if loose:
                reason = f"{len(loose)} images lie in no class's folder and are left out: {listed(loose)}"
                found.add(_relative(place, folder), 0, "image-without-class", reason, is_error=False)
        return found


def split_folders(folder: DataFolder) -> dict[str, Path]:
    """Where the folders of classes lie, by split; under `TRAIN` alone where they are not divided."""
    place = folder.root
    for _ in range(MAX_DEPTH):
        inner = folders_in(place)
        found: dict[str, Path] = {}
        for path in inner:
            if path.name.lower() in SPLIT_NAMES:
                found.setdefault(SPLIT_NAMES[path.name.lower()], path)
        if TRAIN in found:
            return found
        if len(inner) != 1 or _has_images(place, folder):
            break
        place = inner[0]
    return {TRAIN: place}


def _of_class(path: Path, folder: DataFolder, found: Annotations) -> list[Annotation]:
    files = list(files_below(path))
    images = [file for file in files if is_image(file, folder.suffixes)]
    where = _relative(path, folder)
    if len(images) < len(files):
        others = [file.name for file in files if not is_image(file, folder.suffixes)]
        reason = f"{len(others)} files are no images that can be read, and are left out: {listed(others)}"
        found.add(where, 0, "file-not-image", reason, is_error=False)
    if not images:
        found.add(
            where, 0, "class-without-image", f"the class {path.name} has no image, and is left out", is_error=False
        )
    names = (file.relative_to(folder.root).as_posix() for file in images)
    return [Annotation(name, path.name, name) for name in names]


def _relative(path: Path, folder: DataFolder) -> str:
    return path.relative_to(folder.root).as_posix()


def _has_images(place: Path, folder: DataFolder) -> bool:
    return any(path.is_file() and is_image(path, folder.suffixes) for path in place.iterdir())


def _holds_image(path: Path, folder: DataFolder) -> bool:
    return any(is_image(file, folder.suffixes) for file in files_below(path))
