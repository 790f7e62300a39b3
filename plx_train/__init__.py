"""plx_train: fine-tune PaddlePaddle modules with evidence, export them with proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Pipeline", "Predictor", "RunResult", "UserError", "__version__", "pipeline", "run"]

if TYPE_CHECKING:
    from plx_train.api import pipeline, run
    from plx_train.export.predictor import Predictor
    from plx_train.ground.errors import UserError
    from plx_train.pipelines.base import Pipeline
    from plx_train.runs.result import RunResult

_HOMES = {
    "Pipeline": "pipelines.base",
    "Predictor": "export.predictor",
    "RunResult": "runs.result",
    "UserError": "ground.errors",
    "pipeline": "api",
    "run": "api",
}


def __getattr__(name: str) -> Any:
    """Imports on first use, so that ``import plx_train`` stays quick and needs no paddle."""
    if name not in _HOMES:
        raise AttributeError(f"module 'plx_train' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"plx_train.{_HOMES[name]}"), name)
