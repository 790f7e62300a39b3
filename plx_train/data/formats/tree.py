"""The images below a folder, and how they are found again by what an annotation calls them."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath

from plx_train.runs.folder import CHECK_FILE, CONFIG_FILE, OUTPUTS, RUN_FILE

UPLOADED = re.compile(r"^[0-9a-f]{8}-")
"""What Label Studio puts before the name of a file that is uploaded; it writes spaces as underscores, too."""
MAX_LENGTH = 4096
"""Characters of the longest path; longer texts are none."""


def sort_key(name: str) -> bytes:
    """Orders names alike on every machine: by their bytes."""
    return name.encode("utf-8", "surrogateescape")


def folders_in(folder: Path) -> list[Path]:
    """The folders directly in one, by name; hidden ones and those of runs left out."""
    found = [path for path in _entries(folder) if path.is_dir() and not _is_aside(path)]
    return sorted(found, key=lambda path: sort_key(path.name))


def _is_aside(folder: Path) -> bool:
    """Whether a folder holds no data of the user's: hidden ones, and runs that were made among the images."""
    if folder.name.startswith("."):
        return True
    is_run = (folder / CONFIG_FILE).is_file() and any((folder / name).exists() for name in (RUN_FILE, CHECK_FILE))
    return is_run or (folder.name == OUTPUTS and any(_is_aside(path) for path in _entries(folder) if path.is_dir()))


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def files_below(folder: Path) -> Iterator[Path]:
    """All files in a folder and below, hidden ones left out, in an order of bytes; links are followed once."""
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        true = os.path.realpath(place)
        if true in seen:
            folders.clear()
            continue
        seen.add(true)
        folders[:] = sorted((name for name in folders if not _is_aside(Path(place, name))), key=sort_key)
        for name in sorted(names, key=sort_key):
            if not name.startswith("."):
                yield Path(place, name)


def is_image(path: Path, suffixes: Collection[str]) -> bool:
    """Whether a file's suffix is that of an image."""
    return path.suffix.lower() in suffixes


class ImageTree:
    """The images of a dataset's folder by the names that annotations have for them.

    Args:
        root: the dataset's folder.
        suffixes: of images, in small letters.
    """

    def __init__(self, root: Path, suffixes: Collection[str]) -> None:
        self.root, self.suffixes = root, frozenset(suffixes)
        self.images = [path.relative_to(root).as_posix() for path in files_below(root) if is_image(path, suffixes)]
        self._known = frozenset(self.images)
        self._by_path: dict[str, list[str]] = {}
        self._by_name: dict[str, list[str]] = {}
        self._by_stem: dict[str, list[str]] = {}
        self._by_underscored: dict[str, list[str]] = {}
        for image in self.images:
            path = PurePosixPath(image)
            self._by_path.setdefault(_folded(image), []).append(image)
            self._by_name.setdefault(_folded(path.name), []).append(image)
            self._by_stem.setdefault(_folded(path.stem), []).append(image)
            self._by_underscored.setdefault(_folded(path.name).replace(" ", "_"), []).append(image)

    def find(self, given: str, beside: str = "") -> str | None:
        """The image, relative to the root, that an annotation means; None where there is none, or more than one.

        Tried are the path beside the annotation's file and from the root, then ever shorter ends of it, as paths of
        other machines need, then its name alone where just one image has it, with a suffix or without. Case and how
        accents are encoded count only where several images differ by nothing else.

        Args:
            given: as the annotation has it: with backslashes, absolute, of another machine.
            beside: folder of the annotation's file, relative to the root.
        """
        name = given.strip().replace("\\", "/")
        if not name or "\0" in name or len(name) > MAX_LENGTH:
            return None
        if name[1:2] == ":":
            name = name[2:]
        is_absolute, parts = name.startswith("/"), [part for part in name.split("/") if part not in ("", ".")]
        bases = [[part for part in beside.split("/") if part not in ("", ".")], []]
        for base in [] if is_absolute else bases:
            path = joined(base, parts)
            found = self._at(path) if path else None
            if found:
                return found
        ends = [part for part in parts if part != ".."]
        for start in range(len(ends)):
            for base in bases:
                found = self._at("/".join([*base, *ends[start:]]))
                if found:
                    return found
        return self._alone(ends[-1]) if ends else None

    def beside(self, given: str, folder: str) -> str | None:
        """The image that a path of an annotation in `folder` leads to, or one of its name that lies there."""
        parts = [part for part in given.strip().replace("\\", "/").split("/") if part not in ("", ".")]
        base = [part for part in folder.split("/") if part]
        paths = (joined(base, parts), joined(base, parts[-1:]))
        return next((found for found in (self._at(path) for path in paths if path) if found), None)

    def of_stem(self, stem: str) -> list[str]:
        """The images that are called so, whatever their folder and suffix."""
        return self._by_stem.get(_folded(stem), [])

    def _at(self, path: str) -> str | None:
        """The image at a path, or the only one at a path that differs in case or in how accents are encoded."""
        if path in self._known:
            return path
        alike = self._by_path.get(_folded(path), [])
        return alike[0] if len(alike) == 1 else None

    def _alone(self, name: str) -> str | None:
        """The only image of a name, without its suffix or with what an upload made of it."""
        last = _folded(name)
        plain = UPLOADED.sub("", last)
        for names, tried in (
            (self._by_name, last),
            (self._by_stem, last),
            (self._by_name, plain),
            (self._by_underscored, plain.replace(" ", "_")),
        ):
            alike = names.get(tried, [])
            if alike:
                return alike[0] if len(alike) == 1 else None
        return None


def _folded(name: str) -> str:
    """What names share that Windows and macOS take for one."""
    return unicodedata.normalize("NFC", name).casefold()


def joined(base: Sequence[str], parts: Sequence[str]) -> str | None:
    """A path from the root with its dots taken away; None where it leaves it."""
    kept = list(base)
    for part in parts:
        if part == "..":
            if not kept:
                return None
            kept.pop()
        else:
            kept.append(part)
    return "/".join(kept)
