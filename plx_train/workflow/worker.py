"""One of several processes that train together: ``python -m plx_train.workflow.worker JOB``, started by `launch`.

It composes nothing: it gets the resolved configuration from the process that the user started.
"""

from __future__ import annotations

import sys
import time
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path

from plx_train.distributed import ranks
from plx_train.runs.facts import read_facts
from plx_train.runs.lock import hold_rank
from plx_train.terminal.console import make_console
from plx_train.terminal.exit_code import exit_code
from plx_train.terminal.streams import protect
from plx_train.workflow.job import read_job
from plx_train.workflow.resume import Continuation
from plx_train.workflow.session import Session
from plx_train.workflow.training import run_here


def run_job(path: Path) -> int:
    """Does this process's part of the run; the exit code."""
    job = read_job(path)
    composed, output = job.composed, path.parent
    console = make_console(plain=True, quiet=composed.options.quiet)
    session = Session(composed.options, composed, output, console, time.perf_counter())
    continuation = Continuation(output, read_facts(output), composed) if job.is_continued else None
    with closing(hold_rank(output)) if ranks.rank() == 0 else nullcontext():
        return run_here(session, continuation, job.members).exit_code


if __name__ == "__main__":
    protect()
    sys.exit(exit_code(partial(run_job, Path(sys.argv[1]))))
