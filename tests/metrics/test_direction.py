"""Which values of a figure are better: said by each metric, carried by files, and read from older ones by the name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from kit.promotion import make_export
from kit.untrained_series import export_of
from plx_train.contract.metric import Metric
from plx_train.contract.rooms import room_names
from plx_train.metrics.direction import better_of, errors_among, recorded, room_errors
from plx_train.registry.candidate import read_candidate
from plx_train.report.charts import line_chart
from plx_train.report.data import MetricChange, metric_series
from plx_train.sweep.order import order


class Perplexity(Metric):
    errors: ClassVar[frozenset[str]] = frozenset({"perplexity", "bits"})


@pytest.mark.parametrize(
    ("figure", "better"),
    [
        ("perplexity", "lower"),
        ("val/perplexity", "lower"),
        ("before/bits_official", "lower"),
        ("baseline/unigram_bits", "lower"),
        ("baseline/unigram_accuracy", "higher"),
        ("accuracy", "higher"),
        ("perplexity_gain", "higher"),
        ("latency_ms", "lower"),
        ("size_mb", "lower"),
    ],
)
def test_a_figure_is_better_as_its_metric_says(figure: str, better: str) -> None:
    assert better_of(figure, Perplexity.errors) == better


def test_no_name_makes_an_error_of_what_the_metric_does_not_call_one() -> None:
    assert better_of("mse", frozenset()) == "higher"
    assert errors_among(["val/mse", "val/bits", "size_mb"], Perplexity.errors) == ["val/bits", "size_mb"]


@pytest.mark.parametrize("members", [{}, {"errors": "mse"}, {"errors": ["mse"]}])
def test_a_metric_that_does_not_say_it_can_not_be_made(members: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="Silent must say which of its numbers are errors"):
        type("Silent", (Metric,), members)


@pytest.mark.parametrize("room", room_names())
def test_every_room_says_it_without_its_network(room: str) -> None:
    assert isinstance(room_errors(room), frozenset)


def test_files_that_do_not_say_it_are_read_by_the_name() -> None:
    assert recorded({"better": "higher"}, "mse") == "higher"
    assert recorded({"better": "lower"}, "perplexity") == "lower"
    assert [recorded({}, name) for name in ("mse", "original_mae", "hmean")] == ["lower", "lower", "higher"]
    assert recorded({"better": ["higher"]}, "mse") == "lower"


@pytest.mark.parametrize(("said", "better"), [({}, "higher"), ({"better": "lower"}, "lower")])
def test_a_candidate_is_judged_as_its_proof_says(said: dict[str, str], better: str, tmp_path: Path) -> None:
    path = make_export(tmp_path / "export") / "parity.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | said))
    assert read_candidate(path.parent, None).better == better


def test_objectives_of_a_sweep_go_where_the_room_says() -> None:
    asked = "sweep.objectives=[val/mase,val/coverage,size_mb,max:val/mae]"
    ordered = order(["module=ts_forecast", "sweep=tpe", "optimizer.lr=1e-3,1e-4", asked])
    assert [one.direction for one in ordered.objectives] == ["minimize", "maximize", "minimize", "maximize"]


def test_proof_and_record_of_a_run_carry_it(tmp_path: Path) -> None:
    export, _ = export_of("ts_forecast", tmp_path)
    proof = json.loads((export / "parity.json").read_text())
    assert (proof["monitor"], proof["better"]) == ("mse", "lower")
    facts = json.loads((export.parent / "run.json").read_text())
    assert {"val/mse", "before/pinball", "baseline/linear_mse"} <= set(facts["errors"]) < set(facts["metrics"])
    assert "val/coverage" in facts["metrics"] and "val/coverage" not in facts["errors"]
    assert 'mse <span class="soft nowrap">less is better' in (export.parent / "report.html").read_text("utf-8")


def test_a_report_names_the_lowest_error_and_calls_less_of_it_a_gain() -> None:
    series = metric_series({"val/bits": [(0, 3.0), (1, 1.0), (2, 2.0)]}, Perplexity.errors)
    assert "best bits 1.0000" in line_chart("Validation", series)
    assert "best bits 3.0000" in line_chart("Validation", metric_series({"val/bits": [(0, 3.0), (1, 1.0)]}, ()))
    assert MetricChange("bits", 3.0, 1.0, is_error=True).is_gain
    assert not MetricChange("bits", 0.1, 0.2, is_error=True).is_gain
    assert not MetricChange("bits", 0.1, 0.2, is_error=True).is_share
