"""Lines of label files and the images that they name, for all modules; what is wrong is told, never raised."""

from __future__ import annotations

import re
from pathlib import Path

from plx_train.contract.check import Finding, Level

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
ABSOLUTE = re.compile(r"[/\\]|[A-Za-z]:")
"""How paths begin that name a place on the machine, on Windows too."""


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
        rows = data.removesuffix(b"\n").split(b"\n")
        returns = [number for number, row in enumerate(rows, 1) if row.endswith(b"\r")]
        if returns:
            reason = f"{len(returns)} lines end with CR LF (Windows); the CR is skipped"
            self.add(returns[0], "warning", "crlf", reason)
        decoded = ((number, self._decoded(row.removesuffix(b"\r"), number)) for number, row in enumerate(rows, 1))
        return [(number, text) for number, text in decoded if text is not None]

    def _decoded(self, row: bytes, number: int) -> str | None:
        try:
            text = row.decode("utf-8")
        except UnicodeDecodeError as error:
            reason = f"byte {error.start + 1} of the line is not UTF-8: save the file in that encoding"
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
            reason = f"the image path {name} is absolute: make it relative to the dataset's folder"
            self.add(number, "error", "path-outside-root", reason)
            return None
        if "\\" in name:
            self.add(number, "warning", "backslash-path", f"backslashes in the image path {name} are read as slashes")
            name = name.replace("\\", "/")
        try:
            is_inside = self._is_inside(name)
        except (OSError, RuntimeError):  # a loop of links, or a name too long
            self.add(number, "error", "image-path-invalid", f"the image path {name[:100]} can't be followed")
            return None
        if not is_inside:
            self.add(number, "error", "path-outside-root", f"the image path {name} leaves the dataset's folder")
            return None
        return self.root / name

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
        place = found / last
        return place.resolve().is_relative_to(self._resolved_root) if place.is_symlink() else is_inside
