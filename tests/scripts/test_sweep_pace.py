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
    assert [one.trial for one in found.chosen] == sorted(one.trial for one in found.chosen)
    assert len(found.chosen) in (6, 7)
    assert 8 <= len(found.judged) <= 8 * 3
    for one in [*found.chosen, *found.judged]:
        assert one.sampler >= 0
        assert 0 < one.own < one.seconds + 0.01
    assert sweep_pace.shown("x", found.chosen, 8).count("|") == 9
    assert sweep_pace.shown("x", found.chosen, 1000) == "| x | 1000 | none |"
