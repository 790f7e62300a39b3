#!/usr/bin/env python
"""Whether PaddleX finds the same in series as this package does, from the same frozen folder.

python scripts/check_paddlex_series.py --paddlex <python with paddlex 3.7> EXPORT TABLE [EXPORT TABLE …]

EXPORT is an exported folder of ts_forecast, ts_anomaly or ts_cls, TABLE a CSV. PaddleX needs its extra ts. It takes a
table as one series, repeats the first result of several, looks for anomalies in the last window alone, and fails with
series to classify that are shorter than the model's: each series is given to it by itself, windows are compared with
windows, and shorter series are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

PLACES = {
    "ts_forecast": ("ts_forecast", "TSForecast", "forecast"),
    "ts_anomaly": ("ts_anomaly_detection", "TSAnomalyDetection", "anomaly"),
    "ts_cls": ("ts_classification", "TSClassification", "classification"),
}
MAX_SERIES = 20
TOLERANCE = 1e-4
"""Largest difference of forecasts and scores, relative to the size of the forecasts' numbers."""
IN_PADDLEX = """
import json, sys
from paddlex import create_pipeline
pipeline = create_pipeline(pipeline="pipeline.yaml", device="cpu")
found = []
for table in sys.argv[2:]:
    result = next(iter(pipeline.predict(table)))[sys.argv[1]].reset_index()
    found.append({name: [str(value) for value in result[name]] for name in result.columns})
print("FOUND" + json.dumps(found))
"""


def main() -> int:
    """Prints a line per export; the exit code is 1 if one differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paddlex", required=True)
    parser.add_argument("given", nargs="+", type=Path)
    options = parser.parse_args()
    pairs = list(zip(options.given[::2], options.given[1::2], strict=True))
    same = [compare(options.paddlex, export.absolute(), table.absolute()) for export, table in pairs]
    return int(not all(same))


def compare(python: str, export: Path, table: Path) -> bool:
    """Whether both find the same; printed."""
    import plx_train

    room = plx_train.Predictor(export).module
    name, part, key = PLACES[room]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "frozen"
        given = [f"pipeline={name}", f"models.{part}={export}", f"output={folder}", "tracking=off"]
        subprocess.run(
            [sys.executable, "-m", "plx_train", "mode=export_pipeline", *given], check=True, capture_output=True
        )
        pipeline = plx_train.pipeline(folder)
        tables = write_tables(pipeline, room, table, Path(scratch))
        try:
            ours = [found_here(pipeline, one, key) for one in tables]
        except plx_train.UserError as error:
            raise SystemExit(f"{table}: {error}") from None
        theirs = in_paddlex(python, folder, key, tables)
    faults = [difference(key, own, other) for own, other in zip(ours, theirs, strict=True)]
    worst, same = max(fault[0] for fault in faults), all(fault[1] for fault in faults)
    verdict = "equal" if same and worst <= TOLERANCE else "DIFFERENT"
    labels = "" if key == "forecast" else f", labels {'equal' if same else 'differ'}"
    print(f"{room} ({export}): {len(tables)} series, {verdict}; largest difference {worst:.1e}{labels}")
    return verdict == "equal"


def found_here(pipeline: Any, table: Path, key: str) -> Any:
    """What this package finds; scores of classes without the temperature that calibrates them, which PaddleX lacks."""
    result = next(iter(pipeline.predict(table)))
    if key != "classification":
        return result[key]
    powers = np.asarray(result["scores"]) ** pipeline.processor.temperature
    return result[key].assign(score=powers[0] / powers.sum())


def write_tables(pipeline: Any, room: str, table: Path, folder: Path) -> list[Path]:
    """A table per series of `table` that PaddleX can take."""
    import pandas

    frame, group = pandas.read_csv(table), pipeline.processor.group
    parts = [part for _, part in frame.groupby(group, sort=False)] if group in frame else [frame]
    if room == "ts_anomaly":
        parts = [part[-pipeline.processor.context :] for part in parts]
    if room == "ts_cls":
        parts = [part for part in parts if len(part) >= pipeline.processor.length]
    if not parts:
        raise SystemExit(f"{table} holds no series as long as the model's: PaddleX can take none")
    paths = [folder / f"{number}.csv" for number in range(min(len(parts), MAX_SERIES))]
    for path, part in zip(paths, parts, strict=False):
        part.to_csv(path, index=False)
    return paths


def in_paddlex(python: str, folder: Path, key: str, tables: list[Path]) -> list[dict[str, list[str]]]:
    """The tables that PaddleX finds, in its own environment."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-c", IN_PADDLEX, key, *map(str, tables)], cwd=folder, capture_output=True, text=True, check=False,
        env=environment | {"PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK": "True"},
    )  # fmt: skip
    if "FOUND" not in done.stdout:
        raise SystemExit(f"PaddleX failed:\n{done.stderr[-2000:]}")
    found: list[dict[str, list[str]]] = json.loads(done.stdout.split("FOUND")[1])
    return found


def difference(key: str, ours: Any, theirs: dict[str, list[str]]) -> tuple[float, bool]:
    """The largest difference of numbers, and whether labels are the same, on the rows that PaddleX answers for."""
    if key == "forecast":
        names = [name for name in theirs if name in ours.columns]
        other = np.asarray([theirs[name] for name in names], np.float64).T
        own = ours[names].to_numpy(np.float64)
        return float(np.abs(own - other).max() / max(np.abs(own).max(), 1e-9)), True
    if key == "anomaly":
        other = np.asarray(theirs["label"], np.float64).astype(int)
        return 0.0, bool((ours["label"].to_numpy()[-len(other) :] == other).all())
    same = list(map(str, ours["classid"])) == theirs["classid"]
    return float(abs(ours["score"].iloc[0] - float(theirs["score"][0]))), same


if __name__ == "__main__":
    sys.exit(main())
