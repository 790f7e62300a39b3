"""The processes of one run (ranks) and what they tell each other; alone, every function is the identity."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import paddle

LOST = 76
"""Exit code of a process that can't reach the others any more."""

_share = 1.0
_meetings: dict[str, int] = {}


@cache
def rank() -> int:
    """This process's number, from 0; the first one alone writes, tracks and speaks."""
    return int(os.environ.get("PADDLE_TRAINER_ID", "0")) if num_ranks() > 1 else 0


@cache
def num_ranks() -> int:
    """How many processes train together."""
    return int(os.environ.get("PADDLE_TRAINERS_NUM", "1"))


def connect() -> None:
    """Meets the other processes; call once, after the device is open."""
    if num_ranks() > 1:
        import paddle.distributed as dist

        with _quiet():
            dist.init_parallel_env()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps what the native library prints to stderr, to be shown only when something fails."""
    sys.stderr.flush()
    shown = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            # Nobody may be left to read it.
            with suppress(OSError):
                os.write(shown, held.read())
            raise
        finally:
            os.dup2(shown, 2)
            os.close(shown)


@contextmanager
def _exchange() -> Iterator[None]:
    """Where another process has gone this one ends at once; who started them tells of the one that was first."""
    try:
        yield
    except Exception:
        os._exit(LOST)


def meet(place: str) -> None:
    """Waits for the other processes however long they take; collectives themselves give up after some 30 seconds."""
    if num_ranks() == 1:
        return
    from paddle.base import core

    _meetings[place] = _meetings.get(place, 0) + 1
    store, name = core.create_or_get_global_tcp_store(), f"plx_train/{place}/{_meetings[place]}"
    with _exchange():
        if store.add(f"{name}/here", 1) == num_ranks():
            store.set(f"{name}/all", "1")
        store.wait(f"{name}/all")


def sum_in_place(tensors: list[paddle.Tensor]) -> None:
    """Replaces each float32 tensor by its sum over the processes, in one exchange."""
    if num_ranks() == 1 or not tensors:
        return
    import paddle
    import paddle.distributed as dist

    flat = paddle.concat([tensor.flatten() for tensor in tensors])
    with _exchange():
        dist.all_reduce(flat)
    start = 0
    for tensor in tensors:
        size = int(tensor.size)
        paddle.assign(flat[start : start + size].reshape(tensor.shape), tensor)
        start += size


def counts(values: list[int]) -> np.ndarray:
    """What each process gives, int64 (processes, len(values)); the lists are of one length."""
    if num_ranks() == 1:
        return np.asarray([values], np.int64)
    import paddle
    import paddle.distributed as dist

    table = np.zeros((num_ranks(), len(values)), np.int64)
    table[rank()] = values
    shared = paddle.to_tensor(table)
    with _exchange():
        dist.all_reduce(shared)
        return np.asarray(shared.numpy())


@dataclass(frozen=True)
class Share:
    """A process' share of one batch.

    Attributes:
        share: of its samples that this process has, above 0, to 1.
        fewest: samples that any process has.
        total: samples of all processes.
    """

    share: float
    fewest: int
    total: int


def shares(sizes: list[int]) -> dict[int, Share]:
    """The batches that every process has samples of, by place; every process gives how many it has of each."""
    if num_ranks() == 1:
        return {place: Share(1.0, size, size) for place, size in enumerate(sizes) if size}
    table = counts(sizes)
    return {
        place: Share(float(column[rank()] / column.sum()), int(column.min()), int(column.sum()))
        for place, column in enumerate(table.T)
        if column.all()
    }


def any_true(flag: bool) -> bool:
    """Whether it is true in at least one process."""
    return flag if num_ranks() == 1 else bool(counts([int(flag)]).any())


def gather(value: Any) -> list[Any]:
    """The values of all processes by rank, in each of them; for picklable values, from our own processes only."""
    if num_ranks() == 1:
        return [value]
    import paddle.distributed as dist

    found: list[Any] = []
    with _exchange():
        dist.all_gather_object(found, value)
    return found


def copy_from_first(tensors: list[paddle.Tensor]) -> None:
    """Gives each tensor the value it has in rank 0."""
    if num_ranks() == 1:
        return
    import paddle.distributed as dist

    with _exchange():
        for tensor in tensors:
            dist.broadcast(tensor, src=0)


@contextmanager
def batch_share(share: float) -> Iterator[None]:
    """Within the block this process holds `share`, 0 to 1, of the batch's samples; see `total`."""
    global _share
    former, _share = _share, share
    try:
        yield
    finally:
        _share = former


def total(value: paddle.Tensor) -> paddle.Tensor:
    """The sum over the processes of a loss's inner sum, when the loss is not a mean over samples.

    Gradients of all processes are averaged with their shares of the batch as weights; the gradient of this
    process's part is scaled so that the average is the gradient of the whole batch's loss.
    """
    if num_ranks() == 1:
        return value
    import paddle.distributed as dist

    summed = value.detach().clone()
    with _exchange():
        dist.all_reduce(summed)
    return summed + (value - value.detach()) / _share


def all_values(values: paddle.Tensor) -> paddle.Tensor:
    """The values of all processes, without gradient, one axis; every process may have its own number of them."""
    flat = values.detach().flatten()
    if num_ranks() == 1:
        return flat
    import paddle
    import paddle.distributed as dist

    sizes = counts([int(flat.size)])[:, 0]
    padded = paddle.concat([flat, paddle.zeros([int(sizes.max()) - int(flat.size)], flat.dtype)])
    found: list[paddle.Tensor] = []
    with _exchange():
        dist.all_gather(found, padded)
    return paddle.concat([part[: int(size)] for part, size in zip(found, sizes, strict=True)])
