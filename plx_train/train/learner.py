"""One optimizer step: forward, loss, backward, sum over the processes, clip, update, moving average."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.config.training_options import OptimizerOptions
from plx_train.contract.module import Module
from plx_train.contract.sample import Batch
from plx_train.data.batches import pieces, size_of, slice_batch, to_tensors
from plx_train.distributed import ranks
from plx_train.ground.errors import TrainingError
from plx_train.ground.memory import is_out_of_memory
from plx_train.runs.folder import NONFINITE_FILE
from plx_train.train.batch_norm import is_batch_norm
from plx_train.train.optimizer import MovingAverage, build_optimizer, clip_gradients, squared_norm
from plx_train.train.step_figures import Piece, read_figures, sums_to_share
from plx_train.train.step_seed import StepSeed

OF_POOL = "pool_"
"""What the names of the losses of unlabelled samples begin with."""
AMP_TYPES = {"bf16": "bfloat16", "fp16": "float16"}


@dataclass(frozen=True)
class Update:
    """What a step gave.

    Attributes:
        losses: the mean of each loss over the step's batches; of those of the pool by themselves, as ``pool_loss``.
        gradient_norm: global, before clipping.
        fault: why no weight was changed: a loss or the gradient was not finite; None when all went well.
        num_samples: of all processes; 0 where not one could be read, and nothing was done.
    """

    losses: dict[str, float]
    gradient_norm: float
    fault: str | None
    num_samples: int


class OutOfMemory(TrainingError):
    """A step needs more memory than there is; nothing was changed by it."""


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
        seed: int = 0,
    ) -> None:
        import paddle

        self.module = module
        self.clip_norm = options.clip_norm
        self.optimizer = build_optimizer(module.network, options)
        self.parameters = [item for item in module.network.parameters() if not item.stop_gradient]
        self.statistics = batch_statistics(module.network)
        self.average = MovingAverage(module.network, ema_decay) if ema_decay else None
        self.precision = precision
        self.scaler = paddle.amp.GradScaler(enable=precision == "fp16", init_loss_scaling=2.0**12)
        self.output = output
        self.begin_step = StepSeed(seed)
        self._restored: dict[str, np.ndarray] = {}
        self.parts = 1
        """Pieces that each batch is computed in, one after the other, to fit into memory."""
        ranks.meet("start")
        ranks.copy_from_first([*module.network.parameters(), *module.network.buffers()])

    def update(self, batches: list[Batch], rate: float, step: int) -> Update:
        """One step over `batches`, whose gradients are averaged; its random draws are a function of (seed, step).

        Raises:
            OutOfMemory: there is too little memory for it.
        """
        self.begin_step(step)
        held = [value.clone() for value in self.statistics]
        shortage = None
        try:
            found, num_samples = self._gradients(batches)
            shared = self._share(found) if found else []
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            shortage = str(error)
        if shortage is not None:
            # Raised out here: the first error's traceback holds on to the very tensors that were too many.
            self._take_back(held)
            raise OutOfMemory(shortage)
        if not num_samples:
            return Update({}, 0.0, None, 0)
        if self.precision == "fp16":
            self.scaler.unscale_(self.optimizer)
        figures = read_figures(found, shared, squared_norm(self.parameters))
        losses, norm = figures.losses, figures.gradient_norm
        fault = self._fault(losses, norm)
        if fault:
            self._describe(step, losses, figures.suspects or _names(batches))
            self._take_back(held)
            return Update(losses, norm, fault, num_samples)
        clip_gradients(self.parameters, norm, self.clip_norm)
        self._apply(rate)
        return Update(losses, norm, None, num_samples)

    def _gradients(self, batches: list[Batch]) -> tuple[list[Piece], int]:
        """Leaves the mean loss's gradient in the parameters; the pieces, and how many samples all ranks had."""
        usable = ranks.shares([size_of(batch) for batch in batches])
        kinds = Counter(_prefix(batches[index]) for index in usable)
        found: list[Piece] = []
        for index, own in usable.items():
            for piece, part in pieces(batches[index], min(self.parts, own.fewest)):
                weight = part * own.share
                with ranks.batch_share(weight):
                    losses = self._backward(piece, weight / len(usable))
                prefix = _prefix(piece)
                named = {f"{prefix}{name}": value for name, value in losses.items()}
                found.append(Piece(named, weight, piece["names"], kinds[prefix]))
        return found, sum(own.total for own in usable.values())

    def _backward(self, batch: Batch, weight: float) -> dict[str, Any]:
        """The losses, on the device: reading them here would keep it waiting for its next work."""
        import paddle

        tensors = to_tensors(batch)
        # Even where it is switched off, the context takes a share of the shortest steps.
        casting = (
            paddle.amp.auto_cast(dtype=AMP_TYPES[self.precision]) if self.precision in AMP_TYPES else nullcontext()
        )
        with casting:
            outputs = self.module.forward(tensors)
        losses = self.module.loss(outputs, tensors)
        loss = losses["loss"] if weight == 1.0 else losses["loss"] * weight
        (self.scaler.scale(loss) if self.precision == "fp16" else loss).backward()
        return {name: value.detach() for name, value in losses.items()}

    def _share(self, found: list[Piece]) -> list[Any]:
        """Sums gradients over the processes, gives all the mean batch statistics; their losses, summed as well."""
        if ranks.num_ranks() == 1:
            return []
        import paddle

        for parameter in self.parameters:
            if parameter.grad is None:
                parameter.grad = paddle.zeros_like(parameter)
        losses = sums_to_share(found)
        with paddle.no_grad():
            ranks.sum_in_place([*(item.grad for item in self.parameters), *self.statistics, *losses])
            for value in self.statistics:
                value.scale_(1.0 / ranks.num_ranks())
        return losses

    def _fault(self, losses: dict[str, float], norm: float) -> str | None:
        broken = [name for name, value in losses.items() if not math.isfinite(value)]
        if broken:
            return f"the loss became {losses['loss']} ({', '.join(broken)})"
        # A scaled gradient that overflows is the scaler's business: it leaves the step out and scales less.
        if not math.isfinite(norm) and self.precision != "fp16":
            return f"the gradient became {norm}"
        return None

    def _apply(self, rate: float) -> None:
        self.optimizer.set_lr(rate)
        if self.precision == "fp16":
            self.scaler.step(self.optimizer)
            self.scaler.update()
        else:
            self.optimizer.step()
        self.optimizer.clear_grad()
        if self.average:
            self.average.update(self.module.network)

    def _take_back(self, statistics: list[Any]) -> None:
        """Forgets a step that was not finished."""
        import paddle

        self.optimizer.clear_grad()
        for value, former in zip(self.statistics, statistics, strict=True):
            paddle.assign(former, value)

    def _describe(self, step: int, losses: dict[str, float], names: list[str]) -> None:
        content = {"step": step, "losses": {name: str(value) for name, value in losses.items()}, "names": names}
        (self.output / NONFINITE_FILE).write_text(json.dumps(content, indent=1))

    def batch_size_that_fits(self, batch: Batch) -> int:
        """The largest half, quarter, … of `batch` whose step fits into memory, tried out; 0: not even one sample."""
        held = [value.clone() for value in self.statistics]
        size = size_of(batch)
        while size > 1:
            size = (size + 1) // 2
            try:
                self._backward(slice_batch(batch, 0, size), 1.0)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                continue
            finally:
                self._take_back(held)
            return size
        return 0

    def tensors(self) -> dict[str, dict[str, np.ndarray]]:
        """Copies of all that a checkpoint holds of it, by file."""
        from plx_train.runs.checkpoint import arrays

        moments = arrays(self.optimizer.state_dict())
        # Paddle takes restored moments over at the next step; until then its own state lacks them.
        self._restored = {} if self._restored.keys() <= moments.keys() else self._restored
        found = {"network": arrays(self.module.network.state_dict()), "optimizer": self._restored | moments}
        return found | ({"ema": arrays(self.average.state_dict())} if self.average else {})

    def state(self) -> dict[str, Any]:
        """What is no tensor, JSON-able."""
        scaler = {name: np.asarray(value).tolist() for name, value in self.scaler.state_dict().items()}
        return {"parts": self.parts, "ema_updates": self.average.num_updates if self.average else 0, "scaler": scaler}

    def restore(self, tensors: dict[str, dict[str, np.ndarray]], state: dict[str, Any]) -> None:
        """Takes back what `tensors` and `state` gave."""
        self.module.network.set_state_dict(tensors["network"])
        self._restored = dict(tensors["optimizer"])
        self.optimizer.set_state_dict(dict(self._restored))
        if self.average:
            self.average.restore(tensors["ema"], state["ema_updates"])
        if state["scaler"]:
            self.scaler.load_state_dict(_scaler_state(state["scaler"]))
        self.parts = state["parts"]

    @contextmanager
    def averaged_weights(self) -> Iterator[None]:
        """Has the network compute with the averaged weights inside, where there is an average."""
        if self.average is None or self.average.num_updates == 0:
            yield
            return
        with self.other_weights(self.average.state_dict()):
            yield

    @contextmanager
    def other_weights(self, state: Mapping[str, Any]) -> Iterator[None]:
        """Has the network compute with the tensors of `state` inside."""
        network = self.module.network
        live = {name: value.clone() for name, value in network.state_dict().items()}
        network.set_state_dict(dict(state))
        try:
            yield
        finally:
            network.set_state_dict(live)


def batch_statistics(network: Any) -> list[Any]:
    """Means and variances that batch norms gather, and other float32 buffers that are saved: the rest is constant."""
    import paddle

    norms = [layer for layer in network.sublayers() if is_batch_norm(layer)]
    gathered = [value for layer in norms for value in (layer._mean, layer._variance)]
    saved = network.state_dict()
    return gathered + [item for name, item in network.named_buffers() if item.dtype == paddle.float32 and name in saved]


def _prefix(batch: Batch) -> str:
    """What the names of its losses begin with."""
    return OF_POOL if "weight" in batch else ""


def _names(batches: list[Batch]) -> list[str]:
    return [name for batch in batches if batch for name in batch["names"]]


def _scaler_state(state: dict[str, Any]) -> dict[str, Any]:
    return {name: np.asarray(value, np.float32) if name == "scale" else value for name, value in state.items()}
