"""The folder of a studio: what it may look into, wherever it was started."""

from __future__ import annotations

from pathlib import Path

import pytest

from plx_train.ground.errors import UserError
from plx_train.studio.home import Home


def test_folders_are_meant_from_where_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, other = tmp_path / "root", tmp_path / "other"
    for folder in (root / "data", other / "data", tmp_path / "more"):
        folder.mkdir(parents=True)
    monkeypatch.chdir(other)
    home = Home(root, (root, tmp_path / "more"))
    assert home.given_folder("data") == root / "data" and home.given_folder("") == root
    assert home.given_folder(str(tmp_path / "more")) == tmp_path / "more"
    (root / "link").symlink_to(other)
    for wrong in ("../other/data", str(other), "link", "nothing", "/"):
        with pytest.raises(UserError):
            home.given_folder(wrong)
