"""Words that somebody planted in names, classes and options reach terminal, pages, tables and MLflow as words."""

from __future__ import annotations

import csv
import os
import pty
import re
import shutil
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from kit.made_series import make_forecast_set
from kit.rooms import tiny_room
from plx_train.ground.characters import is_control

STEERING = "\x1b]0;owned\x07\x1b[8m\x9b2J\u202eab\u2066c\u200bd\x7f"
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'javascript:alert(1)<!--"
FORMULA = "=cmd|' calc'!A0"
STYLE = re.compile(rb"\x1b\[[0-9;?]*[mKhlAJG]|\x1b\[2K")
"""What rich itself writes: colours, a line that moves, a cursor that hides."""
OVERRIDES = ("device=cpu", "device.num_workers=1", "trainer.max_steps=2", "module.network=PP-LCNet_x0_25")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, bytes]:
    """A training run on such data through a terminal, and an evaluation of it in a log: folder, terminal and log."""
    base = tmp_path_factory.mktemp("hostile")
    data = tiny_room("image_cls").make_dataset(base / f"data{STEERING}")
    classes = [f"{STEERING}red", MARKUP.replace("/", "|"), FORMULA]
    (data / "label.txt").write_text("".join(f"{place} {name}\n" for place, name in enumerate(classes)), "utf-8")
    for split in ("train", "val"):
        text = (data / f"{split}.txt").read_text()
        name = f"images/{split}_1{STEERING}{MARKUP.replace('/', '|')}.png"
        shutil.move(data / f"images/{split}_1.png", data / name)
        (data / f"{split}.txt").write_text(text.replace(f"images/{split}_1.png", name), "utf-8")
    (data / "train.txt").write_text(f"{(data / 'train.txt').read_text()}images/{STEERING}gone.png 1\n", "utf-8")
    output = base / f"run{STEERING}"
    options = [f"dataset.root={data}", f"dataset.name={MARKUP}{STEERING}", f"tracking.run_name={FORMULA}{STEERING}",
               f"tracking.experiment={MARKUP}{STEERING}", f"output={output}", "dataset.ignore_findings=true",
               f"tracking.uri=sqlite:///{base}/mlflow.db"]  # fmt: skip
    tiny = [text for text in tiny_room("image_cls").overrides if text.partition("=")[0] not in str(OVERRIDES)]
    command = ["module=image_cls", *OVERRIDES, *tiny, *map(_quoted, options)]
    shown, code = _on_a_terminal(command, base)
    assert code == 0, shown.decode("utf-8", "replace")
    again = ["mode=evaluate", _quoted(f"run={output}"), "device=cpu", "tracking=off"]
    done = subprocess.run(
        [sys.executable, "-m", "plx_train", *again], cwd=base, env=_environment(), capture_output=True, check=False
    )
    return output, shown, done.stdout + done.stderr


def _quoted(text: str) -> str:
    """An override whose value is taken as it stands."""
    key, _, value = text.partition("=")
    return f"{key}='" + value.replace("'", "\\'") + "'"


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "xterm-256color", "COLUMNS": "120"}


def _on_a_terminal(arguments: list[str], folder: Path) -> tuple[bytes, int]:
    main, other = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "plx_train", *arguments], cwd=folder, env=_environment(), stdout=other, stderr=other
    )
    os.close(other)
    shown = b""
    try:
        while piece := os.read(main, 1 << 16):
            shown += piece
    except OSError:
        pass  # the other side is closed
    os.close(main)
    return shown, process.wait()


def _steers(text: str, apart_from: str = "\n") -> set[str]:
    return {each for each in text if is_control(each) or each in "\u202e\u2066\u200b"} - set(apart_from)


@pytest.mark.long
def test_a_terminal_and_a_log_are_not_steered(run: tuple[Path, bytes, bytes]) -> None:
    _, shown, log = run
    assert _steers(STYLE.sub(b"", shown).decode(), "\r\n") == set()
    assert _steers(log.decode()) == set()
    assert b"[U+001B]]0;owned[U+0007]" in shown and b"[U+202E]ab[U+2066]c[U+200B]d[U+007F]" in log
    assert b"owned" in log


