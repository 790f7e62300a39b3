"""The device of a run: opened, seeded, its convolutions chosen, and said what it is."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np

from plx_train.config.options import RunOptions
from plx_train.distributed import ranks
from plx_train.machine.device import OpenDevice, open_device
from plx_train.machine.environment import prepare_environment
from plx_train.terminal.console import make_console


def start_device(options: RunOptions) -> OpenDevice:
    """Sets the environment, imports paddle and opens the device."""
    late = prepare_environment(options.device)
    if late:
        make_console(quiet=options.quiet).warn(
            f"paddle was imported before the run could set {', '.join(late)}: results may differ in their last bits "
            "from those of the command; import paddle after, or set them yourself"
        )
    opened = open_device(options.device)
    asked = options.device.threads or 1
    if asked > 1 and asked != opened.threads:
        make_console(quiet=options.quiet).warn(
            f"device.threads={asked}: OMP_NUM_THREADS={opened.threads}, set by you or by an import of paddle before, "
            "wins; unset it to compute with more"
        )
    opened = replace(opened, note=f"{opened.note}; {_convolutions(options, opened)}")
    ranks.connect()
    seed_everything(options.seed, options.deterministic)
    return opened


def _convolutions(options: RunOptions, opened: OpenDevice) -> str:
    from plx_train.onednn.choice import choose_convolutions

    device = options.device
    chosen = choose_convolutions(device.conv_backend, device.conv_precision, opened.type == "cpu", opened.threads)
    if chosen.is_substitute:
        make_console(quiet=options.quiet).warn(chosen.sentence)
    return chosen.sentence


def seed_everything(seed: int, deterministic: bool) -> None:
    """Seeds python, numpy and paddle; the loader draws from generators of its own."""
    import paddle

    random.seed(seed)
    np.random.seed(seed)
    paddle.seed(seed)
    if deterministic and paddle.is_compiled_with_cuda():
        paddle.set_flags({"FLAGS_cudnn_deterministic": True, "FLAGS_embedding_deterministic": 1})
