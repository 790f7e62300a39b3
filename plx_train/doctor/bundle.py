"""One zip to attach to a bug report: the diagnosis, and what the last run was told and said."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from plx_train.doctor.redact import Redactor, this_redactor
from plx_train.ground.characters import json_text
from plx_train.ground.confine import is_inside
from plx_train.ground.errors import UserError
from plx_train.ground.files import replacing
from plx_train.ground.parsed import parse_json
from plx_train.runs.folder import CHECK_FILE, CONFIG_FILE, EXPORT, METRICS_FILE, PARITY_FILE, RUN_FILE, SPOOL_PATTERN

RUN_FILES = (CONFIG_FILE, RUN_FILE, CHECK_FILE, PARITY_FILE, f"{EXPORT}/{PARITY_FILE}", METRICS_FILE)
LOG_PATTERNS = ("*.log", SPOOL_PATTERN)
MOST_BYTES = 2 << 20
"""Bytes that are taken of each log, from its end."""


def last_run(folder: Path) -> Path | None:
    """The run in `folder`, or the folder itself, that was begun or changed last."""
    candidates = [folder, *(folder.iterdir() if folder.is_dir() else [])]
    runs = [path for path in candidates if (path / CONFIG_FILE).is_file()]
    return max(runs, key=lambda path: (path / CONFIG_FILE).stat().st_mtime, default=None)


def write_bundle(
    target: Path,
    diagnosis: dict[str, Any],
    lines: Sequence[str],
    run: Path | None,
    redactor: Redactor | None = None,
) -> list[str]:
    """Writes the zip and returns the names in it.

    Args:
        target: the file; it is replaced in one piece.
        diagnosis: as JSON.
        lines: the same for people.
        run: a run's folder; of it config, summary, check, proof and logs are taken, no images and no weights.
        redactor: what to take out; by default what this process can know.

    Raises:
        UserError: `target` can't be written.
    """
    redactor = redactor or this_redactor()
    contents = {
        "doctor.json": json_text(redactor.tree(diagnosis), indent=1),
        "doctor.txt": redactor.text("\n".join(lines) + "\n"),
    }
    if run is not None:
        contents |= _run_contents(run, redactor)
    try:
        with replacing(target) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in contents.items():
                archive.writestr(name, text)
    except OSError as error:
        raise UserError(f"doctor.bundle={target} can't be written: {error.strerror or error}") from None
    return list(contents)


def _run_contents(run: Path, redactor: Redactor) -> dict[str, str]:
    contents = {}
    logs = [path for pattern in LOG_PATTERNS for path in sorted(run.glob(pattern))]
    for path in [*(run / name for name in RUN_FILES), *logs]:
        # What goes to others is the run's own: no file that a link leads to.
        if is_inside(run, path) and path.is_file():
            contents[f"run/{path.relative_to(run).as_posix()}"] = _redacted(path, redactor)
    return contents


def _redacted(path: Path, redactor: Redactor) -> str:
    """The end of a text file; by its structure where it has one."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - MOST_BYTES))
        text = file.read().decode("utf-8", errors="replace")
    try:
        if path.suffix == ".json":
            return json_text(redactor.tree(parse_json(text)), indent=1)
        if path.suffix == ".yaml":
            return yaml.safe_dump(redactor.tree(yaml.safe_load(text)), sort_keys=False, allow_unicode=True)
        if path.suffix == ".jsonl":
            return "".join(_redacted_line(line, redactor) for line in text.splitlines())
    except (ValueError, yaml.YAMLError):
        pass
    return redactor.text(text)


def _redacted_line(line: str, redactor: Redactor) -> str:
    try:
        return json_text(redactor.tree(parse_json(line))) + "\n"
    except ValueError:  # cut off at the beginning, or by a crash at the end
        return redactor.text(line) + "\n"
