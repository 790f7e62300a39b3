"""mode=convert: a copy of a dataset in PaddleX's format, checked; the original stays as it is."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from plx_train.config.compose import Composed
from plx_train.config.options import RunOptions
from plx_train.contract.check import CheckReport, Finding
from plx_train.contract.division import Divided
from plx_train.contract.rooms import load_room
from plx_train.data.divide import NONE
from plx_train.data.findings import report_lines
from plx_train.data.formats.choice import OWN, looks_like_none
from plx_train.data.formats.dataset_format import TRAIN, VAL
from plx_train.data.formats.lines import split_file
from plx_train.ground.errors import ConfigError, DataError, UserError
from plx_train.ground.files import remove_folder, resolve_path
from plx_train.runs.result import RunResult
from plx_train.terminal.console import make_console
from plx_train.workflow.convert import write_dataset
from plx_train.workflow.dataset import check
from plx_train.workflow.gather import Gathered, format_of, gather
from plx_train.workflow.session import explained_faults

MAX_SHOWN = 50
"""Findings shown."""


def run(composed: Composed) -> RunResult:
    """Writes the dataset into ``output``; the exit code is 1 if something of it is wrong or was left out."""
    options, console = composed.options, make_console(quiet=composed.options.quiet)
    output = _empty_folder(options)
    chosen = format_of(options)
    if chosen is None:
        report = _write(lambda folder: _own_files(options, folder), options, output)
    else:
        gathered = gather(options, *chosen)
        if not any(gathered.found.splits.values()):
            first = next((f": {one}" for one in gathered.findings if one.level == "error"), "")
            raise DataError(f"{options.dataset.root} holds no annotation that can be converted{first}")
        report = _write(lambda folder: _annotated(gathered, folder), options, output)
    for finding in report.errors[:MAX_SHOWN]:
        console.error(str(finding))
    for line in report_lines(report, MAX_SHOWN):
        if not line.startswith("error: "):
            console.info(line)
    rows = [("read as", f"{report.format}: {report.division}"), ("written to", str(output))]
    console.summary(f"dataset {options.dataset.name}", rows)
    counts = {"errors": float(len(report.errors)), "warnings": float(len(report.warnings))}
    return RunResult("convert", output, counts, exit_code=0 if report.ok else 1)


def _empty_folder(options: RunOptions) -> Path:
    """
    Raises:
        UserError: the folder is not named, holds something, or lies in the dataset's.
    """
    if not options.output:
        raise ConfigError("mode=convert needs output=<folder for the copy>")
    output, root = resolve_path(options.output), resolve_path(options.dataset.root)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UserError(f"output={output} is not empty: give a folder that is, or is not there yet")
    if output.resolve().is_relative_to(root.resolve()):
        raise UserError(f"output={output} lies in the dataset's folder, which stays as it is: give one outside of it")
    return output


def _not_read(options: RunOptions) -> UserError:
    """Why there is nothing to convert."""
    name, root = options.module.name, options.dataset.root
    truth = load_room(name).truth(options.module)
    if truth is None:
        return ConfigError(f"mode=convert: module={name} reads its own files alone, there is nothing to convert")
    if not resolve_path(root).is_dir():
        return DataError(f"dataset.root={root} is no folder")
    return DataError(f"{root} {looks_like_none(truth)}: name one by dataset.format=<name> to hear what is missing")


def _annotated(gathered: Gathered, folder: Path) -> Divided:
    """Images and label files in `folder`."""
    findings = (*gathered.findings, *write_dataset(gathered, folder))
    files = {split: split_file(split, gathered.found.truth) for split in gathered.found.splits}
    return Divided(gathered.format.name, gathered.division_in_words(), files, findings=findings)


def _own_files(options: RunOptions, folder: Path) -> Divided:
    """Files of a room that reads its own alone, in `folder`.

    Raises:
        UserError: there are none.
    """
    room = load_room(options.module.name)
    has_data = room.truth(options.module) is None and resolve_path(options.dataset.root).is_dir()
    divided = room.divide(options.dataset, options.module, folder, is_copy=True) if has_data else None
    if divided is None:
        raise _not_read(options)
    if not divided.files:
        first = next((f": {one}" for one in divided.findings if one.level == "error"), "")
        raise DataError(f"{options.dataset.root} holds nothing that can be converted{first}")
    return divided


def _write(write: Callable[[Path], Divided], options: RunOptions, output: Path) -> CheckReport:
    """What the room says of the copy, and what could not be written; everything or nothing stands in `output` then."""
    with explained_faults(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        # Of its own: another command may be making the same copy.
        own = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.parent))
        temporary = own / output.name
        try:
            temporary.mkdir()
            written = write(temporary)
            report = _checked(options, temporary, written.files)
            _put(temporary, output)
        finally:
            remove_folder(own)
    told = [_moved(one, temporary, output) for one in report.findings]
    findings = (*written.findings, *told)
    return replace(report, root=str(output), findings=findings, format=written.format, division=written.division)


def _put(temporary: Path, output: Path) -> None:
    """Gives the copy its name, unless another command was quicker.

    Raises:
        UserError: there is something in `output` by now.
    """
    try:
        if output.exists():
            output.rmdir()
        temporary.rename(output)
    except OSError as error:
        if not output.is_dir():
            raise
        raise UserError(f"output={output} was filled by another command meanwhile ({error.strerror})") from None


def _moved(found: Finding, folder: Path, output: Path) -> Finding:
    """A finding in `folder`, as of `output`."""
    path, reason = (text.replace(str(folder), str(output)) for text in (found.path, found.reason))
    return replace(found, path=path, reason=reason)


def _checked(options: RunOptions, folder: Path, files: Mapping[str, str]) -> CheckReport:
    """What the room says of the copy in `folder`, which is divided as it stays."""
    truth = load_room(options.module.name).truth(options.module)
    dataset = replace(
        options.dataset,
        root=str(folder),
        train=files.get(TRAIN, split_file(TRAIN, truth)),
        val=files.get(VAL, split_file(VAL, truth)),
        format=OWN,
        split=NONE,
        split_by=None,
        test_share=0.0,
        corrections=None,
    )
    return check(replace(options, dataset=dataset), folder)[1].report
