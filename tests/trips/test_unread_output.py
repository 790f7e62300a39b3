"""Outputs that nobody reads: runs and servers go on; what was asked for on stdout says if it is lost."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from kit.local_server import JSON, grey, request
from kit.made_series import make_forecast_set
from kit.places import TESTS
from kit.processes import until
from plx_train.sweep.executors.run_process import RunProcess

TRAIN = ("module=ts_forecast", "device=cpu", "dataset.root=data", "module.context=24", "module.horizon=4")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(TESTS.parent), "OMP_NUM_THREADS": "1"}
PRODUCTS = (["--help"], ["--cfg", "module=text_det"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_forecast_set(tmp_path / "data")
    return tmp_path


def command(*overrides: str) -> list[str]:
    return [sys.executable, "-m", "plx_train", *TRAIN, "output=run", *overrides]


def facts(folder: Path) -> dict[str, object]:
    told: dict[str, object] = json.loads((folder / "run/run.json").read_text("utf-8"))
    return told


@pytest.mark.parametrize(
    "how",
    [
        pytest.param("2>&1 | head -1", id="left"),
        pytest.param("> /dev/full 2> /dev/full", id="full"),
        pytest.param("<&- >&- 2>&-", id="closed", marks=pytest.mark.long),
    ],
)
def test_a_run_whose_output_breaks_is_finished(how: str, folder: Path) -> None:
    script = f'set -o pipefail; "$@" {how}'
    done = subprocess.run(
        ["bash", "-c", script, "bash", *command("trainer.max_steps=3", "device.num_workers=1")],
        cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert facts(folder)["status"] == "FINISHED"
    assert (folder / "run/export/inference.yml").is_file() and (folder / "run/report.html").is_file()
    from mlflow import MlflowClient

    (run,) = MlflowClient(f"sqlite:///{folder}/outputs/mlflow.db").search_runs(["1"])
    assert run.info.status == "FINISHED"


@pytest.mark.long
def test_a_reader_that_stops_holds_no_run_up_and_gets_its_summary(folder: Path) -> None:
    reads, writes = os.pipe()
    fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, 4096)
    # Findings and warnings of their own fill the pipe before training begins.
    os.write(writes, b"#" * 4000 + b"\n")
    process = subprocess.Popen(
        command("trainer.max_steps=3", "tracking=off"), cwd=folder, env=ENVIRONMENT, stdout=writes, stderr=writes
    )
    os.close(writes)
    until(lambda: (folder / "run/run.json").is_file() and facts(folder)["status"] == "FINISHED", seconds=200)
    shown = b""
    while piece := os.read(reads, 1 << 16):
        shown += piece
    os.close(reads)
    assert process.wait(30) == 0
    assert b"  export  " in shown and shown.rstrip().splitlines()[-1].startswith(b"  predict ")


def test_a_terminal_that_hangs_up_saves_the_run_and_says_so_in_its_record(folder: Path) -> None:
    main, other = pty.openpty()
    process = subprocess.Popen(
        command("trainer.max_steps=100000", "tracking=off", "trainer.save_every_steps=50"),
        cwd=folder, env={**ENVIRONMENT, "TERM": "xterm"}, stdin=other, stdout=other, stderr=other,
        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(other)
    give_up = time.monotonic() + 120
    while not list((folder / "run/checkpoints").glob("step_*")) and time.monotonic() < give_up:
        os.set_blocking(main, False)
        try:
            os.read(main, 1 << 16)
        except BlockingIOError:
            time.sleep(0.02)
    # The kernel sends SIGHUP to the session whose terminal this was.
    os.close(main)
    assert process.wait(30) == 128 + signal.SIGHUP
    assert facts(folder)["status"] == "KILLED" and "SIGHUP" in str(facts(folder)["reason"])


@pytest.mark.parametrize("arguments", PRODUCTS, ids=["help", "configuration"])
def test_what_was_asked_for_says_if_it_is_lost(arguments: list[str], tmp_path: Path) -> None:
    def code(how: str) -> tuple[int, str]:
        done = subprocess.run(
            ["bash", "-c", f'"$@" {how}; exit ${{PIPESTATUS[0]}}', "", sys.executable, "-m", "plx_train", *arguments],
            cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, done.stderr

    assert code("| head -c 1 > /dev/null") == (0, "")
    assert code("> /dev/full") == (1, "error: standard output can't be written (No space left on device)\n")
    assert code(">&-") == (1, "error: standard output can't be written (Bad file descriptor)\n")


def test_a_sweeps_run_whose_log_is_on_a_full_disk_succeeds(folder: Path) -> None:
    run = RunProcess(command("trainer.max_steps=1", "tracking=off"), ENVIRONMENT, Path("/dev/full"), folder=folder)
    until(run.poll, seconds=200)
    ended = run.poll()
    assert ended is not None and ended.code == 0
    assert facts(folder)["status"] == "FINISHED"


def test_a_server_whose_output_breaks_serves_on(tmp_path: Path) -> None:
    program = SERVER.format(tests=str(TESTS))
    script = 'exec "$@" > /dev/full 2>&-'
    process = subprocess.Popen(
        ["bash", "-c", script, "bash", sys.executable, "-c", program, "mode=serve", "pipeline=ocr", "device=cpu",
         "serve.port=0", "tracking=off"], cwd=tmp_path, env=ENVIRONMENT,
    )  # fmt: skip
    until(lambda: (tmp_path / "address").is_file(), seconds=60)
    address = (tmp_path / "address").read_text()
    for _ in range(3):
        assert request(address, "POST", "/ocr", json.dumps(grey(9)).encode(), JSON).status == 200
        assert request(address, "POST", "/ocr", b"{", JSON).status in (400, 422)
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0


SERVER = """
import sys, types
from pathlib import Path
sys.path.insert(0, {tests!r})
from kit.fake_pipeline import FakePipeline

loading = {{"load_pipeline": lambda *_, **__: FakePipeline(), "check_typed_parameters": lambda *_: None}}
for name, found in (("pipelines", {{}}), ("pipelines.load", loading), ("registry", {{}}),
                    ("registry.resolve", {{"current_version": None, "resolver": str}})):
    module = types.ModuleType("plx_train." + name)
    module.__path__ = []
    vars(module).update(found)
    sys.modules[module.__name__] = module
import plx_train.serving.server as server
address_of = server.address_of
def noted(listener):
    Path("new").write_text(address_of(listener))
    Path("new").rename("address")
    return address_of(listener)
server.address_of = noted
from plx_train.__main__ import main
sys.argv[0] = "plx_train"
sys.exit(main())
"""
