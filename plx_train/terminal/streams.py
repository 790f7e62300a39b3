"""Standard output and error that no fault of theirs ends, and through which no foreign text steers a terminal."""

from __future__ import annotations

import atexit
import contextlib
import errno
import io
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from plx_train.ground.characters import legible_lines
from plx_train.ground.errors import UserError
from plx_train.terminal.outlet import Outlet, call_in_forks

LINGER_SECONDS, HURRIED_SECONDS = 10.0, 1.0
"""How long the end of the process waits for readers that have stopped: usually, and after a signal."""

SIMPLER = str.maketrans({
    "–": "-", "—": "-", "−": "-", "→": "->", "…": "...", "±": "+/-", "·": "-", "≥": ">=", "≤": "<=", "×": "x", "━": "-",
    "─": "-", "⏎": " ", "\u2009": " ",
})  # fmt: skip
"""Our own signs as terminals without them can show them."""

_made: dict[int, Stream] = {}
"""Streams by file descriptor."""
_others: dict[int, Outlet] = {}
"""Outlets of descriptors that no stream of ours writes to."""
_silencing = threading.RLock()
_linger_seconds = LINGER_SECONDS


class Stream(io.TextIOBase):
    """Text for an outlet; what steers a terminal is spelled out, as ``[U+001B]``.

    Attributes:
        former: what stood in its place.
        styled: the same outlet for texts of our own with colour and movement, whose words are spelled out already.
    """

    def __init__(self, outlet: Outlet, encoding: str, former: Any = None, is_styled: bool = False) -> None:
        self.outlet = outlet
        self._encoding = encoding
        self.former = former
        self._is_styled = is_styled
        self._start_anew()
        call_in_forks(self._start_anew)
        self.styled: Stream = self if is_styled else Stream(outlet, encoding, former, is_styled=True)

    def _start_anew(self) -> None:
        # What was begun is the former process's. A signal's handler, or an object's end, may write within a writing.
        self._begun = ""
        self._lock = threading.RLock()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "backslashreplace"

    @property
    def buffer(self) -> Any:
        """The former stream's, for libraries that write bytes."""
        return getattr(self.former, "buffer", None) or Path(os.devnull).open("wb")

    def fileno(self) -> int:
        return self.outlet.number

    def isatty(self) -> bool:
        with contextlib.suppress(OSError):
            return os.isatty(self.outlet.number)
        return False

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._is_styled:
            self._put(text)
            return len(text)
        with self._lock:
            lines, end, begun = (self._begun + text).rpartition("\n")
            self._begun = begun
        # A line goes out in one piece, whoever else writes.
        self._put(legible_lines(lines + end))
        return len(text)

    def _put(self, text: str) -> None:
        if os.linesep != "\n":
            text = text.replace("\n", os.linesep)
        self.outlet.write(encoded(text, self._encoding))

    def flush(self) -> None:
        with self._lock:
            text, self._begun = self._begun, ""
        self._put(legible_lines(text))

    def close(self) -> None:
        """Does nothing: the process has no other output."""

    def __getattr__(self, name: str) -> Any:
        # What libraries ask a file on disk or a terminal besides: its name, its mode, to be configured anew.
        return getattr(self.__dict__.get("former"), name)


class Tolerant:
    """A stream of somebody else's whose faults are nobody's concern."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        write_to(self._stream, text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def encoded(text: str, encoding: str) -> bytes:
    """`text` in an encoding that may lack its characters: ours become simpler ones, others ``\\u4e2d``."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(SIMPLER).encode(encoding, "backslashreplace")


def write_to(stream: Any, text: str) -> None:
    """Writes to any stream as far as that is possible; None is one that is not there."""
    if stream is None:
        return
    with contextlib.suppress(OSError, ValueError):
        try:
            stream.write(text)
        except UnicodeEncodeError:
            stream.write(encoded(text, getattr(stream, "encoding", None) or "ascii").decode("ascii", "replace"))
        stream.flush()


def say(text: str, stream: IO[str] | None = None) -> None:
    """Writes `text` and a line's end, to stdout unless given; all but breaks of lines is spelled out."""
    write_to(sys.stdout if stream is None else stream, f"{legible_lines(text)}\n")


def say_error(text: str) -> None:
    """Writes a line to stderr."""
    if sys.stderr is not None:
        say(text, sys.stderr)


def deliver(text: str) -> None:
    """Writes what the command was asked for to stdout, and waits for its reader; one that has left has had enough.

    Raises:
        UserError: it can't be written.
    """
    stream = sys.stdout
    say(text)
    if not isinstance(stream, Stream):
        return
    stream.outlet.drain(None)
    fault = stream.outlet.fault
    if fault not in (None, errno.EPIPE):
        raise UserError(f"standard output can't be written ({os.strerror(fault)})")


def styled_stream(stream: Any) -> Any:
    """Where texts of our own with colour and movement go, for a stream that may be replaced."""
    return stream.styled if isinstance(stream, Stream) else Tolerant(stream)


def protect() -> None:
    """Replaces stdout and stderr of a process of ours, unless somebody else has, and opens those that are closed."""
    # Tracebacks of later Pythons have colours of their own.
    os.environ.setdefault("PYTHON_COLORS", "0")
    _replace()


def _replace() -> None:
    _open_closed()
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream: Any = getattr(sys, name)
        if isinstance(stream, Stream) or (stream is not None and stream is not getattr(sys, f"__{name}__")):
            continue
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        setattr(sys, name, _stream_for(number, stream))


def _stream_for(number: int, former: Any) -> Stream:
    known = _made.get(number)
    if known is not None and known.former is former:
        return known
    if not _made:
        atexit.register(_linger)
    outlet = Outlet(number, is_missing=former is None)
    _made[number] = Stream(outlet, getattr(former, "encoding", None) or "utf-8", former)
    return _made[number]


def hurry() -> None:
    """Has the end of the process wait hardly for readers that have stopped: it was asked to end."""
    global _linger_seconds
    _linger_seconds = HURRIED_SECONDS


def _linger() -> None:
    give_up = time.monotonic() + _linger_seconds
    for stream in _made.values():
        # A line that nobody ended is still here.
        stream.flush()
        stream.outlet.drain(max(give_up - time.monotonic(), 0.0))


@contextmanager
def protected() -> Iterator[None]:
    """Has stdout and stderr replaced within the block."""
    former = sys.stdout, sys.stderr
    _replace()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = former


@contextmanager
def silenced() -> Iterator[None]:
    """Keeps what this thread and native code write off stdout and stderr; what others write, or wrote, arrives."""
    with _silencing, contextlib.ExitStack() as block:
        flush()
        for number in (1, 2):
            block.enter_context(_outlet_of(number).silenced())
        # What was begun within is not for afterwards.
        block.callback(flush)
        yield


def _outlet_of(number: int) -> Outlet:
    if number in _made:
        return _made[number].outlet
    if number not in _others:
        _others[number] = Outlet(number)
    return _others[number]


def flush() -> None:
    """Hands on what stdout and stderr hold."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()


def _open_closed() -> None:
    """Sees to it that no file that is opened later gets the number of a standard stream that is closed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            os.set_inheritable(number, True)
