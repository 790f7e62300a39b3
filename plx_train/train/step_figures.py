"""The numbers of a step, read from the device in one go: every read waits for all that was to be computed before it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plx_train.distributed import ranks

if TYPE_CHECKING:
    import paddle


@dataclass(frozen=True)
class Piece:
    """What was computed in one go, a batch or a part of one.

    Attributes:
        losses: scalars on the device, without gradient.
        share: of its batch, 0 to 1.
        names: of its samples.
        among: the number of batches in the step that have these losses.
    """

    losses: dict[str, paddle.Tensor]
    share: float
    names: list[str]
    among: int


@dataclass(frozen=True)
class Figures:
    """A step in numbers.

    Attributes:
        losses: the mean of each over the step's batches, of all processes.
        gradient_norm: global, 0 where nothing has a gradient.
        suspects: samples of this process in pieces whose losses are not finite.
    """

    losses: dict[str, float]
    gradient_norm: float
    suspects: list[str]


def sums_to_share(pieces: Sequence[Piece]) -> list[paddle.Tensor]:
    """The losses by name in this process, for the processes to sum in place; nothing where it is alone."""
    import paddle

    if ranks.num_ranks() == 1:
        return []
    with paddle.no_grad():
        return [
            paddle.add_n(
                [_scalar(piece.losses[name]) * (piece.share / piece.among) for piece in pieces if name in piece.losses]
            )
            for name in sorted({name for piece in pieces for name in piece.losses})
        ]


def read_figures(
    pieces: Sequence[Piece], shared: Sequence[paddle.Tensor], squared_norm: paddle.Tensor | None
) -> Figures:
    """The one read of a step.

    Args:
        shared: as from `sums_to_share`, summed over the processes.
        squared_norm: of the gradient.
    """
    import paddle

    own = [_scalar(value) for piece in pieces for value in piece.losses.values()]
    with paddle.no_grad():
        numbers = paddle.stack([*own, *shared, *([] if squared_norm is None else [squared_norm])]).numpy().tolist()
    norm = 0.0 if squared_norm is None else math.sqrt(numbers[-1])
    losses: dict[str, float] = {}
    suspects: list[str] = []
    values = iter(numbers)
    for piece in pieces:
        read = {name: next(values) for name in piece.losses}
        if not all(map(math.isfinite, read.values())):
            suspects += piece.names
        for name, value in read.items():
            losses[name] = losses.get(name, 0.0) + value * piece.share / piece.among
    if shared:
        losses |= dict(zip(sorted(losses), values, strict=False))
    return Figures(losses, norm, suspects)


def _scalar(value: paddle.Tensor) -> paddle.Tensor:
    """A tensor of one number as float32 without axes, as it is where it is one already."""
    value = value if value.ndim == 0 else value.reshape([])
    return value if value.dtype.name == "FP32" else value.astype("float32")
