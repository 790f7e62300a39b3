"""Options of the loop and of the optimizer; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass

from plx_train.contract.option import DURATION, PATTERNS, RISING, Trait, above, at_least, one_of, option


@dataclass
class TrainerOptions:
    """How long the loop runs, and when it evaluates, logs and saves."""

    epochs: int | None = option(20, at_least(1))
    """Times that the run goes through the training samples; null: as often as `max_time` or `max_steps` allow. Where
    the time is given and no epochs are, it is null."""
    max_steps: int | None = option(None, at_least(1))
    """Ends the run after this many optimizer steps, whatever `epochs` says."""
    max_time: str | None = option(None, DURATION)
    """Time that the whole run is to take, final evaluation and export included: 90s, 20m, 2h."""
    batch_size: int = option(4, at_least(1))
    """Samples a batch, over all processes together."""
    accumulate_steps: int = option(1, at_least(1))
    """Batches whose gradients are averaged into one optimizer step."""
    eval_every_epochs: int | None = option(5, at_least(1))
    """Epochs between evaluations; the run's first and last step are evaluated in any case."""
    eval_every_steps: int | None = option(None, at_least(1))
    """Optimizer steps between evaluations, in place of epochs."""
    log_every_steps: int = option(10, at_least(1), Trait.HARMLESS)
    """Optimizer steps between logged points of loss, rate and time."""
    save_every_steps: int | None = option(None, at_least(1), Trait.HARMLESS)
    """Optimizer steps between checkpoints, beside those at each evaluation."""
    save_interval: str | None = option("5m", DURATION, Trait.HARMLESS)
    """Time between checkpoints, beside those at each evaluation: 30s, 5m; null for none."""
    keep_last: int = option(2, at_least(1), Trait.HARMLESS)
    """Newest checkpoints that are kept; two, so that a damaged one costs little."""
    keep_every_steps: int | None = option(None, at_least(1), Trait.HARMLESS)
    """Optimizer steps at whose multiples a checkpoint stays for good."""
    ema_decay: float | None = option(0.99, at_least(0, below=1))
    """Decay of the weights' moving average, which is what is evaluated and exported; null for none."""
    patience: int | None = option(None, at_least(1))
    """Evaluations without improvement after which the run ends; null: it goes on."""
    min_delta: float = option(0.0, at_least(0))
    """Least gain that counts as an improvement for `patience`."""
    oom: str = option("fail", one_of("fail", "halve"), Trait.HARMLESS)
    """Answer to memory that runs out: fail names the batch size that fits; halve goes on in parts of the batch."""
    nonfinite: str = option("stop", one_of("stop", "skip", "rollback"), Trait.HARMLESS)
    """Answer to a loss or gradient that is not finite: stop, skip the step, or go back to a checkpoint at half the
    rate (rollback)."""


@dataclass
class OptimizerOptions:
    """How weights are updated."""

    name: str = option("adamw", one_of("adam", "adamw", "momentum", "sgd"))
    """Rule by which gradients change weights."""
    lr: float = option(5e-4, at_least(0))
    """Peak learning rate."""
    schedule: str = option("cosine", one_of("constant", "cosine", "linear", "step"))
    """Curve along which the rate falls after warm-up."""
    warmup: float = option(0.05, at_least(0, below=1))
    """Share of the run in which the rate rises linearly from 0."""
    final_lr: float = option(0.01, at_least(0, below=1))
    """Rate at the end, as a share of `lr` (cosine and linear)."""
    step_milestones: list[float] = option([0.6, 0.85], above(0, below=1), RISING)
    """Shares of the run at which the step schedule multiplies the rate by 0.1."""
    weight_decay: float = option(5e-5, at_least(0))
    """Decay of weights per step, times the rate; not applied to biases, norms and other parameters of one axis."""
    momentum: float = option(0.9, at_least(0, below=1))
    """Momentum of the rule momentum; beta1 of adam and adamw."""
    beta2: float = option(0.999, at_least(0, below=1))
    """Decay of the squared gradients' average in adam and adamw."""
    clip_norm: float | None = option(5.0, above(0))
    """Global norm above which gradients are scaled down; null for none."""
    freeze: list[str] = option([], PATTERNS)
    """Regular expressions of parameter names that stay as they are."""
    lr_scale: dict[str, float] = option({}, PATTERNS, at_least(0))
    """Regular expression of parameter names → factor on their learning rate."""
