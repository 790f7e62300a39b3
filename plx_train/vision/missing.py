"""Images that are not there: where they were looked for, and what was probably meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from plx_train.contract.check import Finding
from plx_train.data.nearest_names import NearestNames

MISSING = "image-missing"


def missing_findings(
    root: Path, findings: Sequence[Finding], names: Mapping[str, Sequence[str]]
) -> tuple[Finding, ...]:
    """`findings`, in which those of missing images say the whole path and the nearest name that is there.

    They are not kept between runs, as the others are: what lies beside an image may change without it.

    Args:
        root: the dataset's folder, absolute.
        names: of the images, relative to the root, by place in the label file, as ``train.txt:12``.
    """
    nearest = NearestNames(root)
    return tuple(_with_path(root, found, names, nearest) if found.code == MISSING else found for found in findings)


def _with_path(root: Path, found: Finding, names: Mapping[str, Sequence[str]], nearest: NearestNames) -> Finding:
    named = names.get(f"{found.path}:{found.line}", ())
    # Of the images of a pair, the finding's words begin with the one that is missing.
    fitting = [each for each in named if found.reason.startswith(f"{PurePosixPath(each).name}:")]
    name = next(iter(fitting or named), None)
    return found if name is None else replace(found, reason=_reason(root, name, nearest))


def _reason(root: Path, name: str, nearest: NearestNames) -> str:
    path = root / name
    if path.is_symlink():
        return (
            f"{path}: there is no such image, for it is a link to {path.readlink()}, where nothing is: "
            "fetch what it names, or copy the image there"
        )
    return f"{path}: there is no such image{nearest.hint(name)}"
