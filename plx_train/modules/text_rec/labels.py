"""Label files of text recognition, read line by line; what is wrong with a line is told, never raised.

The format is that of PaddleX's ``MSTextRecDataset`` and PaddleOCR, one crop a line: ``images/crop.jpg<TAB>text``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from plx_train.dataset_check import Finding, Level

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
CR_LF = b"\r\n"
BOXES = re.compile(r'^\s*\[\s*\{.*"(points|transcription)"')
IMAGE_LIST = re.compile(r'^\s*\[\s*"')


@dataclass(frozen=True)
class LineLabel:
    """One crop: its image (absolute path) and text; `where` is its line, as ``train.txt:12``."""

    image: Path
    labels: str
    where: str


class _Lines:
    """Collects the findings of one file."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.findings: list[Finding] = []

    def add(self, line: int, level: Level, code: str, reason: str) -> None:
        self.findings.append(Finding(self.name, line, level, code, reason))


def read_lines(path: Path, root: Path) -> tuple[list[LineLabel], list[Finding]]:
    """Reads every line of a label file.

    Args:
        path: the label file.
        root: the dataset's folder; images are relative to it and must lie in it. No image is opened.

    Returns:
        the crops that have an image and a text, in the file's order, and all findings.
    """
    found = _Lines(path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path))
    try:
        data = path.read_bytes()
    except OSError as error:
        found.add(0, "error", "label-file-unreadable", f"the label file can't be read ({error.strerror or error})")
        return [], found.findings
    if data.startswith(BYTE_ORDER_MARK):
        found.add(1, "warning", "byte-order-mark", "the file begins with a UTF-8 byte order mark, which is skipped")
        data = data[len(BYTE_ORDER_MARK) :]
    if CR_LF in data:
        line = data[: data.index(CR_LF)].count(b"\n") + 1
        reason = f"{data.count(CR_LF)} lines end with CR LF (Windows); the CR is skipped"
        found.add(line, "warning", "crlf", reason)
    if not data.strip():
        found.add(0, "error", "label-file-empty", "the label file holds no line")
        return [], found.findings
    resolved_root = root.resolve()
    lines = enumerate(data.removesuffix(b"\n").split(b"\n"), 1)
    crops = [_read_line(line.removesuffix(b"\r"), number, root, resolved_root, found) for number, line in lines]
    return [crop for crop in crops if crop is not None], found.findings


def _read_line(data: bytes, number: int, root: Path, resolved_root: Path, found: _Lines) -> LineLabel | None:
    """One line; None where it names no usable image or holds no text."""
    try:
        line = data.decode("utf-8")
    except UnicodeDecodeError as error:
        reason = f"byte {error.start + 1} of the line is not UTF-8: save the file in that encoding"
        found.add(number, "error", "not-utf8", reason)
        return None
    if not line.strip():
        found.add(number, "warning", "blank-line", "the line is blank")
        return None
    name, tab, text = line.partition("\t")
    if not tab:
        found.add(number, "error", "no-tab", "there is no tab between image path and text")
        return None
    image = _image_path(name, number, root, resolved_root, found)
    text = _text(text, number, found)
    return None if image is None or not text else LineLabel(image, text, f"{found.name}:{number}")


def _text(text: str, number: int, found: _Lines) -> str:
    """The text as it is learned; empty where there is none."""
    if BOXES.match(text):
        reason = "the text is a list of boxes: this is a label file of text detection (module=text_det)"
        found.add(number, "error", "boxes-for-text", reason)
        return ""
    if "\t" in text:
        found.add(number, "error", "tab-in-text", "there is a second tab: a text can't hold one")
        return ""
    stripped = text.strip()
    if not stripped:
        found.add(number, "error", "empty-text", "there is no text after the tab: leave crops without text out")
    elif stripped != text:
        found.add(number, "warning", "outer-space", "space before or after the text, which no image shows, is skipped")
    return stripped


def _image_path(name: str, number: int, root: Path, resolved_root: Path, found: _Lines) -> Path | None:
    """The image's path, if it lies in the dataset's folder."""
    if not name.strip():
        found.add(number, "error", "no-image-path", "there is no image path before the tab")
        return None
    if IMAGE_LIST.match(name):
        reason = "several images share the text (PaddleOCR's list form): give each a line of its own"
        found.add(number, "error", "image-list", reason)
        return None
    if "\0" in name:
        found.add(number, "error", "image-path-invalid", "the image path holds a zero character")
        return None
    if PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or name.startswith("\\"):
        reason = f"the image path {name} is absolute: make it relative to the dataset's folder"
        found.add(number, "error", "path-outside-root", reason)
        return None
    if "\\" in name:
        found.add(number, "warning", "backslash-path", f"backslashes in the image path {name} are read as slashes")
        name = name.replace("\\", "/")
    try:
        is_inside = (resolved_root / name).resolve().is_relative_to(resolved_root)
    except (OSError, RuntimeError):  # a loop of links, or a name too long
        found.add(number, "error", "image-path-invalid", f"the image path {name[:100]} can't be followed")
        return None
    if not is_inside:
        found.add(number, "error", "path-outside-root", f"the image path {name} leaves the dataset's folder")
        return None
    return root.absolute() / name
