"""Outputs that are closed, full or read by nobody end nothing; foreign words reach them spelled out."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from plx_train.terminal.outlet import MOST_HELD, Outlet
from plx_train.terminal.streams import Tolerant, encoded, write_to

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs descriptors of Unix")

PROGRAM = """
import logging, sys, warnings, os
from pathlib import Path
from plx_train.terminal.streams import protect, say, say_error
protect()
from plx_train.terminal.console import make_console
console = make_console()
for number in range(%d):
    console.info(f"line {number} " + "x" * 60)
    print("printed")
    logging.warning("logged")
    warnings.warn("warned")
    sys.stderr.write("written")
    sys.stdout.flush()
console.summary("done", [("number", "42")])
Path(sys.argv[1]).write_text("finished")
"""
BREAKS = {
    "a reader that leaves": "{command} 2>&1 | head -1; exit ${{PIPESTATUS[0]}}",
    "errors to a reader that leaves": "{command} 2> >(head -c 1)",
    "a full disk": "{command} > /dev/full 2> /dev/full",
    "no stdout": "{command} >&-",
    "no stderr": "{command} 2>&-",
    "nothing at all": "{command} <&- >&- 2>&-",
    "a descriptor for reading": "{command} 1< /dev/null",
}


@pytest.mark.parametrize("how", BREAKS)
def test_a_broken_output_ends_nothing(how: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM % 300)
    command = f"{sys.executable} {tmp_path}/program.py {tmp_path}/end"
    done = subprocess.run(
        ["bash", "-c", BREAKS[how].format(command=command)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "end").read_text() == "finished"
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


def test_a_closed_descriptor_is_no_file_of_ours(tmp_path: Path) -> None:
    program = "from plx_train.terminal.streams import protect; protect(); file = open('kept', 'w'); print('printed')"
    subprocess.run(
        ["bash", "-c", f'{sys.executable} -c "{program}" >&- 2>&- <&-'],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=True,
        timeout=60,
    )
    assert (tmp_path / "kept").read_text() == ""


def test_a_program_without_outputs_hears_nothing(tmp_path: Path) -> None:
    program = (
        "import sys\nsys.stdout = sys.stderr = None\nfrom plx_train.terminal.streams import protected\n"
        "from plx_train.terminal.console import make_console\n"
        "with protected():\n    make_console().summary('done', [('number', '42')])\n    print('printed')\n"
        "    make_console().error('broken')\nassert sys.stdout is None and sys.stderr is None\n"
        "make_console().warn('alone')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_terminal_that_goes_away(tmp_path: Path) -> None:
    import pty

    (tmp_path / "program.py").write_text("import time\n" + (PROGRAM % 1).replace("for", "time.sleep(1)\nfor"))
    main, other = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "program.py"), str(tmp_path / "end")],
        stdin=other, stdout=other, stderr=other, env={**os.environ, "TERM": "xterm"},
    )  # fmt: skip
    os.close(other)
    os.close(main)
    assert process.wait(60) == 0
    assert (tmp_path / "end").read_text() == "finished"


def test_a_reader_that_has_stopped_holds_nobody_up_and_gets_the_end(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text((PROGRAM % 30_000).replace("print(", "say(").replace("warnings.warn", "say"))
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "program.py"), str(tmp_path / "end")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    give_up = time.monotonic() + 60
    while not (tmp_path / "end").is_file():
        assert time.monotonic() < give_up, "the writer waits for its reader"
        time.sleep(0.05)
    lines = process.stdout.read().decode().splitlines()
    assert process.wait(30) == 0
    assert lines[0].startswith("line 0 ") and lines[-2:] == ["done", "  number  42"]
    told = [line for line in lines if "nobody was reading" in line]
    assert len(told) == 1
    left_out = int(told[0].strip("[").split()[0])
    assert len(lines) - 1 + left_out == 3 * 30_000 + 2


def test_the_end_waits_for_a_stopped_reader_but_not_for_ever(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "from plx_train.terminal import streams\nstreams.protect()\nstreams.hurry()\nprint('x' * 200_000)\n"
    )
    process = subprocess.Popen([sys.executable, str(tmp_path / "program.py")], stdout=subprocess.PIPE)
    assert process.wait(30) == 0
    assert process.stdout is not None
    process.stdout.close()


EARLY = "import atexit\natexit.register(lambda: print('the end', end=''))\n"
"""Registered before the streams are there, it is called after they have ended."""
AT_THE_END = {
    "a line without an end": ("", "print('the end', end='')"),
    "what is written when threads have ended": (EARLY, ""),
    "what is written while Python ends": (
        "",
        "class A:\n    def __del__(self, print=print): print('the end', flush=True)\nkept = A()",
    ),
}


@pytest.mark.parametrize("case", AT_THE_END)
@pytest.mark.parametrize("begun", [[], ["begun"]])
def test_what_is_written_at_the_end_arrives_and_holds_nobody_up(case: str, begun: list[str], tmp_path: Path) -> None:
    early, late = AT_THE_END[case]
    middle = [f"print({word!r})" for word in begun]
    protect = "from plx_train.terminal.streams import protect\nprotect()"
    (tmp_path / "program.py").write_text("\n".join([early, protect, *middle, late]))
    # A script's streams are flushed when it ends, a module's when Python does.
    command = [sys.executable, "-m", "program"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().split() == [*begun, "the", "end"]


def test_a_stopped_reader_does_not_hold_up_what_python_writes_as_it_ends(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import atexit\natexit.register(lambda: print('x' * 200_000, end=''))\n"
        "from plx_train.terminal import streams\nstreams.protect()\nstreams.hurry()\n"
    )
    process = subprocess.Popen([sys.executable, str(tmp_path / "program.py")], stdout=subprocess.PIPE)
    assert process.wait(30) == 0
    assert process.stdout is not None
    process.stdout.close()


def test_a_writing_within_a_writing_and_a_fork_within_one_end(tmp_path: Path) -> None:
    program = """
