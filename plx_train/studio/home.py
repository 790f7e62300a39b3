"""The folder that a studio works in, and the names of what it keeps there."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plx_train.ground.confine import confined, is_inside
from plx_train.ground.errors import UserError
from plx_train.ground.files import replace_file, resolve_path, user_path
from plx_train.ground.parsed import parse_json
from plx_train.runs.folder import OUTPUTS

STUDIO = "studio"
JOBS, DATA, PIPELINES = "jobs", "data", "pipelines"
LOCK_FILE, TOKEN_FILE, ORDER_FILE = "studio.lock", "token", "order.json"
SETTINGS_FILE, EVENTS_FILE = "settings.json", "events.jsonl"
REFERENCES = ("models:/", "runs:/")
MOST_EVENTS = 500
TAIL_BYTES = 1 << 18


@dataclass(frozen=True)
class Home:
    """Where a studio's commands run, and what it may look into.

    Attributes:
        root: the folder that commands run in.
        roots: folders that data may be taken from.
    """

    root: Path
    roots: tuple[Path, ...]

    @property
    def outputs(self) -> Path:
        """Where its runs lie."""
        return self.root / OUTPUTS

    @property
    def own(self) -> Path:
        """What is the studio's own."""
        return self.root / STUDIO

    @property
    def jobs(self) -> Path:
        """A folder for each job."""
        return self.own / JOBS

    @property
    def data(self) -> Path:
        """A folder for each dataset that it knows."""
        return self.own / DATA

    @property
    def pipelines(self) -> Path:
        """The pipelines that were saved."""
        return self.own / PIPELINES

    def shown(self, path: Path) -> str:
        """A path as commands name it: relative to the folder that they run in, where it lies there."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)

    def run(self, name: object) -> Path:
        """The run's folder of that name below `outputs`.

        Raises:
            UserError: it leads elsewhere, or there is none.
        """
        folder = confined(self.outputs, name, "a request")
        if not folder.is_dir():
            raise UserError(f"there is no run {name} in {self.outputs}")
        return folder

    def given_folder(self, text: str) -> Path:
        """The folder that a user typed.

        Raises:
            UserError: there is none, or it lies outside of what the studio may look into.
        """
        path = self.root / user_path(text) if text else self.root
        if not any(is_inside(root, path) for root in self.roots):
            places = ", ".join(map(str, self.roots))
            raise UserError(f"{path} lies outside of {places}: start the studio with studio.data=[{path}]")
        if not path.is_dir():
            raise UserError(f"{path} is no folder")
        return path

    def given_model(self, text: str) -> str:
        """What a user named as a model or another thing to work on: a reference to a registry, a run's id, a path.

        Raises:
            UserError: it is a path outside of what the studio may look into.
        """
        if not text.startswith(REFERENCES):
            path = self.root / user_path(text)
            if not any(is_inside(root, path) for root in self.roots):
                raise UserError(f"{path} lies outside of {', '.join(map(str, self.roots))}")
        return text

    def token(self) -> str:
        """What opens the studio: the same after a restart, so that open pages go on."""
        path = self.own / TOKEN_FILE
        with suppress(OSError):
            if len(kept := path.read_text("ascii").strip()) >= 32:
                return kept
        made = secrets.token_urlsafe(32)
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(made, "ascii")
        return made

    def settings(self) -> dict[str, Any]:
        """What the user set; nothing where the file can't be read."""
        return read_json(self.own / SETTINGS_FILE, {})

    def set(self, values: dict[str, Any]) -> None:
        """Changes some settings."""
        write_json(self.own / SETTINGS_FILE, self.settings() | values)

    def tell(self, kind: str, text: str, **about: Any) -> None:
        """Writes down that something happened."""
        line = json.dumps({"at": time.time(), "kind": kind, "text": text, **about})
        with suppress(OSError), (self.own / EVENTS_FILE).open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def events(self) -> list[dict[str, Any]]:
        """What happened, newest first."""
        found = []
        for line in reversed(tail(self.own / EVENTS_FILE, TAIL_BYTES).splitlines()):
            with suppress(ValueError):
                found.append(parse_json(line))
        return found[:MOST_EVENTS]


def make_home(root: str, data: Sequence[str]) -> Home:
    """The home in the folder `root`, made where it is not there.

    Raises:
        UserError: it can't be written.
    """
    folder = resolve_path(root).resolve()
    given = tuple(resolve_path(each).resolve() for each in data)
    home = Home(folder, (folder, *(given or (Path.home(),))))
    try:
        for each in (home.jobs, home.data, home.pipelines, home.outputs):
            each.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"studio.root={root}: {error.filename} can't be made ({error.strerror})") from None
    return home


def read_json(path: Path, otherwise: Any) -> Any:
    """A file's content; `otherwise` where it can't be read."""
    try:
        return parse_json(path.read_text("utf-8"))
    except (OSError, ValueError):
        return otherwise


def write_json(path: Path, content: Any) -> None:
    """Replaces a file in one piece, which is on disk when this returns."""
    replace_file(path, json.dumps(content, indent=1), is_durable=True)


def tail(path: Path, most: int) -> str:
    """The end of a text file, from the beginning of a line; nothing where it can't be read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - most))
            text = file.read(most)
    except OSError:
        return ""
    return (text.partition(b"\n")[2] if size > most else text).decode("utf-8", "replace")
