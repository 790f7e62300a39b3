"""Readers with a fault each, which `scripts/fuzz.py` must see; a case's first word says which one shows."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path

from fuzzing.cases import Case
from fuzzing.reader import Reader, Wrong

from plx_train.ground.errors import UserError


def seeds(folder: Path) -> dict[str, Case]:
    return {"fine": {"word": b"fine"}}


def run(folder: Path) -> str:
    word = (folder / "word").read_bytes().decode("latin-1") if (folder / "word").is_file() else ""
    FAULTS.get(word, lambda: None)()
    return word


def _hang() -> None:
    while True:
        pass


def _refuse() -> None:
    raise UserError("this word is none")


def _be_wrong() -> None:
    raise Wrong("nothing fits")


FAULTS = {
    "crash": os.abort,
    "hang": _hang,
    "memory": lambda: bytes(4 << 30),
    "write": lambda: Path("../guard/new").write_text("x"),
    "remove": lambda: Path("../guard/secret.txt").unlink(),
    "peek": lambda: Path("../guard/secret.txt").read_text(),
    "change": lambda: Path("case/word").write_text("other"),
    "program": lambda: subprocess.run(["true"], check=False),
    "connection": lambda: socket.create_connection(("127.0.0.1", 9), 1),
    "traceback": lambda: {}["x"],
    "wrong": _be_wrong,
    "refuse": _refuse,
    "wait": lambda: time.sleep(0.1),
}
READER = Reader("kit.faulty_readers:READER", seeds, run, (b"crash", b"refuse"), seconds=1.0, megabytes=256)
