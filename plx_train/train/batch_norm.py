"""Batch norms of several processes: each its own statistics, or those of all where the device can."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from plx_train.distributed import ranks
from plx_train.ground.errors import ConfigError
from plx_train.machine.device import OpenDevice

if TYPE_CHECKING:
    import paddle

SYNC_DEVICES = ("gpu", "xpu")
"""Devices for which paddle has a batch norm over all processes."""


def check_sync_bn(device_type: str, is_wanted: bool) -> None:
    """
    Raises:
        ConfigError: the device has no batch norm over all processes.
    """
    if is_wanted and device_type not in (*SYNC_DEVICES, "auto"):
        raise ConfigError(
            f"device.sync_bn=true: paddle has it for {' and '.join(SYNC_DEVICES)} only, not for {device_type}: leave "
            "it out, and freeze the batch norms (module.freeze_norm=true) where their statistics matter"
        )


@contextmanager
def batch_norms(module: Any, device: OpenDevice, is_synchronised: bool) -> Iterator[str | None]:
    """Within the block batch norms that learn take the statistics of all processes, if asked for.

    Yields a sentence on whose statistics they take; None in a single process, and where none gathers any. After it
    the layers are what they were, as exports need them.
    """
    if ranks.num_ranks() == 1:
        yield None
        return
    module.train_mode()
    learning = [layer for layer in module.network.sublayers() if is_batch_norm(layer) and layer.training]
    if not learning:
        yield None
        return
    if not is_synchronised:
        yield f"{len(learning)} batch norms take the statistics of each process's own share of the batch"
        return
    import paddle

    check_sync_bn(device.type, True)
    former = [type(layer) for layer in learning]
    for layer in learning:
        # The classes differ in `forward` alone; parameters and their names stay those of the checkpoint.
        layer.__class__ = paddle.nn.SyncBatchNorm
    try:
        yield f"{len(learning)} batch norms take the statistics of all {ranks.num_ranks()} processes"
    finally:
        for layer, kind in zip(learning, former, strict=True):
            layer.__class__ = kind


def is_batch_norm(layer: paddle.nn.Layer) -> bool:
    """Whether a layer gathers statistics over batches."""
    from paddle.nn.layer.norm import _BatchNormBase

    return isinstance(layer, _BatchNormBase)
