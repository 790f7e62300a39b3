"""What a module type (a room) offers to the core; the core knows nothing else of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    import paddle

Batch = dict[str, Any]
"""Arrays (leading axis = samples) and per-sample lists; ``batch["x"]`` is the network's input."""


class Dataset(Protocol):
    """Samples by index; picklable and free of paddle, because loader workers hold it."""

    names: Sequence[str]
    """One readable name per sample, for messages."""

    def __len__(self) -> int: ...

    def get(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        """The sample at `index`; every random choice is drawn from `rng`."""
        ...


class Metric(Protocol):
    """Accumulates over samples; every number it computes is better when higher."""

    def update(self, prediction: Any, sample: dict[str, Any]) -> float:
        """Takes in one sample and returns its own value, which ranks the samples."""
        ...

    def compute(self) -> dict[str, float]: ...

    def curve(self) -> Sequence[tuple[float, float]]:
        """(recall, precision) pairs, or nothing."""
        ...


class Processor(Protocol):
    """The pre- and postprocessing that ships with the exported graph in ``inference.yml``: a frozen dataclass."""

    def preprocess(self, image: np.ndarray) -> tuple[np.ndarray, Any]: ...

    def split_outputs(self, outputs: list[np.ndarray]) -> list[np.ndarray]:
        """The exported graph's outputs for a batch as what `postprocess` takes, one by one."""
        ...

    def postprocess(self, output: np.ndarray, context: Any) -> Any: ...

    def to_inference(self, model_name: str) -> dict[str, Any]: ...


class Module(Protocol):
    """A module type: a network with its data, loss, processing and metric."""

    name: str
    monitor: str
    """Key of the metric that picks the best checkpoint."""
    network: paddle.nn.Layer
    processor: Any
    is_fine_tuning: bool
    """What it was built for; a checkpoint's network is built alike."""
    optional_weights: Sequence[str]
    """Regular expressions of parameter names that published weights may lack."""

    def dataset(self, samples: Sequence[Any], split: str, cache_mb: int) -> Dataset:
        """`samples` as the room's check read them; `split` is ``train``, ``val`` or ``holdout``."""
        ...

    def collate(self, samples: list[dict[str, Any]]) -> Batch: ...

    def collate_eval(self, samples: list[dict[str, Any]]) -> Batch: ...

    def train_mode(self) -> None: ...

    def eval_mode(self) -> None: ...

    def forward(self, batch: Batch) -> Any: ...

    def loss(self, outputs: Any, batch: Batch) -> dict[str, paddle.Tensor]:
        """``{"loss": …, parts}``: scalars."""
        ...

    def outputs_to_numpy(self, outputs: Any) -> list[np.ndarray]:
        """Per sample what `processor.postprocess` takes."""
        ...

    def new_metric(self) -> Metric: ...

    def calibrate(self, outputs: list[np.ndarray], samples: list[dict[str, Any]]) -> Any:
        """The processor with settings chosen on held-out samples; `processor` where there is nothing to choose."""
        ...

    def export_network(self) -> tuple[paddle.nn.Layer, list[Any]]:
        """The layer to save as a static graph, and its input specs."""
        ...

    def overlay(self, image: np.ndarray, prediction: Any, sample: dict[str, Any] | None) -> np.ndarray:
        """The image with prediction (and truth, if given) drawn on it, (H, W, 3) uint8 BGR."""
        ...


class Tracker(Protocol):
    """Takes a run's records; none of its methods raises."""

    @property
    def uri(self) -> str | None: ...

    @property
    def run_id(self) -> str | None: ...

    @property
    def run_url(self) -> str | None: ...

    @property
    def ui_command(self) -> str | None: ...

    def log_metrics(self, metrics: dict[str, float], step: int) -> None: ...

    def log_artifact(self, path: Path, folder: str | None = None) -> None: ...

    def log_text(self, text: str, name: str) -> None: ...

    def set_tags(self, tags: dict[str, Any]) -> None: ...

    def sync(self) -> None: ...

    def wait_until_connected(self, seconds: float) -> bool: ...

    def finish(self, status: str, reason: str | None = None) -> None: ...
