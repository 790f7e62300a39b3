"""What is written about data sets of images has every code that label files and the check of all rooms give."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import plx_train

PACKAGE = Path(plx_train.__file__).parent
TEXT = (PACKAGE.parent / "docs" / "images.md").read_text("utf-8")
TOLD = ("data/label_file.py", "data/odd_characters.py", "vision/missing.py", "vision/twins.py", "vision/layout.py")
NO_CODES = {"utf-8"}


def test_every_code_of_label_files_is_documented() -> None:
    texts = [
        node.value
        for file in TOLD
        for node in ast.walk(ast.parse((PACKAGE / file).read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    codes = {text for text in texts if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+|crlf", text)} - NO_CODES
    assert {"cr-only", "mixed-forms", "image-missing", "other-truth", "root-missing"} <= codes
    assert {code for code in codes if f"`{code}`" not in TEXT} == set()
