"""The registry on a real MLflow server, whose files have to be fetched; and promotions that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.bad_answers import BAD_ANSWERS
from kit.faulty_proxy import FaultyProxy
from kit.mlflow_server import mlflow_server
from kit.places import TESTS
from kit.promotion import Desk, make_export, new_store
from plx_train.ground.errors import UserError
from plx_train.registry import exchange, ledger
from plx_train.registry.candidate import read_candidate
from plx_train.registry.promotion import PromotionRequest, delete, roll_back
from plx_train.registry.resolve import current_version, resolve
from plx_train.tracking.receipts import WrongAnswer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real MLflow server, which keeps the artifacts itself."""
    folder = tmp_path_factory.mktemp("server")
    with mlflow_server(new_store(folder), folder) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.mark.long
def test_the_whole_way_on_a_server(server: str, tmp_path: Path) -> None:
    desk = Desk(server, tmp_path)
    export = make_export(tmp_path / "run" / "export", 0.8)
    run_id = desk.client.create_run(desk.client.create_experiment("runs"), run_name="trained").info.run_id
    desk.client.log_artifacts(run_id, str(export), "export/export")

    assert desk.promote(read_candidate(export, run_id)).ok
    assert not desk.promote(desk.candidate(0.7)).ok
    assert desk.promote(desk.candidate(0.9)).ok
    assert desk.champion() == "3"
    assert roll_back(desk.client, server, PromotionRequest("text_det", "champion")).ok
    with pytest.raises(UserError, match="champion points at it"):
        delete(desk.client, server, "text_det", "1", "")
    delete(desk.client, server, "text_det", "2", "")
    outcomes = [entry.outcome for entry in ledger.entries(desk.client)]
    assert outcomes == ["promoted", "refused", "promoted", "rolled back", "refused", "deleted"]

    found = resolve("models:/text_det@champion", server)
    assert (found.version, found.run_id) == ("1", run_id)
    assert found.folder.is_relative_to(os.environ["PLX_TRAIN_CACHE"])
    inode = (found.folder / "inference.yml").stat().st_ino
    assert (resolve("models:/text_det/1", server).folder / "inference.yml").stat().st_ino == inode
    (found.folder / "inference.yml").write_text("rotten")
    again = resolve("models:/text_det/1", server).folder
    assert (again / "inference.yml").read_bytes() == (export / "inference.yml").read_bytes()
    of_run = resolve(f"runs:/{run_id}", server)
    assert (of_run.folder / "inference.pdiparams").read_bytes() == (export / "inference.pdiparams").read_bytes()
    assert resolve(f"runs:/{run_id}", server).folder == of_run.folder
    assert [
        path.name for path in (Path(os.environ["PLX_TRAIN_CACHE"]) / "models").iterdir() if path.name[0] == "."
    ] == []
    started = time.monotonic()
    for _ in range(20):
        current_version("text_det", "champion", server)
    assert time.monotonic() - started < 10
    with pytest.raises(UserError, match="no model text_dett is registered; did you mean text_det"):
        resolve("models:/text_dett@champion", server)


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from kit.promotion import Desk
from plx_train.registry import ledger
die = lambda *rest: os.kill(os.getpid(), signal.SIGKILL)
desk = Desk(sys.argv[1], Path(sys.argv[2]) / "killed")
moment = sys.argv[3]
if moment == "gates":
    more = {"load": die}
else:
    more = {}
    ledger.settle = die
    if moment == "before":
        type(desk.client).set_registered_model_alias = die
desk.promote(desk.candidate(0.9), **more)
"""


@pytest.mark.long
@pytest.mark.parametrize(("moment", "champion"), [("gates", "1"), ("before", "1"), ("after", "2")])
def test_a_killed_promotion_leaves_nothing_half_done(
    moment: str, champion: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(new_store(tmp_path / "store", _template(tmp_path)), tmp_path)
    desk.promote(desk.candidate(0.5))
    command = [sys.executable, "-c", KILLED, desk.uri, str(tmp_path), moment, str(TESTS)]
    killed = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    assert desk.champion() == champion
    monkeypatch.setattr(exchange, "STALE_SECONDS", 0.3)
    monkeypatch.setattr(ledger, "SETTLING_SECONDS", 0.0)
    outcomes = {"gates": ["promoted"], "before": ["promoted", "interrupted"], "after": ["promoted", "promoted"]}
    places = {("text_det", "champion"): champion}
    found = ledger.settled(ledger.entries(desk.client), places, patience=0)
    assert [entry.outcome for entry in found] == outcomes[moment]
    # The same files again: the version that was made is used.
    again = read_candidate(tmp_path / "killed" / "export0", None)
    assert desk.promote(again).entry.target == "2"
    assert desk.champion() == "2"
    assert len(desk.client.search_model_versions("name='text_det'")) == 2
    assert roll_back(desk.client, desk.uri, PromotionRequest("text_det", "champion")).entry.target == "1"


_made: dict[str, Path] = {}


def _template(folder: Path) -> Path:
    """A database that is made once for all tests here."""
    if "database" not in _made:
        new_store(folder / "template")
        _made["database"] = folder / "template" / "mlflow.db"
    return _made["database"]


@pytest.mark.long
@pytest.mark.parametrize(
    "hits",
    [
        lambda method, path: method == "POST" and path.endswith("registered-models/alias"),
        lambda method, path: method == "POST" and path.endswith("runs/create"),
        lambda method, path: method == "PUT",
        lambda method, path: True,
    ],
    ids=["alias", "ledger", "files", "all"],
)
def test_what_answers_in_the_place_of_a_server_promotes_nothing(hits: Any, server: str, tmp_path: Path) -> None:
    from mlflow.exceptions import MlflowException

    proxy = FaultyProxy(int(server.rpartition(":")[2]))
    desk = Desk(proxy.uri, tmp_path)
    before = desk.champion()
    proxy.hits, proxy.fault = hits, BAD_ANSWERS["empty object"]
    with pytest.raises((UserError, WrongAnswer, MlflowException)):
        desk.promote(desk.candidate(0.99))
    proxy.fault = None
    assert desk.champion() == before
    assert not any(entry.outcome == "promoted" and entry.target != before for entry in ledger.entries(desk.client)[-1:])
    proxy.close()
