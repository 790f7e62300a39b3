"""A dataset as its room reads it: with label files written under the run's folder, where it has others or none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from plx_train.config.options import RunOptions
from plx_train.contract.check import CheckReport, Finding
from plx_train.contract.dataset_options import DatasetOptions
from plx_train.contract.division import LineRuns, Place
from plx_train.contract.rooms import load_room
from plx_train.data.formats.choice import OWN, looks_like_none
from plx_train.data.formats.coco_file import reachable
from plx_train.data.formats.dataset_format import TEST, TRAIN, VAL
from plx_train.data.formats.lines import split_file, write_label_files
from plx_train.ground.confine import confined
from plx_train.ground.files import read_limited, remove_folder, replace_folder, user_path
from plx_train.runs.folder import LABEL_FILES, MOST_RECORD_BYTES, PREPARED_FILE
from plx_train.workflow.gather import OUR_FILES, format_of, gather, is_ready, not_carved

DECISIVE = ("root", "format", "split", "split_by", "split_seed", "val_share", "test_share", "background")
"""Options of the dataset that decide what is written, beside what names its files."""


WRITTEN_LINE = re.compile(r"\b((?:annotations/instance_)?(?:train|val|test)\.(?:txt|csv|json)):(\d{1,9})\b")
"""A place in a label file that was written, as findings name it."""


@dataclass(frozen=True)
class Prepared:
    """A dataset that its room can read.

    Attributes:
        dataset: the options that lead there.
        format, division: see `CheckReport`.
        origins: what each line of the label files was read from, by their names; none where they are the user's own.
        findings: of the reading.
        test: name of the file of the test split; None where there is none.
    """

    dataset: DatasetOptions
    format: str = ""
    division: str = ""
    origins: Mapping[str, Sequence[Place]] | None = None
    findings: tuple[Finding, ...] = ()
    test: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found to train on: its findings say why."""
        return self.origins is not None and not self.origins.get(self.dataset.train)

    def told(self, report: CheckReport, root: str) -> CheckReport:
        """The room's report on the data at `root`, with the places where users find what is wrong."""
        said = {found.path for found in self.findings if found.code == "no-validation"}
        of_room = (found for found in report.findings if found.code != "file-missing" or found.path not in said)
        findings = (*self.findings, *map(self.original, of_room))
        return replace(report, root=root, format=self.format, division=self.division, findings=findings)

    def original(self, found: Finding) -> Finding:
        """A finding with the places where users find what is wrong."""
        if self.origins is None:
            return found
        path, line = self.place(found.path, found.line)
        reason = WRITTEN_LINE.sub(lambda match: _named(*self.place(match[1], int(match[2]))), found.reason)
        return replace(found, path=path, line=line, reason=reason)

    def place(self, file: str, line: int) -> tuple[str, int]:
        """What a line of a label file was read from; itself where that is not known."""
        places = (self.origins or {}).get(file, [])
        return places[line - 1] if 0 < line <= len(places) else (file, line)


def _named(file: str, line: int) -> str:
    return f"{file}:{line}" if line else file


def prepare(options: RunOptions, folder: Path, processor: Any = None, known: Path | None = None) -> Prepared:
    """The run's dataset; nothing is written where the room can read the files as they are.

    Args:
        folder: of the run.
        processor: of a finished model.
        known: folder of the run whose label files hold, where its options are the same; or None.

    Raises:
        ConfigError: format or division can't be had as the options ask.
    """
    dataset = options.dataset
    if known is not None:
        recorded = _recorded(options, known / LABEL_FILES, is_same_run=known == folder)
        if recorded is not None:
            return recorded
    chosen = format_of(options)
    if chosen is None:
        return _divided(options, folder) or Prepared(dataset, findings=(*_not_seen(options), *not_carved(options)))
    kind, source = chosen
    if is_ready(kind, source, dataset):
        return Prepared(dataset, OWN, findings=tuple(not_carved(options)))
    from plx_train.vision.image import image_size
    from plx_train.workflow.cut_lines import cut_where_needed

    gathered = gather(options, kind, source, processor)
    with _new_folder(folder / LABEL_FILES) as temporary:
        found, findings = cut_where_needed(gathered, temporary)
        size_of = reachable(source.root, image_size)
        written = write_label_files(temporary, found, size_of, gathered.classes, gathered.class_file)
        if not written.origins.get(split_file(TRAIN, found.truth)):
            reason = "no image with an annotation was found to train on"
            findings.append(Finding(str(source.root), 0, "error", "no-sample", reason))
        record = {
            "format": kind.name,
            "division": gathered.division_in_words(),
            "has_images": found is not gathered.found,
            "settings": _settings(options),
            "files": written.files,
            "findings": [one.to_json() for one in (*gathered.findings, *findings, *written.findings)],
            "origins": written.origins,
        }
        (temporary / PREPARED_FILE).write_text(json.dumps(record, ensure_ascii=True), "utf-8")
    return _from_record(options, folder / LABEL_FILES, record)


@contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    """A folder that takes the place of `target` once it is complete; nothing does where it stays empty."""
    temporary = target.with_name(f".{target.name}.tmp")
    remove_folder(temporary)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        if any(temporary.iterdir()):
            replace_folder(temporary, target)
    finally:
        remove_folder(temporary)


def _divided(options: RunOptions, folder: Path) -> Prepared | None:
    """The files that the room divides its data into; None where it reads them as they are."""
    room, dataset = load_room(options.module.name), options.dataset
    with _new_folder(folder / LABEL_FILES) as temporary:
        divided = room.divide(dataset, options.module, temporary)
        if divided is None:
            return None
        if not divided.files:
            return Prepared(replace(dataset, train=divided.train), divided.format, findings=divided.findings)
        record = {
            "format": divided.format,
            "division": divided.division,
            "has_images": True,
            "settings": _settings(options),
            "files": dict(divided.files),
            "findings": [one.to_json() for one in divided.findings],
            "stretches": {name: lines.to_json() for name, lines in divided.origins.items()},
        }
        (temporary / PREPARED_FILE).write_text(json.dumps(record, ensure_ascii=True), "utf-8")
    return _from_record(options, folder / LABEL_FILES, record)


def _not_seen(options: RunOptions) -> Iterator[Finding]:
    """A word on other formats where the room's own files are missing and the folder looks like none."""
    truth, root = load_room(options.module.name).truth(options.module), user_path(options.dataset.root)
    if truth is not None and root.is_dir():
        reason = f"the folder {looks_like_none(truth)}: dataset.format=<name> says what is missing for one of them"
        yield Finding(str(root), 0, "warning", "format-not-seen", reason)


def _settings(options: RunOptions) -> dict[str, Any]:
    """What decides the label files: they are used again where all of it is equal."""
    room, dataset = load_room(options.module.name), asdict(options.dataset)
    truth = room.truth(options.module)
    return {
        **{key: dataset[key] for key in DECISIVE},
        "files": {split: dataset[split] for split in (TRAIN, VAL) if dataset[split] not in OUR_FILES},
        "label": options.dataset.columns.label,
        **({"corrections": dataset["corrections"]} if dataset["corrections"] else {}),
        "truth": truth.name if truth else None,
        "class_file": room.class_file(options.module),
        **room.divides_by(options.dataset, options.module),
    }


def _recorded(options: RunOptions, folder: Path, is_same_run: bool) -> Prepared | None:
    """What a run wrote; None where there is nothing, or the options ask for something else."""
    try:
        record = json.loads(read_limited(folder / PREPARED_FILE, MOST_RECORD_BYTES))
        asked, kept = _settings(options), record["settings"]
        if options.dataset.val in record["files"].values() and VAL in kept["files"]:
            # Another of the splits that were written is looked at: the file that the run read one from stays the same.
            asked["files"][VAL] = kept["files"][VAL]
        if not is_same_run and kept != asked:
            return None
        return _from_record(options, folder, record)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def test_file(folder: Path) -> str | None:
    """Name of the test split's file among those that the run in `folder` wrote; None where there is none."""
    try:
        name = json.loads(read_limited(folder / LABEL_FILES / PREPARED_FILE, MOST_RECORD_BYTES))["files"].get(TEST)
        return name if isinstance(name, str) and (folder / LABEL_FILES / name).is_file() else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _from_record(options: RunOptions, folder: Path, record: dict[str, Any]) -> Prepared:
    files: dict[str, str] = record["files"]
    for name in files.values():
        confined(folder, name, str(folder / PREPARED_FILE))
    own = files.get(VAL, files[TRAIN].replace(TRAIN, VAL))
    val = options.dataset.val if options.dataset.val in files.values() else own
    dataset = replace(
        options.dataset,
        root=str(folder) if record["has_images"] else options.dataset.root,
        train=files[TRAIN],
        val=val,
        label_folder=str(folder),
    )
    findings = tuple(Finding.from_json(one) for one in record["findings"])
    origins: dict[str, Sequence[Place]] = {
        name: [(file, line) for file, line in places] for name, places in record.get("origins", {}).items()
    }
    origins |= {name: LineRuns.from_json(lines) for name, lines in record.get("stretches", {}).items()}
    return Prepared(dataset, record["format"], record["division"], origins, findings, files.get(TEST))
