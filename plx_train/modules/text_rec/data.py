"""Training batches of text recognition."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plx_train.contract.sample import Batch, Sample
from plx_train.modules.text_rec.processor import HEIGHT, TextRecProcessor, steps_needed, steps_of
from plx_train.modules.text_rec.targets import guide_tokens


def collate(samples: Sequence[Sample], processor: TextRecProcessor, guide_max_length: int | None = None) -> Batch:
    """A batch of training samples, as wide as its widest.

    ``x`` float32 (N, 3, 48, W), ``classes`` int32 (N, L), ``lengths`` int64 (N,), ``names``; for a guide, which learns
    texts up to `guide_max_length`, also ``guide_tokens`` int64 (N, S).
    """
    texts = [sample.truth for sample in samples]
    width = max(processor.width, *(sample.x.shape[1] for sample in samples))
    # A text with more characters than its crop has steps has no probability at all: padding gives it steps.
    needed = max(steps_needed(text) for text in texts)
    while steps_of(width) < needed:
        width += 8
    classes = np.zeros((len(texts), max(1, *(len(text) for text in texts))), np.int32)
    for row, text in zip(classes, texts, strict=True):
        row[: len(text)] = text
    x = np.zeros((len(samples), 3, HEIGHT, width), np.float32)
    for sample, canvas in zip(samples, x, strict=True):
        processor.write(sample.x, canvas)
    batch = {
        "x": x,
        "classes": classes,
        "lengths": np.asarray([len(text) for text in texts], np.int64),
        "names": [sample.name for sample in samples],
    }
    if guide_max_length is not None:
        batch["guide_tokens"] = guide_tokens(texts, guide_max_length)
    return batch
