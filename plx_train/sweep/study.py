"""A sweep's memory: its trials in a storage of Optuna's, which survives whoever works on them."""

from __future__ import annotations

import logging
import math
import os
import socket
import time
import uuid
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, BinaryIO

from plx_train.ground.credentials import with_credentials, without_credentials
from plx_train.ground.errors import UserError, reason_of
from plx_train.ground.file_lock import file_lock, try_lock
from plx_train.sweep.identity import Identity, differences, refuse_to_mix
from plx_train.sweep.record import Objective
from plx_train.sweep.space import Space
from plx_train.sweep.untried import Key, key_of_values, untried

JOURNAL_FILE = "study.journal"
BEAT_SECONDS, DEAD_SECONDS = 30.0, 150.0
"""How often a sweeper says that it lives, and after how long of silence it is taken for dead."""
JOBS, OWNER, OUTCOME, REASON, VALUES, BY_SEED = "jobs", "owner", "outcome", "reason", "values", "by_seed"
SURPLUS, IDENTITY = "surplus", "identity"
"""Names of what is kept of a trial, and of the study, beside what Optuna keeps."""


def values_of(frozen: Any) -> dict[str, Any]:
    """The values of one of Optuna's frozen trials by key."""
    found = frozen.user_attrs.get(VALUES) or frozen.system_attrs.get("fixed_params") or frozen.params
    return dict(found)