class Page(HTMLParser):
    """Elements and attributes of a page, and the text of all."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.names: set[str] = set()
        self.addresses: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.names |= {name for name, _ in attrs}
        self.addresses |= {value or "" for name, value in attrs if name in ("href", "src", "action")}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_report_has_its_own_elements_alone(run: tuple[Path, bytes, bytes]) -> None:
    text = (run[0] / "report.html").read_text("utf-8")
    page = Page(text)
    assert not {"script", "iframe", "object", "form", "base", "embed"} & page.elements.keys()
    assert page.elements["meta"] == 4 and page.elements["style"] == 1
    assert not {name for name in page.names if name.startswith("on")}
    assert all(address.startswith(("#", "data:image/jpeg;base64,")) for address in page.addresses)
    assert _steers(text) == set()
    assert MARKUP in page.text and "[U+202E]" in page.text
    assert "<!--" not in text


def test_mlflow_gets_words_that_can_be_seen(run: tuple[Path, bytes, bytes]) -> None:
    from mlflow import MlflowClient

    from plx_train.tracking import find_run

    uri = f"sqlite:///{run[0].parent}/mlflow.db"
    client = MlflowClient(uri)
    experiments = [one for one in client.search_experiments() if "script" in one.name]
    assert len(experiments) == 1 and _steers(experiments[0].name) == set()
    (found,) = client.search_runs([experiments[0].experiment_id])
    assert found.info.status == "FINISHED" and found.info.run_name.startswith(FORMULA)
    words = [found.info.run_name, *found.data.params, *found.data.params.values(), *found.data.tags]
    words += [*found.data.tags.values(), *found.data.metrics]
    for inputs in found.inputs.dataset_inputs:
        words += [inputs.dataset.name, inputs.dataset.source]
    assert {word for word in words if _steers(word)} == set()
    assert "mlflow.note.content" not in found.data.tags
    # The folder is found again, character by character.
    assert find_run(uri, found.info.run_id).output == run[0]


def test_the_table_of_classes_computes_nothing(run: tuple[Path, bytes, bytes]) -> None:
    head, *rows = csv.reader((run[0] / "confusion.csv").open(encoding="utf-8"))
    assert head[3] == rows[2][0] == f"'{FORMULA}" and head[2] == MARKUP.replace("/", "|")
    assert not {cell for cell in head if _steers(cell)}
    assert all(cell.isdigit() for row in rows for cell in row[1:])


@pytest.mark.long
def test_tables_compute_nothing(tmp_path: Path) -> None:
    data = make_forecast_set(tmp_path / "data")
    for name in ("train.csv", "val.csv"):
        text = (data / name).read_text().replace("y0", FORMULA.replace(",", ""), 1)
        (data / name).write_text(text)
    command = ["module=ts_forecast", "device=cpu", "trainer.max_steps=1", "tracking=off", "dataset.root=data",
               "module.context=24", "module.horizon=4", "output=run", "quiet=true"]  # fmt: skip
    predict = ["mode=predict", "pipeline=ts_forecast", "models.TSForecast=run/export", "input=data/val.csv",
               "output=found", "device=cpu"]  # fmt: skip
    for more in (command, predict):
        done = subprocess.run(
            [sys.executable, "-m", "plx_train", *more], cwd=tmp_path, env=_environment(), capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    tables = [*tmp_path.glob("run/**/*.csv"), *tmp_path.glob("found/**/*.csv")]
    assert any("'=cmd" in table.read_text() for table in tables)
    for table in tables:
        cells = {cell for row in csv.reader(table.open()) for cell in row}
        assert not {cell for cell in cells if cell.startswith(("=", "@", "\t"))}, table
        assert any(re.fullmatch(r"-?\d+\.\d+", cell) for cell in cells)
