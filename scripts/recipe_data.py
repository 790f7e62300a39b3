"""A recipe's options, and its dataset as a run opens it: what benchmarks begin with."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plx_train.config.compose import compose_run
from plx_train.contract.rooms import load_room
from plx_train.workflow.dataset import RunData, check


def recipe(arguments: Sequence[str]) -> tuple[Any, RunData]:
    """What ``arguments`` of a command ask for; what a run would write goes when the script ends."""
    options = compose_run(list(arguments)).options
    folder = tempfile.mkdtemp(prefix="recipe_")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    processor, checked = check(options, Path(folder))
    if processor is None:
        raise SystemExit(f"{' '.join(arguments)}: there is no sample to fit to")
    return options, RunData(load_room(options.module.name), processor, checked)
