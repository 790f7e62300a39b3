"""Indexes by key, each in a folder of its own: what a server builds is there when it is started again."""

from __future__ import annotations

import re
import threading
import uuid
from collections import OrderedDict
from pathlib import Path

from plx_train.ground.errors import UserError
from plx_train.ground.files import remove_folder, replace_folder
from plx_train.index.feature_index import FeatureIndex, is_index, read_index

KEY = re.compile(r"[0-9a-f]{32}")
MOST_HELD = 8
"""Indexes that are kept in memory."""


class IndexStore:
    """Indexes by key.

    Args:
        folder: holds one folder each; it is made when the first one is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held: OrderedDict[str, FeatureIndex] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> FeatureIndex:
        """
        Raises:
            UserError: there is none of this key, or it can't be read.
        """
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
            # A key of another form could name any folder.
            if not KEY.fullmatch(key) or not is_index(self.folder / key):
                raise UserError(f"there is no index of the key {key[:64]!r}: build one first")
            return self._hold(key, read_index(self.folder / key))

    def put(self, index: FeatureIndex, key: str | None = None, most_bytes: int | None = None) -> str:
        """Keeps an index under a new key, or in the place of the one that it was made of; the key.

        Args:
            most_bytes: that all indexes may take on disk.

        Raises:
            UserError: they would take more; then the former ones stay.
        """
        key = key or uuid.uuid4().hex
        temporary = self.folder / f".{key}.tmp"
        with self._lock:
            remove_folder(temporary)
            temporary.mkdir(parents=True)
            try:
                index.save(temporary)
                others = (each for each in self.folder.iterdir() if each.name not in (key, temporary.name))
                if most_bytes is not None and sum(map(_size, (temporary, *others))) > most_bytes:
                    raise UserError(
                        f"all indexes together may take {most_bytes / 2**20:g} MiB on disk, which this one would pass: "
                        "whoever runs the server can allow more by serve.max_index_mb, or remove folders of old ones"
                    )
                replace_folder(temporary, self.folder / key)
            finally:
                remove_folder(temporary)
            self._hold(key, index)
        return key

    def _hold(self, key: str, index: FeatureIndex) -> FeatureIndex:
        self._held[key] = index
        self._held.move_to_end(key)
        while len(self._held) > MOST_HELD:
            self._held.popitem(last=False)
        return index


def _size(folder: Path) -> int:
    """Bytes of the files of an index."""
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) if folder.is_dir() else 0
