"""The curve of labels in a sweep's report: by hand, over seeds and draws, a line for each of what else varies."""

from __future__ import annotations

import statistics
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plx_train.sweep.record import COMPLETE, FAILED, LABELLED, Job, Objective, SweepRecord, TrialRecord
from plx_train.sweep.shown.label_curve import label_curve_chart, label_lines
from plx_train.sweep.shown.report import render_sweep_report

distributions = pytest.importorskip("optuna").distributions
PORTIONS = distributions.CategoricalDistribution(["1/class", "2/class", "10/class"])
SCHEDULES = distributions.CategoricalDistribution(["off", "auto"])
SEEDS = distributions.IntDistribution(1, 2)


def trial(number: int, portion: str, labelled: int | None, *values: float, **params: Any) -> TrialRecord:
    jobs = tuple(
        Job(seed, "cpu:0", ((0.0, 1.0),), Path("trials/x"), values=(value,), labelled=labelled)
        for seed, value in enumerate(values)
    )
    mean = (statistics.fmean(values),)
    return TrialRecord(number, COMPLETE, {LABELLED: portion, **params}, mean, (0.0,), jobs=jobs)


def sweep(*trials: TrialRecord, **space: Any) -> SweepRecord:
    return SweepRecord(
        *("sweep", Path("sweeps/x"), "python -m plx_train", "grid", "none", (Objective("val/accuracy"),)),
        {LABELLED: PORTIONS, **space}, trials, len(trials), ("cpu:0",), 2,
    )  # fmt: skip


ALONE = sweep(trial(0, "10/class", 100, 0.8, 0.9), trial(1, "1/class", 10, 0.3, 0.5), trial(2, "2/class", 20, 0.5, 0.6))


def test_seeds_are_the_spread_and_fewest_labels_come_first() -> None:
    ((name, points),) = label_lines(ALONE).items()
    assert name == "" and [point.number for point in points] == [10, 20, 100]
    assert [point.mean for point in points] == pytest.approx([0.4, 0.55, 0.85])
    assert points[0].spread == pytest.approx(statistics.stdev([0.3, 0.5]))


def test_draws_are_repetitions_and_what_else_varies_has_a_line_of_its_own() -> None:
    trials = [
        trial(2 * place + index, portion, labelled, value, **{"few.schedule": schedule, "dataset.labelled_seed": draw})
        for index, (schedule, draw, value) in enumerate(
            [("off", 1, 0.4), ("off", 2, 0.6), ("auto", 1, 0.7), ("auto", 2, 0.9)]
        )
        for place, (portion, labelled) in enumerate([("1/class", 10), ("2/class", 21)])
    ]
    lines = label_lines(sweep(*trials, **{"few.schedule": SCHEDULES, "dataset.labelled_seed": SEEDS}))
    assert {name: [point.mean for point in points] for name, points in lines.items()} == {
        "schedule=off": pytest.approx([0.5, 0.5]),
        "schedule=auto": pytest.approx([0.8, 0.8]),
    }


def test_the_chart_has_a_logarithmic_axis_with_the_numbers_that_occur() -> None:
    chart = label_curve_chart(ALONE)
    tree = ElementTree.fromstring(chart)
    texts = ["".join(one.itertext()) for one in tree.iter() if one.tag.endswith("text")]
    assert {"10", "20", "100", "labelled samples", "val/accuracy"} <= set(texts)
    xs = [float(one.attrib["cx"]) for one in tree.iter("circle") if "mark" in one.attrib["class"]]
    # From 10 to 20 is as far as from 50 to 100: 1 of 3.32 doublings.
    assert (xs[1] - xs[0]) / (xs[2] - xs[0]) == pytest.approx(0.301, abs=0.001)
    assert sum("run" in one.attrib["class"].split() for one in tree.iter("circle")) == 6
    assert "1/class, 10 labels" in chart and "2 runs" in chart and 'class="band s0"' in chart


def test_a_report_has_the_curve_where_labels_vary_alone() -> None:
    assert 'id="labels"' in render_sweep_report(ALONE, 10.0)
    other = replace(ALONE, space={"dataset.val": PORTIONS})
    assert 'id="labels"' not in render_sweep_report(other, 10.0)


@pytest.mark.parametrize(
    "trials",
    [
        (),
        (trial(0, "1/class", 10, 0.5),),
        (trial(0, "1/class", None, 0.5), trial(1, "2/class", None, 0.6)),
        (replace(trial(0, "1/class", 10, 0.5), state=FAILED), trial(1, "2/class", 20, float("nan"))),
        tuple(trial(n, f"{1 + n % 2}/class", 10 + n % 2, 0.5, **{"optimizer.lr": n // 2}) for n in range(16)),
    ],
)
def test_there_is_no_curve_of_nothing_known_one_point_or_too_many_lines(trials: tuple[TrialRecord, ...]) -> None:
    space = {"optimizer.lr": distributions.IntDistribution(0, 8)} if len(trials) == 16 else {}
    assert label_curve_chart(sweep(*trials, **space)) == ""
