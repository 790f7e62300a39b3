"""What values options can have, beside their types."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from plx_train.config.optimizer_options import OPTIMIZERS, SCHEDULES
from plx_train.config.options import MODES
from plx_train.ground.errors import ConfigError

CHOICES = {
    "mode": MODES,
    "optimizer.name": OPTIMIZERS,
    "optimizer.schedule": SCHEDULES,
    "device.precision": ("auto", "fp32", "bf16", "fp16"),
    "tracking.backend": ("mlflow", "off"),
    "trainer.oom": ("fail", "halve"),
    "trainer.nonfinite": ("stop", "skip", "rollback"),
    "dataset.unreadable": ("fail", "skip"),
    "sweep.sampler": ("grid", "random", "tpe", "gp", "cmaes"),
    "sweep.pruner": ("none", "median", "asha", "hyperband"),
    "sweep.engine": ("local", "ray", "submitit"),
}

AT_LEAST_ONE = (
    *("trainer.epochs", "trainer.max_steps", "trainer.batch_size", "trainer.accumulate_steps", "dataset.limit"),
    *("trainer.eval_every_epochs", "trainer.eval_every_steps", "trainer.log_every_steps", "trainer.patience"),
    *("trainer.save_every_steps", "trainer.keep_last", "trainer.keep_every_steps", "device.processes"),
    "quantize.samples",
    *("sweep.trials", "sweep.warmup", "sweep.seeds", "sweep.workers", "sweep.max_failures"),
    *("serve.max_batch", "serve.queue_size", "serve.max_pages", "serve.timeout_seconds", "serve.poll_seconds"),
)
AT_LEAST_TWO = ("sweep.reduction",)
SHARES = ("dataset.holdout_share", "optimizer.warmup", "optimizer.final_lr", "trainer.ema_decay")
"""Keys of values from 0 to below 1."""
NOT_NEGATIVE = (
    *("optimizer.lr", "optimizer.weight_decay", "dataset.cache_mb", "device.num_workers", "seed"),
    "quantize.tolerance",
    *("serve.port", "serve.max_wait_ms", "serve.max_body_mb", "serve.max_megapixels", "serve.drain_seconds"),
)


def check_values(flat: Mapping[str, Any]) -> None:
    """
    Args:
        flat: every option by dotted key.

    Raises:
        ConfigError: the first value that is none of those possible.
    """
    for key, choices in CHOICES.items():
        _check_choice(key, str(flat[key]), choices)
    _check_ranges(flat)


def _check_choice(key: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        refuse(f"{key}={value} does not exist", value, choices)


def _check_ranges(flat: Mapping[str, Any]) -> None:
    for keys, fits, wanted in (
        (AT_LEAST_ONE, lambda value: value >= 1, "at least 1"),
        (AT_LEAST_TWO, lambda value: value >= 2, "at least 2"),
        (SHARES, lambda value: 0 <= value < 1, "from 0 to below 1"),
        (NOT_NEGATIVE, lambda value: value >= 0, "at least 0"),
    ):
        for key in keys:
            if flat[key] is not None and not fits(flat[key]):
                raise ConfigError(f"{key}={flat[key]} is out of range: it must be {wanted}")


def refuse(fault: str, given: str, known: Sequence[str]) -> None:
    """
    Raises:
        ConfigError: `fault`, with the nearest of the `known` names.
    """
    near = difflib.get_close_matches(given, known, n=1, cutoff=0.5)
    if not near:
        tails = {name.rpartition(".")[2]: name for name in reversed(known)}
        near = [tails[tail] for tail in difflib.get_close_matches(given.rpartition(".")[2], list(tails), n=1)]
    if near:
        raise ConfigError(f"{fault}; did you mean '{near[0]}'?")
    shown = ", ".join(name for name in known if "." not in name)
    raise ConfigError(f"{fault}; there is: {shown}")
