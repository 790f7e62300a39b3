"""A password in the address of the store: a sweep, its runs, reports and a bundle are made, and none has it."""

from __future__ import annotations

import base64
import contextlib
import os
import sys
import time
import zipfile
from pathlib import Path

import psutil
import pytest

from kit.faulty_proxy import FaultyProxy
from kit.mlflow_server import mlflow_server
from kit.places import ROOT
from plx_train.runs.facts import read_facts
from plx_train.tracking import find_run, resolve_uri, unsent
from plx_train.tracking.store import open_client

SECRET = "s3cr3t/of a@server%"
QUOTED = "s3cr3t%2Fof%20a%40server%25"
SPELLINGS = [SECRET, QUOTED, base64.b64encode(f"me:{SECRET}".encode()).decode()]
TINY = (
    *("module=image_cls", "device=cpu", "module.network=PP-LCNet_x0_25", "weights=null", "module.size=[32,32]"),
    *("dataset.limit=16", "trainer.batch_size=16", "trainer.ema_decay=null", "trainer.epochs=1", "sweep=random"),
    *("sweep.trials=1", "optimizer.lr=tag(log, interval(1e-4, 1e-2))", "device.num_workers=0"),
)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_password_is_nowhere(tmp_path: Path) -> None:
    store, work = tmp_path / "store", tmp_path / "work"
    store.mkdir()
    work.mkdir()
    uri = resolve_uri(None, store)
    open_client(uri)
    with mlflow_server(uri, store) as port, contextlib.closing(FaultyProxy(port)) as proxy:
        proxy.login = f"me:{SECRET}"
        address = proxy.uri.replace("http://", f"http://me:{QUOTED}@")
        said, lines = command(work, "-m", *TINY, f"tracking.uri={address}")
        folder = next((work / "outputs" / "sweeps").iterdir())
        trial = folder / "trials" / "000"
        assert read_facts(trial)["tracking_uri"] == proxy.uri
        assert unsent(trial / "tracking.jsonl") == 0, said
        assert find_run(uri, read_facts(trial)["run_id"]).status == "FINISHED"
        bundle = work / "bundle.zip"
        told, _ = command(work, "mode=doctor", f"run={trial}", f"doctor.bundle={bundle}", f"tracking.uri={address}")
        proxy.fault = "refuse"
        down, _ = command(work, "mode=evaluate", "run=night-run", f"tracking.uri={address}")
    with zipfile.ZipFile(bundle) as packed:
        packed.extractall(work / "bundle")
    assert [text for text in (said, told, down, *lines) if has_secret(text.encode())] == []
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and has_secret(path.read_bytes())]
    assert kept == []


def has_secret(content: bytes) -> bool:
    return any(spelling.encode() in content for spelling in SPELLINGS)


def command(folder: Path, *words: str) -> tuple[str, list[str]]:
    """What a command says, and the command lines of all processes that it starts."""
    line = [sys.executable, "-m", "plx_train", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PLX_TRAIN_CACHE": str(folder / "cache")}
    seen: set[str] = set()
    log = folder.parent / "said"
    with log.open("w+") as said:
        process = psutil.Popen(line, cwd=folder, env=environment, stdout=said, stderr=said)
        while process.poll() is None:
            for child in process.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    seen.add(" ".join(child.cmdline()))
            time.sleep(0.05)
        said.seek(0)
        # A child that has not yet begun its own program shows its parent's line, which is what was typed.
        return said.read(), sorted(seen - {" ".join(line)})
