"""Published models in the layout of an export, made once from the catalogue's files."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from plx_train.contract.rooms import load_room
from plx_train.ground.errors import UserError
from plx_train.ground.files import cache_folder
from plx_train.runs.exported import is_export
from plx_train.weights.catalogue import entries
from plx_train.weights.fetch import find_weights


def published_folder(key: str, model_name: Any) -> Path:
    """The folder of a published model; what it is made of is fetched if need be.

    Raises:
        UserError: there is none of this name.
    """
    rooms = {name: entry.module for name, entry in entries().items() if entry.module}
    if model_name not in rooms:
        raise UserError(
            f"{key}: no model of the name {model_name} can be fetched (only {', '.join(rooms)}): give a folder, "
            "models:/<name>@<alias> or runs:/<run id>"
        )
    folder = cache_folder() / "published" / str(model_name)
    if not is_export(folder):
        _make(folder, str(model_name), rooms[model_name])
    return folder


def _make(folder: Path, model_name: str, room: str) -> None:
    from plx_train.export.write import write_export
    from plx_train.weights import load_weights

    files = find_weights(model_name).path
    known = load_room(room)
    options, processor = known.published(files if files.is_dir() else files.parent)
    module = known.build(options, processor, None, True)
    load_weights(module.network, model_name, optional=module.optional_weights)
    module.eval_mode()
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent))
        write_export(module, module.processor, temporary, model_name, {"weights": model_name})
        temporary.chmod(0o755)
        temporary.rename(folder)
    except OSError:
        # Another process was quicker, or nothing can be written.
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)
        if not is_export(folder):
            raise UserError(f"{folder} can't be written: set PLX_TRAIN_CACHE to a folder that can") from None