import os, sys
from plx_train.terminal.streams import protect
protect()
class Noisy(str):
    def __radd__(self, begun):
        # Called while the stream puts both together, as a handler or an object's end may be.
        print("within")
        if not os.fork():
            print("forked")
            sys.stdout.flush()
            os._exit(0)
        os.wait()
        return begun + str(self)
sys.stdout.write("begun")
sys.stdout.write(Noisy(" and ended\\n"))
"""
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run([sys.executable, str(tmp_path / "program.py")], capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert {"forked", "begun and ended"} <= set(done.stdout.decode().splitlines())


def test_a_lock_that_another_thread_held_when_a_process_forked_is_free_there(tmp_path: Path) -> None:
    program = """
import os, sys, threading, time
from plx_train.terminal.streams import protect
protect()
class Slow(str):
    def __radd__(self, begun):
        time.sleep(2)
        return begun + str(self)
threading.Thread(target=sys.stdout.write, args=(Slow("slow\\n"),)).start()
time.sleep(0.5)
if not os.fork():
    print("forked")
    sys.stdout.flush()
    os._exit(0)
os.wait()
"""
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run([sys.executable, str(tmp_path / "program.py")], capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stdout.decode().splitlines()) == (0, ["forked", "slow"]), done.stderr


def test_an_outlet_that_gets_no_thread_writes_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    reads, writes = os.pipe()
    outlet = Outlet(writes)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", fail)
        outlet.write(b"one\n")
        assert os.read(reads, 100) == b"one\n"
        outlet.write(b"y" * 1_000_000)
        assert len(os.read(reads, 2_000_000)) > 1000
    outlet.write(b"two\n")
    assert outlet.drain(5.0) and outlet.fault is None
    os.close(reads)
    os.close(writes)


def test_an_outlet_keeps_what_came_last() -> None:
    reads, writes = os.pipe()
    outlet = Outlet(writes)
    piece = b"y" * 99_999 + b"\n"
    for _ in range(2 * MOST_HELD // len(piece)):
        outlet.write(piece)
    outlet.write(b"the end\n")
    assert not outlet.drain(0.0) and outlet.fault is None
    found = b""
    while not found.endswith(b"the end\n"):
        found += os.read(reads, 1 << 16)
    assert outlet.drain(5.0)
    assert b"lines were left out here" in found and len(found) < MOST_HELD + 2 * len(piece) + 100
    os.close(reads)
    outlet.write(b"to nobody")
    assert outlet.drain(5.0)
    outlet.write(b"and again")
    os.close(writes)


def test_a_silenced_outlet_still_writes_what_others_wrote_and_write() -> None:
    reads, writes = os.pipe()
    outlet = Outlet(writes)
    outlet.write(b"held" * 100_000 + b"\n")
    with outlet.silenced(), outlet.silenced():
        os.write(writes, b"native\n")
        outlet.write(b"own\n")
        other = threading.Thread(target=outlet.write, args=(b"of another\n",))
        other.start()
        other.join(30)
        found = b""
        while not found.endswith(b"of another\n"):
            found += os.read(reads, 1 << 16)
    outlet.write(b"after\n")
    assert outlet.drain(5.0)
    assert found + os.read(reads, 100) == b"held" * 100_000 + b"\nof another\nafter\n"
    os.close(reads)
    os.close(writes)


@pytest.mark.parametrize("first", ["protect()", ""])
def test_what_is_silenced_is_not_heard_later_either(first: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        f"import os\nfrom plx_train.terminal.streams import protect, silenced\n{first}\nprint('before')\n"
        "for _ in range(2):\n    with silenced():\n        os.write(1, b'native')\n"
        "        print('own')\n        print('begun', end='')\nprint('after')\n"
    )
    done = subprocess.run([sys.executable, str(tmp_path / "program.py")], capture_output=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == (b"before\nafter\n", b"")


WORDS = "a\x1b[2J\x07\x9bb\u202ec\u2066d\x7fe\rf\udc80g\u200bh 中文 مرحبا 👩\u200d🚀"
SPELLED = "a[U+001B][2J[U+0007][U+009B]b[U+202E]c[U+2066]d[U+007F]e[U+000D]f[U+DC80]g[U+200B]h 中文 مرحبا 👩\u200d🚀"


def test_all_ways_to_a_terminal_spell_words_out(tmp_path: Path) -> None:
    program = f"""
