"""``run.json``: what is known of a run, in its folder, by which later commands find it again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from plx_train.ground.errors import UserError
from plx_train.ground.files import read_limited, replace_file
from plx_train.runs.folder import MOST_RECORD_BYTES, RUN_FILE


def read_facts(folder: Path) -> dict[str, Any]:
    """Contents of a run's ``run.json``.

    Raises:
        UserError: it can't be read.
    """
    try:
        return dict(json.loads(read_limited(folder / RUN_FILE, MOST_RECORD_BYTES)))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise UserError(f"{folder / RUN_FILE} can't be read ({error})") from None


def write_facts(folder: Path, facts: dict[str, Any]) -> None:
    """Replaces ``run.json`` in one piece, which is on disk when this returns.

    Raises:
        OSError: it can't be written; what was there stays.
    """
    replace_file(folder / RUN_FILE, json.dumps(facts, indent=1, default=str), is_durable=True)
