"""What a reader must not do: write, remove, start programs or talk to others outside of its own folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {
    "os.remove": (0,), "os.rename": (0, 1), "os.rmdir": (0,), "os.mkdir": (0,), "os.symlink": (1,), "os.link": (1,),
    "os.chmod": (0,), "os.chown": (0,), "os.truncate": (0,), "os.utime": (0,), "shutil.rmtree": (0,),
    "shutil.copyfile": (1,), "shutil.move": (1,), "os.setxattr": (0,), "sqlite3.connect": (0,),
}  # fmt: skip
"""Events that change files, with the places of the paths among their arguments."""
FORBIDDEN = frozenset(
    {
        *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "os.startfile"),
        *("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname", "os.putenv", "os.unsetenv"),
        *("ftplib.connect", "smtplib.connect", "urllib.Request", "http.client.connect", "os.kill", "os.chroot"),
    }
)
STARTS = ("subprocess.Popen", "os.posix_spawn")
FREE = ("/dev/null", "/dev/tty")


class Guard:
    """Watches this process from `arm` to `disarm`; what it forbids is noted, and does not happen.

    Args:
        own: folders below which files may change.
        secret: folder that must not even be read.
        programs: parts of the commands that may be started.
    """

    def __init__(self, own: list[Path], secret: Path, programs: Sequence[str]) -> None:
        self._programs = programs
        self._own = [os.path.realpath(folder) for folder in own]
        self._secret = os.path.realpath(secret)
        self._is_armed = False
        self._is_looking = False
        self.seen: list[str] = []
        sys.addaudithook(self._hook)

    def arm(self) -> None:
        """Begins a case."""
        self.seen.clear()
        self._is_armed = True

    def disarm(self) -> list[str]:
        """Ends a case, and says what was forbidden in it."""
        self._is_armed = False
        return list(self.seen)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._is_armed or self._is_looking:
            return
        if event == "open":
            self._opened(*arguments[:3])
        elif event in CHANGES:
            for place in CHANGES[event]:
                self._changed(event, arguments[place] if place < len(arguments) else None)
        elif event == "os.kill" and self._is_child(arguments[0]):
            return  # a reader ends the process that it started
        elif event in FORBIDDEN and not (event in STARTS and any(one in str(arguments) for one in self._programs)):
            self._refuse(f"{event} {str(arguments)[:200]}")

    def _is_child(self, process: int) -> bool:
        self._is_looking = True
        try:
            # The parent's number is the second field behind the name, which stands in brackets.
            return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1]) == os.getpid()
        except (OSError, ValueError, IndexError):
            return False
        finally:
            self._is_looking = False

    def _opened(self, path: Any, mode: Any, flags: Any) -> None:
        if isinstance(path, int) or path is None:
            return
        writes = bool(isinstance(flags, int) and flags & WRITING) or any(letter in str(mode or "") for letter in "wax+")
        if writes:
            self._changed("open for writing", path)
        elif self._is_below(self._real(path), self._secret):
            self._refuse(f"open {path!r}")

    def _changed(self, event: str, path: Any) -> None:
        if isinstance(path, int) or path is None or path in (":memory:",):
            return
        real = self._real(path)
        if real not in FREE and not any(self._is_below(real, own) for own in self._own):
            self._refuse(f"{event} {path!r}")

    def _real(self, path: Any) -> str:
        self._is_looking = True
        try:
            return os.path.realpath(os.fsdecode(path))
        except (ValueError, OSError, TypeError):
            return ""
        finally:
            self._is_looking = False

    def _is_below(self, path: str, folder: str) -> bool:
        return path == folder or path.startswith(folder + os.sep)

    def _refuse(self, what: str) -> None:
        self.seen.append(what)
        raise PermissionError(f"forbidden under fuzz: {what}")


def print_of(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Kind, size and time of all that lies below a folder, to see what changed where no event tells."""
    found = {}
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(place, name)
            status = path.lstat()
            is_folder = name in folders
            key = path.relative_to(folder).as_posix()
            found[key] = (status.st_mode, 0 if is_folder else status.st_size, 0 if is_folder else status.st_mtime_ns)
    return found
