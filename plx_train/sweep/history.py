"""From a study to the plain record of a sweep, and back to a sweep by its name."""

from __future__ import annotations

import difflib
import json
import shlex
from pathlib import Path
from typing import Any

from plx_train.ground.confine import refuse_leading_out
from plx_train.ground.credentials import put_away_within, without_credentials
from plx_train.ground.errors import UserError
from plx_train.ground.files import read_limited, replace_file, resolve_path
from plx_train.runs.facts import read_facts
from plx_train.runs.folder import MOST_RECORD_BYTES, RUN_FILE, SWEEP_FILE
from plx_train.runs.lock import is_held
from plx_train.runs.owner import SEAL, is_signed, signature
from plx_train.sweep.live import LiveJob, job_folder
from plx_train.sweep.record import (
    COMPLETE,
    FAILED,
    LABELLED,
    PRUNED,
    RUNNING,
    WAITING,
    Job,
    Objective,
    SweepRecord,
    TrialRecord,
)
from plx_train.sweep.study import BY_SEED, JOBS, OUTCOME, REASON, Study, values_of

SETTINGS_FILE = SWEEP_FILE
STORE, STORE_SEAL = "tracking_uri", "tracking_seal"
NEEDED = ("command", "sampler", "pruner", "keys", "prefixes", "fixed", "num_trials", "slots", "seeds")
"""What every sweep's settings say, beside what its study is opened by."""
OWN_FIGURE = "the module's figure"
"""How the first objective is called until a run has said its name."""


def write_settings(folder: Path, settings: dict[str, Any], store: str | None = None) -> None:
    """Keeps what the sweep's command said, by which it is found again.

    Args:
        store: where the sweep's own record is.
    """
    signed = settings | {SEAL: signature(_place(settings))}
    signed |= {STORE: store, STORE_SEAL: signature(_record(settings, store))} if store else {}
    replace_file(folder / SETTINGS_FILE, json.dumps(signed, indent=1))
    # The address of a database may hold a password.
    (folder / SETTINGS_FILE).chmod(0o600)


def read_settings(folder: Path) -> dict[str, Any]:
    """
    Raises:
        UserError: there is no sweep in the folder.
    """
    try:
        found = dict(put_away_within(json.loads(read_limited(folder / SETTINGS_FILE, MOST_RECORD_BYTES))))
        # What a study is opened by.
        is_whole = isinstance(found["sweep_id"], str) and isinstance(found["storage"], str | None)
        _objectives(found)
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise UserError(f"{folder / SETTINGS_FILE} can't be read ({error}): {folder} holds no sweep") from None
    absent = [name for name in NEEDED if name not in found]
    if absent or not is_whole:
        raise UserError(f"{folder / SETTINGS_FILE} does not say what a sweep's does: {folder} holds no sweep")
    return found


def recorded_store(folder: Path) -> str | None:
    """Where the own record of this user's sweep in `folder` is; None: it has none, or that can't be told."""
    if (folder / RUN_FILE).exists():
        return None
    try:
        settings = read_settings(folder)
    except UserError:
        return None
    store = settings.get(STORE)
    is_own = isinstance(store, str) and is_signed(_record(settings, store), settings.get(STORE_SEAL))
    return store if is_own else None


def find_sweep(root: Path, name: str) -> Path:
    """The folder of the sweep called `name` below `root`, or with an id that begins so, or at that path.

    Raises:
        UserError: there is none, or several.
    """
    direct = resolve_path(name)
    if (direct / SETTINGS_FILE).is_file():
        return direct
    known = {path.parent.name: path.parent for path in sorted(root.glob(f"*/{SETTINGS_FILE}"))}
    matches = [known[name]] if name in known else [folder for key, folder in known.items() if key.startswith(name)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UserError(
            f"sweep {name} fits several: {', '.join(folder.name for folder in matches)}; give more of the id"
        )
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(known) or 'none'}"
    raise UserError(f"sweep {name} does not exist in {root}; {hint}")


def load_record(folder: Path, known: str | None = None, trust: bool = False) -> SweepRecord:
    """What is known of the sweep in `folder`; arguments as for `open_recorded`.

    Raises:
        UserError: there is none, or its study can't be opened.
    """
    study = open_recorded(folder, known, trust)
    try:
        return record_of(study, read_settings(folder))
    finally:
        study.close()


def best_run(folder: Path, trust: bool = False) -> Path:
    """The folder of the run that a sweep found best; of several seeds', the best one's.

    Raises:
        UserError: no trial is complete.
    """
    record = load_record(folder, trust=trust)
    if not record.best:
        raise UserError(f"sweep {record.sweep_id} has no complete trial")
    sign = record.objectives[0].sign
    done = [job for job in record.best[0].jobs if job.values is not None]
    return max(done, key=lambda job: sign * job.values[0]).folder  # type: ignore[index]


def open_recorded(folder: Path, known: str | None = None, trust: bool = False) -> Study:
    """The study of a sweep that was begun.

    Args:
        known: the database that the command names.
        trust: opens the database that the folder names, whoever made it.

    Raises:
        UserError: it can't be opened, lies in a database that somebody else's folder names, or links lead out of the
            folder.
    """
    # To open a study writes to its journal, and a link there to whatever it leads to.
    refuse_leading_out(folder)
    settings = read_settings(folder)
    storage = settings["storage"]
    if storage not in (None, known) and not trust and not is_signed(_place(settings), settings.get(SEAL)):
        raise UserError(
            f"{folder} names {without_credentials(str(storage))} as the place of its trials, and it can't be told that "
            "you made it: give trust=true if that is where you want to look"
        )
    return Study(folder, settings["sweep_id"], settings["storage"], _objectives(settings))


