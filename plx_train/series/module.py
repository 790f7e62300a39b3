"""What the modules of all rooms of series share."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Generic

import numpy as np
import paddle
from paddle.static import InputSpec

from plx_train.contract.module import Module
from plx_train.contract.room import OptionsT
from plx_train.contract.sample import Batch, Sample
from plx_train.nn.exported import name_tensors
from plx_train.series.processor import SeriesP
from plx_train.series.samples import stacked


class SeriesModule(Module[SeriesP], Generic[OptionsT, SeriesP]):
    """A module whose datasets make whole training batches by themselves."""

    def __init__(self, options: OptionsT, processor: SeriesP, is_fine_tuning: bool) -> None:
        self.options = options
        self.processor = processor
        self.is_fine_tuning = is_fine_tuning
        self.network = self.new_network()

    @abstractmethod
    def new_network(self) -> paddle.nn.Layer:
        """The network that options and processor ask for, before any training."""

    def network_to_export(self) -> paddle.nn.Layer:
        """A copy of the trained network."""
        network = self.new_network()
        network.set_state_dict(self.network.state_dict())
        return network

    def collate(self, samples: list[Sample]) -> Batch:
        """Training samples, with what is to be learned as ``target``."""
        return stacked(samples) | {"target": np.stack([sample.truth for sample in samples])}

    def collate_eval(self, samples: list[Sample]) -> Batch:
        """Samples of one shape."""
        return stacked(samples)

    def forward(self, batch: Batch) -> Any:
        """The network's outputs."""
        return self.network(*batch["x"])

    def outputs_to_numpy(self, outputs: Any) -> list[np.ndarray]:
        """The network's output per sample, float32."""
        return list(outputs.astype("float32").numpy())

    def export_network(self, processor: SeriesP) -> tuple[paddle.nn.Layer, list[InputSpec]]:
        """The network, its inputs named as PaddleX names them."""
        network = self.network_to_export()
        name_tensors(network)
        inputs = processor.inputs.items()
        return network, [InputSpec([None, *shape[1:]], "float32", name=name) for name, shape in inputs]
