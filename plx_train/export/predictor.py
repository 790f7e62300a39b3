"""``plx_train.Predictor``: an exported folder on paths and arrays."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.contract.processor import FilePage
from plx_train.contract.rooms import load_room
from plx_train.export.runtimes import Model, open_model
from plx_train.export.static_model import StaticModel, processor_of, room_of
from plx_train.ground.errors import UserError, found_in, to_keep
from plx_train.ground.markup import escape
from plx_train.runs.exported import lineage, model_name, read_inference
from plx_train.vision.bounds import TooManyPixels, batch_within

LARGEST_BATCH = 8
Input = Any
"""A file, or its content: for images an array uint8 (H, W, 3) BGR as OpenCV reads it."""


class Predictor:
    """A model as it was exported, with the pre- and postprocessing that it carries.

    The folder is only read, and its graph is refused where it holds an operation that does more than compute. One
    predictor may serve several threads at once.

    Args:
        folder: an exported folder; those of PaddleX work as well where the module type is known here.
        device: ``cpu``, ``gpu``, ``gpu:1``, or another type that Paddle knows.
        threads: CPU threads for each image; None: all cores, up to 8.
        onednn: on a CPU, run by oneDNN: several times faster, and what PaddleX does.
        engine: ``paddle``, ``native`` (without oneDNN), ``onnx`` (ONNX Runtime), ``openvino``, or ``auto``: the one
            that is the quickest on this machine, as `mode=benchmark run=…` or a short trial found once.

    Raises:
        UserError: `folder` is missing, is no exported folder, or can't be loaded.
        DeviceError: the device is not there.

    Example:
        >>> predictor = Predictor("outputs/my-run/export")
        >>> prediction = predictor.predict("page.jpg")
        >>> prediction.quads.shape, prediction.scores.shape
        ((52, 4, 2), (52,))
    """

    def __init__(
        self,
        folder: Path | str,
        device: str = "cpu",
        threads: int | None = None,
        onednn: bool = True,
        engine: str = "paddle",
    ) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise UserError(f"{folder} is not a folder: give one that plx_train or PaddleX exported")
        inference = read_inference(self.folder)
        self.module = room_of(inference)
        """The module type, for example ``text_det``."""
        self.model_name = model_name(inference)
        """The name PaddleX knows the model by."""
        self.lineage = lineage(inference)
        """Where the model comes from, as far as its export says so."""
        self.processor = processor_of(inference)
        """Its pre- and postprocessing, a frozen dataclass."""
        self.device = device
        self.model: Model
        """The graph; takes arrays, gives arrays."""
        if engine == "paddle":
            self.model, self.engine = StaticModel(self.folder, device, onednn, threads), "paddle"
        else:
            sample, _ = self.processor.preprocess(self.processor.example())
            self.model, self.engine = open_model(self.folder, device, threads, engine, stacked([sample]))

    def predict(self, given: Input | list[Input] | tuple[Input, ...]) -> Any:
        """The prediction for one picture or series, or the list of them for a list.

        What a prediction is depends on the module type: for ``text_det`` a `TextDetPrediction` with `quads`
        (N, 4, 2) in pixels and `scores` (N,). Each has ``to_json()``.

        Raises:
            UserError: a file is missing, can't be read, or has several pages, which `predict_pages` takes; or an array
                has another shape or type.
        """
        if not isinstance(given, list | tuple):
            return self._predict_many([self.processor.as_input(given)])[0]
        return self._predict_many([self.processor.as_input(one) for one in given])

    def predict_pages(
        self, path: Path | str, on_error: Callable[[UserError], None] | None = None
    ) -> Iterator[tuple[FilePage, Any]]:
        """The pages of a file, of a PDF, TIFF or GIF for example, each with the prediction for it.

        Args:
            on_error: is given what is wrong with a page that can't be read.

        Raises:
            UserError: after all others were given and without `on_error`, one can't be read.
        """
        pages = self.processor.pages(Path(path))
        return found_in((self._of_page(page, path) for page in pages), on_error)

    def _of_page(self, page: FilePage | UserError, path: Path | str) -> tuple[FilePage, Any] | UserError:
        try:
            return page if isinstance(page, UserError) else (page, self.predict(page.content))
        except TooManyPixels as error:
            return UserError(f"{path}: {error}")
        except UserError as error:
            return to_keep(error)

    def with_settings(self, **settings: Any) -> Predictor:
        """The same model with other values for some fields of its `processor`.

        Raises:
            UserError: a value is not possible.
        """
        other = copy.copy(self)
        other.processor = replace(self.processor, **settings)
        return other

    def _predict_many(self, originals: Sequence[Any]) -> list[Any]:
        """Predictions; inputs of equal shapes go through the graph together, each as if alone, up to the last bits."""
        found: dict[int, Any] = {}
        prepared: dict[int, tuple[Any, Any]] = {}
        by_shape: dict[Any, list[int]] = {}
        for index, original in enumerate(originals):
            whole = self.processor.predict_in_pieces(self.model, original)
            if whole is not None:
                found[index] = whole
                continue
            prepared[index] = self.processor.preprocess(original)
            by_shape.setdefault(_shape(prepared[index][0]), []).append(index)
        for members in by_shape.values():
            step = _batch_of(prepared[members[0]][0])
            for start in range(0, len(members), step):
                batch = members[start : start + step]
                inputs = stacked([prepared[index][0] for index in batch])
                outputs = self.processor.run(self.model, inputs)
                for index, output in zip(batch, outputs, strict=True):
                    found[index] = self.processor.postprocess(output, prepared[index][1])
        return [found[index] for index in range(len(originals))]

    def overlay(self, given: Input, prediction: Any) -> np.ndarray:
        """A picture of `given` with `prediction` drawn on it, uint8 (H, W, 3) BGR."""
        return load_room(self.module).overlay(self.processor, self.processor.as_input(given), prediction)

    def __repr__(self) -> str:
        return f"Predictor({self.module}, {self.model_name}, {self.device}, {str(self.folder)!r})"

    def _how(self) -> str:
        if not isinstance(self.model, StaticModel):
            return {"onnx": "ONNX Runtime", "openvino": "OpenVINO"}[self.engine]
        return f"{'oneDNN' if self.model.onednn else 'native'}, {self.model.threads} threads"

    def _repr_html_(self) -> str:
        facts = {
            "module": self.module,
            "model": self.model_name,
            "folder": self.folder,
            "device": f"{self.device} ({self._how()})",
            **{name: value for name, value in self.lineage.items() if name != "module"},
        }
        rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts.items())
        return f"<table>{rows}</table>"


def stacked(inputs: Sequence[Any]) -> tuple[np.ndarray, ...]:
    """The graph's inputs for several samples, each an array or a tuple of arrays."""
    if isinstance(inputs[0], tuple):
        return tuple(np.stack(parts) for parts in zip(*inputs, strict=True))
    return (np.stack(inputs),)


def _batch_of(values: Any) -> int:
    return batch_within(values.shape, LARGEST_BATCH) if isinstance(values, np.ndarray) else LARGEST_BATCH


def _shape(values: Any) -> Any:
    return tuple(part.shape for part in values) if isinstance(values, tuple) else values.shape
