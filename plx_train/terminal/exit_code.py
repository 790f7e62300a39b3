"""The exit code of a command, and the sentence that a user's mistake ends it with."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from plx_train.ground.credentials import without_credentials
from plx_train.ground.errors import UserError
from plx_train.ground.memory import is_out_of_memory
from plx_train.terminal.streams import hurry, say_error
from plx_train.terminal.words import one_line

MEMORY_ADVICE = "end other programs, or lower trainer.batch_size, device.num_workers or dataset.cache_mb"


def exit_code(work: Callable[[], int]) -> int:
    """What `work` returns; a user's mistake is told in its sentence and gives the code of its kind."""
    try:
        return work()
    except UserError as error:
        say_error(f"error: {one_line(without_credentials(str(error)))}")
        return error.exit_code
    except SystemExit:
        # A signal asked for it.
        hurry()
        raise
    except KeyboardInterrupt:
        hurry()
        say_error("interrupted")
        return 130
    except Exception as error:
        if not is_out_of_memory(error):
            told = traceback.format_exc()
            if without_credentials(told) == told:
                raise
            say_error(without_credentials(told).rstrip())
            return 1
        say_error(f"error: memory ran out: {MEMORY_ADVICE}")
        return 1
