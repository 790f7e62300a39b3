"""The same from Python: ``plx_train.run(["module=text_det", …])``."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

from plx_train.ground.extras import needing_the_workbench
from plx_train.onednn.choice import restore_convolutions
from plx_train.runs.result import RunResult


def run(overrides: Sequence[str] = ()) -> RunResult:
    """Runs one command line's worth of ``key=value`` overrides in this process.

    Raises:
        plx_train.UserError: a mistake in the overrides, the data or the environment, in one sentence.
    """
    with needing_the_workbench():
        from plx_train.config.compose import compose_run

    shows_config = "--cfg" in overrides
    composed = compose_run([text for text in overrides if text != "--cfg"])
    if shows_config:
        print(composed.yaml, end="")
        return RunResult("cfg", Path())
    mode = importlib.import_module(f"plx_train.modes.{composed.options.mode}")
    try:
        return mode.run(composed)
    finally:
        restore_convolutions()
