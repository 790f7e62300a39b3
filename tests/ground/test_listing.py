"""What a folder holds is read or told: links, pipes, folders with a file's name."""

from __future__ import annotations

import os
from pathlib import Path

from plx_train.ground.listing import files_in

SUFFIXES = {".png", ".jpg"}


def test_files_of_a_kind_in_order_and_what_else_there_is(tmp_path: Path) -> None:
    for name in ("b/x.png", "a.PNG", "notes.md", "b/.hidden.jpg", "b/c/readme"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    found = files_in(tmp_path, SUFFIXES)
    assert list(found.files) == ["a.PNG", "b/.hidden.jpg", "b/x.png"]
    assert found.faults == () and dict(found.others) == {".md": 1, "": 1}
    assert files_in(tmp_path, {".tif"}).is_empty


def test_what_looks_like_a_file_and_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "album.jpg").mkdir()
    (tmp_path / "album.jpg" / "in.png").write_text("x")
    (tmp_path / "dead.png").symlink_to(tmp_path / "gone.png")
    (tmp_path / "more").symlink_to(tmp_path / "gone")
    (tmp_path / "dead.md").symlink_to(tmp_path / "gone")
    os.mkfifo(tmp_path / "pipe.png")
    found = files_in(tmp_path, SUFFIXES)
    assert list(found.files) == ["album.jpg/in.png"]
    told = "\n".join(map(str, found.faults))
    assert len(found.faults) == 4
    for part in ("album.jpg is a folder", "dead.png is a link to", "more is a link to", "pipe.png is no file"):
        assert part in told


def test_links_to_folders_are_followed_and_never_round_in_circles(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "far.png").write_text("x")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "linked").symlink_to(tmp_path / "other")
    (folder / "up").symlink_to(tmp_path)
    (tmp_path / "other" / "back").symlink_to(folder)
    found = files_in(folder, SUFFIXES)
    assert list(found.files) == ["linked/far.png"]
    assert [str(fault).split(" is ")[0] for fault in found.faults] == [
        str(folder / "linked" / "back"),
        str(folder / "up"),
    ]
