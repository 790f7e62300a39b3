"""The evaluation of initial weights, remembered: trials of a sweep and repeated runs begin with the same ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from plx_train.contract.evaluation import Evaluation
from plx_train.contract.module import Module
from plx_train.data.fingerprint import load_report, save_report
from plx_train.ground.errors import WeightsError
from plx_train.runs.checkpoint import arrays


@dataclass(frozen=True)
class FirstEvaluation:
    """Where the evaluation of a run's initial weights is looked up and kept.

    Attributes:
        key: all that it depends on beside the weights, in values of JSON; None: nothing is looked up or kept.
    """

    key: Mapping[str, Any] | None

    def find(self, module: Module[Any]) -> Evaluation | None:
        """What these weights came to before, without its samples; None where that is not known."""
        if self.key is None:
            return None
        kept = load_report(self._whole_key(module))
        try:
            return _read(module, kept) if kept else None
        except (KeyError, TypeError, ValueError, WeightsError):
            return None

    def keep(self, module: Module[Any], evaluation: Evaluation) -> None:
        """Keeps what can be read again to the bit."""
        if self.key is None:
            return
        plain = {
            "metrics": evaluation.metrics,
            "processor": asdict(evaluation.processor),
            "curve": evaluation.curve,
            "seconds": evaluation.seconds,
        }
        try:
            is_whole = _read(module, json.loads(json.dumps(plain))) == replace(evaluation, samples=())
        except (KeyError, TypeError, ValueError, WeightsError):
            return
        if is_whole:
            save_report(self._whole_key(module), plain)

    def _whole_key(self, module: Module[Any]) -> dict[str, Any]:
        return {**(self.key or {}), "weights": digest_of(module)}


def digest_of(module: Module[Any]) -> str:
    """sha256 over names, kinds and bytes of a network's tensors."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays(module.network.state_dict()).items()):
        digest.update(f"{name} {array.dtype} {array.shape}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _read(module: Module[Any], kept: Mapping[str, Any]) -> Evaluation:
    processor = type(module.processor).from_record(kept["processor"])
    curve = tuple((recall, precision) for recall, precision in kept["curve"])
    return Evaluation(dict(kept["metrics"]), processor, (), curve, kept["seconds"])
