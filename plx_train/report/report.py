"""Writes a run's report: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plx_train.ground.files import replace_file
from plx_train.report.charts import line_chart, precision_recall_chart, share_bar
from plx_train.report.data import ChartSeries, MetricChange, ReportData
from plx_train.report.page import number, page_environment

TEMPLATE = "report/template.html.jinja"
MOST_FINDINGS = 50
STATUS_WORDS = {"FINISHED": "finished", "FAILED": "failed", "KILLED": "stopped", "RUNNING": "running"}


def write_report(path: Path, data: ReportData) -> None:
    """Writes the report at `path`; its folder exists.

    Raises:
        OSError: the file can't be written.
    """
    replace_file(path, render_report(data))


def render_report(data: ReportData) -> str:
    """The report as HTML text: no script, no address outside of itself, everything escaped."""
    from markupsafe import Markup

    # A sweep's commands need this package and none of what reads images.
    from plx_train.report.pictures import Budget, embed

    environment = page_environment()
    environment.filters["signed"] = signed
    budget = Budget()
    return environment.get_template(TEMPLATE).render(
        data=data,
        headline=data.metrics[0] if data.metrics else None,
        status=STATUS_WORDS.get(data.status, data.status.lower()),
        charts=[Markup(chart) for chart in learning_charts(data.series)],
        precision_recall=Markup(precision_recall_chart("Precision and recall on validation", data.precision_recall)),
        shares=Markup(share_bar(data.timings)),
        overlays=list(embed(data.overlays, budget)),
        check_pictures=list(embed(data.check_pictures, budget)),
        pool_pictures=list(embed(data.pool.pictures, budget)) if data.pool else [],
        check=check_summary(data.check) if data.check else None,
        parity=flat_rows(data.parity) if data.parity else [],
        changed=[row for row in data.config if row.is_changed],
    )


def learning_charts(series: Sequence[ChartSeries]) -> list[str]:
    """One figure per group, in the order the groups first appear."""
    groups = dict.fromkeys(one.group for one in series)
    charts = [line_chart(group, [one for one in series if one.group == group]) for group in groups]
    return [chart for chart in charts if chart]


def check_summary(check: Mapping[str, Any]) -> dict[str, Any]:
    """What the page shows of a check report: counts, the first findings and statistics by split."""
    findings = list(check.get("findings", ()))
    statistics = check.get("statistics", {})
    splits = list(statistics)
    names = list(dict.fromkeys(name for values in statistics.values() for name in values))
    return {
        "root": check.get("root", ""),
        "fingerprint": check.get("fingerprint", ""),
        "num_errors": sum(finding["level"] == "error" for finding in findings),
        "num_warnings": sum(finding["level"] == "warning" for finding in findings),
        "codes": check.get("codes", {}),
        "findings": findings[:MOST_FINDINGS],
        "num_hidden": max(len(findings) - MOST_FINDINGS, 0),
        "splits": splits,
        "rows": [
            (name.replace("_", " "), [statistic_text(statistics[split].get(name)) for split in splits])
            for name in names
        ],
    }


def statistic_text(value: Any) -> str:
    """A statistic in a cell; percentiles as ``median (min – max)``."""
    if value is None or value == {}:
        return "–"
    if isinstance(value, Mapping):
        if "p50" in value:
            return f"{number(value['p50'])} ({number(value['min'])} – {number(value['max'])})"
        return ", ".join(f"{name} {statistic_text(inner)}" for name, inner in value.items())
    return number(value)


def flat_rows(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """(dotted name, text) of every leaf of nested mappings and lists."""
    rows: list[tuple[str, str]] = []
    for name, value in tree.items():
        key = f"{prefix}{name}".replace("_", " ")
        if isinstance(value, Mapping):
            rows += flat_rows(value, f"{key} · ")
        elif isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
            for index, item in enumerate(value):
                rows += flat_rows(item, f"{key} · {item.get('name', index)} · ")
        elif isinstance(value, list | tuple):
            rows.append((key, ", ".join(map(number, value)) or "none"))
        else:
            rows.append((key, number(value)))
    return rows


def signed(change: MetricChange) -> str:
    """The gain, as ``+0.793``; nothing where a side is missing."""
    if change.before is None or change.after is None:
        return ""
    return f"{change.after - change.before:+.3f}".replace("-", "\u2212")
