"""Packages that an installation may lack, and what to install then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from plx_train.ground.errors import UserError


@contextmanager
def needing_the_workbench() -> Iterator[None]:
    """Says what to install where the block imports what the light installation lacks.

    Raises:
        UserError: a package is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("plx_train"):
            raise
        raise UserError(f"this needs the workbench, {error.name} above all: pip install 'plx_train[train]'") from None
