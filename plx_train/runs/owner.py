"""Whose run a folder holds: what it would have done again is signed with a key that does not leave the user's home."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plx_train.ground.errors import UserError
from plx_train.ground.files import state_folder
from plx_train.runs.facts import read_facts
from plx_train.runs.folder import CONFIG_FILE

KEY_FILE = "runs.key"
KEY_BYTES = 32
SEAL = "seal"
"""Key of the signature in ``run.json``."""
SIGNED = ("mode", "overrides", "tracking_uri")
"""Facts that decide what going on with a run does, beside its configuration."""


def sealed(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a run in `folder`, signed; unsigned where this user's key can't be kept."""
    key = _key(may_make=True)
    kept = {name: value for name, value in facts.items() if name != SEAL}
    return kept if key is None else kept | {SEAL: {"key": _name_of(key), "mac": _mac(key, folder, facts)}}


def doubt(folder: Path) -> str | None:
    """Why it can't be told that this user made the run in `folder`, half a sentence; None: this user did."""
    try:
        facts = read_facts(folder)
    except UserError:
        return "does not say who made it"
    seal, key = facts.get(SEAL), _key(may_make=False)
    if not isinstance(seal, dict):
        return "was made by another user, on another machine, or by a version that did not sign its runs"
    if key is None or seal.get("key") != _name_of(key):
        return "was made by another user or on another machine"
    if not hmac.compare_digest(str(seal.get("mac")), _mac(key, folder, facts)):
        return "was changed by somebody since it was made: its signature no longer fits"
    return None


def _mac(key: bytes, folder: Path, facts: Mapping[str, Any]) -> str:
    try:
        config = hashlib.sha256((folder / CONFIG_FILE).read_bytes()).hexdigest()
    except OSError:
        config = ""
    said = json.dumps([config, *(facts.get(name) for name in SIGNED)], default=str)
    return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()


def _name_of(key: bytes) -> str:
    """What tells keys apart, and gives none away."""
    return hashlib.sha256(b"name of " + key).hexdigest()[:16]


def _key(may_make: bool) -> bytes | None:
    """This user's key; None where there is none, or it can't be kept."""
    try:
        path = state_folder() / KEY_FILE
        if may_make and not path.exists():
            _make_key(path)
        key = path.read_bytes()
    except (OSError, RuntimeError, UserError):
        return None
    return key if len(key) == KEY_BYTES else None


def _make_key(path: Path) -> None:
    """Makes the key in one piece, for its owner alone; whoever was quicker wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{KEY_FILE}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
