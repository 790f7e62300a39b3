"""mode=train: check, evaluate, train, export, prove, report."""

from __future__ import annotations

from plx_train.config.compose import Composed
from plx_train.config.few_options import OFF
from plx_train.distributed.launch import num_processes
from plx_train.ground.errors import ConfigError
from plx_train.machine.device import check_device
from plx_train.runs.result import RunResult
from plx_train.terminal.console import make_console
from plx_train.train.batch_norm import check_sync_bn
from plx_train.weights.fetch import fetched_ahead
from plx_train.workflow.basis import schedule_of, train_basis
from plx_train.workflow.fuse import with_members
from plx_train.workflow.processes import run_together
from plx_train.workflow.resume import find_continuation, say_finished
from plx_train.workflow.session import open_session
from plx_train.workflow.training import durations, run_here, weights_to_load


def run(composed: Composed) -> RunResult:
    """Trains, exports and reports; the folder of the run holds everything."""
    continuation = find_continuation(composed)
    if continuation and continuation.is_finished:
        return say_finished(continuation, make_console(quiet=composed.options.quiet))
    composed = continuation.composed if continuation else composed
    composed, members = with_members(composed)
    options = composed.options
    durations(composed)
    check_device(options.device)
    check_sync_bn(options.device.type, options.device.sync_bn)
    together = num_processes(options.device) * options.device.nodes > 1
    if options.device.nodes > 1 and not options.output:
        raise ConfigError("device.nodes: give output=<folder that all machines share>")
    with open_session(composed) as session, fetched_ahead(weights_to_load(session), session.console.info):
        if schedule_of(options) != OFF:
            train_basis(session, continuation, run)
        if together:
            return run_together(session, continuation, members)
        return run_here(session, continuation, members)
