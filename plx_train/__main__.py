"""The command: ``python -m plx_train key=value …``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

from plx_train.ground.exit_code import exit_code


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line; the exit code is 0, 1 (the run failed) or 2 (the command is wrong)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if {"-h", "--help"} & set(arguments):
        from plx_train.config.usage import usage

        print(usage())
        return 0
    if "--version" in arguments:
        from plx_train import __version__

        print(__version__)
        return 0
    return exit_code(partial(_run, arguments))


def _run(arguments: list[str]) -> int:
    if {"-m", "--multirun"} & set(arguments):
        from plx_train.sweep.multirun import multirun

        return multirun(arguments)
    from plx_train.api import run

    return run(arguments).exit_code


if __name__ == "__main__":
    sys.exit(main())
