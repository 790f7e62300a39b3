"""Label files of text recognition, read line by line; what is wrong with a line is told, never raised.

The format is that of PaddleX's ``MSTextRecDataset`` and PaddleOCR, one crop a line: ``images/crop.jpg<TAB>text``.
"""

from __future__ import annotations

import re
from pathlib import Path

from plx_train.contract.check import Finding
from plx_train.data.label_file import LabelFile, separator_hint
from plx_train.data.odd_characters import character_findings
from plx_train.ground.characters import all_named, strip_unseen
from plx_train.vision.samples import LabelledImage

BOXES = re.compile(r'^\s*\[\s*\{.*"(points|transcription)"')
IMAGE_LIST = re.compile(r'^\s*\[\s*"')
LineLabel = LabelledImage[str]
"""One crop; `truth` is its text."""


def read_lines(path: Path, root: Path) -> tuple[list[LineLabel], list[Finding]]:
    """The crops of a label file that have an image and a text, in the file's order, and all findings.

    Args:
        path: the label file.
        root: the dataset's folder; images are relative to it and must lie in it. No image is opened.
    """
    found = LabelFile(path, root)
    texts: list[tuple[int, str]] = []
    crops = [_read_line(line, number, found, texts) for number, line in found.lines()]
    return [crop for crop in crops if crop is not None], found.findings + character_findings(found.name, texts, "texts")


def _read_line(line: str, number: int, found: LabelFile, texts: list[tuple[int, str]]) -> LineLabel | None:
    """One line, whose text is added to `texts`; None where it names no usable image or holds no text."""
    name, tab, text = line.partition("\t")
    if not tab:
        found.add(number, "error", "no-tab", f"there is no tab between image path and text{separator_hint(line)}")
        return None
    image = None
    if IMAGE_LIST.match(name):
        reason = "several images share the text (PaddleOCR's list form): give each a line of its own"
        found.add(number, "error", "image-list", reason)
    else:
        image = found.image(name, number, "there is no image path before the tab")
    text = _text(text, number, found)
    texts += [(number, text)] if text else []
    return None if image is None or not text else LineLabel(image, text, f"{found.name}:{number}")


def _text(text: str, number: int, found: LabelFile) -> str:
    """The text as it is learned; empty where there is none."""
    if BOXES.match(text):
        reason = "the text is a list of boxes: this is a label file of text detection"
        found.add(number, "error", "boxes-for-text", reason)
        return ""
    if "\t" in text:
        found.add(number, "error", "tab-in-text", "there is a second tab: a text can't hold one")
        return ""
    stripped = strip_unseen(text)
    if not stripped:
        found.add(number, "error", "empty-text", "there is no text after the tab: leave crops without text out")
    elif stripped != text:
        start = text.index(stripped)
        others = all_named(each for each in text[:start] + text[start + len(stripped) :] if each != " ")
        what = f"space or {others}" if others else "space"
        reason = f"{what} before or after the text, which no image shows, is skipped"
        found.add(number, "warning", "outer-space", reason)
    return stripped
