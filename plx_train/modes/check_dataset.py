"""mode=check_dataset: every finding, as text, JSON and pictures."""

from __future__ import annotations

import json
from dataclasses import replace

from plx_train.api import RunResult
from plx_train.config import Composed
from plx_train.modes.prepare import open_session
from plx_train.rooms import room_file

MAX_SHOWN = 50


def run(composed: Composed) -> RunResult:
    """Checks the dataset; the exit code is 1 if there is an error."""
    session = open_session(composed)
    options = session.options
    room = room_file(options.module.name, "check")
    checked = room.check(options.dataset, options.module)
    pictures = []
    for split in ("train", "val"):
        pages = getattr(checked, split)
        if pages:
            folder = session.output / "samples" / split
            folder.mkdir(parents=True, exist_ok=True)
            pictures += room.draw_samples(pages, folder)
    report = replace(checked.report, samples=tuple(str(path.relative_to(session.output)) for path in pictures))
    path = session.output / "check.json"
    path.write_text(json.dumps(report.to_json(), indent=1), "utf-8")
    for finding in report.findings[:MAX_SHOWN]:
        (session.console.error if finding.level == "error" else session.console.warn)(str(finding))
    if len(report.findings) > MAX_SHOWN:
        session.console.info(f"… and {len(report.findings) - MAX_SHOWN} more in {path}")
    for title, columns, rows in report.tables():
        session.console.table(title, columns, rows)
    session.console.summary(
        f"dataset {options.dataset.name}",
        [
            ("errors", str(len(report.errors))),
            ("warnings", str(len(report.warnings))),
            ("fingerprint", report.fingerprint or "none"),
            ("report", str(path)),
            ("pictures", str(session.output / "samples")),
        ],
    )
    counts = {"errors": float(len(report.errors)), "warnings": float(len(report.warnings))}
    return RunResult("check_dataset", session.output, counts, exit_code=0 if report.ok else 1)
