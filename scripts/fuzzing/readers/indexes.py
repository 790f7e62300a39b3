"""Indexes of known images, as people exchange them: read, searched, added to, taken from, and written again."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fuzzing.cases import Case
from fuzzing.reader import Reader, Wrong

TOKENS = (
    *(b"IxM2", b"IxFI", b"IxFl", b"\x00\x00\x00\x00\x00\x00\x10\x00", b"\xff\xff\xff\xff\xff\xff\xff\x7f"),
    *(b'"maker"', b'"labels"', b'"vectors"', b'"fingerprint"', b"null", b"[]", b"{}", b"-1", b"NaN", b"id_map:"),
)
DIMENSIONS = 4


def seeds(folder: Path) -> dict[str, Case]:
    """An index of five images, and an empty one."""
    from plx_train.index.feature_index import empty_index
    from plx_train.index.maker import Maker

    empty = empty_index(Maker("0" * 64, "PP-ShiTuV2_rec", "r"))
    vectors = np.eye(DIMENSIONS, dtype=np.float32)[[0, 1, 2, 3, 0]]
    found: dict[str, Case] = {}
    for name, index in (("five", empty.appended(vectors, ["a", "b", "c", "a", "§"])), ("none", empty)):
        place = folder / name
        place.mkdir()
        index.save(place)
        found[name] = {path.name: path.read_bytes() for path in place.iterdir()}
    return found


def run(folder: Path) -> str:
    """Does all that a server does with an index."""
    from plx_train.index.feature_index import read_index
    from plx_train.index.maker import Maker

    index = read_index(folder)
    index.refuse_other(Maker(index.maker.fingerprint, "other"), str(folder))
    index.maker.told()
    output = folder.parent / "output"
    output.mkdir(exist_ok=True)
    found = "empty"
    if len(index):
        places, cosines = index.search(np.ones((1, index.vectors.shape[1]), np.float32), 3)
        if not np.isfinite(cosines).all() or places.min() < 0:
            raise Wrong("neighbours that are none")
        found = index.labels[int(places[0, 0])]
        index = index.without(labels=[found])
    index.appended(np.ones((1, max(index.vectors.shape[1], 1)), np.float32), ["new"]).save(output)
    again = read_index(output)
    if len(again) != len(index) + 1 or again.labels[-1] != "new":
        raise Wrong("what is written is not what is read")
    return f"{len(index)} {found[:3]}"


READER = Reader("indexes", seeds, run, TOKENS, has_links=True)
