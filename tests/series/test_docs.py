"""What is written about series is complete: every code of a finding, every policy of filling, every key."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

import plx_train
from plx_train.config.options import ColumnsOptions
from plx_train.series.read.cell_faults import REASONS
from plx_train.series.read.fill import POLICIES
from plx_train.series.read.roles import TIME_NAMES
from plx_train.series.read.source import SUFFIXES

PACKAGE = Path(plx_train.__file__).parent
TEXT = (PACKAGE.parent / "docs" / "series.md").read_text("utf-8")
TELLERS = ("Finding", "add", "finding", "_finding", "refuse")
NO_CODES = {"utf-8", "error", "warning"}


def codes_in(source: str) -> set[str]:
    """Codes that a module's findings have: words with hyphens, and what stands before the reason of a finding."""
    tree = ast.parse(source)
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    found = {text for text in texts if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", text)}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and len(node.args) > 1):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        code = call.args[-2]
        if name in TELLERS and isinstance(code, ast.Constant) and isinstance(code.value, str):
            found.add(code.value)
    return found - NO_CODES


def test_codes_are_seen_where_findings_are_made() -> None:
    made = 'scan.add(1, "error", "separator", r)\nreturn 3, "line-ends", "x y"\nFinding(p, 0, "error", f"a {b}", c)'
    assert codes_in(f"def f():\n    {made.replace(chr(10), chr(10) + '    ')}") == {"separator", "line-ends"}


def test_every_code_is_explained_and_no_other() -> None:
    shared = [PACKAGE / "data" / name for name in ("leaks.py", "classes.py", "odd_characters.py")]
    sources = [*PACKAGE.glob("series/**/*.py"), *PACKAGE.glob("modules/ts_*/*.py"), *shared]
    codes = set(REASONS).union(*(codes_in(path.read_text("utf-8")) for path in sources))
    explained = re.findall(r"^\| `([a-z0-9-]+)` \| (?:error|warning)", TEXT, re.MULTILINE)
    assert len(codes) > 60 and sorted(explained) == sorted(codes)


def test_every_policy_key_name_and_suffix_is_told() -> None:
    assert set(POLICIES) == set(re.findall(r"^\| `(\w+)`(?: \(default\))? \|", TEXT, re.MULTILINE)) & set(POLICIES)
    keys = re.findall(r"^\| `dataset\.columns\.(\w+)`", TEXT, re.MULTILINE)
    assert keys == [option.name for option in fields(ColumnsOptions)]
    for word in (*TIME_NAMES, *SUFFIXES):
        assert f"`{word}`" in TEXT


def test_every_embedded_dataset_has_its_licence_named() -> None:
    root = PACKAGE.parent
    notice, readme = ((root / name).read_text("utf-8") for name in ("NOTICE", "README.md"))
    names = sorted(path.name for path in (root / "datasets").iterdir() if path.is_dir())
    assert len(names) > 5
    for name in names:
        assert (root / "datasets" / name / "NOTICE.md").is_file()
        assert f"datasets/{name}/NOTICE.md" in notice and f"datasets/{name}/NOTICE.md" in readme
