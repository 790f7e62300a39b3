"""The pace of a sweep: every decision is seen once, and parts are no more than the whole."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from kit.places import ROOT
from kit.simulated_runs import SimulatedEngine

sys.path.insert(0, str(ROOT / "scripts"))
import bench_sweep
import sweep_pace

from plx_train.config.options import SweepOptions


def test_each_decision_is_timed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_sweep.loop, "POLL_SECONDS", 0.001)
    sync = os.fsync
    engine = SimulatedEngine(bench_sweep.curve, 2, 3, 0.004)
    options = SweepOptions(sampler="random", pruner="asha", workers=2)
    found = bench_sweep.simulated(tmp_path, engine, options, bench_sweep.SPACE, 8, sweep_pace.PacedSweeper)

    assert os.fsync is sync
    # What is started at first follows nothing that ended; the first run may have ended before the second begins.
    assert len(found.chosen) in (6, 7)
    assert 8 <= len(found.judged) <= 8 * 3
    for one in [*found.chosen, *found.judged]:
        assert one.sampler >= 0
        assert 0 < one.own < one.seconds + 0.01
    assert sweep_pace.shown("x", 10, found.chosen).count("|") == 9


def test_trials_are_made_that_a_sweep_goes_on_from(tmp_path: Path) -> None:
    space = bench_sweep.parse_space(bench_sweep.SPACE, {}, [], False)
    study = bench_sweep.Study(tmp_path, "bench", None, (bench_sweep.Objective(""),))
    study.study.add_trials(sweep_pace.filled(space, 6, bench_sweep.curve))
    assert [trial.state.name for trial in study.trials()] == ["COMPLETE", "PRUNED", "PRUNED"] * 2
    assert study.ask(space) is not None
