"""Series with a column that marks anomalous rows: read, split into features and marks, cut to normal stretches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from plx_train.ground.files import user_path
from plx_train.metrics.events import events
from plx_train.series.frame import Series
from plx_train.series.read.reader import read_header
from plx_train.series.read.roles import Roles
from plx_train.series.read.splits import ReadSplit, SeriesData, read_split, roles_of

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions


@dataclass(frozen=True)
class MarkedData(SeriesData):
    """The series of both files with their marks.

    Attributes:
        label: column of 0 and 1 that marks anomalies; None where neither file has one.
        has_anomalies: whether what is judged has normal and anomalous rows; else there is the reconstruction error
            alone.
    """

    label: str | None
    has_anomalies: bool


def read_marked(dataset: DatasetOptions) -> MarkedData:
    """The series of both files; the last column of a file marks anomalies, where it has such a column."""
    train, val = (_read(dataset, file) for file in (dataset.train, dataset.val))
    judged = train if dataset.overfit else val
    label = next(iter((*train.roles.flags, *judged.roles.flags)), None)
    return MarkedData(user_path(dataset.root), train, val, label, has_both_kinds(judged.series, label))


def _read(dataset: DatasetOptions, file: str) -> ReadSplit:
    roles, root = roles_of(dataset), user_path(dataset.root)
    is_marked = roles.label is not None and (
        roles.label in read_header(root / file, root) or dataset.columns.label is not None
    )
    flags = (roles.label,) if is_marked and roles.label else ()
    return read_split(dataset, file, Roles(roles.time, roles.targets, group=roles.group, flags=flags))


def marks_of(series: Series, label: str | None) -> np.ndarray | None:
    """1 where a row is anomalous, uint8 (T,); None where the series has no such column."""
    if label is None or label not in series.columns:
        return None
    return (series.column(label) > 0).astype(np.uint8)


def has_both_kinds(samples: Sequence[Series], label: str | None) -> bool:
    """Whether there are normal and anomalous rows."""
    found = [marks for marks in (marks_of(one, label) for one in samples) if marks is not None]
    return any(marks.any() for marks in found) and not all(marks.all() for marks in found)


def features_of(series: Series, label: str | None) -> Series:
    """`series` without its marks; its values are a view."""
    if label is None or label not in series.columns:
        return series
    names = tuple(name for name in series.columns if name != label)
    return replace(series, columns=names, values=series.select(names))


def normal_stretches(series: Series, label: str | None, shortest: int = 1) -> list[Series]:
    """Rows in a row that no mark interrupts, `shortest` of them at least; the whole series where nothing is marked."""
    marks = marks_of(series, label)
    if marks is None or not marks.any():
        return [series] if len(series) >= shortest else []
    return [series.rows(int(first), int(end)) for first, end in events(marks == 0) if end - first >= shortest]
