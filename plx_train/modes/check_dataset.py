"""mode=check_dataset: every finding, as text, JSON and pictures."""

from __future__ import annotations

import json
from dataclasses import replace

from plx_train.config.compose import Composed
from plx_train.contract.check import CheckReport
from plx_train.contract.rooms import load_room
from plx_train.data.findings import report_lines, report_table
from plx_train.runs.folder import CHECK_FILE, SAMPLES
from plx_train.runs.result import RunResult
from plx_train.terminal.console import RichTerminal
from plx_train.workflow.dataset import check
from plx_train.workflow.session import Session, open_session

MAX_SHOWN = 50
"""Findings shown; all are in ``check.json``."""


def run(composed: Composed) -> RunResult:
    """Checks the dataset; the exit code is 1 if there is an error."""
    with open_session(composed) as session:
        return _checked(session)


def _checked(session: Session) -> RunResult:
    options = session.options
    processor, checked = check(options, session.output)
    room, pictures = load_room(options.module.name), []
    for said in processor.told() if processor else ():
        session.console.info(said)
    for split, samples in (("train", checked.train), ("val", checked.val)):
        if samples:
            folder = session.output / SAMPLES / split
            folder.mkdir(parents=True, exist_ok=True)
            pictures += room.draw_samples(samples, folder)
    report = replace(checked.report, samples=tuple(str(path.relative_to(session.output)) for path in pictures))
    path = session.output / CHECK_FILE
    path.write_text(json.dumps(report.to_json(), indent=1), "utf-8")
    _show(session, report)
    rows = [("fingerprint", report.fingerprint or "none"), ("all findings", str(path))]
    if pictures:
        rows.append(("pictures", str(session.output / SAMPLES)))
    session.console.summary(f"dataset {options.dataset.name}", rows)
    counts = {"errors": float(len(report.errors)), "warnings": float(len(report.warnings))}
    return RunResult("check_dataset", session.output, counts, exit_code=0 if report.ok else 1)


def _show(session: Session, report: CheckReport) -> None:
    """A table for people; for scripts plain lines, and the errors on stderr."""
    console = session.console
    if session.options.quiet or not isinstance(console, RichTerminal):
        for finding in report.errors[:MAX_SHOWN]:
            console.error(str(finding))
    plain = [line for line in report_lines(report, MAX_SHOWN) if not line.startswith("error: ")]
    console.draw(plain, lambda: report_table(report, MAX_SHOWN))
