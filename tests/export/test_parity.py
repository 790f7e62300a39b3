"""How far outputs may differ where the network answers the rounding of its input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plx_train.export.parity import DEFAULT_TOLERANCE, EngineParity, _explained, _rounding


class Plain:
    def differences(self, output: np.ndarray, reference: np.ndarray) -> np.ndarray:
        return np.abs(output - reference)


PLAIN: Any = Plain()


@pytest.mark.parametrize("is_tuple", [False, True])
def test_rounding_is_what_the_last_bit_of_the_input_changes(is_tuple: bool) -> None:
    x, places = np.full((1, 3), 1.5, np.float32), np.array([7])

    def live(batch: dict[str, Any]) -> list[np.ndarray]:
        given = batch["x"][0] if is_tuple else batch["x"]
        assert not is_tuple or batch["x"][1] is places, "whole numbers stay"
        return [1024 * given]

    batch = {"x": (x, places) if is_tuple else x}
    found = _rounding(live, PLAIN, [batch], [live(batch)[0]])
    assert found == pytest.approx(1024 * np.spacing(np.float32(1.5)))


@pytest.mark.parametrize(
    ("difference", "rounding", "ok"), [(5e-4, 7e-5, True), (5e-4, 2e-6, False), (2e-3, 1.0, False), (9e-5, 0.0, True)]
)
def test_what_rounding_explains_is_allowed_up_to_what_oneDNN_may_do(
    difference: float, rounding: float, ok: bool
) -> None:
    engine = EngineParity("native", difference, difference, DEFAULT_TOLERANCE.native, 0.1)
    explained = _explained(engine, rounding, DEFAULT_TOLERANCE)
    assert explained.ok is ok and explained.rounding == rounding
    assert DEFAULT_TOLERANCE.native <= explained.tolerance <= DEFAULT_TOLERANCE.accelerated
