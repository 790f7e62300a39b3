"""Lines of label files and the images that they name, for all modules; what is wrong is told, never raised."""

from __future__ import annotations

import os
import re
import shlex
import stat
from pathlib import Path, PurePosixPath

from plx_train.contract.check import Finding, Level
from plx_train.data.encodings import BYTE_ORDER_MARK, conversion, decodes, probable_encoding, split_lines, wide_encoding
from plx_train.data.nearest_names import NearestNames

MAX_SHOWN = 200
"""Characters of a path in a message."""
PARTED = re.compile(r"\.[A-Za-z]{3,4}[\"']?\s*([,;|: ])")
"""A path's suffix and what follows it."""
SEPARATORS = {",": "a comma", ";": "a semicolon", "|": "a bar", ":": "a colon", " ": "a space"}
ABSOLUTE = re.compile(r"[/\\]|[A-Za-z]:")
"""How paths begin that name a place on the machine, on Windows too."""


def separator_hint(line: str) -> str:
    """What stands between path and label where a line's own separator does not; empty where nothing is known to."""
    found = PARTED.search(line)
    return f": {SEPARATORS[found[1]]} stands there" if found else ""


def image_and_mask(line: str) -> tuple[str, str]:
    """Image and mask that a line of PaddleX's ``SegDataset`` names, parted by a tab or else by its only space.

    Both are empty where that is not to be told.
    """
    parts = line.strip().split("\t" if "\t" in line.strip() else " ")
    return (parts[0].strip(), parts[1].strip()) if len(parts) == 2 else ("", "")


