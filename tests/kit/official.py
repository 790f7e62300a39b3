"""Published networks as their own programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np


def official_program(folder: Path) -> Callable[[np.ndarray], np.ndarray]:
    """The published network in `folder`, run by Paddle Inference without oneDNN."""
    from paddle import inference

    config = inference.Config(str(folder / "inference.pdmodel"), str(folder / "inference.pdiparams"))
    config.disable_glog_info()
    config.disable_gpu()
    config.disable_mkldnn()
    config.enable_new_ir(False)
    config.set_cpu_math_library_num_threads(1)
    predictor = inference.create_predictor(config)
    entry = predictor.get_input_handle(predictor.get_input_names()[0])
    result = predictor.get_output_handle(predictor.get_output_names()[0])

    def run(x: np.ndarray) -> np.ndarray:
        entry.copy_from_cpu(np.ascontiguousarray(x))
        predictor.run()
        return result.copy_to_cpu()

    return run
