"""What computes convolutions: Paddle's own kernels, or oneDNN's where they are there and agree with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from plx_train.ground.errors import DeviceError
from plx_train.machine.hardware import cpu
from plx_train.onednn.library import LibraryError, version

BF16_FLAGS = {"avx512_bf16", "amx_bf16"}
"""Flags of processors that multiply in bf16."""


@dataclass(frozen=True)
class Convolutions:
    """What was chosen.

    Attributes:
        backend: native or onednn.
        sentence: for people.
        is_substitute: whether something better was wanted and is not to be had.
    """

    backend: str
    sentence: str
    is_substitute: bool = False


_exchanged: list[tuple[str, Callable[[], None]]] = []
"""The precision in use and what undoes it, where oneDNN is in use."""


def choose_convolutions(backend: str, precision: str, is_cpu: bool, threads: int = 1) -> Convolutions:
    """Has Paddle's convolutions of this process computed by `backend` from now on.

    Args:
        backend: ``auto``, ``native`` or ``onednn``; auto takes the latter on a CPU, where it works.
        precision: ``fp32``, or ``bf16`` for oneDNN to multiply in.
        threads: that oneDNN computes by, beside each other.

    Raises:
        DeviceError: what is asked for by name can't be had.
    """
    restore_convolutions()
    if backend == "native" or (backend == "auto" and not is_cpu):
        return Convolutions("native", "convolutions by Paddle")
    fault = _fault(precision)
    if fault is None:
        _exchange(precision)
        _gather(threads)
        in_precision = "" if precision == "fp32" else f" in {precision}"
        return Convolutions("onednn", f"convolutions by oneDNN {version()}{in_precision}")
    if backend == "onednn" or precision != "fp32":
        raise DeviceError(f"device.conv_backend={backend} device.conv_precision={precision}: {fault}")
    return Convolutions("native", f"convolutions by Paddle, not by oneDNN, which is quicker: {fault}", True)


def restore_convolutions() -> None:
    """Paddle's own again."""
    while _exchanged:
        _exchanged.pop()[1]()


@contextmanager
def natively() -> Iterator[None]:
    """Paddle's own inside the block, whatever was chosen."""
    precisions = [precision for precision, _ in _exchanged]
    restore_convolutions()
    try:
        yield
    finally:
        for precision in precisions:
            _exchange(precision)


def _exchange(precision: str) -> None:
    from plx_train.onednn.seam import exchange

    _exchanged.append((precision, exchange(precision)))


def _gather(threads: int) -> None:
    from plx_train.onednn.crew import gather

    gather(threads)


def _fault(precision: str) -> str | None:
    """Why oneDNN can't be used; None where it can."""
    if precision == "bf16" and not cpu().flags & BF16_FLAGS:
        return "this processor does not multiply in bf16, say device.conv_precision=fp32"
    try:
        from plx_train.onednn.agreement import disagreement

        return disagreement(precision)
    except LibraryError as error:
        return str(error)
