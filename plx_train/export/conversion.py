"""Paddle's making of static code from methods, held to once per method."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def methods_converted_once() -> Iterator[None]:
    """Makes static code of a method once for all layers of a class, where Paddle would do so for every layer.

    Paddle looks for what it has made by the bound method, which is another object at every call; and to make it again
    is most of what saving a graph takes. Nothing changes with a release of Paddle that has no such cache.
    """
    from paddle.jit.dy2static import program_translator

    cache: Any = getattr(program_translator, "FunctionCache", None)
    convert = getattr(cache, "convert_with_cache", None)
    if convert is None:
        yield
        return
    cache.convert_with_cache = lambda self, method: convert(self, getattr(method, "__func__", method))
    try:
        yield
    finally:
        cache.convert_with_cache = convert