def _place(settings: dict[str, Any]) -> list[Any]:
    """What is signed: where the trials are."""
    return ["sweep", settings["sweep_id"], settings["storage"]]


def _record(settings: dict[str, Any], store: str) -> list[Any]:
    """What is signed: where the sweep's own record is."""
    return ["sweep's record", settings["sweep_id"], store]


def record_of(study: Study, settings: dict[str, Any], notes: tuple[str, ...] = ()) -> SweepRecord:
    """All that is known of the sweep now."""
    frozen = study.trials()
    known = [trial.distributions for trial in frozen]
    found = {key: next((one[key] for one in known if key in one), None) for key in settings["keys"]}
    space = {key: distribution for key, distribution in found.items() if distribution is not None}
    return SweepRecord(
        sweep_id=settings["sweep_id"],
        folder=study.folder,
        command=settings["command"],
        sampler=settings["sampler"],
        pruner=settings["pruner"],
        objectives=_objectives(settings, study.study.user_attrs.get("monitor")),
        space=space,
        trials=tuple(_trial(one, settings, study.folder) for one in frozen),
        num_trials=settings["num_trials"],
        slots=tuple(settings["slots"]),
        seeds=settings["seeds"],
        run_id=study.study.user_attrs.get("run_id"),
        notes=notes + _exhausted(frozen, settings.get("num_combinations")),
    )


def _exhausted(frozen: list[Any], num_combinations: int | None) -> tuple[str, ...]:
    if not num_combinations or sum(trial.state.is_finished() for trial in frozen) < num_combinations:
        return ()
    what = f"all {num_combinations} combinations" if num_combinations > 1 else "the one combination"
    return (f"{what} of the search space {'have' if num_combinations > 1 else 'has'} been tried: the search ends",)


def _objectives(settings: dict[str, Any], monitor: str | None = None) -> tuple[Objective, ...]:
    return tuple(Objective(metric or monitor or OWN_FIGURE, direction) for metric, direction in settings["objectives"])


def _trial(frozen: Any, settings: dict[str, Any], sweep: Path) -> TrialRecord:
    attributes = frozen.user_attrs
    params = values_of(frozen)
    by_seed = attributes.get(BY_SEED) or {}
    jobs = tuple(_job(content, sweep, LABELLED in params) for content in attributes.get(JOBS, []))
    steps = [step for step, _ in _steps(jobs)]
    curve = sorted(frozen.intermediate_values.items())
    return TrialRecord(
        number=frozen.number,
        state=_state(frozen, attributes.get(OUTCOME)),
        params=params,
        values=tuple(by_seed["means"]) if by_seed else None,
        spreads=tuple(by_seed["spreads"]) if by_seed else None,
        curve=tuple((steps[place - 1] if place <= len(steps) else place, value) for place, value in curve),
        reason=_reason(attributes),
        jobs=jobs,
        command=single_command(settings["fixed"], params, settings["prefixes"]),
    )


def _steps(jobs: tuple[Job, ...]) -> list[tuple[int, float]]:
    from plx_train.runs.trial import read_reports

    return [(int(one["step"]), float(one["epochs"])) for one in read_reports(jobs[0].folder)] if jobs else []


def _state(frozen: Any, outcome: str | None) -> str:
    name = frozen.state.name
    if outcome == "out of memory":
        return FAILED
    return {"COMPLETE": COMPLETE, "PRUNED": PRUNED, "FAIL": FAILED, "RUNNING": RUNNING, "WAITING": WAITING}[name]


def _reason(attributes: dict[str, Any]) -> str | None:
    reason, outcome = attributes.get(REASON), attributes.get(OUTCOME)
    return f"out of memory: {reason}" if outcome == "out of memory" else reason


def _job(content: dict[str, Any], sweep: Path, is_drawn: bool) -> Job:
    folder = job_folder(sweep, content["folder"])
    if not is_held(folder):
        # A process that was killed with its sweeper could not say when.
        content = LiveJob.from_json(content, sweep).to_json()
    return Job(
        seed=content["seed"],
        slot=content["slot"],
        spans=tuple((start, end) for start, end in content["spans"]),
        folder=folder,
        run_id=content["run_id"],
        values=tuple(content["values"]) if content["values"] is not None else None,
        steps=content["steps"],
        epochs=content["epochs"],
        planned_epochs=content["planned_epochs"],
        labelled=_labelled(folder) if is_drawn else None,
    )


def _labelled(folder: Path) -> int | None:
    """Labelled samples that a run learned from; None where it does not say."""
    try:
        return read_facts(folder).get("labelled")
    except UserError:
        return None


def single_command(fixed: list[str], values: dict[str, Any], prefixes: dict[str, str]) -> str:
    """What runs one configuration alone."""
    varied = [f"{prefixes.get(key, '')}{key}={v if isinstance(v, str) else repr(v)}" for key, v in values.items()]
    return f"python -m plx_train {shlex.join([*fixed, *varied])}"
