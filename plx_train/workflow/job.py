"""What the processes of one run are told: the resolved configuration, in a file of the run's folder."""

from __future__ import annotations

import json
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from plx_train.config.compose import Composed, composed_from
from plx_train.ground.errors import UserError
from plx_train.runs.folder import JOB_FILE


def write_job(output: Path, composed: Composed, is_continued: bool) -> Path:
    """Writes it into the run's folder."""
    path = output / JOB_FILE
    job = {"config": composed.yaml, "overrides": composed.overrides, "is_continued": is_continued}
    path.write_text(json.dumps(job, indent=1), "utf-8")
    return path


def read_job(path: Path) -> tuple[Composed, bool]:
    """What `write_job` was given.

    Raises:
        UserError: the file is none of ours.
    """
    try:
        job = json.loads(path.read_text("utf-8"))
        config, overrides, is_continued = OmegaConf.create(job["config"]), job["overrides"], bool(job["is_continued"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} can't be read ({error})") from None
    if not isinstance(config, DictConfig):
        raise UserError(f"{path} holds no configuration")
    return composed_from(config, overrides), is_continued
