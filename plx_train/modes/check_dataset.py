"""mode=check_dataset: every finding, as text, JSON and pictures."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from plx_train.config.compose import Composed
from plx_train.contract.check import Checked, CheckReport, Finding
from plx_train.contract.processor import Processor
from plx_train.contract.rooms import load_room
from plx_train.data.findings import report_lines, report_table
from plx_train.runs.folder import CHECK_FILE, SAMPLES
from plx_train.runs.result import RunResult
from plx_train.terminal.console import RichTerminal
from plx_train.workflow.dataset import NEW, RunData, check
from plx_train.workflow.session import Session, open_session
from plx_train.workflow.source import Source, with_recorded_options

if TYPE_CHECKING:
    from plx_train.workflow.audit import Audit

MAX_SHOWN = 50
"""Findings shown; all are in ``check.json``."""


def run(composed: Composed) -> RunResult:
    """Checks the dataset, and looks through its labels where that is asked; the exit code is 1 if there is an error."""
    is_audit = composed.options.audit.in_check
    source = _judge(composed) if is_audit else None
    with open_session(with_recorded_options(composed, source) if source else composed) as session:
        return _checked(session, source)


def _judge(composed: Composed) -> Source | None:
    from plx_train.workflow.audit import source_of

    return source_of(composed)


def _checked(session: Session, source: Source | None) -> RunResult:
    options = session.options
    processor, checked = check(options, session.output, source.finished if source else NEW)
    room, pictures = load_room(options.module.name), []
    for said in processor.told() if processor else ():
        session.console.info(said)
    for split, samples in (("train", checked.train), ("val", checked.val)):
        if samples:
            folder = session.output / SAMPLES / split
            folder.mkdir(parents=True, exist_ok=True)
            pictures += room.draw_samples(samples, folder)
    found, suspects = _audited(session, source, processor, checked) if options.audit.in_check else (None, ())
    findings = (*checked.report.findings, *suspects)
    shown = tuple(str(path.relative_to(session.output)) for path in pictures)
    report = replace(checked.report, samples=shown, findings=findings)
    if options.dataset.pool and processor is not None and checked.train:
        from plx_train.workflow.pool_check import with_pool

        report = with_pool(session, RunData(room, processor, checked), report)
    if room.truth(options.module) is not None:
        from plx_train.workflow.images_read import write_images_read

        write_images_read(options, session.output)
    path = session.output / CHECK_FILE
    path.write_text(json.dumps(report.to_json(), indent=1), "utf-8")
    _show(session, report)
    rows = [("fingerprint", report.fingerprint or "none"), ("all findings", str(path))]
    if pictures:
        rows.append(("pictures", str(session.output / SAMPLES)))
    session.console.summary(f"dataset {options.dataset.name}", rows)
    if found:
        from plx_train.workflow.suspects_told import tell

        tell(session, found)
    counts = {"errors": float(len(report.errors)), "warnings": float(len(report.warnings))}
    return RunResult("check_dataset", session.output, counts, exit_code=0 if report.ok else 1)


def _audited(
    session: Session, source: Source | None, processor: Processor | None, checked: Checked[Any]
) -> tuple[Audit | None, tuple[Finding, ...]]:
    """The suspects among samples that have no error, and what is said of them; None where there is no sample."""
    from plx_train.workflow.audit import audit, suspect_findings
    from plx_train.workflow.device import start_device
    from plx_train.workflow.suspects_told import write

    if processor is None or not checked.train:
        return None, ()
    data = RunData(load_room(session.options.module.name), processor, checked)
    found = audit(session, data, source, start_device(session.options).name)
    write(session, data, found)
    return found, suspect_findings(found)


def _show(session: Session, report: CheckReport) -> None:
    """A table for people; for scripts plain lines, and the errors on stderr."""
    console = session.console
    if session.options.quiet or not isinstance(console, RichTerminal):
        for finding in report.errors[:MAX_SHOWN]:
            console.error(str(finding))
    plain = [line for line in report_lines(report, MAX_SHOWN) if not line.startswith("error: ")]
    console.draw(plain, lambda: report_table(report, MAX_SHOWN))
