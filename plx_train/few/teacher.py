"""Who says what unlabelled samples show: the run itself, averaged over its steps, or a finished model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.contract.processor import Processor
from plx_train.contract.sample import Sample
from plx_train.metrics.evaluate import network_engine

if TYPE_CHECKING:
    from plx_train.contract.module import Module


class Teacher(ABC):
    """Predicts views."""

    @abstractmethod
    def predict(self, views: list[np.ndarray]) -> list[Any]:
        """What is seen in each view uint8 (H, W, 3) BGR, at its pixels."""

    def follow(self, average: Any) -> None:
        """Takes over what the run has learned, where the teacher is the run itself."""
        return


class OwnAverage(Teacher):
    """The run's moving average of weights and batch statistics, in a network of its own that is never trained.

    Args:
        module: built like that which is trained.
        live: that which is trained.
        processor: of its predictions.
    """

    def __init__(self, module: Module[Any], live: Module[Any], processor: Processor) -> None:
        self.module, self.live, self.processor = module, live, processor
        self._engine = network_engine(module)

    def follow(self, average: Any) -> None:
        """Takes over the average, or the weights themselves where there is none yet."""
        has_average = average is not None and average.num_updates > 0
        self.module.network.set_state_dict(average.state_dict() if has_average else self.live.network.state_dict())
        self.module.eval_mode()

    def predict(self, views: list[np.ndarray]) -> list[Any]:
        """As evaluation does."""
        processor = self.processor
        inputs = [processor.preprocess(view) for view in views]
        samples = [Sample(x, context, None, "") for x, context in inputs]
        outputs = self._engine(self.module.collate_eval(samples))
        return [processor.postprocess(output, one.context) for output, one in zip(outputs, samples, strict=True)]
