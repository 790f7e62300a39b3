"""One optimizer step: forward, loss, backward, clip, update, moving average."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.contract import Batch, Module
from plx_train.errors import TrainingError
from plx_train.optimizer import MovingAverage, OptimizerOptions, build_optimizer

AMP_TYPES = {"bf16": "bfloat16", "fp16": "float16"}


class Learner:
    """Everything that changes a network's weights.

    Build it under the `unique_name.guard()` that the network was built under.
    """

    def __init__(
        self,
        module: Module,
        options: OptimizerOptions,
        ema_decay: float | None,
        precision: str,
        output: Path,
    ) -> None:
        import paddle

        self.module = module
        self.clip_norm = options.clip_norm
        self.optimizer = build_optimizer(module.network, options)
        self.parameters = [item for item in module.network.parameters() if not item.stop_gradient]
        self.average = MovingAverage(module.network, ema_decay) if ema_decay else None
        self.precision = precision
        self.scaler = paddle.amp.GradScaler(enable=precision == "fp16", init_loss_scaling=2.0**12)
        self.output = output

    def update(self, batches: list[Batch], rate: float, step: int) -> tuple[dict[str, float], float]:
        """One step over `batches`, whose gradients are averaged.

        Returns:
            The mean of each loss, and the global norm of the gradient before clipping.

        Raises:
            TrainingError: a loss is not finite; weights are left as they were.
        """
        import paddle

        totals: dict[str, float] = {}
        for batch in batches:
            tensors = to_tensors(batch)
            with paddle.amp.auto_cast(self.precision in AMP_TYPES, dtype=AMP_TYPES.get(self.precision, "float16")):
                outputs = self.module.forward(tensors)
            losses = self.module.loss(outputs, tensors)
            values = {name: float(value) for name, value in losses.items()}
            self._check_finite(values, batch, step)
            self.scaler.scale(losses["loss"] / len(batches)).backward()
            totals = {name: totals.get(name, 0.0) + value / len(batches) for name, value in values.items()}
        norm = self._apply(rate)
        if self.average:
            self.average.update(self.module.network)
        return totals, norm

    def _apply(self, rate: float) -> float:
        from paddle.nn.utils import clip_grad_norm_

        self.scaler.unscale_(self.optimizer)
        norm = clip_grad_norm_(self.parameters, self.clip_norm or math.inf)
        self.optimizer.set_lr(rate)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.clear_grad()
        return float(norm)

    def _check_finite(self, losses: dict[str, float], batch: Batch, step: int) -> None:
        broken = [name for name, value in losses.items() if not math.isfinite(value)]
        if not broken:
            return
        path = self.output / "nonfinite_batch.json"
        path.write_text(json.dumps({"step": step, "losses": {k: str(v) for k, v in losses.items()},
                                    "names": list(batch["names"])}, indent=1))  # fmt: skip
        raise TrainingError(
            f"the loss became {losses['loss']} at step {step} ({', '.join(broken)}): lower optimizer.lr or set "
            f"device.precision=fp32; the batch's files are named in {path}"
        )

    @contextmanager
    def averaged_weights(self) -> Iterator[None]:
        """The network holds the moving average inside, its own weights again after."""
        if self.average is None or self.average.num_updates == 0:
            yield
            return
        network = self.module.network
        live = {name: value.clone() for name, value in network.state_dict().items()}
        network.set_state_dict(self.average.state_dict())
        try:
            yield
        finally:
            network.set_state_dict(live)


def to_tensors(batch: Batch) -> dict[str, Any]:
    """Arrays as tensors on the current device; lists stay as they are."""
    import paddle

    return {key: paddle.to_tensor(value) if isinstance(value, np.ndarray) else value for key, value in batch.items()}
