"""A room's light side on a folder, and samples that are known by their truth alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plx_train.contract.check import Checked
from plx_train.contract.dataset_options import DatasetOptions
from plx_train.contract.processor import Processor
from plx_train.contract.rooms import load_room
from plx_train.contract.sample import Sample


def true_sample(truth: Any) -> Sample:
    """What a metric takes."""
    return Sample(None, None, truth, "a sample")


def fitted(name: str, root: Path, weights: str | None = None, **options: Any) -> Any:
    """The processor that the options and the files in `root` give."""
    room = load_room(name)
    dataset, module = DatasetOptions(root=str(root)), room.options(**options)
    room.check_options(module, dataset)
    return room.fit(room.read(dataset, module), dataset, module, weights)


def built(name: str, options: dict[str, Any], **facts: Any) -> Any:
    """The room's module as for fine-tuning, with a processor of these facts."""
    room = load_room(name)
    return room.build(room.options(**options), room.processor(**facts), None, is_fine_tuning=True)


def checked(
    name: str,
    root: Path,
    train: str = "train.txt",
    val: str = "val.txt",
    processor: Processor | None = None,
    **options: Any,
) -> Checked[Any]:
    """What the room says of the files in `root`, with `processor` or the one that they and the options give."""
    room = load_room(name)
    dataset, module = DatasetOptions(root=str(root), train=train, val=val), room.options(**options)
    room.check_options(module, dataset)
    data = room.read(dataset, module)
    return room.check(data, processor or room.fit(data, dataset, module, None), dataset, module)