class Study:
    """One sweep's study, for one reader or sweeper; several may work on it at the same time."""

    def __init__(self, folder: Path, name: str, storage: str | None, objectives: tuple[Objective, ...]) -> None:
        """
        Raises:
            UserError: the storage can't be opened.
        """
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        logging.getLogger("alembic").setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        self.folder = folder
        self.storage, self.in_one_go = _open_storage(folder, storage)
        try:
            self.study = optuna.create_study(
                storage=self.storage,
                study_name=name,
                directions=["maximize" if one.sign > 0 else "minimize" for one in objectives],
                load_if_exists=True,
            )
        except Exception as error:  # of whatever database this is
            reason = reason_of(error, without_credentials)
            raise UserError(f"the sweep's study can't be opened: {reason}") from None
        self.token = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._lock: BinaryIO | None = None
        self._beaten = -math.inf
        self._keys: dict[int, Key] = {}

    def join(self) -> None:
        """Shows itself as a sweeper, whose trials are its own as long as it lives."""
        self._lock = _hold(self.folder, self.token)
        self.beat()

    def beat(self) -> None:
        """Says that this sweeper lives, now and then."""
        if time.monotonic() - self._beaten >= BEAT_SECONDS:
            self._beaten = time.monotonic()
            self.study.set_user_attr(f"beat {self.token}", time.time())

    def identity(self) -> Identity | None:
        """What is swept; None where that is not known yet."""
        text = self.study.user_attrs.get(IDENTITY)
        return Identity.from_json(text) if text else None

    def begin_as(self, now: Identity, way_out: str) -> None:
        """Says what is swept, which whoever comes later must want as well.

        Args:
            way_out: what to do where that was something else.

        Raises:
            UserError: it was.
        """
        with file_lock(self.folder / "study.lock"):
            before = self.identity()
            if before is None:
                self.study.set_user_attr(IDENTITY, now.to_json())
        if before is not None:
            refuse_to_mix(self.study.study_name, differences(before, now), way_out)

    def fill(self, configurations: list[dict[str, Any]]) -> None:
        """Puts the trials of a grid into the study that are not in it yet."""
        with file_lock(self.folder / "study.lock"), self.in_one_go():
            known = [trial.system_attrs.get("fixed_params") for trial in self.study.get_trials(deepcopy=False)]
            for values in configurations:
                if values not in known:
                    self.study.enqueue_trial(values)

    def ask(self, space: Space, may_repeat: bool = False) -> tuple[Any, dict[str, Any]] | None:
        """A new trial and its values by key, which no other trial has; None where all there are were tried.

        Args:
            may_repeat: takes the values as they come.
        """
        with file_lock(self.folder / "study.lock"), self.in_one_go():
            trial = self._begun(self.study.ask())
            values = space.values(lambda parameter: parameter.suggest(trial))
            tried = set() if may_repeat else self._tried(trial)
            if key_of_values(values) in tried:
                self.give_up(trial)
                other = untried(space, values, tried, Random(trial.number))
                if other is None:
                    return None
                self.study.enqueue_trial(other)
                trial = self._begun(self.study.ask())
                values = space.values(lambda parameter: parameter.suggest(trial))
            trial.set_user_attr(VALUES, values)
        return trial, values

    def _begun(self, trial: Any) -> Any:
        trial.set_user_attr(OWNER, self.token)
        return trial

    def _tried(self, beside: Any) -> set[Key]:
        """The configurations of the other trials, those included that wait, go on, were pruned or failed."""
        return {self._key(one) for one in self.trials() if one.number != beside.number}

    def _key(self, trial: Any) -> Key:
        key = self._keys.get(trial.number) or key_of_values(values_of(trial))
        if VALUES in trial.user_attrs:
            # They stay as they are, and are asked for with each trial to come.
            self._keys[trial.number] = key
        return key

    def give_up(self, trial: Any) -> None:
        """Takes a trial out of the sweep that was one too many."""
        from optuna.trial import TrialState

        trial.set_user_attr(SURPLUS, True)
        self.study.tell(trial, None, TrialState.FAIL, skip_if_finished=True)

    def frozen(self, trial: Any) -> Any:
        """What the storage holds of a trial."""
        return self.storage.get_trial(trial._trial_id)

    def is_filled_in(self, trial: Any) -> bool:
        """Whether it is one that `fill` has put there."""
        return "fixed_params" in self.frozen(trial).system_attrs

    def trials(self) -> list[Any]:
        """All, as Optuna's frozen trials; those too many are left out."""
        return [trial for trial in self.study.get_trials(deepcopy=False) if SURPLUS not in trial.user_attrs]

    def waiting(self) -> int:
        """Trials of a grid that nobody has begun."""
        from optuna.trial import TrialState

        return len(self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))

    def adopt(self) -> list[Any]:
        """Trials whose sweeper is gone, now this one's."""
        from optuna.trial import Trial, TrialState

        found = []
        with file_lock(self.folder / "study.lock"), self.in_one_go():
            for frozen in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                owner = frozen.user_attrs.get(OWNER)
                # On another machine it may be about to get one.
                begun = frozen.datetime_start or datetime.min
                is_new = owner is None and (datetime.now() - begun).total_seconds() < DEAD_SECONDS
                if owner != self.token and not is_new and not self._is_alive(str(owner)):
                    trial = Trial(self.study, frozen._trial_id)
                    trial.set_user_attr(OWNER, self.token)
                    found.append(trial)
        return found

    def _is_alive(self, owner: str) -> bool:
        path = self.folder / "sweepers" / owner
        try:
            with path.open("r+b") as file:
                is_free = try_lock(file.fileno())
        except OSError:
            is_free = None
        if is_free is not None:
            return not is_free
        # On another machine, or where locks do not work.
        beat = self.study.user_attrs.get(f"beat {owner}", 0.0)
        return time.time() - float(beat) < DEAD_SECONDS

    def close(self) -> None:
        """Lets go of it: who comes next needs not wait to know that this sweeper is gone."""
        if self._lock is not None:
            self.study.set_user_attr(f"beat {self.token}", 0.0)
            self._lock.close()
            (self.folder / "sweepers" / self.token).unlink(missing_ok=True)
        self.storage.remove_session()


def _open_storage(folder: Path, address: str | None) -> tuple[Any, Callable[[], AbstractContextManager[None]]]:
    """Optuna's storage, and what has the records of a block wait for the disk together."""
    from optuna.storages import JournalStorage, RDBStorage

    from plx_train.sweep.journal import Journal

    folder.mkdir(parents=True, exist_ok=True)
    if address is None:
        journal = Journal(folder / JOURNAL_FILE)
        return JournalStorage(journal), journal.in_one_go
    try:
        with file_lock(folder / "study.lock"):
            options = {"connect_args": {"timeout": 60}} if "sqlite" in address else None
            return RDBStorage(with_credentials(address), engine_kwargs=options), nullcontext
    except Exception as error:  # of whatever database this is
        reason = reason_of(error, without_credentials)
        raise UserError(f"sweep.storage={without_credentials(address)} can't be opened ({reason})") from None


def _hold(folder: Path, token: str) -> BinaryIO:
    (folder / "sweepers").mkdir(exist_ok=True)
    file = (folder / "sweepers" / token).open("w+b")
    try_lock(file.fileno())
    return file
