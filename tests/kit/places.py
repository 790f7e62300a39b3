"""Where the checkout and its tests lie."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
"""Goes on the path of a process that imports the kit."""

ROOT = TESTS.parent
