"""Kills of a studio and its trainings cost nothing; the script that does more of it works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "studio_chaos.py"


@pytest.mark.long
def test_what_was_killed_comes_to_the_same_bits(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--folder", str(tmp_path / "chaos"), "--kills", "3", "--trainings", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 kills" in done.stdout and "1 of 1 trainings equal to the bit" in done.stdout
