"""Where an image dataset's files should lie, and what was probably meant where they don't."""

from __future__ import annotations

from pathlib import Path

from plx_train.contract.check import Finding

MAX_FOLDERS = 200
"""Folders looked into for files in the wrong place."""


def find_layout_faults(root: Path, train_file: str, val_file: str, wanted: str, noun: str) -> list[Finding]:
    """What is missing at `root`, each with the expected tree and the likely remedy.

    Args:
        wanted: what lies beside the two label files, ``images/*.jpg`` for example.
        noun: what the images are, in the plural.
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


def _folders(root: Path) -> list[Path]:
    """Folders one and two levels below `root`."""
    try:
        found = sorted(path for pattern in ("*/", "*/*/") for path in root.glob(pattern) if path.is_dir())
    except OSError:
        return []
    return found[:MAX_FOLDERS]
