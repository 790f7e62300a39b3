"""Whether validation repeats what was trained on: shared times, copied rows, and the order of the two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plx_train.contract.check import Finding, Level
from plx_train.series.frame import Series, time_text
from plx_train.series.read.content import limited

BLOCK_ROWS, LONG_BLOCK_ROWS = 16, 64
"""Rows in a row that must be equal to be called copied: single rows are often equal by chance."""
FEW_ROWS = 256
"""Where there are fewer kinds of rows than this, as in counts and levels, blocks are long."""
MIN_ROWS = 4
"""A series shorter than a block is compared as a whole with those as short; one shorter than this with none."""
MIN_CHANGES = 0.5
"""Share of a block's rows that must differ from the row before: nights and standstills repeat themselves."""
MAX_COPIED = 0.5
"""Share of validation's rows that may be copies before it is an error."""
MIN_COPIED = 0.01
FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Odd, with bits all over: multiplied by it, neighbouring numbers are far apart."""


def leakage_findings(train: Sequence[Series], val: Sequence[Series], context: int = 0) -> list[Finding]:
    """Findings between training and validation series, at the validation file's lines.

    Args:
        train, val: of the two files; series with classes are compared by content alone.
        context: rows at the beginning of a validation series that may be training rows, as the context of its first
            window: none of them is predicted.
    """
    partners = {series.group: series for series in train if len(series)}
    findings, predicted = [], []
    for series in val:
        partner = partners.get(series.group) if series.label is None and len(series) else None
        skipped = _rows_shared_first(partner, series, context) if partner is not None else 0
        predicted.append(series.rows(skipped))
        if partner is not None:
            findings += _shared_times(partner, series, skipped)
    # Rows at shared times were told of already; elsewhere copies show in the values alone.
    if not any(finding.code == "rows-in-both" for finding in findings):
        findings += _copied(train, predicted)
    return limited(findings)


def _rows_shared_first(train: Series, val: Series, most: int) -> int:
    """How many rows at the beginning of `val`, of `most`, stand at times of `train`."""
    shared = np.isin(val.times[:most], train.times) & (train.is_datetime == val.is_datetime)
    return len(shared) if shared.all() else int(shared.argmin())


def _shared_times(train: Series, val: Series, skipped: int) -> list[Finding]:
    if train.is_datetime != val.is_datetime:
        reason = f"{val.name}: times are {_kind(val)}, those of {train.name} are {_kind(train)}"
        return [_finding(val, "error", "times-differ-in-kind", reason)]
    shared, in_train, in_val = np.intersect1d(train.times, val.times, return_indices=True)
    predicted = in_val >= skipped
    findings = []
    if predicted.any() and train.columns == val.columns:
        same = np.equal(train.values[in_train[predicted]], val.values[in_val[predicted]]).all(1)
        first = time_text(shared[predicted][0], val.is_datetime)
        if same.mean() > MAX_COPIED:
            reason = (
                f"{val.name}: {int(same.sum())} of {len(val)} rows, from {first} on, are rows of {train.name}: "
                "validation must hold what was not trained on"
            )
            level: Level = "error" if same.sum() > MAX_COPIED * (len(val) - skipped) else "warning"
            findings.append(_finding(val, level, "rows-in-both", reason))
        elif val.is_datetime:
            reason = f"{val.name}: {int(predicted.sum())} times, from {first} on, are in {train.name} as well"
            findings.append(_finding(val, "warning", "times-in-both", f"{reason}, with other values"))
    if val.is_datetime and val.times[0] < train.times[0]:
        begins, later = time_text(val.times[0]), time_text(train.times[0])
        reason = f"{val.name} begins at {begins}, before {train.name} at {later}: models are judged on what comes later"
        findings.append(_finding(val, "warning", "validation-earlier", reason))
    return findings


def _copied(train: Sequence[Series], val: Sequence[Series]) -> list[Finding]:
    """Series of which blocks of rows are in a training series, at whatever time."""
    if not train or not val or train[0].columns != val[0].columns:
        return []
    num_rows = _block_length(train)
    trained = {size: np.unique(np.concatenate(hashes)) for size, hashes in _hashes_by_size(train, num_rows).items()}
    shares = []
    for series in val:
        size = min(num_rows, len(series))
        hashes = _block_hashes(series.values, size)
        starts = np.flatnonzero(_are_among(hashes, trained.get(size, hashes[:0])) & (hashes != 0))
        shares.append(_covered(starts, size, len(series)))
    lengths = [len(series) for series in val]
    copied = float(np.dot(shares, lengths)) / max(sum(lengths), 1)
    level: Level = "error" if copied > MAX_COPIED else "warning"
    reason = "{}: {:.0%} of the rows are copies of training rows, {} or more in a row"
    return [
        _finding(series, level, "rows-copied", reason.format(series.name, share, min(num_rows, length)))
        for series, share, length in zip(val, shares, lengths, strict=True)
        if share >= MIN_COPIED
    ]


def _are_among(numbers: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Whether each number is one of `known`, which ascend: `np.isin` would sort them anew for every series."""
    if not len(known):
        return np.zeros(len(numbers), bool)
    return known[np.minimum(np.searchsorted(known, numbers), len(known) - 1)] == numbers


