"""Disks and images that fail while a run is going: a clear sentence or a counted skip, and nothing half-written."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import plx_train
from kit.pages import arguments, make_pages, train
from plx_train.ground.errors import DataError, UserError
from plx_train.tracking import SPOOL_NAME, read_metrics
from plx_train.train.checkpoints import step_checkpoints


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return make_pages(tmp_path / "pages")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no right to mount a file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def command(dataset: Path, output: Path, *overrides: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, behind a line of shell."""
    line = [sys.executable, "-m", "plx_train", *arguments(dataset, output, *overrides)]
    script = f'{before}\nexec "$@"'
    return subprocess.run(
        ["bash", "-c", script, "bash", *line], capture_output=True, text=True, timeout=200, check=False
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    """The one error line of a command that failed for a user's reason."""
    assert done.returncode in (1, 2), done.stderr
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.stderr
    return errors[0]


def test_a_disk_that_fills_up_ends_the_run_with_a_sentence_and_whole_checkpoints(
    dataset: Path, small_disk: Path
) -> None:
    done = command(dataset, small_disk / "r", "trainer.save_every_steps=1", "trainer.keep_last=9", "trainer.epochs=9")
    assert "No space left on device" in said(done)
    for folder in step_checkpoints(small_disk / "r" / "checkpoints"):
        assert (folder / "manifest.json").is_file()
    assert not list((small_disk / "r").rglob("*.tmp"))


@pytest.mark.long
def test_a_run_goes_on_when_there_is_room_again(dataset: Path, small_disk: Path, tmp_path: Path) -> None:
    given = ("trainer.save_every_steps=1", "trainer.keep_last=9", "trainer.epochs=4")
    said(command(dataset, small_disk / "r", *given))
    shutil.copytree(small_disk / "r", tmp_path / "room")
    result = plx_train.run([f"resume={tmp_path / 'room'}", "quiet=true"])
    whole = train(dataset, tmp_path / "whole", *given)
    assert result.metrics == whole.metrics


def test_a_limit_on_the_size_of_files_is_a_sentence(dataset: Path, tmp_path: Path) -> None:
    assert "too large" in said(command(dataset, tmp_path / "r", before="ulimit -f 100"))


def test_a_folder_that_can_not_be_written_is_a_sentence(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "can't be written" in said(command(dataset, tmp_path / "file" / "r"))


def test_little_memory_is_a_sentence(dataset: Path, tmp_path: Path) -> None:
    # Enough to load paddle, not to train.
    done = command(
        dataset, tmp_path / "r", "module.crop_size=[1024,1024]", "trainer.batch_size=6", before="ulimit -v 1700000"
    )
    assert "memory ran out" in said(done)


@pytest.mark.long
def test_a_small_shared_memory_holds_nothing_up(dataset: Path, tmp_path: Path) -> None:
    mounts = "mount -t tmpfs -o size=64k tmpfs /dev/shm || exit 77"
    keys = ("device.num_workers=1", "trainer.max_steps=2")
    line = [sys.executable, "-m", "plx_train", *arguments(dataset, tmp_path / "r", *keys)]
    done = subprocess.run(
        ["unshare", "-m", "bash", "-c", f'{mounts}\nexec "$@"', "bash", *line],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    if (done.returncode in (1, 77) and "unshare" in done.stderr) or done.returncode == 77:
        pytest.skip("no right to mount a file system")
    assert done.returncode == 0, done.stderr


def gone(path: Path) -> None:
    path.unlink()


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def huge(path: Path) -> None:
    """A few bytes that claim 30,000 x 30,000 pixels."""
    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    end = b"IEND"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", len(header)) + chunk + struct.pack(">I", zlib.crc32(chunk))
        + struct.pack(">I", 0) + end + struct.pack(">I", zlib.crc32(end))
    )  # fmt: skip


@pytest.mark.parametrize(
    ("damage", "num_workers"),
    [(gone, 0), (huge, 1)]
    + [
        pytest.param(*case, marks=pytest.mark.long)
        for case in ((gone, 1), (emptied, 0), (emptied, 1), (cut_off, 0), (cut_off, 1), (huge, 0))
    ],
)
def test_an_image_that_breaks_during_training_is_named_or_skipped_and_counted(
    dataset: Path, tmp_path: Path, damage, num_workers: int, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # type: ignore[no-untyped-def]  # fmt: skip
    victim = dataset / "images" / "doc1_0001.png"
    break_after_the_check(monkeypatch, lambda: damage(victim))
    given = (f"device.num_workers={num_workers}", "dataset.holdout_share=0.0", "trainer.epochs=1")
    whole = victim.read_bytes()
    with pytest.raises(DataError, match=r"train\.txt:2: .*doc1_0001\.png"):
        train(dataset, tmp_path / "fails", *given)

    victim.write_bytes(whole)
    result = train(dataset, tmp_path / "skips", "dataset.unreadable=skip", *given)

    assert result.export is not None
    assert capsys.readouterr().err.count("1 training samples could not be read and were left out") == 1
    assert read_metrics(tmp_path / "skips" / SPOOL_NAME)["train/unreadable_samples"][-1][1] == 1


def break_after_the_check(monkeypatch: pytest.MonkeyPatch, damage) -> None:  # type: ignore[no-untyped-def]
    """Calls `damage` once the dataset was found to be good."""
    from plx_train.modules.text_det.room import TextDetRoom

    check = TextDetRoom.check

    def checked(*given):  # type: ignore[no-untyped-def]
        found = check(*given)
        damage()
        return found

    monkeypatch.setattr(TextDetRoom, "check", checked)


def test_a_validation_image_that_breaks_is_never_skipped(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_after_the_check(monkeypatch, (dataset / "images" / "doc0_0006.png").unlink)
    with pytest.raises(UserError, match=r"val\.txt:1: .*doc0_0006\.png"):
        train(dataset, tmp_path / "r", "dataset.unreadable=skip")


@pytest.mark.parametrize("damage", [emptied, huge])
def test_a_broken_image_is_found_before_training(dataset: Path, tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    damage(dataset / "images" / "doc1_0001.png")
    with pytest.raises(DataError, match=r"train\.txt:2: .*(empty|above the limit of 100 million)"):
        train(dataset, tmp_path / "r")


def test_a_label_file_that_is_still_being_written_is_read_once_and_its_torn_line_named(
    dataset: Path, tmp_path: Path
) -> None:
    text = (dataset / "train.txt").read_text()
    (dataset / "train.txt").write_text(text[:-20])
    with pytest.raises(DataError, match=r"train\.txt:6: the labels are not JSON"):
        train(dataset, tmp_path / "r")


@pytest.mark.long
def test_a_label_file_that_grows_after_it_was_read_changes_nothing_of_the_run(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = train(dataset, tmp_path / "a", "trainer.epochs=1")
    line = (dataset / "train.txt").read_text().splitlines(keepends=True)[0]

    def grow() -> None:
        with (dataset / "train.txt").open("a") as file:
            file.write(line)

    break_after_the_check(monkeypatch, grow)
    after = train(dataset, tmp_path / "b", "trainer.epochs=1")
    facts = [json.loads((run.output / "run.json").read_text()) for run in (before, after)]
    assert facts[0]["fingerprint"] == facts[1]["fingerprint"]
    assert before.metrics == after.metrics


@pytest.mark.long
def test_nothing_is_left_in_the_folder_for_temporary_files(dataset: Path, tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    done = command(dataset, tmp_path / "r", "device.num_workers=1", before=f"export TMPDIR={folder}")
    assert done.returncode == 0, done.stderr
    assert list(folder.iterdir()) == []
