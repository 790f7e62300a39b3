"""One sample, and a batch of them: what passes between a dataset, the loop and the evaluator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Arrays = np.ndarray | tuple[np.ndarray, ...]
"""A network's input: an array, or a tuple in the alphabetical order of the graph's inputs."""

Batch = dict[str, Any]
"""Arrays (leading axis = samples), tuples of such, and per-sample lists, by name.

``batch["x"]`` is the network's input, as `Arrays`; ``batch["names"]`` are the samples' names. A training batch of the
pool has ``batch["weight"]``, float32 (samples,): losses are means over all samples, each times its own.
"""


@dataclass(frozen=True)
class Sample:
    """One sample as a dataset gives it.

    Attributes:
        x: the network's input; of a training sample what `Module.collate` makes the input of. None once it was used.
        context: what `Processor.postprocess` needs to know of the original.
        truth: what is to be predicted, as the metric or, of a training sample, `Module.collate` takes it.
        name: for messages.
        weight: how much a training sample is trusted, 0 to 1; that of a label is 1.
    """

    x: Any
    context: Any
    truth: Any
    name: str
    weight: float = 1.0
