"""Moves an alias only from the version it was seen at: a mutex in the registry itself, and a second look inside it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plx_train.ground.errors import UserError
from plx_train.registry.access import is_missing, is_taken, who_asks

if TYPE_CHECKING:
    from mlflow import MlflowClient

LOCK_PREFIX = "plx_train.lock."
STALE_SECONDS = 30.0
"""Whoever held the lock this long without a change is taken for dead."""
LONGEST_HOLD_SECONDS = 10.0
"""A holder that took longer does nothing any more; with one slow request it stays below STALE_SECONDS."""
LONGEST_WAIT_SECONDS = 180.0
POLL_SECONDS = 0.2
TOMBSTONE_SECONDS = 86400.0
"""How long the name of a dead holder's lock stays taken; nobody waits that long for a lock."""
TOKEN_TAG = "plx.token"
HOLDER_TAG = "plx.holder"


@dataclass(frozen=True)
class Hold:
    """A held lock."""

    since: float

    def check(self) -> None:
        """
        Raises:
            UserError: it was held so long that others may take it for abandoned.
        """
        if time.monotonic() - self.since > LONGEST_HOLD_SECONDS:
            raise UserError("the registry is too slow to change an alias safely, nothing was changed: try again")


@contextmanager
def mutex(client: MlflowClient, name: str) -> Iterator[Hold]:
    """Keeps others of plx_train from changing aliases and versions of `name` meanwhile.

    A registered model's name is unique in every store, a database or a server, so making one is the lock. The lock of
    a process that died is given another name, which only one of those who wait can do.
    """
    lock, token = f"{LOCK_PREFIX}{name}", uuid.uuid4().hex
    has_set_aside = _acquire(client, lock, token)
    try:
        yield Hold(time.monotonic())
    finally:
        # A lock that can't be given back is set aside by the next one; what was done inside is done.
        with suppress(Exception):
            if _holder(client, lock) == token:
                client.delete_registered_model(lock)
            if has_set_aside:
                _clear(client, lock)


def _acquire(client: MlflowClient, lock: str, token: str) -> bool:
    """Waits for the lock; whether a dead holder's had to be set aside."""
    has_set_aside = False
    # By this process's own clock, since the lock was first seen: clocks of machines differ.
    seen, seen_at = None, time.monotonic()
    started = seen_at
    while True:
        try:
            client.create_registered_model(lock, tags={TOKEN_TAG: token, HOLDER_TAG: who_asks()})
            return has_set_aside
        except Exception as error:
            # MLflow looks up what stands in the way, and says that it is missing where it has just been given back.
            if not is_taken(error) and not is_missing(error):
                raise
        holder = _holder(client, lock)
        if holder == token:  # made, but the answer got lost
            return has_set_aside
        if holder != seen:
            seen, seen_at = holder, time.monotonic()
        if holder is not None and time.monotonic() - seen_at > STALE_SECONDS:
            _set_aside(client, lock, holder)
            has_set_aside = True
        if time.monotonic() - started > LONGEST_WAIT_SECONDS:
            raise UserError(f"the registry is locked by others ({lock}): try again")
        time.sleep(POLL_SECONDS)


def _holder(client: MlflowClient, lock: str) -> str | None:
    """The token of whoever holds the lock."""
    try:
        return str(client.get_registered_model(lock).tags.get(TOKEN_TAG, ""))
    except Exception as error:
        if is_missing(error):
            return None
        raise


def _set_aside(client: MlflowClient, lock: str, holder: str) -> None:
    """Renames a dead holder's lock.

    The name it gets is taken from then on: who comes too late fails, and can't set aside the lock of the next holder.
    """
    # Stores have several errors for a row that another process renamed first; what matters is who gets the lock then.
    with suppress(Exception):
        client.rename_registered_model(lock, f"{lock}.dead.{holder}")


def _clear(client: MlflowClient, lock: str) -> None:
    """Deletes old dead locks."""
    for model in client.search_registered_models(f"name LIKE '{lock}.dead.%'"):
        if time.time() - model.last_updated_timestamp / 1000 > TOMBSTONE_SECONDS:
            client.delete_registered_model(model.name)


def exchange(
    client: MlflowClient,
    name: str,
    alias: str,
    expected: str | None,
    target: str,
    before: Callable[[], None],
    after: Callable[[], None],
) -> tuple[bool, str | None]:
    """Points the alias at `target` if it still points at `expected`.

    Args:
        before: is called, once that is sure, before the alias moves; after: once it has moved.

    Returns:
        Whether it moved, and what it pointed at.
    """
    from plx_train.registry.versions import aliased_version

    with mutex(client, name) as hold:
        current = aliased_version(client, name, alias)
        if current != expected:
            return False, current
        before()
        hold.check()
        client.set_registered_model_alias(name, alias, target)
        _check_moved(client, name, alias, target)
        # Whoever reads the ledger can tell that it moved, so this is no reason to report a failure.
        with suppress(Exception):
            after()
    return True, current


def _check_moved(client: MlflowClient, name: str, alias: str, target: str) -> None:
    """
    Raises:
        UserError: the alias points elsewhere, though the registry said that it had moved; silence is no proof.
    """
    from plx_train.registry.versions import aliased_version
    from plx_train.tracking.receipts import NO_SERVER

    found: str | None = target
    with suppress(Exception):
        found = aliased_version(client, name, alias)
    if found != target:
        raise UserError(f"{alias} of {name} was not moved to version {target}, though the answer was yes: {NO_SERVER}")
