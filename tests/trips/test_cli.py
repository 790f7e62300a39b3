"""The command line with the mistakes users make: one sentence, the right exit code, nothing left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from plx_train.ground.places import datasets_dir


def plx(*arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "plx_train", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | env,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture
def small_dataset(tmp_path: Path) -> Path:
    """Two training pages and one validation page, text on white, with one box each."""
    root = tmp_path / "data"
    (root / "images").mkdir(parents=True)
    lines = []
    for index in range(3):
        image = np.full((96, 160, 3), 255, np.uint8)
        cv2.putText(image, f"text {index}", (20, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (0, 0, 0), 2)
        cv2.imwrite(str(root / "images" / f"page_{index}.png"), image)
        points = [[18, 34], [140, 34], [140, 64], [18, 64]]
        label = f'[{{"transcription": "text {index}", "points": {points}}}]'
        lines.append(f"images/page_{index}.png\t{label}\n")
    (root / "train.txt").write_text("".join(lines[:2]))
    (root / "val.txt").write_text(lines[2])
    return root


WRONG_COMMANDS = {
    "misspelt key": (["trainer.epohcs=3"], "did you mean 'trainer.epochs'?"),
    "misspelt section": (["optimiser.lr=3"], "did you mean 'optimizer.lr'?"),
    "wrong module": (["module=text_dett"], "did you mean 'text_det'?"),
    "wrong dataset": (["dataset=page"], "did you mean 'pages'?"),
    "wrong device": (["device=cpuu"], "did you mean 'cpu'?"),
    "wrong mode": (["mode=trian"], "did you mean 'train'?"),
    "wrong optimizer": (["optimizer.name=adamm"], "did you mean 'adam'?"),
    "wrong value of a module": (["module.loss.shrink_loss=dise"], "did you mean 'dice'?"),
    "wrong type": (["trainer.epochs=many"], "trainer.epochs"),
    "several values": (["optimizer.lr=0.1,0.2"], "-m"),
    "no value": (["trainer.epochs"], "key=value"),
    "wrong duration": (["trainer.max_time=soon"], "20m"),
    "nothing to evaluate": (["mode=evaluate"], "run="),
    "nothing to predict": (["mode=predict", "run=x"], "input="),
}


@pytest.mark.long
@pytest.mark.parametrize("case", WRONG_COMMANDS)
def test_a_wrong_command_is_told_at_once_and_leaves_nothing(case: str, tmp_path: Path) -> None:
    arguments, expected = WRONG_COMMANDS[case]
    done = plx(*arguments, cwd=tmp_path)

    assert done.returncode == 2
    assert expected in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_misspelt_key_is_told_without_importing_what_reads_images(tmp_path: Path) -> None:
    code = (
        "import sys; from plx_train.__main__ import main; main(['trainer.epohcs=3']); "
        "sys.exit(' '.join({'cv2', 'PIL', 'optuna', 'plx_train.vision.image'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_misspelt_key_is_told_without_importing_paddle(tmp_path: Path) -> None:
    code = (
        "import sys; from plx_train.__main__ import main; main(['trainer.epohcs=3']); "
        "sys.exit('paddle' in sys.modules or 'mlflow' in sys.modules)"
    )
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=False)

    assert done.returncode == 0
    # Under a second on an idle machine; tests share theirs.
    assert time.perf_counter() - started < 5


def test_help_shows_modules_datasets_and_devices_with_a_line_each(tmp_path: Path) -> None:
    done = plx("--help", cwd=tmp_path)

    assert done.returncode == 0
    for word in ("text_det", "pages_lines", "gpu", "iluvatar_gpu", "check_dataset", "doctor", "mlflow"):
        line = next(line for line in done.stdout.splitlines() if line.strip().startswith(word))
        assert len(line.split()) > 3


def test_missing_data_shows_the_expected_layout(tmp_path: Path) -> None:
    done = plx(f"dataset.root={tmp_path / 'no where (1)'}", f"output={tmp_path / 'run'}", cwd=tmp_path)

    assert done.returncode == 1
    assert "does not exist" in done.stderr
    assert "train.txt" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_space_for_the_tab_is_named_with_file_and_line(small_dataset: Path, tmp_path: Path) -> None:
    label = (small_dataset / "train.txt").read_text().splitlines()
    (small_dataset / "train.txt").write_text(f"{label[0]}\n{label[1]}\n".replace("\t", " ", 1))
    done = plx("mode=check_dataset", f"dataset.root={small_dataset}", f"output={tmp_path / 'run'}", cwd=tmp_path)

    assert done.returncode == 1
    assert "train.txt:1: " in done.stderr
    assert "tab" in done.stderr


def test_a_corrupted_image_stops_training_before_it_begins(small_dataset: Path, tmp_path: Path) -> None:
    (small_dataset / "images" / "page_1.png").write_bytes(b"\x89PNG garbage")
    done = plx(f"dataset.root={small_dataset}", f"output={tmp_path / 'run'}", "tracking=off", cwd=tmp_path)

    assert done.returncode == 1
    assert "train.txt:2: " in done.stderr
    assert "page_1.png" in done.stderr
    assert "Traceback" not in done.stderr


def test_cpu_paddle_with_device_gpu_says_what_to_install(tmp_path: Path) -> None:
    done = plx("device=gpu", f"output={tmp_path / 'run'}", cwd=tmp_path)

    assert done.returncode == 2
    assert "paddlepaddle-gpu" in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_cannot_be_written_is_named(small_dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = plx(f"dataset.root={small_dataset}", f"output={tmp_path / 'file' / 'run'}", cwd=tmp_path)

    assert done.returncode == 1
    assert f"{tmp_path / 'file' / 'run'}" in done.stderr
    assert "output=" in done.stderr
    assert "Traceback" not in done.stderr


def test_weights_without_network_and_cache_say_what_to_do(small_dataset: Path, tmp_path: Path) -> None:
    done = plx(
        f"dataset.root={small_dataset}",
        f"output={tmp_path / 'run'}",
        "tracking=off",
        cwd=tmp_path,
        PLX_TRAIN_CACHE=str(tmp_path / "cache"),
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS="",
        https_proxy="http://127.0.0.1:9",
        HTTPS_PROXY="http://127.0.0.1:9",
    )

    assert done.returncode == 1
    assert "weights=" in done.stderr
    assert "Traceback" not in done.stderr


def test_unknown_weights_get_a_suggestion(small_dataset: Path, tmp_path: Path) -> None:
    done = plx(
        f"dataset.root={small_dataset}", f"output={tmp_path / 'r'}", "weights=PP-OCRv4_mobil_det", "tracking=off",
        cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode in (1, 2)
    assert "PP-OCRv4_mobile_det" in done.stderr
    assert "Traceback" not in done.stderr


def test_paths_with_spaces_and_brackets_need_no_quotes(small_dataset: Path, tmp_path: Path) -> None:
    root = tmp_path / "my data (final), v=2"
    shutil.copytree(small_dataset, root)
    done = plx("mode=check_dataset", f"dataset.root={root}", f"output={tmp_path / 'run'}", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "check.json").is_file()


def test_the_embedded_dataset_is_clean(tmp_path: Path) -> None:
    done = plx("mode=check_dataset", f"output={tmp_path / 'run'}", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert (datasets_dir() / "pages" / "README.md").is_file()
    assert len(list((tmp_path / "run" / "samples").rglob("*.jpg"))) >= 6
