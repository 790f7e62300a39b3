"""What a run that learns from a pool builds on: a run with labels alone, or with one round of the pool less."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from plx_train.config.compose import Composed, composed_from
from plx_train.config.few_options import AUTO, OFF, ONLINE, ROUNDS
from plx_train.config.options import RunOptions
from plx_train.config.written import literal
from plx_train.contract.rooms import load_room
from plx_train.few.pool import FORMS, REST
from plx_train.ground.durations import parse_duration, readable_duration
from plx_train.ground.errors import ConfigError
from plx_train.ground.stop import Stopped
from plx_train.runs.facts import write_facts
from plx_train.runs.folder import BASIS, RUN_FILE
from plx_train.runs.owner import config_hash, sealed
from plx_train.runs.result import RunResult
from plx_train.workflow.kept_apart import file_of_test
from plx_train.workflow.pool_listing import listed_pool
from plx_train.workflow.resume import Continuation
from plx_train.workflow.session import Session
from plx_train.workflow.teacher_folder import exported_teacher


def schedule_of(options: RunOptions) -> str:
    """When the teacher speaks in this run: `ROUNDS`, `ONLINE`, or `OFF` where there is nothing to learn from.

    Raises:
        ConfigError: the module learns from labels alone.
    """
    schedule, learns_from = options.few.schedule, options.dataset.pool or options.teacher
    if not learns_from and schedule in (ROUNDS, ONLINE):
        raise ConfigError(
            f"few={schedule} has nothing to learn from: give dataset.pool=<{FORMS}>, or teacher=<a model>"
        )
    if not learns_from or schedule == OFF:
        return OFF
    room = load_room(options.module.name)
    known = room.pool_schedule
    if known is not None and room.truth(options.module) is None:
        raise ConfigError(
            f"module={room.name} makes its labels itself with these options: all images go into dataset.train"
        )
    if known is None:
        key = "dataset.pool" if options.dataset.pool else "teacher"
        raise ConfigError(f"module={options.module.name} learns from labelled samples alone: leave {key} out")
    if schedule != AUTO:
        return schedule
    # To training images alone a teacher has something to add at each view of them, not once.
    return known if options.dataset.pool else ONLINE


def train_basis(session: Session, continuation: Continuation | None, train: Callable[[Composed], RunResult]) -> None:
    """Trains what the run builds on, or goes on with it, or leaves it where it is finished.

    Args:
        train: as ``mode=train`` does.

    Raises:
        UserError: it can't be trained; the run's record says so.
    """
    if continuation is not None and continuation.facts.get("basis") == "done":
        return
    _check_pool(session)
    session.console.info(_cost(session.options))
    folder = session.output / BASIS
    with _recorded(session, continuation):
        train(_basis_of(session.composed, folder))


def _cost(options: RunOptions) -> str:
    """What is trained one after the other, in a sentence."""
    rounds = options.few.rounds if is_later_round(options) else 1
    after = f"{rounds} times with the pool" if rounds > 1 else "with the pool"
    words = f"few={schedule_of(options)}: trains with labels alone first, then {after}"
    seconds = parse_duration(options.trainer.max_time, "trainer.max_time")
    if seconds is None:
        return f"{words}; each takes as many steps"
    share = options.few.labels_share
    own = readable_duration((1 - share) * seconds / rounds)
    return f"{words}; {readable_duration(share * seconds)} for labels alone, {own} for each other"


def _check_pool(session: Session) -> None:
    """Finds what there is to learn from before anything is trained.

    Raises:
        UserError: there is nothing.
    """
    options, dataset = session.options, session.options.dataset
    if dataset.pool == REST and dataset.labelled is None:
        raise ConfigError("dataset.pool=rest: no label is left out: say how many are kept, as in dataset.labelled=10%")
    if dataset.pool not in (None, REST):
        listed_pool(session)
    file_of_test(options, (session.output,))
    if options.teacher:
        exported_teacher(options)


def _basis_of(composed: Composed, folder: Path) -> Composed:
    """The options of the run that another builds on."""
    options = composed.options
    few, rounds = options.few, options.few.rounds if is_later_round(options) else 1
    config = OmegaConf.create(composed.yaml)
    assert isinstance(config, DictConfig)
    config.few.schedule = ROUNDS if rounds > 1 else OFF
    config.few.rounds = max(rounds - 1, 1)
    seconds = parse_duration(options.trainer.max_time, "trainer.max_time")
    if seconds is not None:
        share = few.labels_share + (1 - few.labels_share) * (rounds - 1) / rounds
        config.trainer.max_time = f"{max(share * seconds, 1):.0f}s"
        config.few.labels_share = min(few.labels_share / share, 0.99)
    config.output, config.resume = literal(str(folder)), "auto"
    config.tracking.run_name = literal(f"{options.tracking.run_name or folder.parent.name}-{BASIS}")
    return composed_from(config, composed.overrides)


@contextmanager
def _recorded(session: Session, continuation: Continuation | None) -> Iterator[None]:
    """The run's record says that it is running, and how that ended where it did not go well."""
    facts = {
        "status": "RUNNING",
        "reason": None,
        "mode": session.options.mode,
        "overrides": list(session.composed.overrides),
        **(continuation.facts if continuation else {}),
    }
    is_own = continuation is None or continuation.is_own

    def write(**more: str | None) -> None:
        facts.update(more)
        content = sealed(session.output, facts, config_hash(session.output)) if is_own else facts
        write_facts(session.output, content)

    if not (session.output / RUN_FILE).exists():
        write()
    try:
        yield
    except BaseException as error:
        is_killed = isinstance(error, KeyboardInterrupt | Stopped)
        write(status="KILLED" if is_killed else "FAILED", reason=str(error) or type(error).__name__)
        raise
    write(status="RUNNING", reason=None, basis="done")


def is_later_round(options: RunOptions) -> bool:
    """Whether a run with a round less comes before it; a finished model that teaches says the same in each."""
    return schedule_of(options) == ROUNDS and options.few.rounds > 1 and options.teacher is None


def learns_online(options: RunOptions) -> bool:
    """Whether a teacher says what each batch of the pool shows."""
    return schedule_of(options) == ONLINE
