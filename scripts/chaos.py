#!/usr/bin/env python
"""Kills a small real training again and again, resumes it, and compares what comes out with an undisturbed run.

    python scripts/chaos.py --kills 40 --seed 1

Kills come at random moments: while the command starts, in the middle of steps, while a checkpoint is being written, in
evaluations, in the export. Weights must be equal to the bit in the end, and MLflow must hold each point exactly once.
With --outputs a run more for each way in which nobody reads what it prints must come to the same, with exit code 0.
Before some kills a second command is given the same folder: it must be refused, and have changed nothing there.
With --portal so many runs train at once, recorded by a server that a captive portal hides now and then: in the end the
server must hold the same points of each as of a run that nothing hid it from.
Given again with the same folder, it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import zip_longest
from pathlib import Path

from chaos_outputs import WAYS
from chaos_portal import behind_a_portal

RUN = (
    *("module=text_det", "dataset=pages", "device=cpu", "weights=null", "quiet=true", "dataset.limit=6"),
    *("module.scale=0.25", "module.neck_channels=16", "module.merged=true", "module.crop_size=[64,96]"),
    *("module.limit_side_len=160", "module.loss.shrink_loss=dice_bce", "optimizer.lr=5e-3"),
    *("trainer.batch_size=1", "trainer.accumulate_steps=2", "trainer.epochs=24", "trainer.ema_decay=0.9"),
    *("trainer.eval_every_epochs=6", "trainer.log_every_steps=2", "trainer.save_every_steps=3"),
    *("device.num_workers=1", "tracking.experiment=chaos"),
)
UNDISTURBED = "undisturbed"
KEEPS_ALL = "trainer.keep_last=99"
"""So that every checkpoint of a victim can be compared, whatever the step."""
MOMENTS = {"start": 1, "step": 4, "save": 3, "evaluate": 1, "end": 1}
"""When a kill comes, and how often in proportion."""
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)
LONGEST_START_SECONDS = 90.0
INTRUDERS = (("seed=9", "optimizer.lr=0.5"), ("mode=check_dataset", "dataset.limit=2"), ("resume=auto",))
"""What second commands ask for, in turn; they come where a run is in the middle of its steps."""
WRITTEN_ONCE = ("config.yaml", "check.json")
"""Files of a run's folder that its own command alone writes, when it begins."""
OF_THE_CLOCK = ("time/", "system/")


@dataclass
class Kill:
    """One kill: the run it hit, the moment, the signal, the last step logged by then."""

    run: str
    moment: str
    signal: str
    step: int
    seconds: float


@dataclass
class Progress:
    """What has been done so far; kept in ``chaos.json``."""

    seed: int
    kills: list[Kill] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    """Ways in which nobody read what a run printed, those that were tried."""
    intruders: int = 0
    """Second commands that came while a run went on."""


