"""mode=serve from its command line: it serves, follows an alias, and ends cleanly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from kit.local_server import JSON, grey, request
from kit.places import TESTS
from kit.processes import until

COMMAND = """
import sys, types
from pathlib import Path
sys.path.insert(0, {tests!r})
from kit.fake_pipeline import FakePipeline

def version():
    return Path({version!r}).read_text()

def load_pipeline(config, device="cpu", models=None, resolve=None, defaults=None):
    assert config == "OCR" and device == "cpu" and models == {{"TextDetection": "models:/text_det@champion"}}
    assert resolve.startswith("sqlite:///")
    return FakePipeline(version=version())

def current_version(name, alias, tracking_uri):
    assert (name, alias) == ("text_det", "champion") and tracking_uri.startswith("sqlite:///")
    return version()

loading = {{"load_pipeline": load_pipeline, "check_typed_parameters": print}}
for name, found in (("pipelines", {{}}), ("pipelines.load", loading),
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
        until(lambda: served() == "2", seconds=20)
    finally:
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        code = process.wait(20)
    assert code == 0
    assert time.monotonic() - began < 5
    assert not (tmp_path / "outputs").exists(), "serving leaves nothing behind"
