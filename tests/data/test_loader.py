"""Batches: each sample once, the same whatever the workers do, and from any place at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.places import TESTS
from plx_train.contract.dataset import Dataset, Moment
from plx_train.contract.sample import Batch, Sample
from plx_train.data import worker_pool
from plx_train.data.loader import Loader, Sampler
from plx_train.data.shared_slot import SMALL, SharedSlot
from plx_train.ground.errors import DataError


class Numbers(Dataset):
    """Sample i is (i, a random number)."""

    def __init__(self, size: int, killer: int | None = None) -> None:
        self.names = [str(index) for index in range(size)]
        self.killer = killer
        self.loads = 0

    def __len__(self) -> int:
        return len(self.names)

    def original(self, index: int) -> int:
        return index

    def get(self, index: int, rng: np.random.Generator) -> Sample:
        self.loads += 1
        if index == self.killer:
            os._exit(1)
        return sample_of(index, {"index": index, "draw": float(rng.random()), "modules": "paddle" in sys.modules})


def sample_of(index: int, values: dict[str, Any]) -> Sample:
    return Sample(values, None, None, str(index))


def collate(samples: list[Sample]) -> Batch:
    return {key: [sample.x[key] for sample in samples] for key in samples[0].x}


@given(st.integers(1, 40), st.integers(1, 9), st.integers(0, 3), st.integers(0, 5))
def test_every_epoch_holds_each_sample_once(size: int, batch: int, seed: int, epoch: int) -> None:
    sampler = Sampler(size, batch, seed)
    batches = list(sampler.batches(epoch))
    assert len(batches) == sampler.batches_per_epoch
    assert Counter(index for keys in batches for index, _ in keys) == Counter(range(size))


@given(st.integers(1, 40), st.integers(1, 9), st.data())
def test_any_cursor_goes_on_as_the_whole_epoch_would(size: int, batch: int, data: st.DataObject) -> None:
    sampler = Sampler(size, batch, seed=3)
    whole = list(sampler.batches(2))
    cursor = data.draw(st.integers(0, len(whole)))
    assert list(sampler.batches(2, cursor)) == whole[cursor:]


def test_epochs_and_seeds_differ() -> None:
    orders = {tuple(Sampler(20, 4, seed).order(epoch)) for seed in (1, 2) for epoch in (0, 1)}
    assert len(orders) == 4


@pytest.mark.parametrize("num_workers", [1, 2])
def test_workers_change_nothing_and_hold_no_paddle(num_workers: int) -> None:
    here = Loader(Numbers(11), Sampler(11, 3, seed=1), collate)
    there = Loader(Numbers(11), Sampler(11, 3, seed=1), collate, num_workers)
    try:
        for epoch in (0, 1):
            expected = [(batch["index"], batch["draw"]) for batch in here.epoch(epoch)]
            got = list(there.epoch(epoch))
            assert [(batch["index"], batch["draw"]) for batch in got] == expected
            assert not any(any(batch["modules"]) for batch in got)
    finally:
        there.close()


def test_seeking_decodes_nothing() -> None:
    dataset = Numbers(1000)
    loader = Loader(dataset, Sampler(1000, 2, seed=1), collate)
    next(loader.epoch(0, cursor=499))
    assert dataset.loads == 2


def test_a_killed_worker_is_an_error_in_one_sentence() -> None:
    loader = Loader(Numbers(8, killer=5), Sampler(8, 2, seed=1), collate, num_workers=1)
    with pytest.raises(DataError, match="worker was killed"):
        list(loader.epoch(0))
    loader.close()


class Heavy(Numbers):
    """Samples that fill a pipe many times over."""

    def get(self, index: int, rng: np.random.Generator) -> Sample:
        return sample_of(index, {"index": index, "bytes": np.zeros(1 << 20, np.uint8)})


@pytest.mark.parametrize("moment", [0.0, 0.002, 0.01, 0.05])
def test_a_worker_killed_while_it_answers_holds_nobody_up(moment: float) -> None:
    loader = Loader(Heavy(4000), Sampler(4000, 4, seed=1), collate, num_workers=2)
    batches = loader.epoch(0)
    next(batches)
    time.sleep(moment)
    workers()[0].kill()
    with pytest.raises(DataError, match="worker was killed"):
        list(batches)
    loader.close()


def test_an_epoch_that_is_given_up_leaves_nothing_to_the_next() -> None:
    loader = Loader(Numbers(40), Sampler(40, 2, seed=1), collate, num_workers=2)
    expected = [batch["index"] for batch in Loader(Numbers(40), Sampler(40, 2, seed=1), collate).epoch(1)]
    for taken in (1, 2, 5):
        begun = loader.epoch(0)
        for _ in range(taken):
            next(begun)
        begun.close()
        assert [batch["index"] for batch in loader.epoch(1)] == expected
    loader.close()


class Odd(Exception):
    """One that can't be pickled and made again."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} and {other}")


