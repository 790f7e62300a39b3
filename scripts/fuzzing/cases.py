"""Cases: the files of one input, by relative path, and how they lie on disk."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

Case = dict[str, bytes]
"""Contents by relative path; a path that ends with ``@`` is a link to where its content says."""
LINK = "@"
GUARD = b"%GUARD%"
"""Stands in contents for the folder that nothing may touch."""
KEPT_BYTES = 1 << 20
"""Larger cases don't enter the corpus."""


def write_case(case: Mapping[str, bytes], folder: Path, guard: Path | None = None) -> None:
    """Makes `folder` hold the case and nothing else; `GUARD` becomes `guard`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in case.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if guard is not None:
                content = content.replace(GUARD, bytes(guard))
            if name.endswith(LINK):
                path.with_name(path.name[:-1]).symlink_to(content.decode("utf-8", "replace").replace("\0", ""))
            else:
                path.write_bytes(content)
        except OSError:  # a link in the way, or a name that no file can have
            continue


def read_case(folder: Path) -> Case:
    """The case that lies in a folder."""
    case: Case = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            case[name + LINK] = bytes(path.readlink())
        elif path.is_file():
            case[name] = path.read_bytes()
    return case


def digest_of(case: Mapping[str, bytes]) -> str:
    """A name for a case, by its content."""
    digest = hashlib.sha256()
    for name in sorted(case):
        digest.update(f"{name}\0{len(case[name])}\0".encode("utf-8", "surrogateescape"))
        digest.update(case[name])
    return digest.hexdigest()[:16]


def size_of(case: Mapping[str, bytes]) -> int:
    """Bytes of all files."""
    return sum(map(len, case.values()))
