"""``-m``: a sweep of training runs, or any other mode's command once for each combination of the values."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from plx_train.ground.errors import ConfigError
from plx_train.ground.extras import needing_the_workbench
from plx_train.terminal.streams import say
from plx_train.terminal.words import shown

if TYPE_CHECKING:
    from plx_train.sweep.same_data import FingerprintOf


def multirun(arguments: Sequence[str], fingerprint_of: FingerprintOf) -> int:
    """Runs what the command asks for; the exit code is 0 where all went well."""
    overrides = [text for text in arguments if text not in ("-m", "--multirun")]
    if any(text.startswith("mode=") and text != "mode=train" for text in overrides):
        return _one_by_one(overrides)
    with needing_the_workbench():
        from plx_train.sweep.command import run_sweep
    return run_sweep(overrides, fingerprint_of)


def _one_by_one(overrides: Sequence[str]) -> int:
    """Runs every combination one after the other; the exit code is the first that is not 0."""
    codes: list[int] = []
    for combination in combinations(overrides):
        say(shown(f"run {len(codes) + 1}: {' '.join(combination)}"))
        codes.append(subprocess.run([sys.executable, "-m", "plx_train", *combination], check=False).returncode)
    failed = sum(code != 0 for code in codes)
    say(f"{len(codes)} runs, {failed} failed")
    return next((code for code in codes if code), 0)


def combinations(overrides: Sequence[str]) -> list[list[str]]:
    """Every combination of ``key=a,b`` values, each as a list of plain overrides."""
    from plx_train.sweep.space import parse_space

    try:
        space = parse_space(overrides, {}, [], is_grid=True)
        return [space.overrides(values) for values in space.grid()]
    except ConfigError as error:
        raise ConfigError(f"the sweep can't be read: {error}") from None
