"""What commands print: whole lines without escape codes elsewhere, one moving line on a terminal."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plx_train.terminal.console import PlainConsole, RichTerminal, make_console
from plx_train.terminal.progress import ProgressMeter, ProgressState, readable_clock

LONG_PATH = "/data/" + "deep/" * 60 + "inference"


def test_output_that_is_piped_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    console = make_console()
    assert isinstance(console, PlainConsole)
    console.rule("dataset")
    console.info("[bold] is text")
    console.table("pages", ["split", "pages", "share"], [["train", 44, 0.51234], ["val", 5, None]])
    console.summary("done", [("export", LONG_PATH), ("ui", "mlflow ui")])
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "== dataset",
        "[bold] is text",
        "pages",
        "  split  pages  share",
        "  train  44     0.5123",
        "  val    5      –",
        "done",
        f"  export  {LONG_PATH}",
        "  ui      mlflow ui",
    ]
    assert err == ""


def test_errors_are_one_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    for console in (
        make_console(plain=True),
        make_console(plain=False),
        make_console(plain=True, quiet=True),
    ):
        console.error(f"broken\n  file [x] {LONG_PATH}")
        out, err = capsys.readouterr()
        assert (out, err) == ("", f"error: broken file [x] {LONG_PATH}\n")
        console.warn("slow")
        assert capsys.readouterr() == ("", "warning: slow\n")


@pytest.mark.parametrize("plain", [True, False])
def test_quiet_leaves_the_summary(plain: bool, capsys: pytest.CaptureFixture[str]) -> None:
    console = make_console(plain=plain, quiet=True)
    console.rule("dataset")
    console.info("hello")
    console.table("t", ["a"], [["b"]])
    with console.progress(10) as progress:
        progress.update(step=1, loss=1.0)
    assert capsys.readouterr().out == ""
    console.summary("done", [("export", LONG_PATH)])
    assert LONG_PATH in capsys.readouterr().out


def test_plain_progress_prints_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    console = make_console(plain=True)
    with console.progress(100) as progress:
        for step in range(1, 61):
            now[0] += 1.0
            progress.update(step=step, epoch=step // 20, loss=2.0, data_share=0.03, best=-math.inf)
        progress.update(best=0.871)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "step   1/100, loss 2.0000, left 1:39, 1.00 s/step (data 3%), epoch 0"
    assert [int(line.split("/")[0].removeprefix("step")) for line in lines] == [1, 16, 31, 46, 60]
    assert lines[-1].startswith("step  60/100, loss 2.0000, best 0.8710, left 0:40")
    assert not any("\x1b" in line for line in lines)


def test_last_plain_line_is_the_last_step(capsys: pytest.CaptureFixture[str]) -> None:
    with make_console(plain=True).progress(3) as progress:
        for step in (1, 2, 3):
            progress.update(step=step)
    assert [line.split(",")[0] for line in capsys.readouterr().out.splitlines()] == ["step 1/3", "step 3/3"]


def test_time_limit_counts_as_progress() -> None:
    assert ProgressState(None, 60.0, step=7).parts(6.0)[0] == ("step", "7"), "not planned yet"
    assert ProgressState(None, 60.0, step=7).share_done(6.0) == 0.1
    state = ProgressState(1000, max_seconds=60.0, step=100)
    assert state.share_done(45.0) == 0.75
    assert state.seconds_left(45.0) == 15.0
    assert math.isnan(ProgressState(1000).seconds_left(5.0))


def test_pace_passes_over_evaluations(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    meter = ProgressMeter(ProgressState(100))
    for step in range(1, 31):
        now[0] += 60.0 if step % 10 == 0 else 0.5
        meter.update(step=step)
    assert meter.state.seconds_per_step == 0.5


def test_clock() -> None:
    assert [readable_clock(seconds) for seconds in (5, 65, 3723)] == ["0:05", "1:05", "1:02:03"]


def test_terminal_line_fits_its_width() -> None:
    with RichTerminal().progress(400) as progress:
        progress.update(step=120, epoch=3, loss=1.5, data_share=0.02, seconds_per_step=0.8, best=0.91)
        for width in (20, 50, 80, 120):
            line = progress.line(width)  # type: ignore[attr-defined]
            assert line.cell_len <= width
        assert "0.80 s/step (data 2%)" in line.plain and "best 0.9100" in line.plain


SCRIPT = """
from plx_train.terminal.console import make_console
console = make_console()
console.table("t", ["a"], [["b"]])
with console.progress(2) as progress:
    progress.update(step=1, loss=1.0)
    console.warn("careful")
console.summary("done", [("export", %r)])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
@pytest.mark.parametrize("no_color", ["", "1"])
def test_terminal(no_color: str, tmp_path: Path) -> None:
    import os
    import pty

    main, other = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "NO_COLOR": no_color, "COLUMNS": "80"}
    if not no_color:
        del environment["NO_COLOR"]
    process = subprocess.Popen([sys.executable, "-c", SCRIPT % LONG_PATH], stdout=other, stderr=other, env=environment)
    os.close(other)
    shown = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        shown += piece
    os.close(main)
    assert process.wait() == 0
    text = shown.decode()
    words = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    assert LONG_PATH in words and "warning: careful" in words and "step 1/2" in words
    assert ("\x1b[3" in text) is not bool(no_color)


def test_import_is_light() -> None:
    script = (
        "import sys, plx_train.terminal.console; print([m for m in ('rich', 'numpy', 'paddle') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