def _block_length(train: Sequence[Series]) -> int:
    rows = np.concatenate([_row_hashes(series.values) for series in train])
    return BLOCK_ROWS if len(np.unique(rows)) >= FEW_ROWS else LONG_BLOCK_ROWS


def _hashes_by_size(train: Sequence[Series], num_rows: int) -> dict[int, list[np.ndarray]]:
    """The blocks' hashes of all series by the blocks' lengths: `num_rows`, or those of shorter series."""
    found: dict[int, list[np.ndarray]] = {}
    for series in train:
        size = min(num_rows, len(series))
        found.setdefault(size, []).append(_block_hashes(series.values, size))
    return found


def _covered(starts: np.ndarray, size: int, length: int) -> float:
    """Share of `length` rows that blocks of `size` rows at `starts` cover."""
    if len(starts) == 0:
        return 0.0
    edges = np.zeros(length + 1, np.int64)
    np.add.at(edges, starts, 1)
    np.add.at(edges, starts + size, -1)
    return float((np.cumsum(edges)[:-1] > 0).mean())


def _block_hashes(values: np.ndarray, num_rows: int) -> np.ndarray:
    """A number for each `num_rows` rows in a row, uint64 (T - num_rows + 1,); 0 where they hardly change."""
    count = len(values) - num_rows + 1
    if count < 1 or num_rows < MIN_ROWS:
        return np.zeros(0, np.uint64)
    rows = _row_hashes(values)
    changes = np.concatenate([[0], np.cumsum(rows[1:] != rows[:-1])])
    blocks = np.zeros(count, np.uint64)
    for row in range(num_rows):
        blocks = blocks * FACTOR + rows[row : row + count]
    changed = changes[num_rows - 1 :] - changes[:count]
    return np.where(changed >= MIN_CHANGES * (num_rows - 1), blocks | np.uint64(1), np.uint64(0))


def _row_hashes(values: np.ndarray) -> np.ndarray:
    """A number for each row of values (T, C), uint64 (T,)."""
    rows = np.zeros(len(values), np.uint64)
    for column in values.T:
        bits = np.ascontiguousarray(column + 0.0).view(np.uint64)  # + 0.0: -0.0 is equal to 0.0
        rows = _mixed(rows ^ bits)
    return rows


def _mixed(numbers: np.ndarray) -> np.ndarray:
    numbers = numbers * FACTOR
    return (numbers ^ (numbers >> np.uint64(29))) * FACTOR


def _kind(series: Series) -> str:
    return "datetimes" if series.is_datetime else "integers"


def _finding(series: Series, level: Level, code: str, reason: str) -> Finding:
    path, _, line = series.where.rpartition(":")
    return Finding(path, int(line), level, code, reason)
