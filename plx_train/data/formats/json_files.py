"""The JSON files of a folder, of which a format looks at some and reads all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from plx_train.data.formats.dataset_format import Annotations, DataFolder
from plx_train.data.formats.parsed_json import JsonFault

LOOKED_AT = 20


def json_files(folder: DataFolder, found: Annotations | None) -> Iterator[tuple[str, Any]]:
    """Names and contents of the JSON files that can be read.

    Args:
        found: is told of the others; None: the first ones are looked at, and nothing is told.
    """
    files = [path for path in folder.files if path.suffix.lower() == ".json"]
    for path in files if found is not None else files[:LOOKED_AT]:
        file = path.relative_to(folder.root).as_posix()
        try:
            content = folder.json(path)
        except JsonFault as fault:
            if found is not None:
                found.add(file, 0, "bad-json", f"the file {fault}")
            continue
        yield file, content
