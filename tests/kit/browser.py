"""Headless Chromium over its debugging pipe, without a driver.

    python tests/kit/browser.py http://127.0.0.1:8080 page.png docs/pictures/serving.png [dark]

hands an image to the page of a running server and takes a picture of what is seen.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Page:
    """One tab; `asked` are the addresses it loaded, `faults` what it complained about."""

    def __init__(self, sends: int, hears: int, leader: int) -> None:
        self.leader = leader
        self._sends = sends
        self._hears = hears
        self._number = 0
        self._left = b""
        self._session: str | None = None
        self.asked: list[str] = []
        self.faults: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "DOM", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the DevTools protocol."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._sends, json.dumps(message).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == self._number:
                if "error" in told:
                    raise RuntimeError(f"{method}: {told['error']['message']}")
                result: dict[str, Any] = told["result"]
                return result
            self._note(told)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            piece = os.read(self._hears, 1 << 20)
            if not piece:
                raise RuntimeError("Chromium has ended")
            self._left += piece
        first, self._left = self._left.split(b"\0", 1)
        told: dict[str, Any] = json.loads(first)
        return told

    def _note(self, event: dict[str, Any]) -> None:
        kind, params = event.get("method"), event.get("params", {})
        if kind == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])
        elif kind == "Runtime.exceptionThrown":
            self.faults.append(str(params["exceptionDetails"]))
        elif kind == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.faults.append(params["entry"]["text"])

    def open(self, address: str) -> None:
        """Goes there and waits until it is loaded."""
        self.call("Page.navigate", url=address)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"]["exception"]["description"])
        return found["result"].get("value")

    def wait(self, script: str, seconds: float = 30.0) -> None:
        """Until the expression is true."""
        ends = time.monotonic() + seconds
        while not self.run(script):
            if time.monotonic() > ends:
                raise TimeoutError(f"never true: {script}; {self.run('document.body.innerText')}")
            time.sleep(0.05)

    def choose_file(self, selector: str, path: Path) -> None:
        """What the file dialogue would do."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path.absolute())])

    def press(self, key: str) -> None:
        """A key, down and up."""
        for kind in ("keyDown", "keyUp"):
            code = {"Tab": 9, "Enter": 13}[key]
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    def look(self, scheme: str = "light", width: int = 1280, height: int = 480) -> None:
        """Colours and size of the window."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def kill(self) -> None:
        """Kills the browser, as a user's machine would."""
        os.killpg(self.leader, signal.SIGKILL)

    def picture(self, target: Path) -> None:
        """Writes a PNG of what is seen."""
        target.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def browsing() -> Iterator[Page]:
    """A page in a browser of its own."""
    assert CHROMIUM, "apt-get install chromium"
    hears_browser, browser_tells = os.pipe()
    browser_hears, tells_browser = os.pipe()

    def lay_pipes() -> None:
        # Chromium listens at 3 and answers at 4; first out of the way, as these may be the pipes' own numbers.
        hears, tells = os.dup(browser_hears), os.dup(browser_tells)
        os.dup2(hears, 3)
        os.dup2(tells, 4)

    with tempfile.TemporaryDirectory() as profile:
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        command += ["--no-first-run", f"--user-data-dir={profile}", "--remote-debugging-pipe"]
        process = subprocess.Popen(
            command,
            preexec_fn=lay_pipes,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(browser_hears)
        os.close(browser_tells)
        try:
            yield Page(tells_browser, hears_browser, process.pid)
        finally:
            os.close(tells_browser)
            os.close(hears_browser)
            process.terminate()
            process.wait(20)
            # Its children write a moment longer than it lives.
            time.sleep(0.3)
            shutil.rmtree(profile, ignore_errors=True)
            Path(profile).mkdir(exist_ok=True)


def main() -> int:
    address, image, target, *scheme = sys.argv[1:]
    with browsing() as page:
        page.look(scheme[0] if scheme else "light")
        page.open(address)
        page.choose_file("#file", Path(image))
        page.wait("document.getElementById('list').children.length + document.querySelectorAll('td').length > 0")
        time.sleep(0.3)
        page.picture(Path(target))
    return 0


if __name__ == "__main__":
    sys.exit(main())
