"""What a dataset's check finds and how it is told, and splits by document; for all modules."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

Level = Literal["error", "warning"]
MIN_GROUPS = 3
"""Fewer documents than this are no basis for holding out whole ones."""


@dataclass(frozen=True)
class Finding:
    """Something wrong, or odd, in a dataset.

    Attributes:
        path: the file, relative to the dataset's root where it lies in it.
        line: counted from 1; 0 where the finding is of the whole file.
        level: ``error`` stops training, ``warning`` doesn't.
        code: the kind of finding, as ``points-outside``.
        reason: one sentence for people.
    """

    path: str
    line: int
    level: Level
    code: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}" if self.line else f"{self.path}: {self.reason}"

    def to_json(self) -> dict[str, Any]:
        """Plain values, all fields."""
        return {
            "path": self.path,
            "line": self.line,
            "level": self.level,
            "code": self.code,
            "reason": self.reason,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Finding:
        """The finding that `to_json` wrote."""
        return cls(values["path"], values["line"], values["level"], values["code"], values["reason"])


@dataclass(frozen=True)
class CheckReport:
    """The outcome of checking a dataset.

    Attributes:
        root: the dataset's folder.
        findings: all of them, by file and line.
        statistics: plain numbers per split, ``{"train": {"pages": 44, …}, "val": …}``.
        fingerprint: of the label files' and images' content.
        samples: pictures of samples with their labels, relative to the run's folder, where they were written.
    """

    root: str
    findings: tuple[Finding, ...]
    statistics: dict[str, dict[str, Any]]
    fingerprint: str
    samples: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings don't count."""
        return not self.errors

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stop training."""
        return tuple(finding for finding in self.findings if finding.level == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that don't."""
        return tuple(finding for finding in self.findings if finding.level == "warning")

    def to_json(self) -> dict[str, Any]:
        """Plain values: the verdict, the number of findings per code, the statistics and every finding."""
        return {
            "ok": self.ok,
            "root": self.root,
            "fingerprint": self.fingerprint,
            "num_errors": len(self.errors),
            "num_warnings": len(self.warnings),
            "codes": dict(Counter(finding.code for finding in self.findings).most_common()),
            "statistics": self.statistics,
            "samples": list(self.samples),
            "findings": [finding.to_json() for finding in self.findings],
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> CheckReport:
        """The report that `to_json` wrote."""
        findings = tuple(Finding.from_json(finding) for finding in values["findings"])
        return cls(values["root"], findings, values["statistics"], values["fingerprint"], tuple(values["samples"]))


@dataclass(frozen=True)
class Checked:
    """The report, and the samples without errors per split; rooms whose samples are no documents derive theirs."""

    report: CheckReport
    train: list[Any]
    val: list[Any]

    def first(self, samples: Sequence[Any], limit: int | None) -> list[Any]:
        """`limit` samples of a split; all where it is None."""
        return list(samples)[:limit]

    def hold_out(self, train: list[Any], share: float, seed: int) -> tuple[list[Any], list[Any]]:
        """Samples to train on and those held out, by what each names as its ``document``."""
        kept, held = holdout_split([sample.document for sample in train], share, seed)
        return [train[index] for index in kept], [train[index] for index in held]


def report_lines(report: CheckReport, max_findings: int = 20) -> list[str]:
    """The report as plain text: verdict, findings (errors first), statistics of the splits side by side."""
    shown = (*report.errors, *report.warnings)[:max_findings]
    lines = [_verdict(report), *(f"{finding.level}: {finding}" for finding in shown)]
    hidden = len(report.findings) - len(shown)
    lines += [f"… and {hidden} more findings"] if hidden else []
    rows = [("", *report.statistics), *_statistic_rows(report)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return lines + (table if report.statistics else [])


def report_table(report: CheckReport, max_findings: int = 20) -> Any:
    """The report as a rich renderable, with the content of `report_lines`."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    found = Table("where", "", "finding", box=None)
    for finding in (*report.errors, *report.warnings)[:max_findings]:
        where = f"{finding.path}:{finding.line}" if finding.line else finding.path
        colour = "red" if finding.level == "error" else "yellow"
        found.add_row(where, Text(finding.level, colour), Text(finding.reason))
    hidden = len(report.findings) - max_findings
    found.caption = f"… and {hidden} more findings" if hidden > 0 else None
    statistics = Table("", *report.statistics, box=None)
    for row in _statistic_rows(report):
        statistics.add_row(*row)
    return Group(Text(_verdict(report)), *([found] if report.findings else []), statistics)


def _verdict(report: CheckReport) -> str:
    return f"{report.root}: {len(report.errors)} errors, {len(report.warnings)} warnings"


def _statistic_rows(report: CheckReport) -> list[tuple[str, ...]]:
    """Per statistic its name and its value in each split; of distributions lowest, median and highest."""
    names = list(dict.fromkeys(name for split in report.statistics.values() for name in split))
    return [
        (name.replace("_", " "), *(_cell(split.get(name)) for split in report.statistics.values())) for name in names
    ]


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return " / ".join(f"{value[name]:g}" for name in ("min", "p50", "max") if name in value)
    return "" if value is None else str(value)


def document_of(name: str) -> str:
    """The document a sample comes from: its file's path without suffix, trailing number and separators.

    ``scans/guide_0012.jpg`` is of the document ``scans/guide``, ``guide/0012.jpg`` of ``guide/``.
    """
    return re.sub(r"[\s_.\-]*\d*$", "", Path(name).with_suffix("").as_posix())


def holdout_split(names: Sequence[str], share: float, seed: int) -> tuple[list[int], list[int]]:
    """Splits samples into those to train on and those held out, by whole documents.

    Documents (`document_of`) are drawn at random until the share is reached as nearly as whole ones allow.
    With fewer than three documents, or where each is at least twice as large as that share, single samples
    are drawn.

    Args:
        names: one file name per sample.
        share: of the samples to hold out, 0 to 1; 0 holds out none.
        seed: of the draw.

    Returns:
        indices kept and indices held out, each in order; both hold one at least where there are two samples
        and the share is above 0.
    """
    if share <= 0 or len(names) < 2:
        return list(range(len(names))), []
    rng = np.random.default_rng(seed)
    target = min(max(round(share * len(names)), 1), len(names) - 1)
    members: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        members.setdefault(document_of(name), []).append(index)
    held = _whole_documents(list(members.values()), target, rng) if len(members) >= MIN_GROUPS else []
    if not held:
        held = rng.permutation(len(names))[:target].tolist()
    chosen = set(held)
    return [index for index in range(len(names)) if index not in chosen], sorted(chosen)


def _whole_documents(documents: list[list[int]], target: int, rng: np.random.Generator) -> list[int]:
    """About `target` samples of whole documents; none where every document is twice as large or larger."""
    num_samples = sum(len(document) for document in documents)
    held: list[int] = []
    for position in rng.permutation(len(documents)):
        document = documents[position]
        comes_nearer = abs(len(held) + len(document) - target) < abs(len(held) - target)
        if comes_nearer and len(held) + len(document) < num_samples:
            held += document
    return held
