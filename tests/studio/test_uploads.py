"""Files that a browser sends: whole or not there, within limits, never over another."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from kit.exporters import picture
from kit.processes import until
from kit.studios import StudioProcess, studio_in


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def studio(home: Path) -> Iterator[StudioProcess]:
    with studio_in(home, "studio.max_file_mb=1", "studio.max_data_gb=0.1") as process:
        yield process


def put(studio: StudioProcess, name: str, path: str, body: bytes) -> int:
    headers = {**studio.headers(), "Content-Type": "application/octet-stream"}
    return studio.request("PUT", f"/api/data/{name}/files?path={quote(path)}", body, headers)[0]


def test_files_come_one_by_one_and_are_never_overwritten(studio: StudioProcess, home: Path, tmp_path: Path) -> None:
    name = studio.post("/api/uploads", {"name": "my pets!"})["name"]
    image = picture(tmp_path / "a.png", 1).read_bytes()
    for place in ("cat/a.png", "cat/b c.png", "dog/ü.png"):
        assert put(studio, name, place, image) == 200
    assert put(studio, name, "cat/a.png", image) == 200
    for other in (b"other", image[:-1], image + b"x", image[:-1] + b"x"):
        assert put(studio, name, "cat/a.png", other) == 400
    assert studio.get(f"/api/data/{name}/files")["files"] == dict.fromkeys(
        ("cat/a.png", "cat/b c.png", "dog/ü.png"), len(image)
    )
    assert (home / "studio" / "data" / name / "files" / "cat" / "a.png").read_bytes() == image
    fitting = studio.get(f"/api/data/{name}/fitting")["modules"]
    assert fitting[0]["kind"] == "class" and fitting[0]["fits"]


@pytest.mark.parametrize(
    "path",
    ["../a.png", "/etc/x.png", "a/../../x.png", ".hidden", "a//b", "a\nb", "a\\b", "x" * 300, "a/" * 30 + "b", ""],
)
def test_other_places_are_refused(studio: StudioProcess, home: Path, path: str) -> None:
    name = studio.post("/api/uploads", {"name": "odd"})["name"]
    assert put(studio, name, path, b"x") in (400, 422)
    assert studio.get(f"/api/data/{name}/files")["files"] == {}


def test_too_much_is_refused(studio: StudioProcess, home: Path) -> None:
    name = studio.post("/api/uploads", {"name": "large"})["name"]
    assert put(studio, name, "large.bin", bytes((1 << 20) + 1)) == 400
    sent = 0
    while sent < 120 and put(studio, name, f"{sent}.bin", bytes(1 << 20)) == 200:
        sent += 1
    assert 95 <= sent <= 102
    assert not list((home / "studio" / "data" / name / "partial").iterdir())


def test_what_breaks_off_leaves_nothing(studio: StudioProcess, home: Path) -> None:
    name = studio.post("/api/uploads", {"name": "cut"})["name"]
    connection = http.client.HTTPConnection(studio.place)
    connection.putrequest("PUT", f"/api/data/{name}/files?path=a.bin")
    for key, value in {
        **studio.headers(),
        "Content-Type": "application/octet-stream",
        "Content-Length": "5000",
    }.items():
        connection.putheader(key, value)
    connection.endheaders()
    connection.send(b"x" * 1000)
    partial = home / "studio" / "data" / name / "partial"
    until(lambda: partial.is_dir() and any(partial.iterdir()))
    connection.close()
    until(lambda: not any(partial.iterdir()))
    assert studio.get(f"/api/data/{name}/files")["files"] == {}


def test_a_folder_of_this_machine_takes_no_files(studio: StudioProcess, home: Path) -> None:
    (home / "own").mkdir()
    name = studio.post("/api/data", {"root": str(home / "own")})["name"]
    assert put(studio, name, "a.png", b"x") == 400 and not any((home / "own").iterdir())