class LabelFile:
    """A label file of a dataset, with what was found in it so far.

    Args:
        path: the file.
        root: the dataset's folder; images are relative to it and must lie in it.
    """

    def __init__(self, path: Path, root: Path) -> None:
        self.path, self.root = path, root.absolute()
        self.name = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
        self.findings: list[Finding] = []
        self._resolved_root = root.resolve()
        self._folders: dict[str, tuple[Path, bool]] = {}
        self._nearest = NearestNames(self.root)
        self._encoding: str | None = None

    def add(self, line: int, level: Level, code: str, reason: str) -> None:
        """A finding of this file."""
        self.findings.append(Finding(self.name, line, level, code, reason))

    def lines(self) -> list[tuple[int, str]]:
        """Number, from 1, and text of each line that is UTF-8 and not blank; the rest are findings."""
        try:
            data = self.path.read_bytes()
        except OSError as error:
            code = "label-file-unreadable" if self.path.exists() else "label-file-missing"
            self.add(0, "error", code, f"the label file can't be read ({error.strerror or error})")
            return []
        if data.startswith(BYTE_ORDER_MARK):
            self.add(1, "warning", "byte-order-mark", "the file begins with a UTF-8 byte order mark, which is skipped")
            data = data.removeprefix(BYTE_ORDER_MARK)
        if not data.strip():
            self.add(0, "error", "label-file-empty", "the label file holds no line")
            return []
        wide = wide_encoding(data)
        if wide:
            reason = f"the file is in {wide}: save it in UTF-8, {conversion(self.path.name, wide)}"
            self.add(1, "error", "not-utf8", reason)
            return []
        rows = self._rows(data)
        self._encoding = None if decodes(data, "utf-8") else probable_encoding(data)
        decoded = ((number, self._decoded(row.removesuffix(b"\r"), number)) for number, row in enumerate(rows, 1))
        return [(number, text) for number, text in decoded if text is not None]

    def _rows(self, data: bytes) -> list[bytes]:
        """The lines, and findings on what ends them."""
        rows, is_cr_only = split_lines(data)
        if is_cr_only:
            self.add(1, "warning", "cr-only", "the lines end with CR alone (as of old Macs), which is taken for LF")
            return rows
        returns = [number for number, row in enumerate(rows, 1) if row.endswith(b"\r")]
        if returns:
            reason = f"{len(returns)} lines end with CR LF (Windows); the CR is skipped"
            self.add(returns[0], "warning", "crlf", reason)
        lone = [number for number, row in enumerate(rows, 1) if b"\r" in row.removesuffix(b"\r")]
        if lone:
            reason = f"{len(lone)} lines hold a CR that no LF follows: PaddleX ends a line there, plx_train does not"
            self.add(lone[0], "warning", "lone-cr", reason)
        return rows

    def _decoded(self, row: bytes, number: int) -> str | None:
        try:
            text = row.decode("utf-8")
        except UnicodeDecodeError as error:
            reason = f"byte {error.start + 1} of the line is not UTF-8: save the file in that encoding"
            if self._encoding:
                convert = conversion(self.path.name, self._encoding)
                reason = f"{reason}; it is probably in {self._encoding}: {convert}"
            self.add(number, "error", "not-utf8", reason)
            return None
        if not text.strip():
            self.add(number, "warning", "blank-line", "the line is blank")
            return None
        return text

    def image(self, name: str, number: int, without: str = "the line names no image") -> Path | None:
        """The absolute path of the image that a line names; None, and a finding, where it can't be one.

        Args:
            without: what is said of a line without a name.
        """
        if not name.strip():
            self.add(number, "error", "no-image-path", without)
            return None
        if "\0" in name:
            self.add(number, "error", "image-path-invalid", "the image path holds a zero character")
            return None
        if ABSOLUTE.match(name):
            reason = f"the image path {name[:MAX_SHOWN]} is absolute: {self._relative(name)}"
            self.add(number, "error", "path-outside-root", reason)
            return None
        if "\\" in name:
            self.add_backslashes(number, name)
            name = name.replace("\\", "/")
        try:
            is_inside = self._is_inside(name)
        except (OSError, RuntimeError):  # a loop of links, or a name too long
            self.add(number, "error", "image-path-invalid", f"the image path {name[:100]} can't be followed")
            return None
        if not is_inside:
            self.add(number, "error", "path-outside-root", self._outside(name))
            return None
        return self.root / name

    def add_backslashes(self, number: int, name: str) -> None:
        """A finding of a path as Windows writes them."""
        reason = f"backslashes in the image path {name[:MAX_SHOWN]} are read as slashes"
        self.add(number, "warning", "backslash-path", reason)

    def _relative(self, name: str) -> str:
        """What to do about an absolute path."""
        found = self._nearest.nearest(name)
        given = name.replace("\\", "/")
        if found is None:
            return "make it relative to the dataset's folder"
        if given.endswith(f"/{found}"):
            return f"leave {name[: -len(found)]} out, for {found} is in the dataset's folder"
        return f"make it relative to the dataset's folder, where {found} is"

    def _outside(self, name: str) -> str:
        """Why a path leaves the dataset's folder, and what to do about it."""
        shown = name[:MAX_SHOWN]
        link = self._link(name)
        if link is None:
            return f"the image path {shown} leaves the dataset's folder: put the image into it, or set dataset.root"
        place, target = link
        gone = "" if target.exists() else ", and nothing is there"
        copy = f"cp -rL {shlex.quote(str(self.root))} copy"
        return (
            f"the image path {shown} leaves the dataset's folder: {place} is a link to {target}{gone}; "
            f"copy the file there ({copy} copies all files that links name)"
        )

    def _link(self, name: str) -> tuple[str, Path] | None:
        """The first link of a path that leads out of the root, and to where."""
        place = self._resolved_root
        for part in PurePosixPath(name).parts:
            if part == "..":
                return None
            place = place / part
            if place.is_symlink() and not place.resolve().is_relative_to(self._resolved_root):
                return place.relative_to(self._resolved_root).as_posix(), place.resolve()
        return None

    def _is_inside(self, name: str) -> bool:
        """Whether a name leads into the dataset's folder, links followed; its own folder is looked up once.

        Raises:
            OSError, RuntimeError: it can't be followed.
        """
        folder, _, last = name.rpartition("/")
        if last in ("", ".", ".."):
            return (self._resolved_root / name).resolve().is_relative_to(self._resolved_root)
        if folder not in self._folders:
            found = (self._resolved_root / folder).resolve()
            self._folders[folder] = found, found.is_relative_to(self._resolved_root)
        found, is_inside = self._folders[folder]
        if _is_link(f"{found}/{last}"):
            return (found / last).resolve().is_relative_to(self._resolved_root)
        return is_inside


def _is_link(path: str) -> bool:
    """As that of a path, which takes longer to make than all else that is done with a line."""
    try:
        return stat.S_ISLNK(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return Path(path).is_symlink()
