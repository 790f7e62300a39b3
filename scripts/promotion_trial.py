#!/usr/bin/env python
"""From training to a server that follows what is promoted, on the embedded data, with every claim checked.

    python scripts/promotion_trial.py [--folder outputs/promotion-trial] [--steps 30]

Trains detection and recognition briefly, promotes both, reads pages that neither was trained on, tries to promote a
worse recogniser (refused), promotes a better one while a server under load follows the alias, and rolls back. Given
again with the same folder, it uses what was trained.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
DET = ("module=text_det", "dataset=pages", "dataset.limit=12", "trainer.eval_every_epochs=null")
REC = ("module=text_rec", "dataset=pages_text", "dataset.limit=120", "optimizer.freeze=[backbone]", "optimizer.lr=1e-3")
OCR = (
    "pipeline=OCR",
    "models.TextDetection=models:/text_det@champion",
    "models.TextRecognition=models:/text_rec@champion",
)
NUM_CLIENTS = 2
SWAP_SECONDS = 120.0


@dataclass
class Load:
    """Clients that ask one page after the other, and what they were answered."""

    url: str
    body: bytes
    answers: list[tuple[int, str]] = field(default_factory=list)
    """Status and version of the recogniser, in order."""
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Asks until it is stopped."""
        while not self.stop.is_set():
            request = urllib.request.Request(self.url, self.body, {"Content-Type": "application/json"})
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    models = json.load(answer)["result"]["ocrResults"][0]["prunedResult"]["models"]
                    self.answers.append((200, models["TextRecognition"]["version"]))
            except urllib.error.HTTPError as error:
                self.answers.append((error.code, ""))
            except OSError:
                self.answers.append((0, ""))


def main() -> int:
    """Prints what was done and found; ends with an AssertionError where a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("outputs/promotion-trial"))
    parser.add_argument("--steps", type=int, default=30)
    options = parser.parse_args()
    folder = options.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    steps = options.steps
    train(folder, "det", *DET, f"trainer.max_steps={steps // 2}", "trainer.batch_size=2")
    train(folder, "rec", *REC, f"trainer.max_steps={steps // 3}")
    train(folder, "rec_worse", *REC, "trainer.max_steps=1", "optimizer.lr=1e-9")
    train(folder, "rec_better", *REC, f"trainer.max_steps={3 * steps}", f"init_from={folder / 'rec'}")
    metrics = {name: facts(folder / name)["metrics"]["val/accuracy"] for name in ("rec_worse", "rec", "rec_better")}
    print("exact match:", ", ".join(f"{name} {value:.3f}" for name, value in metrics.items()))
    assert metrics["rec_worse"] < metrics["rec"] < metrics["rec_better"], "train for longer: --steps 60"

    assert promote(folder, "det") == 0
    assert promote(folder, "rec") == 0
    pages = unseen_pages()
    texts = read(folder, pages)
    print(f"OCR of {len(pages)} pages that neither model was trained on: {sum(map(len, texts))} lines")
    assert all(texts)
    assert promote(folder, "rec_worse") == 1, "a worse model was promoted"
    with_server(folder, pages[0])
    print(plx(folder, "mode=promote", "history=true", "registered=text_rec")[1])
    return 0


def train(folder: Path, name: str, *overrides: str) -> None:
    """Trains unless it was done before."""
    output = folder / name
    if not (output / "run.json").exists() or facts(output).get("status") != "FINISHED":
        code, shown = plx(folder, *overrides, "device=cpu", f"output={output}", "resume=auto", "quiet=true")
        assert code == 0, shown


def promote(folder: Path, name: str) -> int:
    """The exit code of promoting a run."""
    code, shown = plx(folder, "mode=promote", f"run={folder / name}", "alias=champion")
    print(f"promote {name}: exit code {code}\n{shown}")
    return code


def with_server(folder: Path, page: Path) -> None:
    """A server under load takes over the better model and gives it back, without a failed request."""
    command = [*plx_command(folder), "mode=serve", *OCR, "device=cpu", "serve.port=0", "serve.follow=true"]
    log = (folder / "serve.log").open("w+")
    server = subprocess.Popen([*command, "serve.poll_seconds=1"], stdout=log, stderr=log, cwd=folder)
    try:
        url = wait_for_address(folder / "serve.log", server)
        body = json.dumps(
            {"file": base64.b64encode(page.read_bytes()).decode(), "fileType": 1, "visualize": False}
        ).encode()
        load = Load(f"{url}/ocr", body)
        clients = [threading.Thread(target=load.run) for _ in range(NUM_CLIENTS)]
        for client in clients:
            client.start()
        wait_until(lambda: len(load.answers) > 3)
        before = load.answers[-1][1]
        assert promote(folder, "rec_better") == 0
        wait_until(lambda: load.answers[-1][1] != before)
        better = load.answers[-1][1]
        code, shown = plx(folder, "mode=promote", "rollback=true", "registered=text_rec")
        assert code == 0, shown
        wait_until(lambda: load.answers[-1][1] == before)
        load.stop.set()
        for client in clients:
            client.join()
    finally:
        server.terminate()
        server.wait(60)
        log.close()
    failed = [status for status, _ in load.answers if status != 200]
    versions = " → ".join(dict.fromkeys(version for _, version in load.answers))
    print(f"under load: {len(load.answers)} requests, {len(failed)} failed; versions served {versions} → {before}")
    assert not failed and better != before


def wait_for_address(log: Path, server: subprocess.Popen[bytes]) -> str:
    """Where the server listens, once it does."""
    wait_until(lambda: "at http://" in log.read_text("utf-8") or server.poll() is not None)
    assert server.poll() is None, log.read_text("utf-8")
    return "http://" + log.read_text("utf-8").split("at http://")[1].split()[0]


def wait_until(condition) -> None:  # type: ignore[no-untyped-def]
    """
    Raises:
        AssertionError: it did not come true in time.
    """
    give_up = time.monotonic() + SWAP_SECONDS
    while not condition():
        assert time.monotonic() < give_up, "nothing happened"
        time.sleep(0.1)


def read(folder: Path, pages: list[Path]) -> list[list[str]]:
    """The texts of pages, by the promoted models."""
    output = folder / f"pages-{os.getpid()}"
    for page in pages:
        code, shown = plx(folder, "mode=predict", *OCR, "device=cpu", f"input={page}", f"output={output}", "quiet=true")
        assert code == 0, shown
    return [(output / f"{page.stem}_res.txt").read_text("utf-8").splitlines() for page in pages]


def unseen_pages() -> list[Path]:
    """Two pages of the validation split of the embedded pages."""
    lines = (ROOT / "datasets/pages/val.txt").read_text("utf-8").splitlines()
    return [ROOT / "datasets/pages" / line.split("\t")[0] for line in lines[:2]]


def facts(output: Path) -> dict:  # type: ignore[type-arg]
    """Contents of a run's ``run.json``."""
    return json.loads((output / "run.json").read_text("utf-8"))


def plx_command(folder: Path) -> list[str]:
    """The command on the trial's own store."""
    return [sys.executable, "-m", "plx_train", f"tracking.uri=sqlite:///{folder / 'mlflow.db'}"]


def plx(folder: Path, *overrides: str) -> tuple[int, str]:
    """Exit code and output of a command."""
    done = subprocess.run([*plx_command(folder), *overrides], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


if __name__ == "__main__":
    sys.exit(main())
