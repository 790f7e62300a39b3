"""Checkpoints on disk: whole or not there, the newest whole one found, old ones gone, a full disk told of."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from plx_train.ground.errors import TrainingError, WeightsError
from plx_train.runs.checkpoint import clear_leftovers, load_checkpoint, save_checkpoint
from plx_train.runs.folder import MANIFEST
from plx_train.train.checkpoints import Keeper, Retention


def weights(value: float) -> dict[str, dict[str, np.ndarray]]:
    return {"network": {"w": np.full(1000, value, np.float32)}}


def keeper(folder: Path, retention: Retention = Retention(), before: Callable[[], None] = lambda: None) -> Keeper:  # noqa: B008
    return Keeper(folder, retention, {"config.yaml": "seed: 1\n"}, before)


def save(kept: Keeper, *steps: int) -> None:
    for step in steps:
        kept.save_step(step, weights(step), {"loop": step})
    kept.wait()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_stay_and_those_at_multiples(tmp_path: Path) -> None:
    kept = keeper(tmp_path, Retention(keep_last=2, keep_every_steps=4))
    save(kept, *range(1, 11))
    assert names(tmp_path) == ["step_00000004", "step_00000008", "step_00000009", "step_00000010"]


def test_a_checkpoint_holds_tensors_state_and_texts(tmp_path: Path) -> None:
    save(keeper(tmp_path), 3)
    saved = keeper(tmp_path).newest()
    assert saved is not None
    assert np.array_equal(saved.tensors["network"]["w"], weights(3)["network"]["w"])
    assert saved.state == {"loop": 3}
    assert (saved.folder / "config.yaml").read_text() == "seed: 1\n"


def test_there_is_none_in_an_empty_folder(tmp_path: Path) -> None:
    assert keeper(tmp_path).newest() is None


def flip_a_bit(folder: Path) -> None:
    data = bytearray((folder / "network.safetensors").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "network.safetensors").write_bytes(bytes(data))


def cut_off(folder: Path) -> None:
    path = folder / "network.safetensors"
    path.write_bytes(path.read_bytes()[:-7])


def lose_the_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()


def lose_a_file(folder: Path) -> None:
    (folder / "state.json").unlink()


def garble_the_manifest(folder: Path) -> None:
    (folder / MANIFEST).write_text('["network.safetensors"]')


@pytest.mark.parametrize("damage", [flip_a_bit, cut_off, lose_the_manifest, lose_a_file, garble_the_manifest])
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    save(keeper(tmp_path), 5, 6)
    damage(tmp_path / "step_00000006")

    saved = keeper(tmp_path).newest()

    assert saved is not None
    assert saved.state == {"loop": 5}
    assert len(saved.damaged) == 1
    assert "step_00000006" in saved.damaged[0]
    # Out of the way, so that the newest two are two good ones again.
    assert names(tmp_path) == ["step_00000005", "step_00000006.damaged"]


def test_without_any_whole_checkpoint_there_is_an_error_that_names_all(tmp_path: Path) -> None:
    save(keeper(tmp_path), 5, 6)
    for name in names(tmp_path):
        cut_off(tmp_path / name)
    with pytest.raises(WeightsError, match=r"step_00000006.*step_00000005"):
        keeper(tmp_path).newest()


def test_what_a_killed_process_left_is_cleared_and_nothing_else(tmp_path: Path) -> None:
    save(keeper(tmp_path), 5)
    save_checkpoint(tmp_path / "best.old", weights(1), {})
    (tmp_path / "step_00000006.tmp").mkdir()
    clear_leftovers(tmp_path)
    assert names(tmp_path) == ["best", "step_00000005"]


def test_best_is_there_at_every_moment_of_its_replacement(tmp_path: Path) -> None:
    folder, missing, done = tmp_path / "best", [], threading.Event()
    save_checkpoint(folder, weights(0), {})

    def watch() -> None:
        while not done.is_set():
            try:
                load_checkpoint(folder)
            except WeightsError as error:
                # A reader may meet files of two versions, but never a missing folder.
                if not folder.exists():
                    missing.append(str(error))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for value in range(50):
        save_checkpoint(folder, weights(value), {})
    done.set()
    watcher.join()
    assert missing == []
    assert load_checkpoint(folder)[0]["network"]["w"][0] == 49


def test_what_a_checkpoint_stands_on_is_brought_to_disk_first(tmp_path: Path) -> None:
    seen = []
    kept = keeper(tmp_path, before=lambda: seen.append(names(tmp_path)))
    save(kept, 1)
    assert seen == [[]]


def test_a_checkpoint_is_due_by_steps_and_by_time(tmp_path: Path) -> None:
    assert [step for step in range(1, 10) if keeper(tmp_path, Retention(every_steps=4)).is_due(step)] == [4, 8]
    assert keeper(tmp_path, Retention(interval=0.0)).is_due(1)
    assert not keeper(tmp_path, Retention(interval=60.0)).is_due(1)
    assert not keeper(tmp_path).is_due(1)


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A file system of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no right to mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_in_a_sentence_and_the_older_checkpoint_stays_whole(small_disk: Path) -> None:
    kept = keeper(small_disk)
    kept.save_step(1, {"network": {"w": np.zeros(100_000, np.float32)}}, {"loop": 1})
    kept.save_step(2, {"network": {"w": np.zeros(300_000, np.float32)}}, {"loop": 2})
    with pytest.raises(TrainingError, match=r"No space left on device.*resume="):
        kept.wait()
    assert names(small_disk) == ["step_00000001"]
    assert keeper(small_disk).newest().state == {"loop": 1}
