"""Whose run a folder holds: what it would have done again is signed with a key that does not leave the user's home."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plx_train.ground.errors import UserError
from plx_train.ground.files import read_limited, state_folder
from plx_train.runs.facts import read_facts
from plx_train.runs.folder import CONFIG_FILE, MOST_RECORD_BYTES

KEY_FILE = "runs.key"
KEY_BYTES = 32
SEAL = "seal"
"""Key of the signature in ``run.json``."""
SIGNED = ("mode", "overrides", "tracking_uri")
"""Facts that decide what going on with a run does, beside its configuration."""


def signature(values: Sequence[Any]) -> dict[str, str] | None:
    """This user's signature under `values`; None where no key can be kept."""
    key = _key(may_make=True)
    return None if key is None else {"key": _name_of(key), "mac": _signed(key, values)}


def is_signed(values: Sequence[Any], seal: Any) -> bool:
    """Whether `seal` is this user's signature under `values`."""
    key = _key(may_make=False)
    if key is None or not isinstance(seal, dict):
        return False
    return hmac.compare_digest(str(seal.get("mac")).encode("utf-8", "replace"), _signed(key, values).encode())


def sealed(folder: Path, facts: Mapping[str, Any], config: str | None = None) -> dict[str, Any]:
    """The facts of a run in `folder`, signed; unsigned where this user's key can't be kept.

    Args:
        config: `config_hash` when the run began: what somebody writes there later is not signed.
    """
    kept = {name: value for name, value in facts.items() if name != SEAL}
    seal = signature(_content(config_hash(folder) if config is None else config, facts))
    return kept if seal is None else kept | {SEAL: seal}


def why_unsigned() -> str | None:
    """Why this user's runs can't be signed, a sentence; None: they can."""
    if _key(may_make=True) is not None:
        return None
    try:
        path = str(state_folder() / KEY_FILE)
    except (RuntimeError, UserError):
        path = "the key, without a home,"
    return (
        f"the run is not signed ({path} can't be written or read): going on with it will ask for trust=true; "
        "PLX_TRAIN_STATE names another place for the key"
    )


def doubt(folder: Path) -> str | None:
    """Why it can't be told that this user made the run in `folder`, half a sentence; None: this user did."""
    try:
        facts = read_facts(folder)
    except UserError:
        return "does not say who made it"
    seal, key = facts.get(SEAL), _key(may_make=False)
    if not isinstance(seal, dict):
        return (
            "is not signed: it was made by another user, on another machine, by a version that did not sign its runs, "
            "or where the key that signs them can't be kept"
        )
    if key is None or seal.get("key") != _name_of(key):
        return "was made by another user or on another machine"
    if not is_signed(_content(config_hash(folder), facts), seal):
        return "was changed by somebody since it was made: its signature no longer fits"
    return None


def config_hash(folder: Path) -> str:
    """What tells the configuration of the run in `folder` from others; empty where none can be read."""
    try:
        return hashlib.sha256(read_limited(folder / CONFIG_FILE, MOST_RECORD_BYTES)).hexdigest()
    except OSError:
        return ""


def _content(config: str, facts: Mapping[str, Any]) -> list[Any]:
    """What is signed of a run."""
    return [config, *(facts.get(name) for name in SIGNED)]


def _signed(key: bytes, values: Sequence[Any]) -> str:
    return hmac.new(key, json.dumps(values, default=str).encode(), hashlib.sha256).hexdigest()


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
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
        except OSError:  # on FAT, CIFS and others that have no second names
            _write_key(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _write_key(path: Path) -> None:
    """Makes the key where that takes two steps; whoever reads it between them finds none."""
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
