"""The README's Python example runs as it stands, on a network small enough for a test."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

import plx_train
from kit.pages import arguments, make_pages
from kit.places import ROOT

README = ROOT / "README.md"


@pytest.mark.long
def test_the_python_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    dataset = make_pages(tmp_path / "data")
    cv2.imwrite("page.jpg", np.full((96, 160, 3), 255, np.uint8))
    real = plx_train.run

    def small(overrides: list[str]) -> plx_train.RunResult:
        return real(arguments(dataset, tmp_path / "run", *overrides[:1], "trainer.max_steps=1"))

    monkeypatch.setattr(plx_train, "run", small, raising=False)
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})

    assert "4, 2)" in capsys.readouterr().out


def test_links_and_pictures_lead_somewhere() -> None:
    text = README.read_text("utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (README.parent / target).exists(), target
