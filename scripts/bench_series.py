#!/usr/bin/env python
"""What the trainer costs beside a plain loop at tiny forecasting networks, and what a long series needs of memory.

python scripts/bench_series.py speed                    # windows/s, ours and plain in turn, for three networks
python scripts/bench_series.py speed --clock cpu        # the same by the process's own time, where the machine is busy
python scripts/bench_series.py memory --rows 2000000    # peak memory of a run on so many rows, in sizes of the series
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

CONTEXT, HORIZON, BATCH = 96, 24, 32
ROWS = 60_000
NETWORKS = ("DLinear", "PatchTST", "TiDE")
ROUNDS, STEPS = 15, 1000
LOOP_PARTS = ("data", "compute", "log", "save")
CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}
"""Seconds of the day, or those that all threads of the process computed: other work does not lengthen the latter."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "memory", "one-memory-run"))
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--tracking", default="null", help="null: MLflow in a file of its own; off")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.what == "one-memory-run":
        memory_run(given.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.what == "speed":
            write_series(folder, ROWS)
            for network in given.networks:
                compare_speed(network, folder, given.steps, given.tracking, CLOCKS[given.clock])
        else:
            write_series(folder, given.rows)
            compare_memory(folder, given.rows)


def write_series(folder: Path, num_rows: int) -> None:
    """A noisy sine an hour, ``train.csv``, and a short ``val.csv``."""
    for file, start, count in (("train.csv", 0, num_rows), ("val.csv", num_rows, 300)):
        rows = np.arange(start, start + count)
        values = np.sin(rows * 2 * np.pi / 24) + np.random.default_rng(start).normal(0, 0.1, count)
        times = np.datetime64("1900-01-01", "s") + rows.astype("timedelta64[h]")
        with (folder / file).open("w") as out:
            out.write("date,load\n")
            out.writelines(f"{time},{value:.6f}\n" for time, value in zip(times, values, strict=True))


def overrides(folder: Path, output: Path, network: str, num_steps: int) -> list[str]:
    return [
        *(
            "module=ts_forecast",
            f"module.network={network}",
            f"dataset.root={folder}",
            "dataset.columns.targets=[load]",
        ),
        *(
            f"module.context={CONTEXT}",
            f"module.horizon={HORIZON}",
            f"output={output}",
            f"trainer.max_steps={num_steps}",
        ),
        *("trainer.epochs=1000", "trainer.eval_every_epochs=1000", f"trainer.batch_size={BATCH}", "device=cpu"),
        *("quiet=true", f"tracking.uri=sqlite:///{output}.db"),
    ]


def compare_speed(network: str, folder: Path, num_steps: int, tracking: str, clock: Callable[[], float]) -> None:
    """Prints windows/s of both, the median overhead, and the middle half of the rounds."""
    ours, plain = [], []
    for turn in range(ROUNDS):
        plain.append(plain_loop(network, folder, num_steps, clock))
        ours.append(our_loop(network, folder, folder / f"{network}_{turn}", num_steps, tracking, clock))
    overheads = [100 * (own / other - 1) for own, other in zip(ours, plain, strict=True)]
    low, middle, high = statistics.quantiles(overheads, n=4)
    print(
        f"{network}: plain {BATCH / statistics.median(plain):.0f} windows/s, ours "
        f"{BATCH / statistics.median(ours):.0f}, overhead {middle:.1f} % ({low:.1f} to {high:.1f}; "
        f"{1e3 * statistics.median(plain):.2f} ms a step)",
        flush=True,
    )


def our_loop(
    network: str, folder: Path, output: Path, num_steps: int, tracking: str, clock: Callable[[], float]
) -> float:
    """Seconds a step of a run, between its evaluations, tracking and checkpoints included."""
    import contextlib
    import io
    from types import SimpleNamespace

    import plx_train
    from plx_train.train import loop as trainer

    vars(trainer)["time"] = SimpleNamespace(perf_counter=clock)

    given = overrides(folder, output, network, num_steps) + (["tracking=off"] if tracking == "off" else [])
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        plx_train.run(given)
    states = sorted((output / "checkpoints").glob("step_*/state.json"), key=lambda path: path.stat().st_mtime)
    loop = json.loads(states[-1].read_text())["loop"]
    return sum(loop["timing"].get(part, 0.0) for part in LOOP_PARTS) / loop["step"]


def plain_loop(network: str, folder: Path, num_steps: int, clock: Callable[[], float]) -> float:
    """Seconds a step of the shortest loop that trains the same: windows by index, clipped AdamW."""
    import paddle

    from plx_train.nn.series.registry import build_forecaster
    from plx_train.nn.series.shape import SeriesShape

    paddle.seed(0)
    values = np.loadtxt(folder / "train.csv", delimiter=",", skiprows=1, usecols=1, dtype=np.float32)
    values = ((values - values.mean()) / values.std())[:, None]
    windows = np.lib.stride_tricks.sliding_window_view(values[:, 0], CONTEXT + HORIZON)
    model = build_forecaster(network, SeriesShape(CONTEXT, HORIZON, 1))
    rate = paddle.optimizer.lr.CosineAnnealingDecay(1e-3, num_steps)
    clip = paddle.nn.ClipGradByGlobalNorm(5.0)
    optimizer = paddle.optimizer.AdamW(rate, parameters=model.parameters(), weight_decay=5e-5, grad_clip=clip)
    order = np.random.default_rng(0).permutation(len(windows))
    model.train()
    started, total = clock(), 0.0
    for step in range(num_steps):
        start = step * BATCH % (len(order) - BATCH)
        rows = windows[order[start : start + BATCH]][:, :, None]
        found = model(paddle.to_tensor(rows[:, :CONTEXT]))
        loss = paddle.nn.functional.mse_loss(found, paddle.to_tensor(rows[:, CONTEXT:]))
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        rate.step()
        total += float(loss)
    return (clock() - started) / num_steps


def compare_memory(folder: Path, num_rows: int) -> None:
    """Prints the peak of a short run on the long series above that of one on a short series."""
    short = folder / "short"
    short.mkdir()
    write_series(short, 2_000)
    peaks = {}
    for name, root in (("short", short), ("long", folder)):
        command = [sys.executable, __file__, "one-memory-run", "--folder", str(root)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            raise SystemExit(done.stderr[-2000:])
        peaks[name] = json.loads(done.stdout.splitlines()[-1])
    size = num_rows * 2 * 8 / 2**20
    for moment in peaks["long"]:
        more = peaks["long"][moment] - peaks["short"][moment]
        times = f"{more / size:.2f} times the {size:.0f} MiB of times and values"
        print(f"{moment}: {more:.0f} MiB more than for 2,000 rows, {times}")


def memory_run(folder: Path) -> None:
    import plx_train

    output = folder / "run"
    plx_train.run([*overrides(folder, output, "DLinear", 20), "tracking=off", "dataset.columns.time=date"])
    print(json.dumps({"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10}))


if __name__ == "__main__":
    main()
