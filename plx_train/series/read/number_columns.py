"""Columns that hold numbers, as far as a sample of their cells shows; what becomes of the others."""

from __future__ import annotations

from plx_train.series.read.marks import MISSING
from plx_train.series.read.notation import is_gappy, is_value, looks_like_ids, written_beside
from plx_train.series.read.scan import Scan
from plx_train.series.read.time_column import looks_like_times

MIN_NUMERIC = 0.5
"""Share of a column's sampled cells that must be numbers for it to be taken without being named."""


def numeric_columns(scan: Scan, special: tuple[str, ...]) -> tuple[str, ...]:
    """All columns of numbers but the special ones; others are warned of."""
    kept = []
    for place, name in enumerate(scan.header):
        if name in special:
            continue
        cells = [row[place].strip() for row in scan.sample if len(row) > place]
        present = [cell for cell in cells if cell not in MISSING]
        numeric = sum(is_value(cell) for cell in present)
        if not name:
            reason = f"column {place + 1} has no name in the header and is left out"
            if looks_like_times(present):
                reason += f", though it looks like times ({present[0][:30]}): write date above it"
            scan.add(scan.header_line, "warning", "column-unnamed", reason)
        elif (way := written_beside(present)) is not None:
            reason = f"the column {name!r} holds numbers with {way!r} beside them, such as {present[0][:30]!r}: write "
            reason += "numbers alone, or name the columns that matter in dataset.columns.targets"
            scan.add(scan.header_line, "error", "not-a-number", reason)
        elif present and (looks_like_ids(present) or (numeric < MIN_NUMERIC * len(present) and not is_gappy(present))):
            reason = f"the column {name!r} holds texts such as {present[0][:30]!r} and is left out"
            if looks_like_times(present):
                reason += f"; if these are the rows' times, set dataset.columns.time={name!r}"
            scan.add(scan.header_line, "warning", "column-left-out", reason)
        else:
            kept.append(name)
    return tuple(kept)
