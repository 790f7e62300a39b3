"""Where a finished model lies that teaches a run."""

from __future__ import annotations

from pathlib import Path

from plx_train.config.options import RunOptions
from plx_train.export.static_model import room_of
from plx_train.ground.errors import ConfigError, UserError
from plx_train.registry.resolve import resolver
from plx_train.runs.exported import exported_in, read_inference
from plx_train.tracking import resolve_uri
from plx_train.workflow.source import run_folder


def exported_teacher(options: RunOptions) -> Path:
    """The exported folder that ``teacher=`` names.

    Raises:
        UserError: there is none.
        ConfigError: it is of another module.
    """
    name = str(options.teacher)
    registered = resolver(resolve_uri(options.tracking.uri))(name)
    folder = registered.folder if registered else exported_in(run_folder(name, options))
    if folder is None:
        raise UserError(f"teacher={name} holds no exported model: run mode=export run={name}")
    room = room_of(read_inference(folder))
    if room != options.module.name:
        raise ConfigError(f"teacher={name} is a model for module={room}, not {options.module.name}")
    return folder
