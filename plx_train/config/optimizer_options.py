"""Options of what updates the weights."""

from __future__ import annotations

from dataclasses import dataclass, field

OPTIMIZERS = ("adam", "adamw", "momentum", "sgd")
SCHEDULES = ("constant", "cosine", "linear", "step")


@dataclass
class OptimizerOptions:
    """How weights are updated."""

    name: str = "adamw"
    """adam, adamw, momentum or sgd."""
    lr: float = 5e-4
    """Peak learning rate."""
    schedule: str = "cosine"
    """constant, cosine, linear or step: how the rate falls after warm-up."""
    warmup: float = 0.05
    """Share of the run, 0 to 1, in which the rate rises linearly from 0."""
    final_lr: float = 0.01
    """Rate at the end, as a share of `lr` (cosine and linear)."""
    step_milestones: list[float] = field(default_factory=lambda: [0.6, 0.85])
    """Shares of the run at which the step schedule multiplies the rate by 0.1."""
    weight_decay: float = 5e-5
    """Not applied to biases, norms and other parameters of one axis."""
    momentum: float = 0.9
    """Of momentum; beta1 of adam and adamw."""
    beta2: float = 0.999
    clip_norm: float | None = 5.0
    """Global norm above which gradients are scaled down; null for none."""
    freeze: list[str] = field(default_factory=list)
    """Regular expressions of parameter names that stay as they are."""
    lr_scale: dict[str, float] = field(default_factory=dict)
    """Regular expression of parameter names → factor on their learning rate."""
