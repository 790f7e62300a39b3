"""What the processes of one run are told: the resolved configuration, in a file of the run's folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from plx_train.config.compose import Composed, composed_from
from plx_train.contract.module import Members
from plx_train.ground.errors import UserError
from plx_train.runs.folder import JOB_FILE


@dataclass(frozen=True)
class RunJob:
    """What each process of a run gets.

    Attributes:
        members: of a fusion.
    """

    composed: Composed
    is_continued: bool
    members: Members


def write_job(output: Path, job: RunJob) -> Path:
    """Writes it into the run's folder."""
    path = output / JOB_FILE
    content = {
        "config": job.composed.yaml,
        "overrides": job.composed.overrides,
        "is_continued": job.is_continued,
        "members": [list(map(str, folders)) for folders in job.members],
    }
    path.write_text(json.dumps(content, indent=1), "utf-8")
    return path


def read_job(path: Path) -> RunJob:
    """What `write_job` was given.

    Raises:
        UserError: the file is none of ours.
    """
    try:
        job = json.loads(path.read_text("utf-8"))
        config, overrides, is_continued = OmegaConf.create(job["config"]), job["overrides"], bool(job["is_continued"])
        members = tuple(tuple(map(Path, folders)) for folders in job["members"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} can't be read ({error})") from None
    if not isinstance(config, DictConfig):
        raise UserError(f"{path} holds no configuration")
    return RunJob(composed_from(config, overrides), is_continued, members)
