"""The server's page spells out what the rest of the product does."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib import resources

import pytest

from plx_train.ground.characters import legible

SHOW = """
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map(shown)));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_page_spells_out_the_same() -> None:
    script = resources.files("plx_train.serving").joinpath("words.js").read_text("utf-8")
    # Later characters are known to one Unicode version and not to the other.
    places = [*range(0x3100), 0xFEFF, 0xD800, 0xDFFF, 0xFFA0, 0xFFF9, 0xE0001, 0xE007F, 0x1F680]
    texts = [f"a{chr(place)}b" for place in places if not 0xFE00 <= place <= 0xFE0F]
    texts += ["می\u200cخواهم", "👩\u200d🚀", "<b>&\"'", "\u200dא", "plain"]
    done = subprocess.run(
        ["node", "-e", script + SHOW], input=json.dumps(texts), capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(done.stdout) == [legible(text) for text in texts]
