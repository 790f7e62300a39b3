"""Commands that only look import nothing that trains, records or draws: what takes a second each is not paid for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kit.places import ROOT
from plx_train.registry import ledger
from plx_train.registry.ledger import LedgerEntry
from plx_train.tracking.store import open_client, resolve_uri

HEAVY = frozenset({"paddle", "mlflow", "sqlalchemy", "alembic", "sklearn", "scipy", "torch", "visualdl"})
"""What takes a tenth of a second at least, each."""
IMAGES = frozenset({"cv2", "PIL"})
TABLES = frozenset({"pandas", "pyarrow"})
SEARCH = frozenset({"optuna"})
STUDY = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import scale_folders
scale_folders.make_sweep(Path("outputs/sweeps/known"), 4)
"""


def _left_out(command: list[str], unwanted: frozenset[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command, which says on stderr, as its last line, what it imported of what is not wanted."""
    code = (
        "import sys; from plx_train.__main__ import main; code = main(sys.argv[2:]); "
        "print('code', code, *sorted(set(sys.argv[1].split()) & set(sys.modules)), file=sys.stderr)"
    )
    program = [sys.executable, "-c", code, " ".join(sorted(unwanted)), *command]
    return subprocess.run(program, cwd=folder, capture_output=True, text=True, check=True)


def _check(command: str, unwanted: frozenset[str], folder: Path, code: int = 0) -> None:
    done = _left_out(command.split(), unwanted, folder)

    assert done.stderr.splitlines()[-1] == f"code {code}", done.stderr


@pytest.mark.parametrize("command", ["--help", "--version", "--help mode=serve"])
def test_help(tmp_path: Path, command: str) -> None:
    _check(command, HEAVY | IMAGES | TABLES | SEARCH | {"hydra", "omegaconf"}, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("module=text_dt", 2),
        ("trainer.epohcs=3", 2),
        ("mode=promote", 2),
        ("mode=sweep_report", 2),
        ("mode=sweep_report sweep_id=abc", 1),
        ("mode=promote history=true", 1),
        ("mode=sync run=nowhere", 1),
        ("mode=evaluate run=nowhere", 1),
    ],
)
def test_errors(tmp_path: Path, command: str, code: int) -> None:
    _check(command, HEAVY | TABLES, tmp_path, code)


def test_nothing_to_send(tmp_path: Path) -> None:
    _check("mode=sync", HEAVY | IMAGES | TABLES | SEARCH, tmp_path)


def test_a_dataset_of_images(tmp_path: Path) -> None:
    _check("mode=check_dataset module=image_cls", HEAVY | TABLES | SEARCH, tmp_path)


def test_a_dataset_of_series(tmp_path: Path) -> None:
    _check("mode=check_dataset module=ts_forecast", HEAVY | SEARCH, tmp_path)


def test_a_sweeps_report(tmp_path: Path) -> None:
    made = [sys.executable, "-c", STUDY, str(ROOT / "scripts")]
    subprocess.run(made, cwd=tmp_path, check=True, capture_output=True)
    _check("mode=sweep_report sweep_id=known trust=true", HEAVY | IMAGES | TABLES, tmp_path)


def test_promotions_of_a_local_store(tmp_path: Path) -> None:
    uri = resolve_uri(None, tmp_path / "outputs")
    ledger.record(
        open_client(uri), uri, LedgerEntry("promote", "text_det", "champion", "", "1", "promoted", "me", "ok")
    )

    done = _left_out(["mode=promote", "history=true"], HEAVY | IMAGES | TABLES | SEARCH, tmp_path)

    assert done.stderr.splitlines()[-1] == "code 0", done.stderr
    assert "text_det" in done.stdout


def test_a_run_that_a_local_store_does_not_have(tmp_path: Path) -> None:
    open_client(resolve_uri(None, tmp_path / "outputs"))

    done = _left_out(["mode=evaluate", "run=nowhere"], HEAVY | TABLES | SEARCH, tmp_path)

    assert done.stderr.splitlines()[-1] == "code 1", done.stderr
    assert "run nowhere does not exist" in done.stderr