def main() -> int:
    """Prints a line per kill and a summary; the exit code is 1 if anything differed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--outputs", action="store_true")
    parser.add_argument("--portal", type=int, default=0, metavar="RUNS")
    parser.add_argument("--folder", type=Path, default=Path("outputs/chaos"))
    options = parser.parse_args()
    folder = options.folder.absolute()
    progress = chaos(folder, options.kills, options.seed)
    if options.outputs:
        unread(folder, progress)
    if options.portal:
        progress.faults += behind_a_portal(folder, options.portal, options.seed, partial(_start, folder), _points_at)
    print(summary(progress))
    return 1 if progress.faults else 0


def chaos(folder: Path, kills: int, seed: int) -> Progress:
    """Kills and resumes until `kills` are reached and the last run is finished."""
    folder.mkdir(parents=True, exist_ok=True)
    progress = _load(folder, seed)
    if UNDISTURBED not in progress.finished:
        _start(folder, UNDISTURBED, None, KEEPS_ALL).wait()
        progress.finished.append(UNDISTURBED)
        _save(folder, progress)
    while len(progress.kills) < kills or _is_begun(folder, progress):
        name = f"victim_{len(progress.finished)}"
        generator = random.Random(f"{seed} {len(progress.kills)}")
        kill = _one_life(folder, name, generator, progress, may_kill=len(progress.kills) < kills)
        if kill:
            progress.kills.append(kill)
            progress.faults += [f"after kill {len(progress.kills)}: {text}" for text in other_weights(folder, name)]
            print(
                f"{len(progress.kills):3d}  {kill.run}  {kill.signal:7s} while: {kill.moment:8s} step {kill.step}",
                flush=True,
            )
        else:
            progress.finished.append(name)
            progress.faults += differences(folder, name)
        _save(folder, progress)
    return progress


def unread(folder: Path, progress: Progress) -> None:
    """Trains once for each way in which nobody reads what is printed."""
    for way in [way for way in WAYS if way not in progress.outputs]:
        name = f"unread_{way}"
        command = [text for text in _command(folder, name) if text != "quiet=true"]
        code = WAYS[way](command, _environment(folder))
        progress.faults += [f"{name}: exit code {code}"] if code else differences(folder, name)
        progress.outputs.append(way)
        print(f"{name}: exit code {code}", flush=True)
        _save(folder, progress)


def _is_begun(folder: Path, progress: Progress) -> bool:
    return (folder / f"victim_{len(progress.finished)}").exists()


def _one_life(folder: Path, name: str, generator: random.Random, progress: Progress, may_kill: bool) -> Kill | None:
    """Starts or resumes the run and kills it at a random moment; None when it has come to its end."""
    moment = generator.choices(list(MOMENTS), list(MOMENTS.values()))[0]
    number = generator.choice(SIGNALS)
    began = time.monotonic()
    process = _start(folder, name)
    if may_kill:
        _wait_for(moment, folder / name, process, generator)
        if moment == "step" and process.poll() is None:
            progress.faults += _intrude(folder, name, process, INTRUDERS[progress.intruders % len(INTRUDERS)])
            progress.intruders += 1
        if process.poll() is None:
            process.send_signal(number)
    code = process.wait()
    if code == 0:
        return None
    if not may_kill or code not in (-signal.SIGKILL, 128 + signal.SIGTERM, -signal.SIGTERM):
        raise SystemExit(f"{name} ended with exit code {code}: see {folder / name}.log")
    return Kill(name, moment, number.name, _last_step(folder / name), round(time.monotonic() - began, 1))


def _intrude(folder: Path, name: str, process: subprocess.Popen[bytes], asked: tuple[str, ...]) -> list[str]:
    """Gives a second command the folder of a run that goes on; sentences on what it did there."""
    before = _written_once(folder / name)
    command = [sys.executable, "-m", "plx_train", *RUN, *asked, f"output={folder / name}"]
    command.append(f"tracking.uri={_database(folder)}")
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(folder), check=False)
    if process.poll() is not None:
        return []  # it had the folder for itself
    what = f"{name}: a second command ({' '.join(asked)})"
    faults = [] if done.returncode == 1 and "is in use" in done.stderr else [f"{what} ended with {done.returncode}"]
    return faults + ([] if _written_once(folder / name) == before else [f"{what} wrote into the folder"])


def _written_once(output: Path) -> dict[str, bytes]:
    return {name: (output / name).read_bytes() for name in WRITTEN_ONCE if (output / name).is_file()}


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PLX_TRAIN_CACHE": str(folder / "cache"), "PLX_TRAIN_STATE": str(folder / "state")}


def _start(folder: Path, name: str, uri: str | None = None, *overrides: str) -> subprocess.Popen[bytes]:
    with (folder / f"{name}.log").open("ab") as log:
        command = _command(folder, name, uri, *overrides)
        return subprocess.Popen(command, stdout=log, stderr=log, env=_environment(folder))


def _command(folder: Path, name: str, uri: str | None = None, *overrides: str) -> list[str]:
    command = [sys.executable, "-m", "plx_train", *RUN, *overrides, f"output={folder / name}", "resume=auto"]
    return [*command, f"tracking.uri={uri or _database(folder)}"]


def _wait_for(moment: str, output: Path, process: subprocess.Popen[bytes], generator: random.Random) -> None:
    """Returns at the moment, or when the process has ended."""
    if moment == "start":
        _sleep(generator.uniform(0.1, 5.0), process)
        return
    before = _last_step(output)
    _until(lambda: _last_step(output) > before, process)
    if moment == "step":
        _sleep(generator.uniform(0.0, 2.5), process)
    elif moment == "save":
        for _ in range(generator.randint(1, 3)):
            _until(lambda: not _is_saving(output), process)
            _until(lambda: _is_saving(output), process)
        time.sleep(generator.uniform(0.0, 0.02))
    elif moment == "evaluate":
        seen = len(_points(output, "val/hmean"))
        _until(lambda: len(_points(output, "val/hmean")) > seen, process)
        time.sleep(generator.uniform(0.0, 0.1))
    else:
        _until(lambda: any(output.glob(".export*")), process)
        _sleep(generator.uniform(0.0, 1.5), process)


def _is_saving(output: Path) -> bool:
    return any((output / "checkpoints").glob("*.tmp"))


def _until(condition, process: subprocess.Popen[bytes]) -> None:  # type: ignore[no-untyped-def]
    give_up = time.monotonic() + LONGEST_START_SECONDS
    while process.poll() is None and not condition() and time.monotonic() < give_up:
        time.sleep(0.002)


def _sleep(seconds: float, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)


def _points(output: Path, name: str) -> list[tuple[int, float]]:
    from plx_train.runs.folder import SPOOL_NAME
    from plx_train.tracking import read_metrics

    return read_metrics(output / SPOOL_NAME).get(name, [])


def _last_step(output: Path) -> int:
    return max((step for step, _ in _points(output, "train/loss")), default=0)


def other_weights(folder: Path, name: str) -> list[str]:
    """Sentences on all whole checkpoints of a run that differ from the undisturbed one's of the same step."""
    found = []
    for checkpoint in sorted((folder / name / "checkpoints").glob("step_*[0-9]")):
        one, other = _digests(folder / UNDISTURBED / "checkpoints" / checkpoint.name), _digests(checkpoint)
        found += [f"{name}: {checkpoint.name}/{file} differs" for file in one if one[file] != other.get(file)]
    return found


