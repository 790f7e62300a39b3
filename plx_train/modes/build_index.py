"""mode=build_index: known images by the features of a model; images are added to an index, or taken out of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from plx_train.config.compose import Composed
from plx_train.config.model_options import IndexOptions
from plx_train.config.options import RunOptions
from plx_train.export.predictor import Predictor
from plx_train.ground.errors import ConfigError, UserError
from plx_train.ground.files import remove_folder, replace_folder, resolve_path
from plx_train.index.feature_index import MAKER_FILE, FeatureIndex, empty_index, read_index
from plx_train.index.features import features_of, in_batches, refuse_without_features
from plx_train.index.maker import Maker, maker_of
from plx_train.machine.device import check_device, open_device
from plx_train.machine.environment import prepare_environment
from plx_train.registry.indexes import publish_index
from plx_train.registry.resolve import PREFIXES, resolve
from plx_train.runs.result import RunResult
from plx_train.terminal.console import Console, make_console
from plx_train.tracking import resolve_uri
from plx_train.workflow.gallery import KnownImage, known_images
from plx_train.workflow.inputs import must_exist, teller
from plx_train.workflow.source import find_export


def run(composed: Composed) -> RunResult:
    """Writes the folder ``output``; the exit code is 1 if an image can't be read."""
    options = composed.options
    check_options(options)
    console = make_console(quiet=options.quiet)
    folder = resolve_path(str(options.output))
    former = _former(options)
    known = _known(options)
    index = former.without(*_removed(options.index, former)) if former else None
    faults: list[UserError] = []
    if known:
        predictor, maker = _model(composed)
        if index is None:
            index = empty_index(maker)
        index.refuse_other(maker, options.index.source or "")
        vectors, labels, faults = _features(predictor, known, console)
        index = index.appended(vectors, labels)
    assert index is not None
    _write(index, folder)
    rows = [
        ("images", f"{len(index)} of {len(set(index.labels))} labels{f', before {len(former)}' if former else ''}"),
        ("made by", index.maker.told()),
        ("index", str(folder)),
    ]
    if options.index.registered:
        uri = resolve_uri(options.tracking.uri)
        outcome = publish_index(uri, folder, index, options.index.registered, options.index.alias)
        if not outcome.ok:
            raise UserError(outcome.sentence)
        rows.append(("registry", outcome.sentence))
    console.summary("build_index", rows)
    return RunResult("build_index", folder, {"images": float(len(index))}, exit_code=1 if faults else 0)


def check_options(options: RunOptions) -> None:
    """
    Raises:
        ConfigError: the options don't fit together.
    """
    index = options.index
    if not options.output:
        raise ConfigError("mode=build_index needs output=<folder to write>")
    if not options.input and not (index.source and index.remove):
        raise ConfigError(
            "mode=build_index needs input=<label file, or folder with a folder for each label>, or "
            "index.source=<index> with index.remove=[…]"
        )
    if index.remove and not index.source:
        raise ConfigError("index.remove takes images out of an index: name it by index.source=<folder>")
    if index.registered and options.tracking.backend == "off":
        raise ConfigError("index.registered needs the MLflow store: leave out tracking=off")
    folder = resolve_path(options.output)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MAKER_FILE).is_file():
        raise ConfigError(f"output={folder} holds something else than an index, which would be lost: give another")


def _former(options: RunOptions) -> FeatureIndex | None:
    source = options.index.source
    if source is None:
        return None
    if source.startswith(PREFIXES):
        return read_index(resolve(source, resolve_uri(options.tracking.uri)).folder)
    return read_index(resolve_path(source))


def _removed(options: IndexOptions, former: FeatureIndex) -> tuple[list[int], list[str]]:
    """Ids and labels to take out; a number that is a label too is the label."""
    labels = [name for name in options.remove if name in former.labels]
    ids = [name for name in options.remove if name not in former.labels]
    return [int(name) for name in ids if name.isdecimal()], [*labels, *(name for name in ids if not name.isdecimal())]


def _known(options: RunOptions) -> list[KnownImage]:
    if not options.input:
        return []
    path = resolve_path(options.input)
    must_exist(path)
    return known_images(path)


def _model(composed: Composed) -> tuple[Predictor, Maker]:
    options = composed.options
    check_device(options.device)
    source = find_export(composed)
    if source.export is None:
        raise ConfigError("mode=build_index needs run=<run or exported folder>")
    prepare_environment(options.device)
    predictor = Predictor(source.export, open_device(options.device).name)
    refuse_without_features(predictor)
    return predictor, maker_of(source.export)


def _features(
    predictor: Predictor, known: Sequence[KnownImage], console: Console
) -> tuple[np.ndarray, list[str], list[UserError]]:
    """Vectors of the images that can be read, with their labels, and what can't be."""
    faults, tell = teller(console)
    vectors, labels = [], []
    for some in in_batches(known):
        images = []
        for one in some:
            try:
                images.append(predictor.processor.as_input(one.path))
                labels.append(one.label)
            except UserError as error:
                tell(error)
        if images:
            vectors.append(features_of(predictor, images))
    if not vectors:
        raise UserError(f"none of {len(known)} images can be read")
    return np.concatenate(vectors), labels, faults


def _write(index: FeatureIndex, folder: Path) -> None:
    temporary = folder.with_name(f".{folder.name}.tmp")
    remove_folder(temporary)
    temporary.mkdir(parents=True)
    try:
        index.save(temporary)
        replace_folder(temporary, folder)
    finally:
        remove_folder(temporary)
