"""Optimizer, learning-rate schedule, parameter groups and the moving average of weights."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from plx_train.config.training_options import OptimizerOptions
from plx_train.ground.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import paddle


def learning_rate(options: OptimizerOptions, progress: float) -> float:
    """The rate at `progress` (0 at the first step, 1 at the end): a pure function, so resuming can't change it."""
    if options.warmup > 0 and progress < options.warmup:
        return options.lr * max(progress / options.warmup, 1e-3)
    share = (progress - options.warmup) / max(1.0 - options.warmup, 1e-9)
    share = min(max(share, 0.0), 1.0)
    if options.schedule == "cosine":
        return options.lr * (options.final_lr + (1 - options.final_lr) * 0.5 * (1 + math.cos(math.pi * share)))
    if options.schedule == "linear":
        return options.lr * (1 - (1 - options.final_lr) * share)
    if options.schedule == "step":
        return options.lr * 0.1 ** sum(progress >= milestone for milestone in options.step_milestones)
    return options.lr


def freeze_parameters(network: paddle.nn.Layer, patterns: Iterable[str]) -> list[str]:
    """Stops the gradient of parameters whose name matches one of `patterns` (searched, not anchored)."""
    frozen = []
    for pattern in patterns:
        names = [name for name, _ in network.named_parameters() if re.search(pattern, name)]
        if not names:
            raise ConfigError(f"optimizer.freeze: no parameter name matches {pattern!r}")
        frozen += names
    for name, parameter in network.named_parameters():
        if name in frozen:
            parameter.stop_gradient = True
    return sorted(set(frozen))


def build_optimizer(network: paddle.nn.Layer, options: OptimizerOptions) -> Any:
    """The paddle optimizer over all trainable parameters of `network`.

    Its state is keyed by generated parameter names: call this under the `unique_name.guard()` that the network was
    built under.
    """
    import paddle

    trained = {name: item for name, item in network.named_parameters() if not item.stop_gradient}
    if not trained:
        raise ConfigError("optimizer.freeze leaves no parameter to train")
    for name, parameter in trained.items():
        _scale_rate(parameter, name, options.lr_scale)
    if options.name == "adamw":
        from plx_train.train.adamw import DirectAdamW

        exempt = {parameter.name for parameter in trained.values() if _is_exempt_from_decay(parameter)}
        return DirectAdamW(
            learning_rate=options.lr,
            parameters=list(trained.values()),
            weight_decay=options.weight_decay,
            beta1=options.momentum,
            beta2=options.beta2,
            apply_decay_param_fun=lambda name: name not in exempt,
        )
    shared = {"learning_rate": options.lr, "parameters": _groups(trained.values(), options), "weight_decay": 0.0}
    if options.name == "adam":
        return paddle.optimizer.Adam(beta1=options.momentum, beta2=options.beta2, **shared)
    if options.name == "momentum":
        return paddle.optimizer.Momentum(momentum=options.momentum, use_nesterov=True, **shared)
    return paddle.optimizer.SGD(**shared)


def _scale_rate(parameter: paddle.Tensor, name: str, scales: Mapping[str, float]) -> None:
    """Gives `parameter` the factor on its rate that its network gave it, times those of `scales` that match `name`."""
    attributes = parameter.optimize_attr
    own = attributes.setdefault("own_learning_rate", attributes["learning_rate"])
    attributes["learning_rate"] = own * math.prod(
        factor for pattern, factor in scales.items() if re.search(pattern, name)
    )


def _groups(parameters: Iterable[paddle.Tensor], options: OptimizerOptions) -> list[dict[str, Any]]:
    """Parameters by weight decay and factor on their rate, as Paddle's other optimizers take them."""
    found: dict[tuple[float, float], list[paddle.Tensor]] = {}
    for parameter in parameters:
        decay = 0.0 if _is_exempt_from_decay(parameter) else options.weight_decay
        found.setdefault((decay, parameter.optimize_attr["learning_rate"]), []).append(parameter)
    return [
        {"params": members, "weight_decay": decay, "learning_rate": factor}
        for (decay, factor), members in found.items()
    ]


def squared_norm(parameters: Iterable[paddle.Tensor]) -> paddle.Tensor | None:
    """Squared norm of all gradients together, a scalar on the device; None where there is none."""
    import paddle
    from paddle import _C_ops  # as Paddle's own clipping: a product with itself is slower, and coarser where it is long

    gradients = (parameter.grad for parameter in parameters)
    squares = [_C_ops.squared_l2_norm(gradient) for gradient in gradients if gradient is not None]
    return paddle.add_n(squares).reshape([]) if squares else None


def clip_gradients(parameters: Iterable[paddle.Tensor], norm: float, most: float | None) -> None:
    """Scales gradients of a global `norm` down where it is above `most`."""
    import paddle

    if most is None or not most < norm < math.inf:
        return
    with paddle.no_grad():
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad.scale_(most / (norm + 1e-6))


def _is_exempt_from_decay(parameter: paddle.Tensor) -> bool:
    """Biases, norm weights and learnable affine scalars have one axis; decaying them only shifts the function."""
    return parameter.ndim <= 1


class MovingAverage:
    """Exponential moving average of a network's parameters and statistics, always in float32.

    The decay rises from 0 as (1 + step) / (10 + step), so that early weights don't linger in short runs.
    """

    def __init__(self, network: paddle.nn.Layer, decay: float) -> None:
        self.decay = decay
        self.num_updates = 0
        self.shadow = {name: value.astype("float32").clone() for name, value in network.state_dict().items()}

    def update(self, network: paddle.nn.Layer) -> None:
        """Takes in the network's present weights; call once after each optimizer step."""
        import paddle

        self.num_updates += 1
        decay = min(self.decay, (1 + self.num_updates) / (10 + self.num_updates))
        with paddle.no_grad():
            for name, value in network.state_dict().items():
                average = self.shadow[name]
                average.scale_(decay)
                average.add_(value.astype("float32") * (1 - decay))

    def state_dict(self) -> dict[str, paddle.Tensor]:
        """Averaged tensors by name."""
        return self.shadow

    def restore(self, averages: Mapping[str, np.ndarray], num_updates: int) -> None:
        """Takes back averages by name and how many updates they come from."""
        import paddle

        self.num_updates = num_updates
        self.shadow = {name: paddle.to_tensor(averages[name]) for name in self.shadow}
