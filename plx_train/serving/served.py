"""What serving needs of a pipeline; `plx_train.pipelines.base.Pipeline` has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np


class ServedData(Protocol):
    """What a pipeline was given, and where it comes from."""

    @property
    def reference(self) -> str: ...

    @property
    def version(self) -> str | None: ...


class ServedModel(ServedData, Protocol):
    """One model of a pipeline."""

    @property
    def name(self) -> str: ...

    @property
    def run_id(self) -> str | None: ...

    @property
    def sha256(self) -> str: ...


class ServedResult(Protocol):
    """What a pipeline found in one image or series."""

    @property
    def json(self) -> dict[str, Any]: ...

    @property
    def img(self) -> dict[str, np.ndarray]: ...

    def __getitem__(self, key: str) -> Any: ...


class ServedPipeline(Protocol):
    """Models that work together on images or series."""

    @property
    def name(self) -> str: ...

    @property
    def config(self) -> Mapping[str, Any]: ...

    @property
    def models(self) -> Mapping[str, ServedModel]: ...

    @property
    def data(self) -> Mapping[str, ServedData]: ...

    @property
    def background(self) -> str: ...

    @property
    def PARAMETERS(self) -> Mapping[str, Any]: ...

    def predict_many(self, given: Sequence[Any], params: Mapping[str, Any] | None = None) -> Sequence[Any]: ...

    def read(self, input: Any) -> Iterator[Any]: ...

    def sample(self, path: Path | None = None) -> Any: ...
