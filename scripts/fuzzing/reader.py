"""A reader under fuzz: its corpus, what is called, and its limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fuzzing.cases import Case


class Wrong(Exception):
    """A reader took a damaged file without a word and gave what can't be."""


@dataclass(frozen=True)
class Reader:
    """What is fuzzed under one name.

    Attributes:
        seeds: makes the corpus, valid cases by name; may use the folder that it is given.
        run: reads a case that lies in a folder, as the product does; errors of the product count as refusals.
        tokens: that mean something in its formats.
        seconds: of processor time that one case may take.
        megabytes: that one case may take beyond what the process has when it begins.
        is_pure: reading changes nothing in the case's folder.
        has_links: cases are folders that people exchange, so files of them may be links.
        programs: parts of the commands that reading may start: processes of the product's own.
        is_covered: new lines of code are looked for, which slows some libraries down ten times.
    """

    name: str
    seeds: Callable[[Path], Mapping[str, Case]]
    run: Callable[[Path], object]
    tokens: tuple[bytes, ...] = ()
    seconds: float = 10.0
    megabytes: int = 2048
    is_pure: bool = True
    has_links: bool = False
    programs: tuple[str, ...] = ()
    is_covered: bool = True
