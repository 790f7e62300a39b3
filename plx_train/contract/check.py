"""What the check of a dataset finds, and the samples that it leaves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from plx_train.ground.characters import legible

Level = Literal["error", "warning"]
Labelled = TypeVar("Labelled")
"""A sample as a room's check reads it: where it lies, and its truth."""


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
        where = f"{self.path}:{self.line}" if self.line else self.path
        return legible(f"{where}: {self.reason}")

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
        format: that the files were read in; empty where there is but one.
        division: how many samples each split has and what divided them, in words; empty where the files say it.
    """

    root: str
    findings: tuple[Finding, ...]
    statistics: dict[str, dict[str, Any]]
    fingerprint: str
    samples: tuple[str, ...] = field(default=())
    format: str = ""
    division: str = ""

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
            "format": self.format,
            "division": self.division,
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
class Checked(ABC, Generic[Labelled]):
    """The report, and the samples without errors per split."""

    report: CheckReport
    train: list[Labelled]
    val: list[Labelled]

    def first(self, samples: Sequence[Labelled], limit: int | None) -> list[Labelled]:
        """`limit` samples of a split; all where it is None."""
        return list(samples)[:limit]

    @abstractmethod
    def hold_out(self, train: list[Labelled], share: float, seed: int) -> tuple[list[Labelled], list[Labelled]]:
        """Samples to train on and those held out, about a `share` of them, drawn by `seed`."""
