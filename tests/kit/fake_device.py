"""A device that is not there: every wait for it and every copy to it is counted, with the line that asks for it."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import plx_train

PACKAGE = str(Path(plx_train.__file__).parent)
READS = ("numpy", "item", "tolist", "__array__", "__float__", "__int__", "__index__", "__bool__", "__nonzero__", "cpu")
"""Methods of a tensor that wait until all is computed that was asked for before."""
COPIES = ("to_tensor",)
"""Functions of paddle that bring values of this process to the device."""


@dataclass
class Traffic:
    """What was asked of the device, by the part of the run in which it was asked.

    Attributes:
        part: the name of what the main thread is at.
        reads, copies: number by (part, place); a place is file:line of the package, part ``thread`` any other thread.
    """

    part: str = "before"
    reads: Counter[tuple[str, str]] = field(default_factory=Counter)
    copies: Counter[tuple[str, str]] = field(default_factory=Counter)

    def of(self, part: str, kind: str = "reads") -> dict[str, int]:
        """Number by place of what was asked in one part."""
        return {place: number for (own, place), number in getattr(self, kind).items() if own == part}


@contextmanager
def counted() -> Iterator[Traffic]:
    """Counts what tensors are asked for inside."""
    import paddle

    traffic, inside = Traffic(), threading.local()

    def counting(method: Callable[..., Any], counter: Counter[tuple[str, str]]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            if getattr(inside, "is_counted", False):
                return method(*given, **named)
            inside.is_counted = True
            try:
                is_main = threading.current_thread() is threading.main_thread()
                counter[traffic.part if is_main else "thread", _place()] += 1
                return method(*given, **named)
            finally:
                inside.is_counted = False

        return call

    former = {(paddle.Tensor, name): getattr(paddle.Tensor, name) for name in READS if hasattr(paddle.Tensor, name)}
    former |= {(paddle, name): getattr(paddle, name) for name in COPIES}
    for owner, name in former:
        kind = traffic.copies if owner is paddle else traffic.reads
        setattr(owner, name, counting(former[owner, name], kind))
    try:
        yield traffic
    finally:
        for (owner, name), method in former.items():
            setattr(owner, name, method)


def _place() -> str:
    """The innermost line of the package that is being carried out."""
    frame = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(PACKAGE):
            return f"{file.removeprefix(PACKAGE).lstrip('/')}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return "elsewhere"
