"""What ``run=`` names, a run's id or folder, a checkpoint, an exported folder, or ``weights=`` without a run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from plx_train.config.compose import Composed, composed_from
from plx_train.config.options import RunOptions
from plx_train.config.texts import key_of
from plx_train.config.written import all_literal
from plx_train.contract.module import Module
from plx_train.contract.rooms import load_room
from plx_train.ground.errors import ConfigError, UserError, reason_of
from plx_train.ground.files import read_limited, resolve_path, user_path
from plx_train.ground.foreign_yaml import parsed_yaml
from plx_train.runs.checkpoint import is_checkpoint, load_state
from plx_train.runs.exported import exported_in, is_export, read_inference
from plx_train.runs.facts import read_facts
from plx_train.runs.folder import CONFIG_FILE, MOST_RECORD_BYTES, RUN_FILE, best_checkpoint
from plx_train.tracking import find_run, is_folder_of, resolve_uri
from plx_train.workflow.dataset import Finished, RunData

RECORDED_SECTIONS = ("module", "dataset")
REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*\$\{")
"""Beginning of what OmegaConf resolves; after an odd number of backslashes it is text."""


@dataclass(frozen=True)
class Source:
    """A model to evaluate, export or predict with.

    Attributes:
        checkpoint: folder of safetensors, where it is one.
        export: folder with ``inference.yml``, where it is one.
        run: the run's folder, where it is known.
        weights: weights that are used as they are, by name or path, where no run made them.
    """

    checkpoint: Path | None
    export: Path | None
    run: Path | None
    weights: str | None = None

    @property
    def model(self) -> Path | None:
        """The folder with its weights."""
        return self.export or self.checkpoint

    @property
    def finished(self) -> Finished:
        """What data are opened for."""
        return Finished(self.model, self.weights, self.run)

    def recorded(self) -> dict[str, Any]:
        """Contents of the run's ``run.json``; nothing where there is none."""
        return read_facts(self.run) if self.run and (self.run / RUN_FILE).is_file() else {}


def find_source(composed: Composed) -> Source:
    """The model that `run` names, or `weights` without a run.

    Raises:
        UserError: there is none.
    """
    options = composed.options
    if not options.run:
        return _of_weights(composed, "run id, run folder, checkpoint or exported folder")
    _refuse_both(composed)
    folder = run_folder(options.run, options)
    found = _model_in(folder)
    if found is None:
        raise UserError(f"run={options.run}: {folder} is neither a run, nor a checkpoint, nor an exported folder")
    return found


def find_export(composed: Composed) -> Source:
    """The exported folder that `run` names, by itself or as part of a run; or `weights` to be exported first.

    Raises:
        UserError: there is none.
    """
    options = composed.options
    if not options.run:
        return _of_weights(composed, "run id, run folder or exported folder")
    _refuse_both(composed)
    folder = run_folder(options.run, options)
    export = exported_in(folder)
    if export is None:
        raise UserError(f"run={options.run}: {folder} holds no exported model: run mode=export run={options.run}")
    return _of_export(export)


def names_weights(composed: Composed) -> bool:
    """Whether the command, or a preset, says which weights."""
    source = composed.options.weights.source
    return source != "auto" or "weights.source" in map(key_of, composed.overrides)


def _refuse_both(composed: Composed) -> None:
    source, run = composed.options.weights.source, composed.options.run
    # The default and untrained weights name no other model.
    if source not in (None, "auto"):
        raise ConfigError(f"run={run} and weights={source} are two models: give one of them")


def _of_weights(composed: Composed, run: str) -> Source:
    """The model of `weights`, which are a run's where they lie in one; for a prediction, the published ones if need be.

    Args:
        run: what ``run=`` may be, for the message.
    """
    options = composed.options
    module, mode = options.module.name, options.mode
    if not names_weights(composed) and mode != "predict":
        raise ConfigError(
            f"mode={mode} needs run=<{run}>, or weights=<name, file or folder> for weights as they are (weights=auto: "
            f"the published ones of module={module})"
        )
    name = options.weights.source
    if name is None:
        raise ConfigError(f"mode={mode} needs run=<{run}>, or weights: with weights=null the network is untrained")
    if name == "auto":
        name = load_room(module).pretrained(options.module)
    if name is None:
        raise ConfigError(
            f"mode={mode} needs run=<{run}>: no weights are published for module={module} with these options"
        )
    from plx_train.weights.catalogue import entries

    entry = entries().get(name)
    if entry and entry.module not in (None, module):
        raise ConfigError(f"weights={name} are for module={entry.module}, not {module}: give module={entry.module}")
    return (_model_in(resolve_path(name)) if _is_folder(name) else None) or Source(None, None, None, name)


