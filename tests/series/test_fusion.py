"""What fusions of series networks have in common, worked by hand."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from plx_train.ground.errors import WeightsError
from plx_train.series.fusion import beside_best, load_members, name_of, networks_of


@dataclass
class Options:
    network: str = "DLinear"
    models: list[str] = field(default_factory=list)
    model_name: str | None = None


def test_a_fusion_goes_by_the_name_of_its_first_network() -> None:
    assert (networks_of(Options()), name_of(Options())) == (["DLinear"], "DLinear")
    fused = Options(models=["TiDE", "NLinear"])
    assert (networks_of(fused), name_of(fused)) == (["TiDE", "NLinear"], "TiDE")
    assert name_of(Options(models=["TiDE"], model_name="PatchTST")) == "PatchTST"


def test_the_verdict_is_beside_the_best_member() -> None:
    members = {"a": 0.5, "b": 0.25, "c": 0.25}
    assert beside_best(members, 0.2, -1, "{:.2f} against {:.2f}") == (
        "the fusion is better than its best member, b: 0.20 against 0.25"
    )
    assert beside_best(members, 0.25, -1, "{} to {}") == (
        "the fusion is not better than its best member: take b alone (0.25 to 0.25)"
    )
    assert beside_best(members, 0.6, 1, "{} to {}") == "the fusion is better than its best member, a: 0.6 to 0.5"


def test_each_member_has_a_run() -> None:
    with pytest.raises(WeightsError, match="2 members are to be fused, but 0 runs were given"):
        load_members([None, None], (), "core.")  # type: ignore[list-item]
