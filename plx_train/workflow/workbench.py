"""What most modes open before they begin: the run's folder, the checked dataset, the device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from plx_train.config.compose import Composed
from plx_train.machine.device import OpenDevice
from plx_train.workflow.dataset import NEW, RunData, Splits, open_data
from plx_train.workflow.device import start_device
from plx_train.workflow.session import Session, open_session
from plx_train.workflow.source import Source, with_recorded_options
from plx_train.workflow.trust import tell_whose


@dataclass(frozen=True)
class Workbench:
    """Surroundings, data and device of a mode."""

    session: Session
    data: RunData
    splits: Splits
    device: OpenDevice


@contextmanager
def open_workbench(composed: Composed, source: Source | None = None) -> Iterator[Workbench]:
    """The run's folder, no other command's inside, the dataset checked and split, and the device open.

    Args:
        source: the finished model to work with; its run's options hold where the command line says nothing.

    Raises:
        UserError: the folder can't be written, the dataset has errors, or the device is not there.
    """
    with open_session(with_recorded_options(composed, source) if source else composed) as session:
        options = session.options
        tell_whose(session.console, source.run if source else None)
        data = open_data(session, source.finished if source else NEW)
        yield Workbench(session, data, data.split(options), start_device(options))
