"""The command: ``python -m plx_train key=value …``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from plx_train.ground.credentials import put_away_in
from plx_train.terminal.exit_code import exit_code
from plx_train.terminal.streams import deliver, protect

if TYPE_CHECKING:
    from plx_train.config.options import RunOptions

AS_A_WORD = {"studio": "mode=studio"}
"""What may be typed as a word alone."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line; the exit code is 0, 1 (the run failed) or 2 (the command is wrong)."""
    if argv is None:
        protect()
    arguments = [AS_A_WORD.get(text, text) for text in (sys.argv[1:] if argv is None else argv)]
    if {"-h", "--help"} & set(arguments):
        return exit_code(partial(_help, [text for text in arguments if not text.startswith("-")]))
    if "--version" in arguments:
        from plx_train import __version__

        return exit_code(partial(_deliver, __version__))
    return exit_code(partial(_run, arguments))


def _help(words: list[str]) -> int:
    from plx_train.config.columns import terminal_width
    from plx_train.config.explain import explain
    from plx_train.config.usage import usage

    width = terminal_width()
    text = explain(words, width) if words else usage(width)
    return _deliver(text)


def _deliver(text: str) -> int:
    deliver(text)
    return 0


def _fingerprint_of(options: RunOptions) -> str:
    from plx_train.workflow.dataset import fingerprint_of

    return fingerprint_of(options)


def _run(arguments: list[str]) -> int:
    arguments = [put_away_in(text) for text in arguments]
    if {"-m", "--multirun"} & set(arguments):
        from plx_train.sweep.multirun import multirun

        return multirun(arguments, _fingerprint_of)
    from plx_train.api import run

    return run(arguments).exit_code


if __name__ == "__main__":
    sys.exit(main())
