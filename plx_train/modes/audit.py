"""mode=audit: labels that are likely wrong, with what they should say; nothing is changed."""

from __future__ import annotations

from plx_train.config.compose import Composed
from plx_train.machine.device import check_device
from plx_train.runs.result import RunResult
from plx_train.workflow.audit import audit, source_of
from plx_train.workflow.suspects_told import tell, write
from plx_train.workflow.workbench import open_workbench


def run(composed: Composed) -> RunResult:
    """Writes the suspects with a draft of corrections, and shows the first."""
    check_device(composed.options.device)
    source = source_of(composed)
    with open_workbench(composed, source) as bench:
        session = bench.session
        found = audit(session, bench.data, source, bench.device.name)
        write(session, bench.data, found)
        tell(session, found)
        return RunResult("audit", session.output, {"suspects": float(found.num_found)})
