#!/usr/bin/env python3
"""Another trainer and ours in turn, on the same network, batch, size and pages; prints a table of ratios.

    python scripts/bench_training.py --peer paddleocr --checkout PaddleOCR --python .venv-paddleocr/bin/python
    python scripts/bench_training.py --peer paddledetection --checkout PaddleDetection --python …

How each peer is to be had stands in training_peers/. Each round starts every trainer once, as a process of its own with
as many threads as all get, and times the steps after the first two from the trainer's own record: data, step, log and
tracking included. Without --checkout ours are compared alone. Ends with 1 if a trainer fails.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training_peers.paddledetection import PADDLEDETECTION
from training_peers.paddleocr import PADDLEOCR
from training_peers.peer import WARM_UP, Peer, Setting

PEERS = {"paddleocr": PADDLEOCR, "paddledetection": PADDLEDETECTION}


@dataclass(frozen=True)
class Bench:
    """The trainers that are compared.

    Attributes:
        checkout: a clone of the peer; None: ours are compared alone.
        python: of an environment with what the peer needs.
    """

    peer: Peer
    checkout: Path | None
    python: Path
    setting: Setting

    def seconds(self, name: str) -> list[float]:
        """Seconds of each timed step of the trainer of that name."""
        return self._of_the_peer() if name == self.peer.name else self._of_ours(name)

    def _of_ours(self, name: str) -> list[float]:
        """From the times at which the steps were logged."""
        with tempfile.TemporaryDirectory() as folder:
            uri = f"sqlite:///{folder}/mlflow.db"
            steps = WARM_UP + self.setting.steps
            arguments = [
                *self.peer.overrides(self.setting),
                *("device=cpu", f"device.threads={self.setting.threads}", f"output={folder}/run"),
                *(f"trainer.batch_size={self.setting.batch}", f"trainer.max_steps={steps}"),
                *("trainer.log_every_steps=1", "trainer.eval_every_epochs=null", f"tracking.uri={uri}", "quiet=true"),
                *self.peer.variants[name],
            ]
            done = self._call([sys.executable, "-m", "plx_train", *arguments])
            record = Path(folder) / "run" / "run.json"
            if not record.exists():
                fail(done)
            facts = json.loads(record.read_text("utf-8"))
            from mlflow import MlflowClient

            points = MlflowClient(uri).get_metric_history(facts["run_id"], "train/loss")
        # What few steps from scratch leave may fail the proof of its export, which comes after what is timed.
        if len(points) < steps:
            fail(done)
        ends = [point.timestamp for point in sorted(points, key=lambda point: point.step)]
        return [(after - before) / 1000 for before, after in zip(ends[WARM_UP - 1 :], ends[WARM_UP:], strict=False)]

    def _of_the_peer(self) -> list[float]:
        """As its trainer prints them."""
        assert self.checkout is not None
        with tempfile.TemporaryDirectory() as folder:
            config = self.peer.config(Path(folder), self.checkout, self.setting)
            command = [str(self.python), str(self.checkout / "tools" / "train.py"), "-c", str(config)]
            done = self._call(command)
        found = {int(step): float(seconds) for step, seconds in self.peer.line.findall(done.stdout + done.stderr)}
        if done.returncode or len(found) < WARM_UP + self.setting.steps:
            fail(done)
        return [found[step] for step in sorted(found)][WARM_UP:]

    def _call(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            **{name: str(self.setting.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")},
            "NO_ALBUMENTATIONS_UPDATE": "1",
        }
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", choices=[*PEERS], default="paddleocr")
    parser.add_argument("--checkout", type=Path, help="a clone of it; none: ours alone")
    parser.add_argument(
        "--python", type=Path, default=Path(sys.executable), help="of an environment with what it needs"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4, help="timed in each start")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", type=int, nargs=2, metavar=("WIDTH", "HEIGHT"), help="default: the network's own")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="*", help="parts of the names of our variants")
    given = parser.parse_args()
    peer = PEERS[given.peer]
    width, height = given.size or peer.size
    bench = Bench(peer, given.checkout, given.python, Setting(given.batch, (width, height), given.steps, given.threads))
    chosen = [name for name in peer.variants if not given.only or any(part in name for part in given.only)]
    times: dict[str, list[float]] = {name: [] for name in ([peer.name] if given.checkout else []) + chosen}
    for number in range(given.rounds):
        for name, found in times.items():
            found.append(statistics.median(bench.seconds(name)))
            print(f"round {number + 1}  {name:38} {found[-1]:8.3f} s/step", file=sys.stderr)
    print(table(times, given.batch))


def table(times: dict[str, list[float]], batch: int) -> str:
    """Seconds a step, images a second and the ratio to the first, by round; medians and what they range over."""
    first = next(iter(times.values()))
    rows = [f"| trainer | s/step | images/s | {next(iter(times))} takes | of rounds |", "|---|---|---|---|---|"]
    for name, found in times.items():
        ratios = [slow / fast for slow, fast in zip(first, found, strict=True)]
        step = statistics.median(found)
        spread = f"×{min(ratios):.2f} to ×{max(ratios):.2f}"
        rows.append(f"| {name} | {step:.3f} | {batch / step:.2f} | ×{statistics.median(ratios):.2f} | {spread} |")
    return "\n".join(rows)


def fail(done: subprocess.CompletedProcess[str]) -> None:
    """Ends this program with what a trainer said."""
    sys.exit(f"{' '.join(map(str, done.args))} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")


if __name__ == "__main__":
    main()
