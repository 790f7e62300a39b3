"""The same from Python: ``plx_train.run(["module=text_det", …])``, ``plx_train.pipeline("OCR")``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plx_train.ground.cycles import seldom_searched
from plx_train.ground.extras import needing_the_workbench
from plx_train.runs.result import RunResult
from plx_train.terminal.streams import deliver, protected

if TYPE_CHECKING:
    from plx_train.pipelines.base import Pipeline


def run(overrides: Sequence[str] = ()) -> RunResult:
    """Runs one command line's worth of ``key=value`` overrides in this process.

    Raises:
        plx_train.UserError: a mistake in the overrides, the data or the environment, in one sentence.
    """
    with protected():
        return _run(overrides)


def _run(overrides: Sequence[str]) -> RunResult:
    given = _without_cfg(overrides)
    with seldom_searched():
        with needing_the_workbench():
            from plx_train.config.compose import compose_run

        composed = compose_run(given)
        if len(given) < len(overrides):
            deliver(composed.yaml.removesuffix("\n"))
            return RunResult("cfg", Path())
        mode = importlib.import_module(f"plx_train.modes.{composed.options.mode}")
    try:
        return mode.run(composed)
    finally:
        # What was not imported has exchanged nothing.
        choice = sys.modules.get("plx_train.onednn.choice")
        if choice is not None:
            choice.restore_convolutions()


def _without_cfg(overrides: Sequence[str]) -> list[str]:
    """The overrides without ``--cfg``, which Hydra's own programs want followed by ``job``."""
    return [
        text
        for before, text in zip(["", *overrides], overrides, strict=False)
        if text not in ("--cfg", "--cfg=job") and (before, text) != ("--cfg", "job")
    ]


def pipeline(config: str | Path | Mapping[str, Any] = "OCR", device: str = "cpu", **models: str) -> Pipeline:
    """A pipeline by its name, its YAML file or folder, or its configuration.

    Args:
        config: ``OCR``, ``image_classification``, ``doc_preprocessor``, a YAML in PaddleX's schema, a frozen folder,
            or a mapping.
        device: ``cpu``, ``gpu``, ``gpu:1``, or another type that Paddle knows.
        models: models by part, for example ``TextDetection="models:/text_det@champion"``: an exported folder of ours
            or of PaddleX, a version or alias in the registry, or ``runs:/<id>``.

    Raises:
        UserError: something is missing or can't be loaded.

    Example:
        >>> ocr = pipeline("OCR", TextRecognition="outputs/my-run/export")
        >>> for result in ocr.predict("page.jpg"):
        ...     print(result.text)
    """
    from plx_train.pipelines.load import load_pipeline
    from plx_train.registry.resolve import resolver

    return load_pipeline(config, device, models, resolver())