import logging, sys, threading, traceback, warnings
from plx_train.terminal.streams import protect
protect()
sys.stdout.reconfigure(errors="strict")
assert sys.stdout.name == "<stdout>" and sys.stdout.mode == "w" and not hasattr(sys.stdout, "unknown")
from plx_train.terminal.console import make_console
from plx_train.terminal.log import LineFormatter
words = {WORDS!r}
console = make_console()
print(words)
print(words, file=sys.stderr)
warnings.warn(words)
logging.warning("%s", words)
for show in (console.info, console.warn, console.error, console.rule):
    show(words)
console.table(words, [words], [[words]])
console.summary(words, [(words, words)])
try:
    raise ValueError(words)
except ValueError:
    traceback.print_exc()
def fail(): raise ValueError(words)
thread = threading.Thread(target=fail); thread.start(); thread.join()
handler = logging.StreamHandler(sys.stderr); handler.setFormatter(LineFormatter("%(message)s"))
log = logging.getLogger("own"); log.propagate = False; log.addHandler(handler)
log.error("one\\nline")
raise SystemExit(words)
"""
    (tmp_path / "program.py").write_text(program, "utf-8", "surrogatepass")
    done = subprocess.run([sys.executable, str(tmp_path / "program.py")], capture_output=True, timeout=60, check=False)
    text = (done.stdout + done.stderr).decode()
    assert not {each for each in text if ord(each) < 32 or 0x7F <= ord(each) < 0xA0} - {"\n"}
    assert not set("\u202e\u2066\u200b\ufeff") & set(text)
    assert text.count(SPELLED) == 17
    assert "one[U+000A]line\n" in text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_an_output_that_lacks_characters(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "from plx_train.terminal.streams import protect\nprotect()\n"
        "from plx_train.terminal.console import make_console\n"
        "make_console(plain=False).summary('a → b', [('größe', '中文 – \\udc80')])\nprint('中')\n"
    )
    done = subprocess.run(
        [sys.executable, str(tmp_path / "program.py")],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=60,
        check=False,
    )
    text = done.stdout.decode(encoding)
    assert done.returncode == 0, done.stderr
    assert "a -> b" in text and "\\u4e2d\\u6587" in text and "[U+DC80]" in text
    assert ("größe" in text) is (encoding != "ascii")


def test_other_peoples_streams_may_fail_too(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    closed = io.StringIO()
    closed.close()
    for stream in (None, closed, Broken()):
        write_to(stream, "text")
    Tolerant(closed).write("text")
    Tolerant(Broken()).flush()
    latin = io.TextIOWrapper(io.BytesIO(), "ascii")
    write_to(latin, "a → 中")
    assert latin.buffer.getvalue() == b"a -> \\u4e2d"  # type: ignore[attr-defined]
    assert encoded("größe", "utf-8") == "größe".encode()
    assert capsys.readouterr() == ("", "")
