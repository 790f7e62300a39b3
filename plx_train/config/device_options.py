"""Options of the device; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from plx_train.contract.option import FILLED, Trait, at_least, one_of, option

MOST = 1024
"""Processes or threads of which a machine starts no more; it would run out of them, or of memory, with no word."""


@dataclass
class DeviceOptions:
    """A hardware profile: where and in what precision is computed."""

    name: str = option("auto", Trait.HARMLESS)
    """Name of the profile."""
    type: str = option(
        "auto",
        one_of("auto", "cpu", "gpu", "dcu", "xpu", "npu", "mlu", "gcu", "metax_gpu", "iluvatar_gpu"),
        Trait.HARMLESS,
    )
    """Kind of device that computes; auto: an accelerator that paddle and the machine have, else the CPU."""
    ids: list[int] = option([0], at_least(0), FILLED, Trait.HARMLESS)
    """Numbers of the accelerators to use; with several, one process trains on each."""
    processes: int | None = option(None, at_least(1, at_most=MOST))
    """Processes that train together on this machine; null: one for each id."""
    nodes: int = option(1, at_least(1, at_most=MOST))
    """Machines that train together; the same command is given on each."""
    master: str | None = option(None, Trait.HARMLESS)
    """Address of the first machine, host:port, where there are several."""
    node_rank: int | None = option(None, at_least(0), Trait.HARMLESS)
    """Number of this machine, from 0; null: assigned by the first."""
    sync_bn: bool = False
    """Batch statistics over all processes, where the device has it; else each has its own."""
    precision: str = option("auto", one_of("auto", "fp32", "bf16", "fp16"))
    """Number format of training; auto: what is safe for the module on this device."""
    num_workers: int | None = option(None, at_least(0, at_most=MOST), Trait.HARMLESS, Trait.HOW_TO_SWEEP)
    """Loader processes; 0: samples are made in the run's own; null: by the number of cores."""
    threads: int | None = option(None, at_least(1, at_most=MOST), Trait.HARMLESS)
    """Threads that compute on a CPU, to the same bits however many; null: one for each core, four at most."""
    conv_backend: str = option("auto", one_of("auto", "native", "onednn"))
    """Library of convolutions on a CPU: Paddle's own (native), oneDNN, or auto: the latter where both agree."""
    conv_precision: str = option("fp32", one_of("fp32", "bf16"))
    """Number format in which oneDNN multiplies in training, on processors that have bf16; all else stays fp32."""
    flags: dict[str, Any] = option({}, Trait.HARMLESS)
    """Flags of Paddle by name, without FLAGS_: device.flags.use_stride_kernel=0."""
    env: dict[str, str] = option({}, Trait.HARMLESS)
    """Environment variables that are set before paddle is imported: device.env.NAME=value."""
