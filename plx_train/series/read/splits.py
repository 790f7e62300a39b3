"""A split of a dataset of series: its file read, checked and filled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plx_train.contract.check import Finding
from plx_train.data.fingerprint import fingerprint
from plx_train.ground.errors import DataError
from plx_train.ground.files import user_path
from plx_train.series.frame import Series
from plx_train.series.frequency import Frequency, infer_frequency
from plx_train.series.read.cell_faults import OTHER_NOTATION
from plx_train.series.read.fill import fill_series
from plx_train.series.read.reader import read_file, read_header
from plx_train.series.read.roles import Roles, find_roles, with_targets
from plx_train.series.step import EVEN, UNEVEN

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions


Changed = tuple[tuple[Path, int], ...]
"""Files of a dataset, the one that is read first, and when each was changed."""


@dataclass(frozen=True)
class ReadSplit:
    """A file of series.

    Attributes:
        file: its name in the dataset's folder.
        series: without a missing value, in the order of the roles; none where the file can't be used.
        frequency: of the longest series; None where there is none.
        missing: numbers that marked missing values.
        time_format: how times are written, where day and month may be mistaken.
    """

    file: str
    roles: Roles
    series: list[Series]
    findings: list[Finding]
    frequency: Frequency | None
    missing: tuple[float, ...] = ()
    time_format: str | None = None

    @property
    def frequency_text(self) -> str:
        """The frequency as PaddleX writes it; 1 where there is none."""
        return str(self.frequency.text) if self.frequency else "1"

    def facts(self) -> dict[str, Any]:
        """What a model remembers of how the file is written, by the names of a processor's fields."""
        return {
            "frequency": self.frequency_text,
            "time": self.roles.time,
            "group": self.roles.group,
            "missing": self.missing,
            "time_format": self.time_format,
            "steps": self._steps(),
        }

    def _steps(self) -> str | None:
        """Whether whole numbers that count time are evenly spaced; None of dates, and of rows that are counted."""
        if not self.series or self.series[0].is_datetime or self.roles.time is None:
            return None
        return EVEN if self.frequency else UNEVEN


@dataclass(frozen=True)
class SeriesData:
    """A dataset of series: its two files as they were read."""

    root: Path
    train: ReadSplit
    val: ReadSplit


def roles_of(dataset: DatasetOptions) -> Roles:
    """What the dataset's columns are for, the open places filled from the training file's header."""
    options = dataset.columns
    root = user_path(dataset.root)
    named = Roles(
        options.time,
        tuple(options.targets) if options.targets is not None else None,
        tuple(options.past_covariates),
        tuple(options.future_covariates),
        tuple(options.static_covariates),
        options.group,
        options.label,
    )
    header = read_header(root / dataset.train, root)
    return find_roles(header, named)


def read_split(dataset: DatasetOptions, file: str, roles: Roles) -> ReadSplit:
    """The split in `file`; a second call for the same content reads nothing."""
    root = user_path(dataset.root)
    path = root / file
    files = dict.fromkeys((file, dataset.train, dataset.val))
    changed = tuple((root / one, (root / one).stat().st_mtime_ns if (root / one).is_file() else 0) for one in files)
    return _read(
        path,
        root if path.is_relative_to(root) else path.parent,
        file,
        roles,
        (dataset.fill, tuple(dataset.missing)),
        dataset.time_zone,
        changed,
    )


def read_data(dataset: DatasetOptions, train: Roles, val: Roles | None = None) -> SeriesData:
    """Both files of a dataset, by the roles that their columns have.

    Args:
        val: None: those found in the training file, all numbers of which were targets where none were named.
    """
    root = user_path(dataset.root)
    first = read_split(dataset, dataset.train, train)
    return SeriesData(root, first, read_split(dataset, dataset.val, val or first.roles))


@lru_cache(maxsize=4)
def _read(
    path: Path,
    root: Path,
    file: str,
    roles: Roles,
    policy: tuple[str, tuple[float, ...]],
    time_zone: str | None,
    changed: Changed,
) -> ReadSplit:
    fill, missing = policy
    others = [other for other, _ in changed[1:]]
    read = read_file(path, root, replace(roles.columns(), missing=missing), time_zone, others)
    found, findings = read.series, read.findings
    texts = [name for name in roles.flags if found and name not in found[0].columns]
    if texts:
        reason = f"the column {texts[0]!r} holds texts: mark rows by 0 and 1"
        return ReadSplit(file, roles, [], [*findings, Finding(file, 1, "error", "flag-not-0-or-1", reason)], None)
    if found and roles.targets is None:
        roles = with_targets(roles, found[0].columns)
        wanted = roles.columns().values or ()
        found = [replace(one, columns=tuple(wanted), values=one.select(wanted)) for one in found]
    longest = max(found, key=len, default=None)
    frequency = infer_frequency(longest.times, longest.is_datetime) if longest is not None else None
    filled = []
    for one in found:
        try:
            whole, _ = fill_series(one, fill, frequency, roles.flags)
        except DataError as error:
            if any(finding.code == OTHER_NOTATION for finding in findings):
                continue  # nothing is missing once the numbers can be read
            name, _, line = one.where.rpartition(":")
            findings = [*findings, Finding(name, int(line), "error", "missing-values", str(error))]
        else:
            filled.append(whole)
    if any(finding.level == "error" and finding.code != "missing-values" for finding in findings):
        filled = []
    return ReadSplit(file, roles, filled, list(findings), frequency, missing, read.time_format)


def fingerprint_of(root: Path, files: Sequence[str]) -> str:
    """Fingerprint of the files' content; files that are missing count as such."""
    return fingerprint(root, [file for file in files if (root / file).is_file()]).value
