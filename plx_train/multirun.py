"""``-m``: one run, in a process of its own, for each combination of the values given in Hydra's sweep syntax."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from plx_train.errors import ConfigError


def multirun(arguments: Sequence[str]) -> int:
    """Runs every combination one after the other; the exit code is the first that is not 0."""
    codes: list[int] = []
    for combination in combinations([text for text in arguments if text not in ("-m", "--multirun")]):
        print(f"run {len(codes) + 1}: {' '.join(combination)}", flush=True)
        codes.append(subprocess.run([sys.executable, "-m", "plx_train", *combination], check=False).returncode)
    failed = sum(code != 0 for code in codes)
    print(f"{len(codes)} runs, {failed} failed")
    return next((code for code in codes if code), 0)


def combinations(overrides: Sequence[str]) -> list[list[str]]:
    """Every combination of ``key=a,b`` values, each as a list of plain overrides."""
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
        return [list(one) for batch in BasicSweeper.split_arguments(parsed, None) for one in batch]
    except HydraException as error:
        raise ConfigError(f"the sweep can't be read: {str(error).splitlines()[0]}") from None
