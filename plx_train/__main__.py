"""The command: ``python -m plx_train key=value …``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from plx_train.errors import UserError


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line; the exit code is 0, 1 (the run failed) or 2 (the command is wrong)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if {"-h", "--help"} & set(arguments):
        from plx_train.usage import usage

        print(usage())
        return 0
    if "--version" in arguments:
        from plx_train import __version__

        print(__version__)
        return 0
    try:
        if {"-m", "--multirun"} & set(arguments):
            from plx_train.multirun import multirun

            return multirun(arguments)
        from plx_train.api import run

        return run(arguments).exit_code
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
