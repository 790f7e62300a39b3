"""The trial of ``scripts/chaos.py`` in short: killed six times, a run comes to the bits of the undisturbed one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit.places import ROOT


@pytest.mark.long
def test_six_kills_change_nothing(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts/chaos.py"), "--kills", "6", "--seed", "3", "--folder", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=540,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "none: weights equal to the bit, every point once" in done.stdout
    progress = json.loads((tmp_path / "chaos.json").read_text())
    assert len(progress["kills"]) == 6
    assert len(progress["finished"]) > 1
