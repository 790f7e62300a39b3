"""Weights that are used as they are, without the run that made them: a network filled with them, and its export."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plx_train.config.options import RunOptions
from plx_train.contract.module import Module
from plx_train.contract.processor import Processor
from plx_train.contract.rooms import load_room
from plx_train.ground.errors import UserError, WeightsError
from plx_train.runs.folder import EXPORT
from plx_train.weights.load import Coverage

MAX_NAMES = 3


def fill_with(module: Module[Any], weights: str) -> Coverage:
    """Sets the whole network, which nothing trains after that, and puts it into evaluation mode.

    Raises:
        WeightsError: a part of it would stay at its initial values.
    """
    from plx_train.weights import load_weights

    coverage = load_weights(module.network, weights, True, module.optional_weights, adapt=module.weights_as_they_are)
    module.eval_mode()
    if not coverage.missing and coverage.note is None:
        return coverage
    more = f" and {len(coverage.missing) - MAX_NAMES} more" if len(coverage.missing) > MAX_NAMES else ""
    why = coverage.note or f"they don't hold {', '.join(coverage.missing[:MAX_NAMES])}{more}"
    raise WeightsError(
        f"weights={weights} can't be used as they are by module={module.name} with these options and data ({why}): "
        "train first, mode=train with these weights, then give run=…"
    )


def processor_of_weights(options: RunOptions, weights: str) -> Processor:
    """The processor of weights where there is no dataset.

    Raises:
        UserError: weights alone don't say it.
    """
    room = load_room(options.module.name)
    room.check_options(options.module, options.dataset)
    processor = room.processor_of_weights(None, options.dataset, options.module, weights)
    if processor is None:
        raise UserError(f"weights={weights} don't say how images are processed: give run=…")
    return processor.with_reading({"background": options.dataset.background})


@contextmanager
def exported_for_now(options: RunOptions, weights: str, processor: Processor, output: Path) -> Iterator[Path]:
    """An exported folder that is there inside alone: it is made without labels, so nothing proves it.

    Raises:
        UserError: the weights don't make up a whole network, or `output` can't be written.
    """
    import paddle

    from plx_train.export.write import write_export

    room = load_room(options.module.name)
    with paddle.utils.unique_name.guard():
        module = room.build(options.module, room.official(processor, options.module), None, True)
    fill_with(module, weights)
    with tempfile.TemporaryDirectory(prefix=".weights.", dir=output) as folder:
        target = Path(folder) / EXPORT
        write_export(module, processor, target, room.model_name(options.module), {"weights": weights})
        yield target


def origin_of(weights: str) -> dict[str, Any]:
    """What an export says of the weights it was made of, in plain values."""
    from plx_train.weights.fetch import find_weights

    found = find_weights(weights)
    origin = {"weights": found.name, "weights_origin": found.origin, "weights_sha256": found.sha256}
    return origin | ({"weights_licence": found.licence} if found.licence else {})
