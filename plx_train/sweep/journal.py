"""The file that a study lies in: Optuna's journal, whose lock the killed let go of, with fewer waits for the disk."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend

from plx_train.ground.file_lock import file_lock


class Journal(JournalFileBackend):
    """Records of a study, a line each; Optuna reads them, and another process's as soon as they are written."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path, self._lock_path = path, path.with_name(f"{path.name}.lock")
        self._is_gathering = self._is_behind = False

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Adds records; inside `in_one_go` the disk has them when that ends, else when this returns."""
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        with file_lock(self._lock_path), self._path.open("ab") as file:
            file.write(lines.encode())
            file.flush()
            if self._is_gathering:
                self._is_behind = True
            else:
                os.fsync(file.fileno())

    @contextmanager
    def in_one_go(self) -> Iterator[None]:
        """Has what is written inside wait for the disk together: a trial's end and beginning are a dozen records."""
        if self._is_gathering:
            yield
            return
        self._is_gathering = True
        try:
            yield
        finally:
            self._is_gathering = False
            if self._is_behind:
                self._is_behind = False
                with self._path.open("rb+") as file:
                    os.fsync(file.fileno())
