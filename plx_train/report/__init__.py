"""The report of a run: one self-contained HTML file."""

from plx_train.report.data import (
    ChartSeries,
    Command,
    ConfigRow,
    MetricChange,
    Picture,
    PoolSection,
    PrecisionRecall,
    ReportData,
    config_rows,
    metric_series,
)
from plx_train.report.report import write_report

__all__ = [
    "ChartSeries",
    "Command",
    "ConfigRow",
    "MetricChange",
    "Picture",
    "PoolSection",
    "PrecisionRecall",
    "ReportData",
    "config_rows",
    "metric_series",
    "write_report",
]
