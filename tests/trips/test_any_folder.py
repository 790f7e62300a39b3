"""A run in a folder whose name holds whatever a Linux file system allows: trained, recorded and found again."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from kit.rooms import tiny_room
from kit.runs import arguments_of
from plx_train.ground.characters import legible
from plx_train.tracking.found_run import find_run
from plx_train.tracking.store import database_path, experiment_id, open_client, resolve_uri

NAME = "-~a%2Fb%20?x=1#y&c+d 'e' \"f\" g\\h ${i} (j,k) [l] {m: n} \u00e9 e\u0301\no"


def command(*overrides: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    line = [sys.executable, "-m", "plx_train", *overrides]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, timeout=280, check=False)


@pytest.mark.long
def test_a_run_in_any_folder(tmp_path: Path) -> None:
    here = tmp_path / NAME
    (here / NAME).mkdir(parents=True)
    tiny_room("ts_forecast").make_dataset(here / NAME / "data")
    escaped = NAME.replace("${", "\\${")
    given = arguments_of("ts_forecast", Path(escaped) / "data", Path(escaped) / "run", "tracking=mlflow")
    given = [text for text in given if text != "tracking=off"]
    done = command(*given, "trainer.max_steps=2", "quiet=false", cwd=here)
    assert done.returncode == 0, done.stderr
    run = here / NAME / "run"
    assert (run / "export" / "inference.yml").is_file()

    store = resolve_uri(None, here / "outputs")
    path = database_path(store)
    assert path == here / "outputs" / "mlflow.db" and path.is_file()
    client = open_client(store)
    (recorded,) = client.search_runs([experiment_id(client, store, "plx_train")])
    assert find_run(store, recorded.info.run_id[:12]).output == run
    assert "report.html" in {one.path for one in client.list_artifacts(recorded.info.run_id)}
    # A terminal is not steered by the name of a folder: what nobody sees is spelled out.
    assert f"--backend-store-uri {legible(shlex.quote(store))}" in done.stdout

    judged = command("mode=evaluate", f"run={recorded.info.run_id[:12]}", "device=cpu", "tracking=off", cwd=here)
    assert judged.returncode == 0, judged.stderr
    again = command(*given, f"resume={escaped}/run", cwd=here)
    assert again.returncode in (0, 1, 2) and "Traceback" not in again.stderr, again.stderr


@pytest.mark.parametrize(
    "name", ["a%2Fb", "a%b", "q?x=1", "h#f", "a&b+c", 'it\'s "x"', "b\\s", "n\nl", "e\u0301", "-x"]
)
def test_a_database_lies_in_any_folder(name: str, tmp_path: Path) -> None:
    uri = resolve_uri(str(tmp_path / name / "mlflow.db"), tmp_path)
    assert database_path(uri) == tmp_path / name / "mlflow.db" and resolve_uri(uri, tmp_path) == uri
