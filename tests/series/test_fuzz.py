"""Damaged tables end in findings, never in a traceback; what is read of them without one is what stands there."""

from __future__ import annotations

import gzip
import io
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plx_train.ground.errors import UserError
from plx_train.series.read.given import series_given
from plx_train.series.read.reader import Columns, read_series

CASES = 60
DATES = [f"2024-01-{day:02d} {hour:02d}:00" for day in (1, 2) for hour in range(24)]


def tables() -> dict[str, bytes]:
    """A sound table in every format."""
    frame = pd.DataFrame({"date": DATES, "g": ["a"] * 24 + ["b"] * 24, "a": np.arange(48) / 8, "b": np.arange(48) % 5})
    packed = io.BytesIO()
    frame.to_parquet(packed)
    csv = frame.to_csv(index=False).encode()
    german = frame.to_csv(index=False, sep=";", decimal=",").encode()
    lines = frame.to_json(orient="records", lines=True).encode()
    found = {"t.csv": csv, "g.csv": german, "t.csv.gz": gzip.compress(csv), "t.jsonl": lines}
    return found | {"t.parquet": packed.getvalue()}


def damaged(content: bytes, draw: random.Random) -> bytes:
    """`content` with bytes flipped, cut off, put in, taken out, or appended."""
    data = bytearray(content)
    kind = draw.randrange(6)
    if kind == 0:
        return bytes(data[: draw.randrange(len(data))])
    if kind == 1:
        return bytes(data) + draw.randbytes(draw.randrange(1, 40))
    for _ in range(draw.choice((1, 1, 3, 20))):
        place = draw.randrange(len(data))
        if kind == 2:
            data[place] ^= 1 << draw.randrange(8)
        elif kind == 3:
            data[place:place] = draw.choice(
                (b",", b'"', b"\n", b"\r", b";", b"\0", b"#", b".", b"-999", b"1e400", b"\xff")
            )
        elif kind == 4:
            del data[place : place + draw.randrange(1, 5)]
        else:
            data[place] = draw.choice(b'0123456789,.;"\n\r\0 -eN')
    return bytes(data)


@pytest.mark.parametrize("name", ["t.csv", "g.csv", "t.csv.gz", "t.jsonl", "t.parquet"])
def test_no_damage_ends_in_a_traceback(tmp_path: Path, name: str) -> None:
    content, draw = tables()[name], random.Random(name)
    path, named = tmp_path / name, Columns("date", None, "g")
    for _ in range(CASES):
        path.write_bytes(damaged(content, draw))
        series, findings = read_series(path, tmp_path, named)
        assert series or any(finding.level == "error" for finding in findings)
        try:
            given = series_given(path, Columns("date", ("a", "b"), "g"))
        except UserError:
            given = []
        assert all(one.values.shape == (len(one), 2) for one in given)


def test_what_is_read_is_what_stands_there(tmp_path: Path) -> None:
    """A cell of digits with other characters in them is read as Python reads it, or told."""
    draw, path = random.Random(5), tmp_path / "t.csv"
    marks = "0123456789.,-+eE '\u00a0"
    num_compared = 0
    for _ in range(4 * CASES):
        cells = [str(draw.randrange(1000)) for _ in range(draw.randrange(1, 3))]
        odd = "".join(draw.choice(marks) for _ in range(draw.randrange(1, 6)))
        cells.insert(draw.randrange(len(cells) + 1), odd)
        path.write_text("t,a,b\n" + "".join(f'{row},1.5,"{cell}"\n' for row, cell in enumerate(cells)), "utf-8")
        series, findings = read_series(path, tmp_path, Columns("t", ("a", "b")))
        if not series or any(finding.level == "error" for finding in findings):
            continue
        wanted = [_as_python_reads(cell) for cell in cells]
        np.testing.assert_array_equal(series[0].values[:, 1], wanted, str(cells))
        num_compared += bool(odd.strip())
    assert num_compared > 50


def _as_python_reads(cell: str) -> float:
    return float(cell) if cell.strip() else float("nan")
