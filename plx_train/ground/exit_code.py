"""The exit code of a command, and the sentence that a user's mistake ends it with."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

from plx_train.ground.credentials import without_credentials
from plx_train.ground.errors import UserError
from plx_train.ground.memory import is_out_of_memory

MEMORY_ADVICE = "end other programs, or lower trainer.batch_size, device.num_workers or dataset.cache_mb"


def exit_code(work: Callable[[], int]) -> int:
    """What `work` returns; a user's mistake is told in its sentence and gives the code of its kind."""
    try:
        return work()
    except UserError as error:
        print(f"error: {without_credentials(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if not is_out_of_memory(error):
            told = traceback.format_exc()
            if without_credentials(told) == told:
                raise
            print(without_credentials(told), file=sys.stderr, end="")
            return 1
        print(f"error: memory ran out: {MEMORY_ADVICE}", file=sys.stderr)
        return 1
