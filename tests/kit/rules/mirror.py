"""Tests lie as what they test lies, and borrow nothing from each other."""

from __future__ import annotations

from pathlib import Path

from kit.sources import PACKAGE, imports, place

NO_WINGS = ("kit", "trips", "scripts")
"""What tests share, tests through the whole of it, and tests of programs beside the package."""
LOOSE = {"conftest.py", "test_layers.py", "test_packaging.py"}


def mirror_faults(root: Path) -> list[str]:
    """Folders of tests that mirror none of the package, and files that lie in none."""
    tests = root / "tests"
    folders = sorted({path.parent for path in tests.rglob("*.py")} - {tests})
    parts = [folder.relative_to(tests) for folder in folders]
    return [
        *(
            f"tests/{part.as_posix()}: mirrors no folder of {PACKAGE}"
            for part in parts
            if part.parts[0] not in NO_WINGS and not (root / PACKAGE / part).is_dir()
        ),
        *(f"tests/{path.name}: lies loose" for path in sorted(tests.glob("*.py")) if path.name not in LOOSE),
    ]


def borrowing_faults(root: Path) -> list[str]:
    """Tests that import tests."""
    tests = root / "tests"
    return [
        f"{place(root, path, line)}: imports the test {name}"
        for path in sorted(tests.rglob("*.py"))
        for line, name in imports(path, ".".join(path.relative_to(tests).with_suffix("").parts))
        if _is_test(name, tests)
    ]


def _is_test(name: str, tests: Path) -> bool:
    """Whether an imported name leads to a file of tests, or to what one defines."""
    path = tests.joinpath(*name.split("."))
    return any(each.name.startswith("test_") and each.with_suffix(".py").is_file() for each in (path, path.parent))
