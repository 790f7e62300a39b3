"""A sweep's runs on a real Ray cluster of what it takes for two machines; one is lost in the middle and comes back."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kit.jobs import NAP, PARENT, SAVES, begin, end_of, job, output, pids_of
from kit.processes import is_alive, until
from plx_train.ground.errors import ConfigError, UserError
from plx_train.sweep.executors.executor import Ended
from plx_train.sweep.executors.ray_actors import RayEngine
from plx_train.sweep.executors.ray_cluster import places

MACHINE = {"num_cpus": 2, "num_gpus": 0, "object_store_memory": 100_000_000, "include_dashboard": False}
COUNTS = """
import os, sys, time
from pathlib import Path
checkpoint = Path(sys.argv[1])
step = int(checkpoint.read_text()) if checkpoint.exists() else 0
print("begun", os.getpid(), step, flush=True)
while step < int(sys.argv[2]):
    time.sleep(0.05)
    step += 1
    written = checkpoint.with_suffix(".new")
    written.write_text(str(step))
    written.replace(checkpoint)
"""


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    made = Cluster(initialize_head=True, head_node_args=MACHINE)
    yield made
    made.shutdown()


@pytest.mark.slow
def test_a_machine_that_is_lost_takes_its_runs_and_no_others(
    cluster: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    second = cluster.add_node(**MACHINE)
    with closing(RayEngine(cluster.address)) as engine:
        one, other = {slot.rpartition(":")[0] for slot in engine.slots}
        assert set(engine.slots) == {f"{one}:0", f"{one}:1", f"{other}:0", f"{other}:1"}
        checkpoint = tmp_path / "checkpoint"
        specs = [job(name, SAVES, tmp_path) for name in ("1", "2")]
        specs += [job("3", COUNTS, tmp_path, str(checkpoint), "4000"), job("4", PARENT + "time.sleep(60)", tmp_path)]
        handles = begin(engine, *specs)
        assert not engine.free()
        pids = [pids_of(spec) for spec in specs]
        # Ray lists its machines in any order.
        lost = [number for number in range(4) if handles[number].node_id == second.node_id]  # type: ignore[attr-defined]
        kept = [handle for number, handle in enumerate(handles) if number not in lost]
        assert len(lost) == len(kept) == 2

        killed_at = time.monotonic()
        cluster.remove_node(second, allow_graceful=False)
        for number in lost:
            ended = end_of(handles[number])
            assert ended.code is None
            assert "its machine was lost" in (ended.reason or "")
        told_after = time.monotonic() - killed_at
        until(lambda: not any(is_alive(pid) for number in lost for pid in pids[number]), "runs outlive their machine")
        gone_after = time.monotonic() - killed_at
        assert [handle.poll() for handle in kept] == [None, None]
        until(lambda: len(engine.slots) == 2, "the lost machine's slots stay")

        for handle in kept:
            handle.stop()
        assert all(end_of(handle) for handle in kept)
        until(engine.free, "no slot gets free")
        step = int(checkpoint.read_text())
        started_at = time.monotonic()
        again = engine.start(job("5", COUNTS, tmp_path, str(checkpoint), str(step + 5)))
        assert again.slot in {handle.slot for handle in kept}
        assert end_of(again) == Ended(0)
        again_took = time.monotonic() - started_at
        assert pids_of(job("5", "", tmp_path))[1] == step

        cluster.add_node(**MACHINE)
        until(lambda: len(engine.slots) == 4, "the new machine has no slots")
        assert {slot.rpartition(":")[0] for slot in engine.slots} == {one, other}
    assert not any(is_alive(pid) for run in pids for pid in run)
    shown = capfd.readouterr()
    assert "raylet" not in shown.out
    print(f"lost runs told after {told_after:.1f} s, gone after {gone_after:.1f} s; again in {again_took:.1f} s")


@pytest.mark.slow
def test_cards_are_those_that_ray_gives_and_a_stop_reaches_a_run_at_once(cluster: Any, tmp_path: Path) -> None:
    cluster.add_node(**MACHINE | {"num_gpus": 2})
    listening = signal.getsignal(signal.SIGTERM)
    with closing(RayEngine(cluster.address, cpus=0, gpus=1)) as engine:
        assert signal.getsignal(signal.SIGTERM) is listening
        assert len(engine.slots) == 2
        code = "import os, sys; print(os.environ['CUDA_VISIBLE_DEVICES'], *sys.argv[1:], flush=True); " + NAP
        specs = [job(name, code, tmp_path) for name in ("1", "2")]
        handles = begin(engine, *specs)
        seen = sorted(output(spec).split()[:2] for spec in specs)
        assert seen == [["0", "device.ids=[0]"], ["1", "device.ids=[0]"]]
        for handle in handles:
            handle.stop()
        assert {end_of(handle).code for handle in handles} == {-signal.SIGTERM}
    with pytest.raises(UserError, match=r"no machine of the Ray cluster has 3 CPU: see ray.cpus"):
        RayEngine(cluster.address, cpus=3)
    with closing(RayEngine(cluster.address, cpus=1, max_runs=1)) as engine:
        handle = engine.start(job("3", SAVES, tmp_path))
        assert not engine.free()
        # Before it began, most likely: that is as good.
        handle.stop()
        assert end_of(handle).code in (-signal.SIGTERM, 143)


def test_a_cluster_that_is_not_there_is_told() -> None:
    pytest.importorskip("ray")
    with pytest.raises(UserError, match=r"ray.address=127.0.0.1:1: no Ray cluster can be reached there"):
        RayEngine("127.0.0.1:1")
    with pytest.raises(ConfigError, match=r"ray.address=ray://10.0.0.1:10001: name the cluster's own port"):
        RayEngine("ray://10.0.0.1:10001")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"cpus": 0}, "ray.cpus=0 ray.gpus=0: a run needs"),
        ({"cpus": -1}, "ray.cpus=-1"),
        ({"max_runs": 0}, "workers=0"),
    ],
)
def test_resources_that_no_run_can_have_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        RayEngine(**arguments)


@pytest.mark.parametrize(
    ("resource", "total", "need", "count"),
    [
        ("CPU", 2, 0.6, 3),
        ("GPU", 2, 0.6, 2),
        ("GPU", 2, 0.3, 6),
        ("GPU", 3, 2, 1),
        ("GPU", 1, 0.1, 10),
        ("CPU", 0, 1, 0),
    ],
)
def test_what_a_machine_has_room_for(resource: str, total: float, need: float, count: int) -> None:
    assert places(resource, total, need) == count
