"""``run.json``: what is known of a run, in its folder, by which later commands find it again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from plx_train.ground.credentials import scrubbed
from plx_train.ground.errors import UserError
from plx_train.ground.files import replace_file
from plx_train.runs.folder import RUN_FILE


def read_facts(folder: Path) -> dict[str, Any]:
    """Contents of a run's ``run.json``.

    Raises:
        UserError: it can't be read.
    """
    try:
        return dict(json.loads((folder / RUN_FILE).read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{folder / RUN_FILE} can't be read ({error})") from None


def write_facts(folder: Path, facts: dict[str, Any]) -> None:
    """Replaces ``run.json`` in one piece, which is on disk when this returns.

    Raises:
        OSError: it can't be written; what was there stays.
    """
    # Only what an error says can hold a password; the rest is gone on with as it is.
    facts = facts | {"reason": scrubbed(facts["reason"])} if "reason" in facts else facts
    replace_file(folder / RUN_FILE, json.dumps(facts, indent=1, default=str), is_durable=True)
