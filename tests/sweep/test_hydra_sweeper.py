"""Hydra's own test suites, on our sweeper; and a search in a Hydra program that knows nothing of plx_train."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hydra import version
from hydra.core.plugins import Plugins
from hydra.test_utils.launcher_common_tests import BatchedSweeperTestSuite, IntegrationTestSuite, LauncherTestSuite
from hydra.version import VersionBase

import plx_train

SWEEPER = "hydra/sweeper=plx"
PROGRAM = """
import hydra
from omegaconf import DictConfig


@hydra.main(version_base="1.3", config_path=None)
def main(config: DictConfig) -> float:
    if config.kind == "bad":
        raise ValueError("this one fails")
    return -((config.x - 0.3) ** 2) - (config.kind == "b")


main()
"""


@pytest.fixture(autouse=True, scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Puts the plugin where the wheel has it, for this process and those it starts."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "hydra_plugins").mkdir()
    package = Path(plx_train.__file__).parent
    shutil.copy(package / "sweep" / "hydra_plugin.py", folder / "hydra_plugins" / "plx_sweeper.py")
    # Looking for plugins, Hydra makes its own sweepers anew: ours must come after them, as it does in a program.
    plugins = Plugins.instance()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(
            "PYTHONPATH", os.pathsep.join([str(folder), str(package.parent), os.environ.get("PYTHONPATH", "")])
        )
        patch.syspath_prepend(str(folder))
        # Its suites are for programs that say nothing of a version; other tests have said 1.3.
        patch.setattr(VersionBase.instance(), "version_base", version._get_version("1.1"))
        plugins.register(importlib.import_module("hydra_plugins.plx_sweeper").PlxSweeper)
        yield


@pytest.mark.parametrize("launcher_name, overrides", [("basic", [SWEEPER])])
class TestLauncher(LauncherTestSuite):
    pass


@pytest.mark.parametrize("launcher_name, overrides", [("basic", [SWEEPER, "hydra.sweeper.max_batch_size=2"])])
class TestBatches(BatchedSweeperTestSuite):
    pass


@pytest.mark.slow
@pytest.mark.parametrize("task_launcher_cfg, extra_flags", [({}, ["-m", SWEEPER])])
class TestIntegration(IntegrationTestSuite):
    pass


def program(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "app.py").write_text(PROGRAM)
    command = [sys.executable, "app.py", "-m", SWEEPER, "hydra.sweep.dir=out", "hydra.verbose=false", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_search_in_any_hydra_program_finds_the_best_and_goes_on(tmp_path: Path) -> None:
    search = ["hydra.sweeper.sampler=tpe", "hydra.sweeper.workers=2", "+x=interval(0.0,1.0)", "+kind=choice(a,b)"]
    done = program(tmp_path, *search, "hydra.sweeper.trials=16")
    assert done.returncode == 0, done.stderr
    results = yaml.safe_load((tmp_path / "out" / "optimization_results.yaml").read_text())
    assert results["best"][0]["params"]["kind"] == "a"
    assert abs(results["best"][0]["params"]["x"] - 0.3) < 0.3
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.name.isdigit()) == sorted(
        map(str, range(16))
    )
    more = program(tmp_path, *search, "hydra.sweeper.trials=18")
    assert more.returncode == 0, more.stderr
    assert (tmp_path / "out" / "17").is_dir()
    assert "#0" not in more.stdout, "what is done is not done again"


def test_a_failing_job_ends_the_search_unless_it_may(tmp_path: Path) -> None:
    search = ["hydra.sweeper.sampler=random", "hydra.sweeper.trials=6", "+x=interval(0.0,1.0)", "+kind=choice(a,bad)"]
    (tmp_path / "strict").mkdir()
    assert program(tmp_path / "strict", *search).returncode != 0
    (tmp_path / "loose").mkdir()
    loose = program(tmp_path / "loose", *search, "hydra.sweeper.max_failures=null")
    assert loose.returncode == 0, loose.stderr


def test_a_program_repeats_nothing_and_mixes_nothing(tmp_path: Path) -> None:
    search = ["hydra.sweeper.sampler=tpe", "hydra.sweeper.trials=9", "+x=choice(0.1,0.3)"]
    done = program(tmp_path, *search, "+kind=choice(a,b)")
    assert done.returncode == 0, done.stderr
    assert sum(path.name.isdigit() for path in (tmp_path / "out").iterdir()) == 4
    other = program(tmp_path, *search, "+kind=choice(a,b,c)")
    assert other.returncode != 0
    assert "kind=a,b,c (was a,b); give another hydra.sweeper.study_name" in other.stderr
