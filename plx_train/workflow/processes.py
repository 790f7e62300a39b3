"""A training run in several processes, which the command starts and watches."""

from __future__ import annotations

from plx_train.contract.module import Members
from plx_train.distributed.launch import launch, num_processes
from plx_train.runs.facts import read_facts
from plx_train.runs.folder import RANKS, RUN_FILE
from plx_train.runs.result import RunResult, recorded_result
from plx_train.tracking import end_held_record, end_record
from plx_train.weights.ahead import begun
from plx_train.workflow.dataset import open_data
from plx_train.workflow.job import RunJob, write_job
from plx_train.workflow.resume import Continuation, check_same_data
from plx_train.workflow.session import Session
from plx_train.workflow.training import check_shares, weights_to_load

SIGNAL_CODES = 128
"""Exit codes above say which signal ended a process."""


def run_together(session: Session, continuation: Continuation | None, members: Members) -> RunResult:
    """The run in several processes, which this one starts and watches."""
    # Told here, a mistake needs no process to be started for it.
    options = session.options
    check_shares(options.trainer.batch_size, num_processes(options.device) * options.device.nodes)
    data = open_data(session)
    if continuation:
        check_same_data(continuation, data.report.fingerprint)
    weights = weights_to_load(session)
    # Told here, a fault of theirs needs no process either, and no two of them fetch them.
    if weights is not None and (ahead := begun(weights)) is not None:
        ahead.result()
    job = write_job(session.output, RunJob(session.composed, continuation is not None, members))
    console, output = session.console, session.output
    said: list[str] = []
    session.let_others_in()
    code = launch([str(job)], session.options.device, output / RANKS, said.append, console.info)
    for sentence in said:
        console.warn(sentence)
    facts = read_facts(output) if (output / RUN_FILE).is_file() else {}
    if facts.get("status") == "RUNNING":
        # Rank 0 was ended with the others, and could not say so itself.
        end = end_held_record if options.device.nodes == 1 else end_record
        reason = " ".join(said) or f"its processes ended with exit code {code}"
        end(output, facts.get("tracking_uri"), "KILLED" if code > SIGNAL_CODES else "FAILED", reason)
    return recorded_result(output, facts, code)
