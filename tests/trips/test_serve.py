"""mode=serve from its command line: mistakes in one sentence, an alias followed, a clean end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kit.local_server import JSON, grey, request, until
from kit.places import TESTS
from plx_train.__main__ import main
from plx_train.config.compose import compose_run
from plx_train.config.serve_options import ServeOptions
from plx_train.ground.errors import ConfigError
from plx_train.modes.serve import pipeline_config, read_key

MISTAKES = {
    "misspelt option": (["serve.prot=1"], "did you mean 'serve.port'?"),
    "misspelt pipeline": (["pipeline=orc"], "did you mean 'ocr'?"),
    "no pipeline": (["pipeline=null"], "mode=serve needs pipeline="),
    "no such file": (["pipeline=/no/such.yaml"], "there is: ocr"),
    "no batch": (["serve.max_batch=0"], "serve.max_batch=0 is out of range"),
    "negative port": (["serve.port=-1"], "serve.port=-1 is out of range"),
    "text for a number": (["serve.port=http"], "serve.port"),
    "no key file": (["serve.api_key_file=/no/such"], "can't be read"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_sentence(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, sentence = MISTAKES[case]
    assert main(["mode=serve", "pipeline=ocr", *arguments]) == 2
    told = capsys.readouterr().err
    assert sentence in told
    assert told.count("\n") == 1


def test_options_arrive_typed() -> None:
    options = compose_run(
        ["mode=serve", "pipeline=a b.yaml", "serve.port=0", "models.TextDetection=models:/text_det@champion"]
    ).options
    assert (options.pipeline, options.serve.port) == ("a b.yaml", 0)
    assert options.models == {"TextDetection": "models:/text_det@champion"}
    assert options.serve.host == "127.0.0.1"


def test_pipelines_by_name_in_any_case_or_by_path(tmp_path: Path) -> None:
    assert [pipeline_config(name) for name in ("ocr", "OCR", "Image_Classification")] == [
        "OCR",
        "OCR",
        "image_classification",
    ]
    config = tmp_path / "mine.yaml"
    config.touch()
    assert pipeline_config(str(config)) == config


def test_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLX_SERVE_API_KEY", raising=False)
    assert read_key(ServeOptions()) is None
    monkeypatch.setenv("PLX_SERVE_API_KEY", "from the environment")
    assert read_key(ServeOptions()) == "from the environment"
    file = tmp_path / "key"
    file.write_text("from a file\nsecond line\n")
    assert read_key(ServeOptions(api_key_file=str(file))) == "from a file"
    file.write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        read_key(ServeOptions(api_key_file=str(file)))


COMMAND = """
import sys, types
from pathlib import Path
sys.path.insert(0, {tests!r})
from kit.fake_pipeline import FakePipeline

def version():
    return Path({version!r}).read_text()

def load_pipeline(config, device="cpu", models=None, resolve=None):
    assert config == "OCR" and device == "cpu" and models == {{"TextDetection": "models:/text_det@champion"}}
    assert resolve.startswith("sqlite:///")
    return FakePipeline(version=version())

def current_version(name, alias, tracking_uri):
    assert (name, alias) == ("text_det", "champion") and tracking_uri.startswith("sqlite:///")
    return version()

for name, found in (("pipelines", {{}}), ("pipelines.load", {{"load_pipeline": load_pipeline}}),
                    ("registry", {{}}), ("registry.resolve", {{"current_version": current_version, "resolver": str}})):
    module = types.ModuleType("plx_train." + name)
    module.__path__ = []
    vars(module).update(found)
    sys.modules[module.__name__] = module
from plx_train.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def test_it_serves_follows_and_ends(tmp_path: Path) -> None:
    version = tmp_path / "version"
    version.write_text("1")
    command = COMMAND.format(tests=str(TESTS), version=str(version))
    arguments = ["mode=serve", "pipeline=ocr", "device=cpu", "serve.port=0", "serve.follow=true"]
    arguments += ["serve.poll_seconds=1", "models.TextDetection=models:/text_det@champion"]
    process = subprocess.Popen(
        [sys.executable, "-c", command, *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines = []
        while not lines or "serving OCR at " not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], "it ended before it served"
        address = lines[-1].split(" at ")[1].split()[0]

        def served() -> str:
            answer = request(address, "POST", "/ocr", json.dumps(grey(9)).encode(), JSON)
            return str(answer.told["result"]["ocrResults"][0]["prunedResult"]["models"]["TextDetection"]["version"])

        assert served() == "1"
        version.write_text("2")
        until(lambda: served() == "2", 20)
    finally:
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        code = process.wait(20)
    assert code == 0
    assert time.monotonic() - began < 5
    assert not (tmp_path / "outputs").exists(), "serving leaves nothing behind"
