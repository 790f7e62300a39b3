"""How a dataset's report is told: as plain lines, and as a table."""

from __future__ import annotations

from typing import Any

from plx_train.contract.check import CheckReport
from plx_train.terminal.words import shown


def report_lines(report: CheckReport, max_findings: int = 20) -> list[str]:
    """The report as plain text: verdict, findings (errors first), statistics of the splits side by side."""
    told = (*report.errors, *report.warnings)[:max_findings]
    lines = [_verdict(report), *(f"{finding.level}: {finding}" for finding in told)]
    hidden = len(report.findings) - len(told)
    lines += [f"… and {hidden} more findings"] if hidden else []
    rows = [("", *map(shown, report.statistics)), *_statistic_rows(report)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return lines + (table if report.statistics else [])


def report_table(report: CheckReport, max_findings: int = 20) -> Any:
    """The report as a rich renderable, with the content of `report_lines`."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    found = Table(box=None)
    for name in ("where", "", "finding"):
        found.add_column(name, overflow="fold")
    for finding in (*report.errors, *report.warnings)[:max_findings]:
        where = f"{finding.path}:{finding.line}" if finding.line else finding.path
        colour = "red" if finding.level == "error" else "yellow"
        found.add_row(Text(shown(where)), Text(finding.level, colour), Text(shown(finding.reason)))
    hidden = len(report.findings) - max_findings
    found.caption = f"… and {hidden} more findings" if hidden > 0 else None
    statistics = Table("", box=None)
    for name in report.statistics:
        statistics.add_column(Text(shown(name)))
    for row in _statistic_rows(report):
        statistics.add_row(*map(Text, row))
    return Group(Text(_verdict(report)), *([found] if report.findings else []), statistics)


def _verdict(report: CheckReport) -> str:
    counts = f"{shown(report.root)}: {len(report.errors)} errors, {len(report.warnings)} warnings"
    read = f"; read as {report.format}" if report.format else ""
    return f"{counts}{read}: {shown(report.division)}" if report.division else f"{counts}{read}"


def _statistic_rows(report: CheckReport) -> list[tuple[str, ...]]:
    """Name of each statistic and its value in each split; of distributions lowest, median and highest."""
    names = list(dict.fromkeys(name for split in report.statistics.values() for name in split))
    return [
        (shown(name.replace("_", " ")), *(_cell(split.get(name)) for split in report.statistics.values()))
        for name in names
    ]


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return " / ".join(f"{value[name]:g}" for name in ("min", "p50", "max") if name in value)
    return "" if value is None else shown(value)
