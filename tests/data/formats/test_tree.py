"""Images are found by what annotations of other machines call them, and never outside of the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.exporters import picture
from plx_train.data.formats.tree import ImageTree


@pytest.mark.parametrize(
    ("given", "beside", "expected"),
    [
        ("a.png", "x", "x/a.png"),
        ("a.png", "y", "y/a.png"),
        ("a.png", "", None),
        ("x/a.png", "", "x/a.png"),
        ("../y/a.png", "x", "y/a.png"),
        ("D:\\set\\y\\a.png", "", "y/a.png"),
        ("/mnt/set/x/a.png", "z", "x/a.png"),
        ("only", "", "x/only.png"),
        ("X/ONLY.PNG", "", "x/only.png"),
        ("e\u0301te\u0301.png", "z", "z/\u00e9t\u00e9.png"),
        ("../../../etc/passwd", "x", None),
        ("", "", None),
        ("a\0.png", "", None),
        ("/" * 9000, "", None),
    ],
)
def test_names(tmp_path: Path, given: str, beside: str, expected: str | None) -> None:
    picture(tmp_path / "outside.png", 0)
    for seed, name in enumerate(("x/a.png", "y/a.png", "x/only.png", "z/\u00e9t\u00e9.png")):
        picture(tmp_path / "set" / name, seed)
    assert ImageTree(tmp_path / "set", {".png"}).find(given, beside) == expected
    assert ImageTree(tmp_path / "set", {".png"}).find("../outside.png") is None
