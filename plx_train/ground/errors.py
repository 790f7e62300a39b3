"""The errors a user can cause: one sentence each, with the exit code the command ends with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

FoundT = TypeVar("FoundT")
ErrorT = TypeVar("ErrorT", bound=Exception)


class UserError(Exception):
    """A mistake outside our code: what is wrong, where, and what to do, in one sentence."""

    exit_code = 1


def reason_of(error: BaseException, redact: Callable[[str], str] = str) -> str:
    """The first line of what an exception says, its type where it says nothing."""
    lines = redact(str(error)).splitlines()
    return next((line.strip() for line in lines if line.strip()), type(error).__name__)


class ConfigError(UserError):
    """A key, value or group option that does not exist or does not fit."""

    exit_code = 2


class DeviceError(ConfigError):
    """The device asked for is not there."""


class DataError(UserError):
    """The dataset can't be trained on as it is."""


class WeightsError(UserError):
    """Weights that can't be found, read or fitted to the network."""


class ExportError(UserError):
    """An exported model that can't be written, or that is not equal to the trained one."""


class ModelError(UserError):
    """An exported graph that can't be computed; no fault of what it was asked about."""


class TrainingError(UserError):
    """Training that can't go on."""


class UnreadInputs(UserError):
    """Several files or pages of an input that can't be read; `errors` has the sentence of each."""

    def __init__(self, errors: Sequence[UserError]) -> None:
        super().__init__(f"{len(errors)} inputs can't be read: {'; '.join(map(str, errors))}")
        self.errors = tuple(errors)


def found_in(
    outcomes: Iterable[FoundT | UserError], on_error: Callable[[UserError], None] | None = None
) -> Iterator[FoundT]:
    """What was found, without the errors that stand in the place of what can't be read.

    Args:
        on_error: is given each error.

    Raises:
        UserError: there are errors, after all the rest and without `on_error`.
    """
    faults: list[UserError] = []
    for outcome in outcomes:
        if isinstance(outcome, UserError):
            (on_error or faults.append)(outcome)
        else:
            yield outcome
    if faults:
        raise faults[0] if len(faults) == 1 else UnreadInputs(faults)


def to_keep(error: ErrorT) -> ErrorT:
    """The error without the frames that it went through, which hold whatever was read: for errors that are kept."""
    error.__context__ = None
    return error.with_traceback(None)
