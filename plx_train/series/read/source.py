"""Files of series as streams of CSV bytes: plain, compressed, or an Excel sheet turned into such."""

from __future__ import annotations

import gzip
import io
import lzma
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from plx_train.contract.check import Finding
from plx_train.series.read.records import MAX_TABLE as MAX_SHEET
from plx_train.series.read.records import RecordFault, lines_as_csv, parquet_as_csv

EXCEL = (".xlsx", ".xls")
# The stream is closed by whoever opens the source.
OPENERS: dict[str, Callable[[Path], BinaryIO]] = {
    ".csv": lambda path: path.open("rb"),
    ".csv.gz": lambda path: cast(BinaryIO, gzip.open(path, "rb")),  # noqa: SIM115
    ".csv.xz": lambda path: cast(BinaryIO, lzma.open(path, "rb")),  # noqa: SIM115
}
LINES: dict[str, Callable[[Path], BinaryIO]] = {
    f"{suffix}{packed}": OPENERS[f".csv{packed}"] for suffix in (".jsonl", ".ndjson") for packed in ("", ".gz", ".xz")
}
PARQUET = ".parquet"
SUFFIXES = (*OPENERS, *EXCEL, *LINES, PARQUET)
MAX_HELD, NUM_HELD = 1 << 26, 2
"""Bytes of a table, and how many, that are held once they were turned into CSV: a file is looked at several times."""
SETTLED = 2.0
"""Seconds after which a file that is written again has another time."""
READ_FAULTS = (OSError, EOFError, lzma.LZMAError, ValueError)
"""What opening and reading a damaged file can raise; `zlib.error` comes as one of them from `gzip`, or by name."""


@dataclass(frozen=True)
class TableSource:
    """A file that can be read more than once.

    Attributes:
        name: relative to the dataset's folder, for findings.
        open: gives the CSV's bytes from their start.
        path: of the file itself, where it is such a CSV.
        offset: lines of the CSV that the file lacks, such as a header, before its first.
    """

    name: str
    open: Callable[[], BinaryIO]
    path: str | None = None
    offset: int = 0


def find_source(path: Path, root: Path) -> tuple[TableSource | None, list[Finding]]:
    """The file as a source; None, and why, where it is missing, outside `root` or of an unknown kind."""
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)

    def refuse(code: str, reason: str) -> tuple[None, list[Finding]]:
        return None, [Finding(name, 0, "error", code, reason)]

    try:
        is_inside = path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):  # a loop of links, or a zero character
        return refuse("path-invalid", f"the path {str(path)[:100]!r} can't be followed")
    if not is_inside:
        return refuse("path-outside-root", "the file lies outside the dataset's folder")
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "does not exist"
        return refuse("file-missing", f"the file {what}{_others(path)}")
    kind = next((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), None)
    if kind is None:
        return refuse("file-kind", f"files of series end with {', '.join(SUFFIXES)}")
    if kind in EXCEL:
        return _excel(path, name)
    if kind in LINES or kind == PARQUET:
        return _records(path, name, kind)
    opener = OPENERS[kind]
    return TableSource(name, lambda: opener(path), str(path.absolute())), []


def csv_source(content: bytes, name: str = "table") -> TableSource:
    """A CSV in memory; `name` stands in messages."""
    return TableSource(name, lambda: io.BytesIO(content))


def _others(path: Path) -> str:
    if not path.parent.is_dir():
        return ""
    files = sorted(other.name for other in path.parent.iterdir() if other.name.lower().endswith(SUFFIXES))[:5]
    return f"; there is {', '.join(files)}" if files else ""


def _excel(path: Path, name: str) -> tuple[TableSource | None, list[Finding]]:
    """The first sheet, held in memory as CSV: line numbers are the sheet's rows."""
    try:
        if _unpacked_size(path) > MAX_SHEET:
            reason = f"the file unpacks to more than {MAX_SHEET >> 30} GiB: save the sheet as CSV"
            return None, [Finding(name, 0, "error", "file-too-large", reason)]
        content = _converted(path, _sheet)
    except ImportError:
        package = "openpyxl" if path.suffix.lower() == ".xlsx" else "xlrd"
        reason = f"reading Excel needs {package}: pip install 'plx_train[excel]', or save the sheet as CSV"
        return None, [Finding(name, 0, "error", "excel-extra", reason)]
    except Exception as error:  # a damaged archive raises what it likes
        reason = f"the sheet can't be read ({str(error)[:100] or type(error).__name__}): save it as CSV"
        return None, [Finding(name, 0, "error", "file-unreadable", reason)]
    return csv_source(content, name), []


def _records(path: Path, name: str, kind: str) -> tuple[TableSource | None, list[Finding]]:
    """A table without a header line, held in memory as CSV: line numbers are those of JSON lines, or of rows."""
    try:
        content = _converted(path, parquet_as_csv if kind == PARQUET else lambda file: _lines(file, kind))
    except RecordFault as fault:
        return None, [Finding(name, fault.line, "error", fault.code, fault.reason)]
    except ImportError:
        reason = "reading Parquet needs pyarrow: pip install 'plx_train[parquet]', or save the table as CSV"
        return None, [Finding(name, 0, "error", "parquet-extra", reason)]
    except Exception as error:  # a damaged file raises what it likes
        reason = f"the table can't be read ({str(error)[:100] or type(error).__name__}): save it as CSV"
        return None, [Finding(name, 0, "error", "file-unreadable", reason)]
    return TableSource(name, lambda: io.BytesIO(content), offset=1), []


_held: dict[tuple[str, int, int, int, int], bytes] = {}


def _converted(path: Path, convert: Callable[[Path], bytes]) -> bytes:
    """A file as CSV, which is made once as long as the file stays as it is."""
    status = path.stat()
    key = str(path.absolute()), status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    content = _held.get(key)
    if content is None:
        content = convert(path)
        is_settled = time.time() - max(status.st_mtime, status.st_ctime) > SETTLED
        if is_settled and len(content) <= MAX_HELD:
            for old in list(_held)[: max(len(_held) + 1 - NUM_HELD, 0)]:
                _held.pop(old, None)
            _held[key] = content
    return content


def _lines(path: Path, kind: str) -> bytes:
    with LINES[kind](path) as stream:
        return lines_as_csv(stream)


def _unpacked_size(path: Path) -> int:
    """Bytes that an archive says it unpacks to; no more are unpacked. Of other files their own."""
    if not zipfile.is_zipfile(path):
        return path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        return sum(member.file_size for member in archive.infolist())


def _sheet(path: Path) -> bytes:
    import pandas

    table = pandas.read_excel(path, header=None, dtype=object)
    text = table.to_csv(index=False, header=False, lineterminator="\n")
    # Rows without any cell are blank lines, not rows of missing values.
    blank = "," * (table.shape[1] - 1)
    return "\n".join("" if line == blank else line for line in text.split("\n")).encode()