class Failing(Numbers):
    def get(self, index: int, rng: np.random.Generator) -> Sample:
        raise Odd(1, 2) if index else MemoryError("no room")


@pytest.mark.parametrize(("size", "expected"), [(1, MemoryError("no room")), (3, RuntimeError("Odd: 1 and 2"))])
def test_a_fault_in_a_worker_comes_out_here(size: int, expected: Exception) -> None:
    loader = Loader(Failing(size), Sampler(size, 1, seed=1, shuffle=False), collate, num_workers=1)
    with pytest.raises(type(expected), match=str(expected)) as caught:
        for place in range(size):
            next(loader.epoch(0, size - 1 - place))
    assert "Traceback" in str(caught.value.__cause__)
    loader.close()


def test_a_script_without_a_main_guard_may_use_workers(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "print('once')\n"
        f"import sys; sys.path.insert(0, {str(TESTS)!r})\n"
        "from data.test_loader import Loader, Numbers, Sampler, collate\n"
        "loader = Loader(Numbers(4), Sampler(4, 2, 1), collate, 1)\n"
        "print(len(list(loader.epoch(0))))\n"
        "loader.close()\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.split() == ["once", "2"], done.stderr


class Growing(Numbers):
    """Samples of many kinds of arrays, each larger than those before it."""

    def get(self, index: int, rng: np.random.Generator) -> Sample:
        side = 1 + 40 * index
        values = {
            "image": rng.integers(0, 256, (side, side, 3), np.uint8),
            "turned": rng.standard_normal((side, 7), np.float32).T,
            "part": rng.standard_normal((side, side))[::2, ::3],
            "empty": np.zeros((0, 4), np.float32),
            "name": str(index),
        }
        return sample_of(index, values)


def equal(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> bool:
    return len(first) == len(second) and all(
        np.array_equal(one, other) and getattr(one, "dtype", None) == getattr(other, "dtype", None)
        for here, there in zip(first, second, strict=True)
        for name in here
        for one, other in zip(here[name], there[name], strict=True)
    )


def small_files() -> set[Path]:
    return set(Path("/dev/shm").iterdir()) if Path("/dev/shm").is_dir() else set()


def workers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]


def shared_files(process: psutil.Process) -> list[str]:
    """Memory without a name that a process holds."""
    links = Path(f"/proc/{process.pid}/fd")
    found = [str(link.readlink()) for link in links.iterdir() if link.is_symlink()] if links.is_dir() else []
    return [name for name in found if name.startswith("/memfd:plx_train")]


@pytest.mark.parametrize("shares_memory", [True, False])
def test_arrays_of_any_kind_and_size_come_as_they_are(shares_memory: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_pool, "SHARES_MEMORY", shares_memory and worker_pool.SHARES_MEMORY)
    sampler, names = Sampler(12, 2, seed=1, shuffle=False), small_files()
    loader = Loader(Growing(12), sampler, collate, num_workers=2)
    # All kept: one that lay in a slot would be written over.
    got = list(loader.epoch(0))
    for batch in got:
        batch["image"][0] += 1
        batch["image"][0] -= 1
    assert equal(got, list(Loader(Growing(12), sampler, collate).epoch(0)))
    assert small_files() <= names
    loader.close()


def test_a_given_up_epoch_writes_over_nothing_that_is_wanted() -> None:
    sampler = Sampler(12, 2, seed=1)
    loader = Loader(Growing(12), sampler, collate, num_workers=2)
    expected = list(Loader(Growing(12), sampler, collate).epoch(1))
    for taken in (1, 2, 3):
        begun = loader.epoch(0)
        for _ in range(taken):
            next(begun)
        begun.close()
        assert equal(list(loader.epoch(1)), expected)
    loader.close()


@pytest.mark.skipif(not worker_pool.SHARES_MEMORY, reason="results go through pipes")
def test_nothing_is_left_of_shared_memory_and_it_is_bounded() -> None:
    loader = Loader(Heavy(60), Sampler(60, 4, seed=1), collate, num_workers=2)
    assert len(list(loader.epoch(0))) == 15
    here = psutil.Process()
    # The file and its map each count once.
    assert len(shared_files(here)) == 2 * 2 * worker_pool.AHEAD
    assert all(0 < len(shared_files(child)) <= 2 * worker_pool.AHEAD for child in workers())
    loader.close()
    assert shared_files(here) == []


@pytest.mark.skipif(not worker_pool.SHARES_MEMORY, reason="results go through pipes")
def test_a_slot_grows_and_small_arrays_stay_out_of_it() -> None:
    slot = SharedSlot()
    small = slot.write({"few": np.arange(SMALL // 8 - 1)})
    assert small.lengths == () and len(slot.read(small)["few"]) == SMALL // 8 - 1
    for size in (SMALL, 100 * SMALL, 3 * SMALL, 1000 * SMALL):
        value = np.random.default_rng(size).integers(0, 256, size, np.uint8)
        packed = slot.write([value, value[:SMALL]])
        assert packed.lengths == (size, SMALL) and len(packed.content) < SMALL
        read = slot.read(packed)
        assert np.array_equal(read[0], value) and np.array_equal(read[1], value[:SMALL])
    slot.close()


@pytest.mark.skipif(not worker_pool.SHARES_MEMORY, reason="results go through pipes")
def test_memory_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    slot = SharedSlot()
    with pytest.raises(MemoryError, match="no shared memory for 8 MiB"):
        slot.write(np.zeros(8 << 20, np.uint8))
    slot.close()


class Timed(Numbers):
    """Samples tell the batch that they are made for."""

    def __init__(self, size: int, moment: Moment | None = None) -> None:
        super().__init__(size)
        self.moment = moment

    def at(self, moment: Moment) -> Timed:
        return Timed(len(self), moment)

    def get(self, index: int, rng: np.random.Generator) -> Sample:
        assert self.moment is not None
        return sample_of(index, {"index": index, "words": self.moment.words, "progress": self.moment.progress})


@pytest.mark.parametrize("num_workers", [0, 2])
def test_samples_know_the_batch_that_they_are_made_for(num_workers: int) -> None:
    loader = Loader(Timed(7), Sampler(7, 2, seed=5), collate, num_workers)
    loader.progress = lambda epoch, number: epoch + number / 10
    try:
        found = list(loader.epoch(3, cursor=1))
    finally:
        loader.close()
    assert [batch["words"] for batch in found] == [[(5, 3, 1)] * 2, [(5, 3, 2)] * 2, [(5, 3, 3)]]
    assert [batch["progress"] for batch in found] == [[3.1] * 2, [3.2] * 2, [3.3]]


@given(st.integers(1, 9), st.integers(1, 6), st.integers(1, 4), st.integers(0, 3))
def test_an_epoch_may_go_through_the_samples_more_than_once(size: int, batch: int, repeats: int, epoch: int) -> None:
    sampler = Sampler(size, batch, seed=3, repeats=repeats)
    drawn = [key for one in sampler.batches(epoch) for key in one]
    assert sampler.batches_per_epoch == -(-size * repeats // batch)
    assert set(Counter(index for index, _ in drawn).values()) == {repeats}
    assert len({tuple(words) for _, words in drawn}) == size * repeats
    assert drawn[batch:] == [key for one in sampler.batches(epoch, 1) for key in one]
