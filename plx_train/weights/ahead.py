"""Weights that are fetched beside other work: begun early, waited for where they are needed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from plx_train.ground.files import remove_folder

FIRST_SECONDS = 2.0
NEXT_SECONDS = 10.0
END_SECONDS = 3.0
"""How long a download that nobody wants any more is given to end: pip is ended, a connection may hang."""


class Halted(Exception):
    """Nobody waits for what was being fetched."""


class Watch:
    """Looks after one fetching: tells how far it is where it lasts, and ends it where nobody wants it any more.

    Args:
        say: takes in sentences; None: nothing is told.
    """

    def __init__(self, say: Callable[[str], None] | None = None) -> None:
        self._say = say
        self._is_halted = threading.Event()
        self._name, self._size_mb = "", 0.0
        self._temporary: Path | None = None
        self._tells_at = 0.0

    def expect(self, name: str, size_mb: float, temporary: Path) -> None:
        """Takes in what is going to be fetched, and where the parts of it lie that are there."""
        self._name, self._size_mb, self._temporary = name, size_mb, temporary
        self._tells_at = time.monotonic() + FIRST_SECONDS

    def look(self) -> None:
        """Tells how far it is, where it is time to.

        Raises:
            Halted: it is to end.
        """
        if self._is_halted.is_set():
            raise Halted
        if self._say is not None and self._temporary is not None and time.monotonic() >= self._tells_at:
            self._tells_at = time.monotonic() + NEXT_SECONDS
            here = min(_megabytes(self._temporary), self._size_mb)
            self._say(f"weights: fetching {self._name}, {here:.0f} of {self._size_mb:.0f} MB so far")

    def halt(self) -> None:
        """Ends it."""
        self._is_halted.set()

    def remove_parts(self) -> None:
        """Removes what a fetching that did not end has left."""
        if self._temporary is not None:
            remove_folder(self._temporary)


def _megabytes(folder: Path) -> float:
    total = 0
    # Files come and go meanwhile.
    with suppress(OSError):
        for path in folder.rglob("*"):
            total += path.lstat().st_size if path.is_file() else 0
    return total / 1e6


IDLE = Watch()
"""Looks after what is fetched where it is needed: nothing is told, nothing ends it."""
_under_way: dict[str, Future[Any]] = {}


def begun(source: str) -> Future[Any] | None:
    """What is looked for under this name beside other work; None where it was not begun."""
    return _under_way.get(source)


@contextmanager
def beginning(source: str, find: Callable[[Watch], Any], say: Callable[[str], None]) -> Iterator[None]:
    """Within the block `find` is under way, or done, in a thread; what was begun outside already is left to that."""
    if source in _under_way:
        yield
        return
    found: Future[Any] = Future()
    watch = Watch(say)
    _under_way[source] = found
    thread = threading.Thread(target=_carry_out, args=(find, watch, found), name="weights ahead", daemon=True)
    thread.start()
    try:
        yield
    finally:
        del _under_way[source]
        watch.halt()
        thread.join(END_SECONDS)
        if thread.is_alive():
            watch.remove_parts()


def _carry_out(find: Callable[[Watch], Any], watch: Watch, found: Future[Any]) -> None:
    try:
        found.set_result(find(watch))
    except BaseException as error:
        found.set_exception(error)
