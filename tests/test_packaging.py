"""What a user installs and starts: shipped files, pins, and the three scripts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from plx_train.ground import places as resources

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = [
    *sorted(path for path in (ROOT / "scripts").iterdir() if path.is_file() and path.suffix == ""),
    ROOT / ".ci" / "run",
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PYTHONS = ("3.10", "3.11", "3.12", "3.13")


def pins() -> list[Requirement]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def applies(requirement: Requirement, python: str) -> bool:
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def test_shipped_folders_are_those_of_the_checkout() -> None:
    assert resources.conf_dir() == ROOT / "conf"
    assert resources.datasets_dir() == ROOT / "datasets"
    assert (resources.conf_dir() / "config.yaml").is_file()


def test_shipped_folders_of_an_installed_package_lie_inside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "plx_train"
    (package / "conf").mkdir(parents=True)
    (package / "datasets").mkdir()
    monkeypatch.setattr(resources, "PACKAGE", package)

    assert resources.conf_dir() == package / "conf"
    assert resources.datasets_dir() == package / "datasets"


@pytest.mark.parametrize("path", sorted((ROOT / "conf").rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_configuration_says_what_it_is_for(path: Path) -> None:
    comments = [line for line in path.read_text("utf-8").splitlines()[:2] if line.startswith("# ")]
    assert [line for line in comments if not line.startswith("# @package")], "first comment: what it is for"


@pytest.mark.parametrize("python", PYTHONS)
def test_every_dependency_has_one_pin_that_it_allows(python: str) -> None:
    pinned = {}
    for pin in pins():
        if applies(pin, python):
            assert canonical(pin.name) not in pinned, f"{pin.name} is pinned twice for Python {python}"
            pinned[canonical(pin.name)] = pin

    extras = PROJECT["optional-dependencies"]
    for line in [*PROJECT["dependencies"], *(item for extra in extras.values() for item in extra)]:
        wanted = Requirement(line)
        if not applies(wanted, python):
            continue
        version = str(pinned[canonical(wanted.name)].specifier).removeprefix("==")
        assert wanted.specifier.contains(version), f"{wanted} does not allow the pin {version}"


def test_constraints_are_exact_and_name_no_place() -> None:
    for pin in pins():
        assert pin.url is None, pin
        assert re.fullmatch(r"==[0-9][\w.]*", str(pin.specifier)), pin
    text = (ROOT / "constraints.txt").read_text("utf-8")
    assert not re.search(r"^\s*-|://|@|/", text, re.MULTILINE)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_start(script: Path) -> None:
    assert os.access(script, os.X_OK), "git update-index --chmod=+x"
    subprocess.run(["bash", "-n", str(script)], check=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with a space that has the scripts and a project that needs nothing."""
    root = tmp_path / "fresh clone"
    (root / "scripts").mkdir(parents=True)
    for name in ("setup", "run"):
        (root / "scripts" / name).write_bytes((ROOT / "scripts" / name).read_bytes())
        (root / "scripts" / name).chmod(0o755)
    (root / "pyproject.toml").write_text("[project]\nname = 'plx_train'\n")
    (root / "constraints.txt").write_text("")
    return root


def start(script: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    # Without uv, so that every machine tests the same.
    path = os.pathsep.join(place for place in os.environ["PATH"].split(os.pathsep) if not Path(place, "uv").exists())
    return subprocess.run(
        [str(script)],
        env={**os.environ, "PATH": path, **environment},
        cwd=script.parents[2],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_setup_names_a_python_that_does_not_fit(checkout: Path) -> None:
    done = start(checkout / "scripts" / "run", PYTHON="/no/such/python")
    assert done.returncode == 1
    assert "PYTHON=/no/such/python is not a Python of version 3.10 to 3.13" in done.stderr
    assert not (checkout / ".setup.lock").exists()


def test_setup_that_fails_says_so_and_is_tried_again(checkout: Path) -> None:
    (checkout / "pyproject.toml").write_text("[project\n")
    for _ in range(2):
        done = start(checkout / "scripts" / "setup", PYTHON=sys.executable)
        assert done.returncode == 1
        assert "setting up .venv failed" in done.stderr
        assert done.stdout == ""
        assert not list((checkout / ".venv").glob(".installed-*"))


def test_setup_that_was_interrupted_leaves_no_lock_that_holds(checkout: Path) -> None:
    (checkout / ".setup.lock").mkdir()
    # A process that has ended: no other start is at work.
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (checkout / ".setup.lock" / "pid").write_text(str(ended.pid))
    done = start(checkout / "scripts" / "setup", PYTHON="/no/such/python")
    assert "is not a Python" in done.stderr
