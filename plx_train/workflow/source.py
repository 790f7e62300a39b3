"""What ``run=`` names: a run's id or folder, a checkpoint, or an exported folder."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from plx_train.config.compose import Composed, without_retired
from plx_train.config.options import RunOptions
from plx_train.contract.module import Module
from plx_train.contract.rooms import load_room
from plx_train.export.static_model import room_of
from plx_train.ground.errors import ConfigError, UserError
from plx_train.ground.files import resolve_path
from plx_train.runs.checkpoint import is_checkpoint, load_state
from plx_train.runs.exported import exported_in, is_export, read_inference
from plx_train.runs.folder import CONFIG_FILE, OUTPUTS, RUN_FILE, best_checkpoint
from plx_train.tracking import find_run, resolve_uri
from plx_train.workflow.dataset import RunData

RECORDED_SECTIONS = ("module", "dataset")


@dataclass(frozen=True)
class Source:
    """A model to evaluate, export or predict with.

    Attributes:
        checkpoint: folder of safetensors, where it is one.
        export: folder with ``inference.yml``, where it is one.
        run: the run's folder, where it is known.
    """

    checkpoint: Path | None
    export: Path | None
    run: Path | None

    @property
    def model(self) -> Path | None:
        """The folder with its weights."""
        return self.export or self.checkpoint

    def recorded(self) -> dict[str, Any]:
        """Contents of the run's ``run.json``; nothing where there is none."""
        path = self.run / RUN_FILE if self.run else None
        return json.loads(path.read_text("utf-8")) if path and path.is_file() else {}


def find_source(options: RunOptions) -> Source:
    """The model that `options.run` names.

    Raises:
        UserError: there is none.
    """
    if not options.run:
        raise ConfigError(f"mode={options.mode} needs run=<run id, run folder, checkpoint or exported folder>")
    folder = run_folder(options.run, options)
    if is_export(folder):
        return _of_export(folder)
    if is_checkpoint(folder):
        return Source(folder, None, folder.parent.parent)
    best = best_checkpoint(folder)
    if is_checkpoint(best):
        return Source(best, None, folder)
    raise UserError(f"run={options.run}: {folder} is neither a run, nor a checkpoint, nor an exported folder")


def find_export(options: RunOptions) -> Source:
    """The exported folder that `options.run` names, by itself or as part of a run.

    Raises:
        UserError: there is none.
    """
    if not options.run:
        raise ConfigError(f"mode={options.mode} needs run=<run id, run folder or exported folder>")
    folder = run_folder(options.run, options)
    export = exported_in(folder)
    if export is None:
        raise UserError(f"run={options.run}: {folder} holds no exported model: run mode=export run={options.run}")
    return _of_export(export)


def _of_export(folder: Path) -> Source:
    """The run around an exported folder is known by its ``run.json``."""
    return Source(None, folder, folder.parent if (folder.parent / RUN_FILE).is_file() else None)


def run_folder(name: str, options: RunOptions) -> Path:
    """The folder of a run that is named by its folder, or by its id in the store.

    Raises:
        UserError: there is none, or it is on another machine.
    """
    folder = resolve_path(name)
    if folder.exists():
        return folder
    record = find_run(resolve_uri(options.tracking.uri, Path(OUTPUTS)), name)
    if record.output is None or not record.output.is_dir():
        raise UserError(f"run {name} is recorded, but its folder {record.output} is not on this machine")
    return record.output


def with_recorded_options(composed: Composed, source: Source) -> Composed:
    """The run's own module and dataset options, under whatever the command line says anew."""
    path = source.run / CONFIG_FILE if source.run else None
    if source.export and not path:
        room = room_of(read_inference(source.export))
        if room != composed.options.module.name:
            raise ConfigError(f"{source.export} is a model for module={room}: say so")
    if path is None or not path.is_file():
        return composed
    recorded = OmegaConf.load(path)
    assert isinstance(recorded, DictConfig)
    known = without_retired(recorded)
    given = {text.partition("=")[0] for text in composed.overrides}
    options = replace(composed.options, seed=recorded.seed)
    if recorded.module.name != options.module.name:
        options.module = load_room(recorded.module.name).options()
    for section in RECORDED_SECTIONS:
        if section in given:
            continue
        current = OmegaConf.structured(getattr(options, section))
        merged = OmegaConf.merge(current, known[section])
        for key in (name for name in given if name.startswith(f"{section}.")):
            leaf = key.removeprefix(f"{section}.")
            OmegaConf.update(merged, leaf, OmegaConf.select(current, leaf))
        setattr(options, section, OmegaConf.to_object(merged))
    return replace(composed, options=options)


def load_source(options: RunOptions, data: RunData, source: Source) -> Module[Any]:
    """The module of a checkpoint, with its weights.

    Raises:
        WeightsError: the checkpoint is damaged or of another network.
    """
    from plx_train.weights import load_weights

    assert source.checkpoint is not None
    module = data.build(options, load_state(source.checkpoint)["is_fine_tuning"])
    load_weights(module.network, str(source.checkpoint), False, module.optional_weights)
    module.eval_mode()
    return module
