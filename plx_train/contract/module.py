"""What a module type (a room) offers to the core; the core knows nothing else of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

if TYPE_CHECKING:
    import paddle

    from plx_train.metrics.evaluate import Evaluation
    from plx_train.weights.fetch import WeightsSource

Batch = dict[str, Any]
"""Arrays (leading axis = samples), tuples of such, and per-sample lists.

``batch["x"]`` is the network's input: an array, or a tuple in the alphabetical order of the graph's inputs.
"""


class Dataset(Protocol):
    """Samples by index; picklable and free of paddle, because loader workers hold it."""

    names: Sequence[str]
    """One readable name per sample, for messages."""

    def __len__(self) -> int: ...

    def groups(self) -> np.ndarray | None:
        """A number per sample, int64 (N,): batches are made of samples with near ones; None where any will do."""
        return None

    def batch(self, indices: np.ndarray) -> Batch | None:
        """A training batch made in one go of the samples at `indices`, int64 (N,), where nothing in it is drawn.

        None where samples are made one by one.
        """
        return None

    def original(self, index: int) -> Any:
        """What the sample was made of, as `Predictor.predict` takes it and `Module.overlay` draws on it."""
        ...

    def get(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        """The sample at `index`; every random choice is drawn from `rng`."""
        ...


class Metric(Protocol):
    """Accumulates over samples; rooms derive theirs from it."""

    errors: ClassVar[frozenset[str]]
    """Names of `compute`'s numbers that are better when lower; all others are better when higher."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not isinstance(getattr(cls, "errors", None), frozenset):
            raise TypeError(f"{cls.__name__} must say which of its numbers are errors: errors = frozenset({{…}})")

    def update(self, prediction: Any, sample: dict[str, Any]) -> float:
        """Takes in one sample and returns its own value, which ranks the samples and is better as the monitor is."""
        ...

    def compute(self) -> dict[str, float]: ...

    def curve(self) -> Sequence[tuple[float, float]]:
        """(recall, precision) pairs, or nothing."""
        ...


class Processor(Protocol):
    """The pre- and postprocessing that ships with the exported graph in ``inference.yml``: a frozen dataclass."""

    @property
    def suffixes(self) -> frozenset[str]:
        """Of the files that `as_input` reads, in lower case."""
        ...

    def example(self) -> Any:
        """Something that `preprocess` takes."""
        ...

    def as_input(self, given: Any) -> Any:
        """What `preprocess` takes, from what a user gives: a path, or values.

        Raises:
            UserError: it is neither.
        """
        ...

    def preprocess(self, original: Any) -> tuple[Any, Any]:
        """The network's input for one sample, and what `postprocess` needs to know of the original."""
        ...

    def split_outputs(self, outputs: list[np.ndarray]) -> list[np.ndarray]:
        """The exported graph's outputs for a batch as what `postprocess` takes, one by one."""
        ...

    def run(self, model: Callable[..., list[np.ndarray]], inputs: tuple[np.ndarray, ...]) -> list[np.ndarray]:
        """What `postprocess` takes, per sample of a batch: the exported graph, `model`, run on its `inputs`.

        Once, save where a sample is more than the graph takes at a time.
        """
        return self.split_outputs(model(*inputs))

    def postprocess(self, output: np.ndarray, context: Any) -> Any: ...

    def postprocess_with(self, other: Any, output: np.ndarray, context: Any) -> tuple[Any, Any]:
        """What `postprocess` of this and of another processor of the room give; for those that share work in it."""
        return self.postprocess(output, context), other.postprocess(output, context)

    def to_inference(self, model_name: str) -> dict[str, Any]: ...

    def write_files(self, folder: Path) -> None:
        """Writes what PaddleX wants beside ``inference.yml``; nothing for most."""
        return


class Module(Protocol):
    """A module type: a network with its data, loss, processing and metric; rooms derive theirs from it."""

    name: str
    monitor: str
    """Key of the metric that picks the best checkpoint."""
    sample_value: str = ""
    """What `Metric.update` returns, in words; empty: the monitored metric."""
    overlay_legend: str = ""
    """What the colours of `overlay` mean."""
    has_calibration: bool = True
    """Whether post-processing has settings that are chosen on held-out samples."""
    has_official: bool = True
    """Whether there are published settings to compare those with."""
    has_fit: bool = False
    """Whether `fit` takes the place of training."""
    eval_batch_size: int = 1
    """Samples that are evaluated together; above 1 where all have one shape."""
    network: paddle.nn.Layer
    processor: Any
    is_fine_tuning: bool
    """What it was built for; a checkpoint's network is built alike."""
    optional_weights: Sequence[str] = ()
    """Regular expressions of parameter names that published weights may lack."""

    def adapt_weights(
        self, state: dict[str, np.ndarray], source: WeightsSource
    ) -> tuple[dict[str, np.ndarray], str | None]:
        """`state` as this network takes it, and what was changed, in words."""
        return state, None

    def check_frozen(self, trainable: Sequence[str]) -> None:
        """Refuses to train the parameters `trainable` alone where that can teach nothing.

        Raises:
            ConfigError: it can't.
        """
        return

    def fit(self, train: Dataset, holdout: Dataset) -> None:
        """Fits a method without gradients, in one go; called where `has_fit`."""
        return

    def baselines(self, train: Dataset, holdout: Dataset, val: Dataset) -> dict[str, float]:
        """Metrics on `val` that need no training, ``seasonal_naive_mse`` for example; they may use all but `val`."""
        return {}

    def remarks(self, val: Dataset, evaluation: Evaluation) -> list[str]:
        """What people should be told of the best evaluation, in sentences."""
        return []

    def details(self, val: Dataset, evaluation: Evaluation) -> dict[str, str]:
        """Files about an evaluation, content by name: figures per class, for example."""
        return {}

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

    def overlay(self, original: Any, prediction: Any, sample: dict[str, Any] | None) -> np.ndarray:
        """A picture of the original with prediction (and truth, if given) drawn on it, (H, W, 3) uint8 BGR."""
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
