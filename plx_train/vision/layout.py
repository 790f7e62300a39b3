"""Where an image dataset's files should lie, and what was probably meant where they don't."""

from __future__ import annotations

from pathlib import Path

from plx_train.contract.check import Finding
from plx_train.data.classes import listed
from plx_train.vision.image import IMAGE_SUFFIXES

TRAIN_FOLDERS = ("train", "Train", "training")
"""Where folders of classes lie that are divided into splits."""
MAX_FOLDERS = 200
"""Folders looked into for files in the wrong place."""


def find_layout_faults(
    root: Path, train_file: str, val_file: str, wanted: str, noun: str, has_classes: bool = False
) -> list[Finding]:
    """What is missing at `root`, each with the expected tree and the likely remedy.

    Args:
        wanted: what lies beside the two label files, ``images/*.jpg`` for example.
        noun: what the images are, in the plural.
        has_classes: they are of one class each, so that folders may stand for classes.
    """
    expected = f"expected is {root}/ with {wanted}, {train_file} and {val_file}"
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "does not exist"
        reason = f"the dataset's folder {what}: {expected}; set dataset.root"
        return [Finding(str(root), 0, "error", "root-missing", reason)]
    if train_file == val_file:
        reason = f"dataset.train and dataset.val are both {train_file}: validation needs {noun} of its own"
        return [Finding(train_file, 0, "error", "same-label-file", reason)]
    missing = [name for name in (train_file, val_file) if not (root / name).is_file()]
    hint = _hint(root, missing) if missing else ""
    if missing and has_classes and not hint:
        hint = _class_folders_hint(root)
    return [
        Finding(name, 0, "error", "label-file-missing", f"there is no {name} in {root}: {hint}{expected}")
        for name in missing
    ]


def _hint(root: Path, missing: list[str]) -> str:
    folders = _folders(root)
    nested = next((folder for folder in folders if all((folder / name).is_file() for name in missing)), None)
    if nested is not None:
        return f"they lie in {nested}, so set dataset.root={nested}; "
    marked = next((folder for folder in (root, *folders) if (folder / "Label.txt").is_file()), None)
    if marked is not None:
        return (
            f"{marked / 'Label.txt'} is what PPOCRLabel writes, so divide its lines into "
            f"{' and '.join(missing)} and make their image paths relative to the root; "
        )
    others = sorted(path.name for path in root.glob("*.txt"))[:5]
    return (
        f"other label files are there ({', '.join(others)}), name them with dataset.train and dataset.val; "
        if others
        else ""
    )


def _class_folders_hint(root: Path) -> str:
    """What to do where each folder holds the images of a class."""
    for place in (*(root / name for name in TRAIN_FOLDERS), root):
        names = [each.name for each in _folders_in(place) if _holds_image(each)]
        if names and (place != root or len(names) > 1):
            where = f"{place.name}/ holds" if place != root else "it holds"
            return f"{where} a folder of images per class ({listed(names)}), which dataset.format=folders reads; "
    return ""


def _folders_in(place: Path) -> list[Path]:
    try:
        return sorted(path for path in place.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:
        return []


def _holds_image(folder: Path) -> bool:
    try:
        return any(path.suffix.lower() in IMAGE_SUFFIXES for path in folder.iterdir())
    except OSError:
        return False


def _folders(root: Path) -> list[Path]:
    """Folders one and two levels below `root`."""
    try:
        found = sorted(path for pattern in ("*/", "*/*/") for path in root.glob(pattern) if path.is_dir())
    except OSError:
        return []
    return found[:MAX_FOLDERS]
