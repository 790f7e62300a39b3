"""A checked graph as a file that nobody else can write to, for an engine that reads nothing but files."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import weakref
from pathlib import Path

from plx_train.export.graphs.checked import CheckedGraph
from plx_train.ground.errors import UserError


class PrivateFile:
    """The content of a checked graph in a folder of its own, which goes with this object.

    Paddle reads the graph again for every thread, so the file must be there, and be the same, as long as the model.

    Raises:
        UserError: by each method, where there is no room for it.
    """

    def __init__(self, graph: CheckedGraph) -> None:
        self._content = graph.content
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="plx_train."))
        except OSError as error:
            raise _no_room(error) from None
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._path = self._folder / graph.path.name

    def path(self) -> Path:
        """Where it lies; written, and written again where somebody tidied up the system's temporary files."""
        try:
            if not self._path.is_file():
                self._require_own_folder()
                with self._path.open("xb") as file:
                    file.write(self._content)
        except OSError as error:
            raise _no_room(error) from None
        return self._path

    def _require_own_folder(self) -> None:
        """Makes the folder where it is gone; one that another user made in its place is not used."""
        self._folder.mkdir(0o700, exist_ok=True)
        status = self._folder.lstat()
        is_own = not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o022)
        if not (stat.S_ISDIR(status.st_mode) and is_own):
            raise UserError(f"{self._folder} was taken by somebody else: load the model again")


def _no_room(error: OSError) -> UserError:
    told = f"{tempfile.gettempdir()} can't be written ({error.strerror or error})"
    return UserError(f"{told}: set TMPDIR to a folder that can")
