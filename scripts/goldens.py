#!/usr/bin/env python
"""Proves that a refactoring changed nothing: tiny runs and checks of every room, recorded before and compared after.

python scripts/goldens.py record goldens.json
python scripts/goldens.py compare goldens.json --rooms text_det,ts_cls

It knows the command line and the files of a run's folder and nothing of what lies behind them; golden_data.py draws the
data. Numbers and tensors are compared to the bit, so compare on the machine that recorded, with the same packages.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from golden_data import datasets
from safetensors.numpy import load_file

REPOSITORY = Path(__file__).resolve().parents[1]
COMMON = ("device=cpu", "device.num_workers=0", "weights=null", "tracking=off", "quiet=true")
TRAINED = (
    *("trainer.epochs=99", "trainer.eval_every_epochs=null", "trainer.log_every_steps=1", "trainer.batch_size=4"),
    *("trainer.ema_decay=0.8", "dataset.holdout_share=0.2"),
)
SHORT = (*TRAINED, "trainer.max_steps=8", "trainer.eval_every_steps=4")
LONG = (*TRAINED, "trainer.max_steps=40", "trainer.eval_every_steps=20", "optimizer.lr=5e-3")
NARROW = ("module.scale=0.25", "module.neck_channels=16", "module.merged=true")
CASES = {
    "text_det": (
        *(*LONG, *NARROW, "module.crop_size=[64,96]", "module.limit_side_len=160"),
        *("module.loss.shrink_loss=dice_bce", "module.loss.threshold_weight=1"),
    ),
    "text_rec": (
        *(*TRAINED, *NARROW, "module.neck_depth=1", "module.width=96", "module.dict=auto", "optimizer.freeze=[]"),
        *("trainer.max_steps=60", "trainer.eval_every_steps=30", "optimizer.lr=1e-2"),
    ),
    "image_cls": (
        *(*LONG, "module.network=PP-LCNet_x0_25", "module.size=[64,32]", "module.resize_short=null"),
        *("module.augment.mixup=0.2", "optimizer.lr=3e-3"),
    ),
    "ts_forecast": (*SHORT, "module.context=24", "module.horizon=6", "dataset.columns.targets=[y0,y1]"),
    "ts_cls": (*SHORT, "module.hidden=4", "module.depth=2", "module.calibrate=true", "optimizer.lr=1e-2"),
    "ts_anomaly": (*SHORT, "module.context=24", "trainer.accumulate_steps=2"),
    "ts_cls ROCKET": ("module.network=ROCKET", "module.num_kernels=30"),
}
"""Overrides of a run, by room; a further case of a room has a second word."""
CHECKED = {"text_rec": ("module.dict={root}/dict.txt",)}
"""Further overrides where a broken dataset is checked."""
FILES = (
    *("checkpoints/*/*.safetensors", "export/inference.json", "export/*.pdiparams", "export/*.pkl"),
    *("overlays/*", "samples/*/*", "classes.json", "*.csv"),
)
"""What of a run's folder has no time or path in it and is the same whenever the run is."""
OF_THE_CLOCK = ("time/", "system/")
TRACEBACK = "Traceback"
LONGEST = 400
"""Characters of a value that are shown."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("record", "compare"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--rooms", type=lambda text: text.split(","), help="with commas between; all where left out")
    parser.add_argument("--set", nargs="+", default=[], metavar="key=value", help="overrides of every command")
    given = parser.parse_args()
    known = list(dict.fromkeys(case.split()[0] for case in CASES))
    if not set(given.rooms or known) <= set(known):
        parser.error(f"the rooms are {', '.join(known)}")
    kept = json.loads(given.file.read_text("utf-8")) if given.what == "compare" else {}
    found = {case: measured(case, given.set) for case in CASES if case.split()[0] in (given.rooms or known)}
    if given.what == "compare":
        sys.exit(compare(kept, found))
    for case, parts in found.items():
        if parts["run"]["exit code"] or not all("check.json" in part for part in parts.values()):
            sys.exit(f"nothing is recorded, for {case} failed: {' '.join(parts['run']['said'])}")
    given.file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")


def compare(kept: dict[str, Any], found: dict[str, Any]) -> int:
    """Prints what is not as it was, and how much is; 1 where anything differs."""
    lines = [text for case in found for text in differences(kept.get(case), found[case], case)]
    equal = sum(kept.get(case) == found[case] for case in found)
    print(*lines, f"equal: {equal} cases" if not lines else f"equal: {equal} of {len(found)} cases", sep="\n")
    return 1 if lines else 0


def measured(case: str, overrides: list[str]) -> dict[str, Any]:
    """What a run of the case leaves, and what the check says of each broken dataset, as JSON gives it back."""
    room, started = case.split()[0], time.perf_counter()
    write, spoilers = datasets(room)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        write(room, folder / "whole")
        found = {"run": command(folder, room, "whole", [*CASES[case], *overrides])}
        for name, spoil in spoilers.items():
            write(room, folder / name)
            spoil(room, folder / name)
            given = ["mode=check_dataset", *CASES[case], *CHECKED.get(room, ()), *overrides]
            found[f"broken {name}"] = command(folder, room, name, given)
        text = json.dumps(found, ensure_ascii=False).replace(str(folder), "<folder>")
    print(f"{case}: {time.perf_counter() - started:.1f} s", file=sys.stderr, flush=True)
    return json.loads(text)


def command(folder: Path, room: str, dataset: str, overrides: list[str]) -> dict[str, Any]:
    """Gives one command on a dataset in `folder`, to the code beside this file and with an empty cache."""
    root, output = folder / dataset, folder / "runs" / dataset
    given = [f"module={room}", f"dataset.root={root}", f"output={output}", *COMMON, *overrides]
    environment = {"PYTHONPATH": str(REPOSITORY), "PLX_TRAIN_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "plx_train", *(text.format(root=root) for text in given)],
        cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if TRACEBACK in done.stderr:
        print(done.stderr, file=sys.stderr, flush=True)
    # Commands that succeed may warn of a slow machine.
    lines = done.stderr.splitlines() if done.returncode else []
    said = [text for text in lines if not text.startswith((" ", TRACEBACK))]
    return {"exit code": done.returncode, "said": said, **left_in(output)}


def left_in(output: Path) -> dict[str, Any]:
    """What a run's folder holds of findings, curves, figures and settings, and digests of its files."""
    paths = sorted(path for pattern in FILES for path in output.glob(pattern))
    found: dict[str, Any] = {"files": {path.relative_to(output).as_posix(): digest(path) for path in paths}}
    if (output / "check.json").is_file():
        found["check.json"] = json.loads((output / "check.json").read_text("utf-8"))
    if (output / "export").is_dir():
        facts = json.loads((output / "run.json").read_text("utf-8"))
        found |= {"metrics": facts["metrics"], "notes": facts["notes"], "curves": curves(output / "tracking.jsonl")}
        found["inference.yml"] = (output / "export" / "inference.yml").read_text("utf-8").splitlines()
    return found


