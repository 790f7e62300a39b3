"""A module of a few weights that finds dark bars on white pages: enough to export, prove and predict with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plx_train.contract.dataset import Dataset
from plx_train.contract.sample import Batch, Sample
from plx_train.modules.text_det.metric import TextDetMetric
from plx_train.modules.text_det.processor import TextDetProcessor
from plx_train.vision.module import ImageModule


@dataclass(frozen=True)
class Label:
    points: np.ndarray
    ignore: bool = False


def rectangle(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """Corners clockwise from the top left, float32 (4, 2)."""
    return np.asarray([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def draw_page(rng: np.random.Generator, size: tuple[int, int] = (256, 320)) -> tuple[np.ndarray, tuple[Label, ...]]:
    """A white page with dark bars, and the boxes that the usual settings grow them to."""
    image = np.full((*size, 3), 255, np.uint8)
    labels = []
    for top in range(30, size[0] - 40, 40):
        left, length = int(rng.integers(20, 60)), int(rng.integers(80, 200))
        image[top : top + 12, left : left + length] = rng.integers(0, 60, 3)
        # Growth by area x 1.5 / perimeter, which is what the processor does.
        grow = 12 * length * 1.5 / (2 * (12 + length))
        labels.append(Label(rectangle(left - grow, top - grow, left + length + grow, top + 12 + grow)))
    return image, tuple(labels)


class Pages(Dataset):
    """A dataset of drawn pages."""

    def __init__(self, processor: TextDetProcessor, count: int = 3) -> None:
        rng = np.random.default_rng(7)
        self.processor = processor
        self.pages = [draw_page(rng) for _ in range(count)]
        self.names = [f"page {index}" for index in range(count)]

    def __len__(self) -> int:
        return len(self.pages)

    def original(self, index: int) -> np.ndarray:
        return self.pages[index][0]

    def get(self, index: int, rng: np.random.Generator) -> Sample:
        image, labels = self.pages[index]
        x, shape = self.processor.preprocess(image)
        return Sample(x, shape, labels, self.names[index])


class TinyDetector(ImageModule[TextDetProcessor]):
    """What the core asks of a module, for one convolution."""

    name = "text_det"
    monitor = "hmean"

    def __init__(self, resizes: bool = False) -> None:
        import paddle

        class Network(paddle.nn.Layer):
            def __init__(self) -> None:
                super().__init__()
                self.conv = paddle.nn.Conv2D(3, 1, 3, padding=1)
                self.norm = paddle.nn.BatchNorm2D(1)
                self.dropout = paddle.nn.Dropout(0.5)
                self.conv.weight.set_value(np.full((1, 3, 3, 3), -4 / 27, np.float32))
                self.conv.bias.set_value(np.zeros(1, np.float32))

            def forward(self, x: Any) -> Any:
                y = self.dropout(self.norm(self.conv(x)))
                if resizes:
                    y = paddle.nn.functional.interpolate(paddle.nn.functional.avg_pool2d(y, 2), scale_factor=2)
                return paddle.nn.functional.sigmoid(4 * y)

        self.network = Network()
        self.processor = TextDetProcessor()
        self.is_fine_tuning = False

    def dataset(self, samples: Sequence[Any], split: str, cache_mb: int) -> Pages:
        return Pages(self.processor, len(samples))

    def collate(self, samples: list[Sample]) -> Batch:
        return self.collate_eval(samples)

    def loss(self, outputs: Any, batch: Batch) -> dict[str, Any]:
        return {"loss": outputs.mean()}

    def outputs_to_numpy(self, outputs: Any) -> list[np.ndarray]:
        return list(outputs[:, 0].numpy())

    def new_metric(self) -> TextDetMetric:
        return TextDetMetric()

    def export_network(self, processor: TextDetProcessor) -> tuple[Any, list[Any]]:
        """The live network itself: the export must leave it as it is."""
        from paddle.static import InputSpec

        return self.network, [InputSpec([None, 3, None, None], "float32", name="x")]
