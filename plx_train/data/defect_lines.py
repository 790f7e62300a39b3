"""Lines of label files that say which defect an image shows: with tabs, or as PaddleX's ``SegDataset`` has them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePosixPath


def fields_of(text: str, suffixes: Collection[str]) -> list[str]:
    """The image of a line and what stands behind it: fields that are divided by tabs, or a mask after a space.

    Args:
        suffixes: of images, in small letters.
    """
    line = text.rstrip()
    if "\t" in line:
        return [field.strip() for field in line.split("\t")]
    # Names may hold spaces: the image ends at the first one before which a name of an image stands.
    places = (place for place, letter in enumerate(line) if letter == " ")
    end = next((place for place in places if is_picture(line[:place], suffixes)), None)
    return [line] if end is None else [line[:end], line[end + 1 :].strip()]


def is_picture(name: str, suffixes: Collection[str]) -> bool:
    """Whether a field names a picture: a mask, no kind of defect."""
    return PurePosixPath(name.replace("\\", "/")).suffix.lower() in suffixes
