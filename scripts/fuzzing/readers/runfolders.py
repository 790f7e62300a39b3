"""Folders of runs, as the modes find and read what somebody else's run says of itself."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from inspect import signature
from pathlib import Path
from typing import Any

from fuzzing.cases import Case, read_case
from fuzzing.reader import Reader

ROOT = Path(__file__).resolve().parents[3]
KEPT = (
    "config.yaml",
    "run.json",
    "check.json",
    "tracking.jsonl",
    "tracking.sent.json",
    "label_files",
    "checkpoints",
    "export",
)
TOKENS = (
    *(
        b'"status": "RUNNING"',
        b'"kind":"artifact"',
        b'"kind":"finish"',
        b'"path":"/etc/hostname"',
        b'"overrides": ["mode=train"]',
        b'"seq":',
        b'"ms":',
    ),
    *(
        b"${oc.env:HOME}",
        b"${embedded:x}",
        b"${now:%Y}",
        b"${hydra:runtime.cwd}",
        b"env:",
        b"LD_PRELOAD: x",
        b"module:",
        b"dataset:",
        b"name: text_det",
    ),
    *(
        b"../../guard/secret.txt",
        b"/dev/zero",
        b"tracking_uri",
        b"http://127.0.0.1:9",
        b"null",
        b"NaN",
        b"{}",
        b"[]",
        b"-1",
        b"1e309",
        b"???",
    ),
    *(
        b"!!python/object/apply:os.system ['touch ../guard/x']",
        b"\n",
        b'"',
        b"root: /",
        b"weights:",
        b"source: ../../guard",
        b"resume: auto",
    ),
)


def seeds(folder: Path) -> dict[str, Case]:
    """Tiny runs that ended and one that was killed, of pictures and of series."""
    import json

    sys.path.insert(0, str(ROOT / "tests"))
    from kit.rooms import tiny_room
    from kit.runs import train_room

    found = {}
    for room, more in (("ts_forecast", ("trainer.epochs=1",)), ("text_rec", ("trainer.epochs=1", "module.scale=0.25"))):
        data = tiny_room(room).make_dataset(folder / room / "data")
        with contextlib.redirect_stdout(io.StringIO()):
            output = train_room(room, data, folder / room / "run", *more).output
        if room == "text_rec":
            _without_tensors(output)
        whole = {name: content for name, content in read_case(output).items() if name.startswith(KEPT)}
        config = whole["config.yaml"].replace(str(output).encode(), b"case").replace(str(data).encode(), b"case/data")
        whole |= {"config.yaml": config, "run.json": whole["run.json"].replace(str(output).encode(), b"case")}
        facts = json.loads(whole["run.json"])
        found[room] = whole
        found[f"{room} killed"] = whole | {
            "run.json": json.dumps(facts | {"status": "RUNNING", "metrics": {}}).encode()
        }
    return found


def _without_tensors(output: Path) -> None:
    """Puts a checkpoint of a few numbers in the place of the large one: its tensors are another reader's."""
    import numpy as np

    from plx_train.runs.checkpoint import load_state, save_checkpoint

    for folder in (output / "checkpoints").iterdir():
        save_checkpoint(
            folder, {"network": {"w": np.zeros(2, np.float32)}}, load_state(folder), {"config.yaml": "mode: train\n"}
        )
    for path in (output / "export").glob("inference.[jp]*"):
        path.write_bytes(path.read_bytes()[:300])


@cache
def _composed(*overrides: str) -> Any:
    """The options of a command, which trusts the folder where that can be said, so that all of it is read."""
    from plx_train.config.compose import compose_run
    from plx_train.config.options import RunOptions

    trusts = ("trust=true",) if any(field.name == "trust" for field in fields(RunOptions)) else ()
    return compose_run([*overrides, *trusts, "device=cpu", "tracking=off"])


def run(folder: Path) -> str:
    """What each mode reads of a run's folder before it works on it."""
    from plx_train.ground.errors import UserError

    told = []
    # Composing takes most of the time, and one way of it is enough for a case, none for many.
    config = folder / "config.yaml"
    number = sum(config.read_bytes()[:5000]) % 6 if config.is_file() else 0
    ways: tuple[Callable[[Path], object], ...] = (_source, _continuation, _again)
    for look in (*ways[number : number + 1], _config, _record, _data, _facts):
        try:
            told.append(str(look(folder)))
        except UserError as error:
            if not str(error).strip():
                raise AssertionError(f"an empty {type(error).__name__}") from None
            told.append(str(error))
    return " | ".join(told)[:250].replace("'", " ")


def _source(folder: Path) -> object:
    from plx_train.contract.rooms import load_room
    from plx_train.workflow.dataset import trained_processor
    from plx_train.workflow.source import find_source, with_recorded_options

    composed = _composed("mode=evaluate", "module=ts_forecast", "run=case")
    source = find_source(composed)
    again = with_recorded_options(composed, source)
    metrics = source.recorded().get("metrics", {})
    logged = metrics.get("val/mse")
    if source.model:
        trained_processor(load_room(again.options.module.name), source.model)
    return again.options.module.name, logged is None


def _continuation(folder: Path) -> object:
    from plx_train.runs.checkpoint import load_state
    from plx_train.runs.result import recorded_result
    from plx_train.train.checkpoints import step_checkpoints
    from plx_train.train.state import LoopState
    from plx_train.workflow.resume import find_continuation

    found = find_continuation(_composed("resume=case"))
    if found is None:
        return "nothing to go on with"
    recorded_result(folder, found.facts)
    newest = next(iter(step_checkpoints(folder / "checkpoints")), None)
    return found.is_finished, LoopState.from_json(load_state(newest)["loop"]).step if newest else None


def _again(folder: Path) -> object:
    from plx_train.modes.reproduce import _same_again
    from plx_train.runs.facts import read_facts

    read_facts(folder)
    given: tuple[Any, ...] = (_composed("mode=reproduce", "module=ts_forecast", "run=case"), folder, False)
    return _same_again(*given[: len(signature(_same_again).parameters)]).options.mode


def _config(folder: Path) -> object:
    from plx_train.workflow.source import load_config

    return load_config(folder).module.name


def _record(folder: Path) -> object:
    from plx_train.modes.sync import waiting_spools
    from plx_train.report.data import metric_series
    from plx_train.tracking import has_died, read_metrics, read_run_tags, unsent
    from plx_train.tracking.spool import has_ended, marks

    spool = folder / "tracking.jsonl"
    read = (has_ended(spool), len(marks(spool)), len(read_run_tags(spool)), unsent(spool), has_died(folder))
    return read, len(metric_series(read_metrics(spool), ())), len(waiting_spools(folder))


def _data(folder: Path) -> object:
    from plx_train.workflow.prepare import prepare

    return prepare(_composed("module=image_cls", "dataset.root=case").options, folder, None, folder).format


def _facts(folder: Path) -> object:
    from plx_train.contract.check import CheckReport
    from plx_train.runs.trial import read_reports

    read_reports(folder)
    return CheckReport.__name__


READER = Reader("runfolders", seeds, run, TOKENS, seconds=15.0, is_pure=False, has_links=True, is_covered=False)