def curves(path: Path) -> dict[str, dict[str, float]]:
    """What was logged, by name and step, but for what the clock says."""
    found: dict[str, dict[str, float]] = {}
    for record in map(json.loads, path.read_text("utf-8").splitlines()):
        for name, value in record.get("values", {}).items():
            if not name.startswith(OF_THE_CLOCK):
                found.setdefault(name, {})[str(record["step"])] = value
    return found


def digest(path: Path) -> str:
    """sha256 of a file; of tensors over their names, shapes, types and values, in whatever order they stand."""
    if path.suffix != ".safetensors":
        return hashlib.sha256(path.read_bytes()).hexdigest()
    found = hashlib.sha256()
    for name, value in sorted(load_file(path).items()):
        found.update(f"{name} {value.shape} {value.dtype}\n".encode() + value.tobytes())
    return found.hexdigest()


def differences(old: Any, new: Any, key: str) -> Iterator[str]:
    """A line for each place of nested dictionaries and lists where the two are not the same."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys([*old, *new]):
            yield from differences(old.get(name), new.get(name), f"{key}: {name}")
    elif isinstance(old, list) and isinstance(new, list):
        before, after = ([json.dumps(item, ensure_ascii=False) for item in items] for items in (old, new))
        for kind, start, stop, first, last in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
            for pair in zip_longest(before[start:stop], after[first:last]) if kind != "equal" else ():
                yield from differences(*pair, key)
    elif old != new:
        yield f"{key}: {' → '.join(textwrap.shorten(str(value), LONGEST) for value in (old, new))}"


if __name__ == "__main__":
    main()
