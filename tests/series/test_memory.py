"""Long series fit into memory: what reading, cutting and filling them need beside the numbers themselves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from plx_train.series.scale import Scaler
from plx_train.series.windows import WindowBlock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from the kernel")

READ = """
import sys
from pathlib import Path
import pandas
from plx_train.series.read.reader import Columns, read_series

def peak():
    text = Path("/proc/self/status").read_text()
    return int(text[text.index("VmHWM:") + 6 :].split()[0]) * 1024

folder = Path(sys.argv[1])
# Imports and what pandas keeps whatever it reads are no part of it.
read_series(folder / "short.csv", folder, Columns("date"))
before = peak()
(series,), findings = read_series(folder / "long.csv", folder, Columns("date"))
assert not [finding for finding in findings if finding.level == "error"], findings
print((peak() - before) / series.values.nbytes, len(series))
"""


def write(path: Path, rows: int, shuffled: bool = False) -> None:
    """Minutes and three columns of numbers."""
    places = np.arange(rows)
    if shuffled:
        places = places[::-1]
    days = np.datetime64("2020-01-01T00:00:00") + places.astype("timedelta64[m]")
    values = np.round(np.sin(places[:, None] / [7, 11, 13]), 4).astype(str).tolist()
    with path.open("w") as stream:
        stream.write("date,a,b,c\n")
        stream.writelines(f"{day},{','.join(row)}\n" for day, row in zip(days.astype(str), values, strict=True))


def peak_share(folder: Path) -> tuple[float, int]:
    """What reading ``long.csv`` takes, in sizes of its numbers, and its rows."""
    done = subprocess.run([sys.executable, "-c", READ, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    share, rows = done.stdout.split()
    return float(share), int(rows)


def test_reading_needs_twice_the_numbers_at_most(tmp_path: Path) -> None:
    write(tmp_path / "short.csv", 20_000)
    write(tmp_path / "long.csv", 250_000)
    share, rows = peak_share(tmp_path)
    assert rows == 250_000 and 1 < share < 2.5


@pytest.mark.slow
@pytest.mark.parametrize(("shuffled", "most"), [(False, 2.0), (True, 2.8)])
def test_two_million_rows_need_twice_their_numbers_at_most(tmp_path: Path, shuffled: bool, most: float) -> None:
    write(tmp_path / "short.csv", 20_000)
    write(tmp_path / "long.csv", 2_000_000, shuffled)
    share, rows = peak_share(tmp_path)
    # In the wrong order their places are kept too, for the lines of findings.
    assert rows == 2_000_000 and 1 < share < most


@pytest.mark.long
def test_wide_tables_are_read_in_smaller_pieces(tmp_path: Path) -> None:
    for name, rows in (("short.csv", 20), ("long.csv", 6000)):
        head = "date," + ",".join(f"c{column}" for column in range(1000))
        with (tmp_path / name).open("w") as stream:
            stream.write(head + "\n")
            tail = ",".join(f"0.{column}" for column in range(1, 1001))
            stream.writelines(f"{row},{tail[: -len(str(row)) - 1]}{row}\n" for row in range(rows))
    share, rows = peak_share(tmp_path)
    assert rows == 6000 and share < 2


def traced_peak(work: object) -> int:
    """Bytes that a call takes at most beside what it finds."""
    import tracemalloc

    assert callable(work)
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_windows_are_no_copies_and_a_batch_is_one() -> None:
    values = np.zeros((200_000, 4), np.float32)
    assert traced_peak(lambda: WindowBlock([values], 336)) < 100_000
    block = WindowBlock([values], 336)
    numbers = np.arange(0, 128_000, 1000)
    batch = 128 * 336 * 4 * 4
    assert batch <= traced_peak(lambda: block(numbers)) < 1.2 * batch


def test_scaling_is_fitted_piece_by_piece() -> None:
    values = np.random.default_rng(0).normal(size=(500_000, 4))
    assert traced_peak(lambda: Scaler.fit([values])) < 0.6 * values.nbytes
