"""The command: ``python -m plx_train key=value …``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial

from plx_train.ground.errors import UserError
from plx_train.ground.memory import is_out_of_memory

MEMORY_ADVICE = "end other programs, or lower trainer.batch_size, device.num_workers or dataset.cache_mb"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line; the exit code is 0, 1 (the run failed) or 2 (the command is wrong)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if {"-h", "--help"} & set(arguments):
        return exit_code(partial(_help, [text for text in arguments if not text.startswith("-")]))
    if "--version" in arguments:
        from plx_train import __version__

        print(__version__)
        return 0
    return exit_code(partial(_run, arguments))


def _help(words: list[str]) -> int:
    from plx_train.config.columns import terminal_width
    from plx_train.config.explain import explain
    from plx_train.config.usage import usage

    width = terminal_width()
    text = explain(words, width) if words else usage(width)
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # Whoever reads has seen enough; Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _run(arguments: list[str]) -> int:
    if {"-m", "--multirun"} & set(arguments):
        from plx_train.sweep.multirun import multirun

        return multirun(arguments)
    from plx_train.api import run

    return run(arguments).exit_code


def exit_code(work: Callable[[], int]) -> int:
    """What `work` returns; a user's mistake is told in its sentence and gives the code of its kind."""
    try:
        return work()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        print(f"error: memory ran out: {MEMORY_ADVICE}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
