"""The images of a run's pool, listed once: what its folder is given later changes nothing of a run that goes on."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

from plx_train.distributed import ranks
from plx_train.few.pool import Pool, find_pool
from plx_train.ground.files import read_limited, replace_file
from plx_train.ground.parsed import parse_json
from plx_train.runs.folder import MOST_RECORD_BYTES, POOL, POOL_LISTING, whole_run
from plx_train.vision.image import IMAGE_SUFFIXES
from plx_train.workflow.session import Session


def listed_pool(session: Session) -> Pool:
    """The images that ``dataset.pool`` names, as they were found when the run began, or the one that it belongs to.

    Raises:
        UserError: there is none.
    """
    dataset = session.options.dataset
    given, file = str(dataset.pool), whole_run(session.output) / POOL / POOL_LISTING
    listed = _read(file, given)
    if listed is None:
        listed = find_pool(given, Path(dataset.root), IMAGE_SUFFIXES)
        if ranks.rank() == 0:
            file.parent.mkdir(exist_ok=True)
            content = {"pool": given, "root": str(listed.root), "images": listed.images}
            replace_file(file, json.dumps(content, ensure_ascii=True))
    return listed


def _read(file: Path, given: str) -> Pool | None:
    """What was listed; None where nothing was, or something else, or what leads out of its folder."""
    try:
        content = parse_json(read_limited(file, MOST_RECORD_BYTES))
        root, images = Path(content["root"]), tuple(content["images"])
        is_usable = content["pool"] == given and images and all(map(_stays, images))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Pool(root, images) if is_usable else None


def _stays(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
