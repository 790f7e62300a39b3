"""``run.json``: what is known of a run, in its folder, by which later commands find it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plx_train.ground.credentials import scrubbed
from plx_train.ground.errors import UserError
from plx_train.ground.files import read_limited, replace_file
from plx_train.ground.parsed import parse_json
from plx_train.runs.folder import MOST_RECORD_BYTES, RUN_FILE

KINDS: Mapping[str, type] = {
    **dict.fromkeys(("status", "reason", "mode", "fingerprint", "tracking_uri", "run_id", "monitor", "export"), str),
    **dict.fromkeys(("data", "metrics", "processor"), dict),
    **dict.fromkeys(("overrides", "errors", "notes"), list),
    "labelled": int,
}
"""What is written under these names, where it is not null."""
NAMES: Mapping[type, str] = {str: "a text", dict: "a mapping", list: "a list", int: "a whole number"}


def read_facts(folder: Path) -> dict[str, Any]:
    """Contents of a run's ``run.json``.

    Raises:
        UserError: it can't be read, or holds something else than is written there.
    """
    try:
        facts = dict(parse_json(read_limited(folder / RUN_FILE, MOST_RECORD_BYTES)))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{folder / RUN_FILE} can't be read ({error})") from None
    fault = _fault(facts)
    if fault:
        raise UserError(f"{folder / RUN_FILE} is no record of a run: {fault}")
    return facts


def _fault(facts: Mapping[str, Any]) -> str | None:
    """What is of another kind than is written."""
    for name, kind in KINDS.items():
        if facts.get(name) is not None and not isinstance(facts[name], kind):
            return f"{name} is not {NAMES[kind]}"
    if not all(isinstance(text, str) for text in facts.get("overrides") or ()):
        return "overrides are not texts"
    if not all(isinstance(value, int | float | None) for value in (facts.get("metrics") or {}).values()):
        return "metrics are not numbers"
    return None


def write_facts(folder: Path, facts: dict[str, Any]) -> None:
    """Replaces ``run.json`` in one piece, which is on disk when this returns.

    Raises:
        OSError: it can't be written; what was there stays.
    """
    # Only what an error says can hold a password; the rest is gone on with as it is.
    facts = facts | {"reason": scrubbed(facts["reason"])} if "reason" in facts else facts
    replace_file(folder / RUN_FILE, json.dumps(facts, indent=1, default=str), is_durable=True)
