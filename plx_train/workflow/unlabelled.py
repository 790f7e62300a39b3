"""Images of which nothing is labelled yet, opened as if they were a dataset: only so much of it as networks look by."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from plx_train.config.compose import Composed, composed_from
from plx_train.config.options import RunOptions
from plx_train.config.texts import key_of
from plx_train.config.written import literal
from plx_train.contract.check import CheckReport
from plx_train.contract.processor import Processor
from plx_train.contract.room import AnyRoom
from plx_train.contract.rooms import load_room
from plx_train.data.splits import CheckedDocuments
from plx_train.few.pool import REST, find_pool
from plx_train.ground.errors import ConfigError
from plx_train.ground.files import user_path
from plx_train.vision.check import ImageData, ImageSplit
from plx_train.vision.image import IMAGE_SUFFIXES
from plx_train.workflow.dataset import RunData, Splits, starting_weights
from plx_train.workflow.device import start_device
from plx_train.workflow.gather import format_of
from plx_train.workflow.session import open_session
from plx_train.workflow.workbench import Workbench

NAMING = ("dataset", "dataset.root", "experiment")
"""What names a dataset on a command line; a module's recipe has one too, whose labels are not the user's."""


def as_unlabelled(composed: Composed) -> Composed | None:
    """The command with its bare images for the dataset's folder and for the pool; None where there are labels."""
    options = composed.options
    pool = options.dataset.pool
    if not {key_of(text) for text in composed.overrides} & {*NAMING}:
        if not pool or pool == REST:
            return None
        root = find_pool(pool, Path.cwd(), IMAGE_SUFFIXES).root
    else:
        root = user_path(options.dataset.root).absolute()
        if not root.is_dir() or (root / options.dataset.train).is_file() or format_of(options) is not None:
            return None
    config = OmegaConf.create(composed.yaml)
    assert isinstance(config, DictConfig)
    config.dataset.root, config.dataset.name = literal(str(root)), literal(root.name)
    config.dataset.pool = literal(pool or str(root))
    return composed_from(config, composed.overrides)


@contextmanager
def open_unlabelled(composed: Composed) -> Iterator[Workbench]:
    """As `open_workbench`, of images without labels: all splits are empty.

    Raises:
        UserError: the module can't tell without labels how it looks at images.
    """
    with open_session(composed) as session:
        options = session.options
        room = load_room(options.module.name)
        checked: CheckedDocuments[Any] = CheckedDocuments(CheckReport(options.dataset.root, (), {}, ""), [], [])
        data = RunData(room, _processor(room, options), checked)
        yield Workbench(session, data, Splits([], [], []), start_device(options))


def _processor(room: AnyRoom, options: RunOptions) -> Processor:
    dataset = options.dataset
    room.check_options(options.module, dataset)
    train, val = (ImageSplit[Any](file, [], []) for file in (dataset.train, dataset.val))
    empty: ImageData[Any] = ImageData(Path(dataset.root), train, val, ())
    processor: Processor | None = room.fit(empty, dataset, options.module, starting_weights(options))
    if processor is None:
        raise ConfigError(
            f"module={room.name} can't tell how it looks at images before one is labelled: label a few, or "
            "let a module look at them that sees images as a whole"
        )
    return processor.with_reading({"background": dataset.background})