def _is_folder(name: str) -> bool:
    try:
        return user_path(name).is_dir()
    except (OSError, ValueError):  # a name that no file system takes
        return False


def _model_in(folder: Path) -> Source | None:
    """The model of an exported folder, a checkpoint or a run's folder; None where it is none of these."""
    if is_export(folder):
        return _of_export(folder)
    if is_checkpoint(folder):
        return Source(folder, None, folder.parent.parent)
    best = best_checkpoint(folder)
    return Source(best, None, folder) if is_checkpoint(best) else None


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
    record = find_run(resolve_uri(options.tracking.uri), name)
    if record.output is None or not record.output.is_dir():
        raise UserError(f"run {name} is recorded, but its folder {record.output} is not on this machine")
    if not is_folder_of(record.output, record.run_id):
        raise UserError(f"run {name} is recorded, but {record.output}, which the store names, holds another one")
    return record.output


def with_recorded_options(composed: Composed, source: Source) -> Composed:
    """The run's own module and dataset options, under whatever the command line says anew."""
    path = source.run / CONFIG_FILE if source.run else None
    if source.export and not path:
        from plx_train.export.static_model import room_of

        room = room_of(read_inference(source.export))
        if room != composed.options.module.name:
            raise ConfigError(f"{source.export} is a model for module={room}: say so")
    if path is None or not path.is_file():
        return composed
    recorded, current = load_config(path.parent), OmegaConf.create(composed.yaml)
    assert isinstance(current, DictConfig)
    given = {key_of(text) for text in composed.overrides}
    is_same_room = recorded.module.name == current.module.name
    for section in RECORDED_SECTIONS:
        if section not in recorded or (section in given and (section != "module" or is_same_room)):
            continue
        for key in (name for name in given if name.startswith(f"{section}.")):
            OmegaConf.update(recorded, key, all_literal(OmegaConf.select(current, key)))
        current[section] = recorded[section]
    current.seed = recorded.get("seed", current.seed)
    return composed_from(current, composed.overrides)


def load_config(folder: Path) -> DictConfig:
    """A run's composed configuration.

    Raises:
        UserError: it can't be read.
    """
    try:
        text = read_limited(folder / CONFIG_FILE, MOST_RECORD_BYTES).decode("utf-8")
        parsed_yaml(text)  # refuses what would grow without end
        recorded = OmegaConf.create(text)
    except Exception as error:  # whatever a YAML parser trips over
        raise UserError(f"{folder / CONFIG_FILE} can't be read ({reason_of(error)})") from None
    module = recorded._get_node("module") if isinstance(recorded, DictConfig) else None
    is_run = isinstance(module, DictConfig) and not module._is_none() and "name" in module
    if not isinstance(recorded, DictConfig) or not is_run:
        raise UserError(f"{folder / CONFIG_FILE} is no configuration of a run")
    key = next(references_in(recorded), None)
    if key is not None:
        # A run records values; to resolve a reference would put this machine's into what is logged and sent.
        raise UserError(
            f"{folder / CONFIG_FILE}: {key} refers to another value by ${{…}}, which the configuration of a run never "
            "does: put the value there, or write \\${ where the text is meant"
        )
    return recorded


def references_in(config: Any, place: str = "") -> Iterator[str]:
    """The keys of values that would be resolved, references to variables of the environment for example."""
    keys: list[Any] = list(config.keys()) if isinstance(config, DictConfig) else list(range(len(config)))
    for key in keys:
        name = f"{place}.{key}" if place else str(key)
        value = config._get_node(key)
        if OmegaConf.is_interpolation(config, key) and REFERENCE.search(str(value._value())):
            yield name
        elif isinstance(value, DictConfig | ListConfig) and not value._is_none() and not value._is_missing():
            yield from references_in(value, name)


def load_source(options: RunOptions, data: RunData, source: Source) -> Module[Any]:
    """The module of a checkpoint, or of weights that are used as they are.

    Raises:
        WeightsError: the checkpoint is damaged or of another network, or the weights don't make up a whole one.
    """
    from plx_train.weights import load_weights
    from plx_train.workflow.as_they_are import fill_with

    if source.weights is not None:
        module = data.build(options, is_fine_tuning=True)
        fill_with(module, source.weights)
        return module
    assert source.checkpoint is not None
    module = data.build(options, load_state(source.checkpoint)["is_fine_tuning"])
    load_weights(module.network, str(source.checkpoint), False, module.optional_weights)
    module.eval_mode()
    return module
