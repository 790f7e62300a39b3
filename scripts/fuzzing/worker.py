"""The process that reads cases, one after the other, and says what came of each; started by `fuzzing.watch`.

It takes folders on its standard input, a line each, and answers with a line of JSON each on the descriptor it is given.
"""

from __future__ import annotations

import faulthandler
import json
import os
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from fuzzing.guard import Guard, print_of
from fuzzing.reader import Reader, Wrong
from fuzzing.readers import reader_named

LARGEST_FILE = 512 << 20
"""Bytes of the largest file that may be written."""
PACKAGE = f"{os.sep}plx_train{os.sep}"
SAID = 300


class Lines:
    """Which lines of the product's code were reached, counted once each."""

    def __init__(self) -> None:
        self._seen: set[tuple[CodeType, int]] = set()
        self._is_ours: dict[CodeType, bool] = {}
        self.fresh = 0

    def start(self) -> None:
        """Begins to look."""
        self.fresh = 0
        sys.settrace(self._on_call)

    def stop(self) -> int:
        """How many lines were new."""
        sys.settrace(None)
        return self.fresh

    def _on_call(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        ours = self._is_ours.get(code)
        if ours is None:
            ours = self._is_ours[code] = PACKAGE in code.co_filename
        return self._on_line if ours else None

    def _on_line(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            key = (frame.f_code, frame.f_lineno)
            if key not in self._seen:
                self._seen.add(key)
                self.fresh += 1
        return self._on_line


def attempt(reader: Reader, folder: Path) -> dict[str, Any]:
    """What came of one case: its kind, and a text that is alike for alike outcomes."""
    from plx_train.ground.errors import UserError

    try:
        found = reader.run(folder)
    except UserError as error:
        said = str(error)
        if not said.strip():
            return {"kind": "fault", "what": f"an empty {type(error).__name__}"}
        return {"kind": "refused", "what": _alike(f"{type(error).__name__} {said}", folder)}
    except Wrong as error:
        return {"kind": "wrong", "what": str(error), "detail": traceback.format_exc()[-6000:]}
    except MemoryError as error:
        return {"kind": "memory", "what": f"MemoryError {_place(error)}", "detail": traceback.format_exc()[-6000:]}
    except (KeyboardInterrupt, SystemExit, Exception) as error:
        what = f"{type(error).__name__} {_place(error)}"
        return {"kind": "fault", "what": what, "detail": traceback.format_exc()[-6000:]}
    return {"kind": "read", "what": _alike(str(found), folder)}


def _alike(text: str, folder: Path) -> str:
    text = text.replace(str(folder), "").replace(str(folder.parent), "")
    return re.sub(r"'[^']*'|\"[^\"]*\"|[\d.]+|\S{30,}", "#", text)[:SAID]


def _place(error: BaseException) -> str:
    """The innermost line of the product that an exception came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if PACKAGE in frame.filename] or frames
    if isinstance(error, RecursionError):
        ours = ours[:1]
    last = ours[-1]
    return f"{last.filename.rpartition(PACKAGE)[2]}:{last.name}"


def limit_memory(megabytes: int) -> None:
    """Lets this process take that much more than it has now, and leave no core behind."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + (megabytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main() -> None:
    """Reads cases until its input ends."""
    name, root, answers = sys.argv[1], Path(sys.argv[2]), os.fdopen(int(sys.argv[3]), "w", buffering=1)
    is_covered = sys.argv[4] == "covered"
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    stacks = (root / "stacks.txt").open("w")
    faulthandler.enable(stacks, all_threads=False)
    faulthandler.register(signal.SIGUSR1, stacks, all_threads=False)
    reader = reader_named(name)
    guard = Guard([root / "work", root / "home", root / "tmp"], root / "guard", reader.programs)
    guarded, lines = print_of(root / "guard"), Lines()
    for line in sys.stdin:
        order = json.loads(line)
        folder = Path(order["run"])
        if "limit" in order:
            limit_memory(reader.megabytes)
        before = print_of(folder) if reader.is_pure else {}
        start = time.process_time()
        if "warm" not in order:
            guard.arm()
        if is_covered:
            lines.start()
        answer = attempt(reader, folder)
        fresh, escapes = lines.stop() if is_covered else 0, guard.disarm()
        answer |= {"fresh": fresh, "seconds": time.process_time() - start, "peak": _peak()}
        after = print_of(root / "guard")
        if escapes or after != guarded:
            told = (
                "; ".join(escapes) or f"the guarded folder changed: {sorted(set(after.items()) ^ set(guarded.items()))}"
            )
            answer |= {"kind": "escape", "what": told.split("'")[0], "detail": told + "\n" + answer.get("detail", "")}
            guarded = after
        elif reader.is_pure and print_of(folder) != before:
            answer |= {"kind": "escape", "what": "the case's own folder was changed", "detail": ""}
        answers.write(json.dumps(answer) + "\n")


def _peak() -> int:
    """The most memory that this process ever held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


if __name__ == "__main__":
    tempfile.tempdir = None
    main()