def differences(folder: Path, name: str) -> list[str]:
    """Sentences on all in which a finished run differs from the undisturbed one."""
    found = other_weights(folder, name)
    best = [_digests(folder / run / "checkpoints" / "best") for run in (UNDISTURBED, name)]
    found += [f"{name}: the best weights differ"] if best[0] != best[1] else []
    one, other = (_tracked_points(folder, run) for run in (UNDISTURBED, name))
    for metric in sorted(one.keys() | other.keys()):
        if one.get(metric) != other.get(metric):
            pairs = zip_longest(other.get(metric, []), one.get(metric, []))
            first = next((pair for pair in pairs if pair[0] != pair[1]), None)
            found.append(f"{name}: {metric} in MLflow differs first at {first}")
    return found


def _digests(checkpoint: Path) -> dict[str, str]:
    """sha256 of the tensors' files, from bytes, not from the manifest."""
    import hashlib

    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in checkpoint.glob("*.safetensors")}


def _tracked_points(folder: Path, name: str) -> dict[str, list[tuple[int, float]]]:
    run_id = json.loads((folder / name / "run.json").read_text("utf-8"))["run_id"]
    return _points_of(run_id, _database(folder))


def _database(folder: Path) -> str:
    return f"sqlite:///{folder / 'mlflow.db'}"


def _points_at(name: str, uri: str) -> dict[str, list[tuple[int, float]]]:
    """The same of the run with a name, of which there must be one."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    found = client.search_runs(experiments, f"attributes.run_name = '{name}'")
    return _points_of(found[0].info.run_id, uri) if len(found) == 1 else {f"{len(found)} runs": []}


def _points_of(run_id: str, uri: str) -> dict[str, list[tuple[int, float]]]:
    """Every point MLflow has, but for what depends on the clock."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    run = client.get_run(run_id)
    points = {
        metric: [(point.step, point.value) for point in client.get_metric_history(run_id, metric)]
        for metric in run.data.metrics
        if not metric.startswith(OF_THE_CLOCK)
    }
    return {metric: sorted(history) for metric, history in points.items()} | {"status": [(0, float(_is_ended(run)))]}


def _is_ended(run) -> bool:  # type: ignore[no-untyped-def]
    return bool(run.info.status == "FINISHED")


def summary(progress: Progress) -> str:
    """A table of the kills by moment, and what came of them."""
    lines = ["", f"{'killed while':14s}{'kills':>6s}{'SIGKILL':>9s}{'SIGTERM':>9s}"]
    for moment in MOMENTS:
        kills = [kill for kill in progress.kills if kill.moment == moment]
        killed = sum(kill.signal == "SIGKILL" for kill in kills)
        lines.append(f"{moment:14s}{len(kills):6d}{killed:9d}{len(kills) - killed:9d}")
    lines.append(f"{progress.intruders} second commands with the folder of a run that went on")
    victims = len(progress.finished) - 1
    if progress.outputs:
        lines.append(f"outputs that nobody read: {', '.join(progress.outputs)}")
    lines.append(f"{len(progress.kills)} kills over {victims} runs; differences from the undisturbed run:")
    return "\n".join([*lines, *(progress.faults or ["none: weights equal to the bit, every point once"])])


def _load(folder: Path, seed: int) -> Progress:
    path = folder / "chaos.json"
    if not path.is_file():
        return Progress(seed)
    content = json.loads(path.read_text("utf-8"))
    if content["seed"] != seed:
        raise SystemExit(f"{folder} holds a trial with seed {content['seed']}: give another folder")
    return Progress(**(content | {"kills": [Kill(**kill) for kill in content["kills"]]}))


def _save(folder: Path, progress: Progress) -> None:
    temporary = folder / "chaos.json.new"
    temporary.write_text(json.dumps(asdict(progress), indent=1), "utf-8")
    temporary.replace(folder / "chaos.json")


if __name__ == "__main__":
    sys.exit(main())
