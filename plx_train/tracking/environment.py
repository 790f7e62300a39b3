"""What a run ran on, as tags."""

from __future__ import annotations

import platform
import socket
import subprocess
from importlib import metadata
from pathlib import Path

GIT_SECONDS = 3.0

DISTRIBUTIONS = {
    "paddle": ("paddlepaddle", "paddlepaddle-gpu"),
    "numpy": ("numpy",),
    "opencv": (
        "opencv-python-headless",
        "opencv-python",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
    ),
    "hydra": ("hydra-core",),
    "mlflow": ("mlflow", "mlflow-skinny"),
}


def environment_tags(repo_dir: Path) -> dict[str, str]:
    """Host, platform, package versions, and the git state of `repo_dir` and of plx_train's own checkout.

    No user name and no environment variable is read. Nothing is imported and nothing raises; what can't be
    found out is left out.
    """
    tags = {
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "version.python": platform.python_version(),
        "version.plx_train": _own_version(),
    }
    for name, distributions in DISTRIBUTIONS.items():
        version = _version(distributions)
        if version:
            tags[f"version.{name}"] = version
    here = git_state(repo_dir)
    if here:
        tags |= {
            "git.commit": here[0],
            "git.dirty": str(here[1]).lower(),
            "mlflow.source.git.commit": here[0],
        }
    own = git_state(Path(__file__).parent)
    if own and own != here:
        tags |= {"plx_train.git.commit": own[0], "plx_train.git.dirty": str(own[1]).lower()}
    return tags


def git_state(folder: Path) -> tuple[str, bool] | None:
    """(commit, whether tracked files have changed) of the checkout around `folder`; None outside of one."""
    if not _git(folder, "ls-files", "."):
        return None
    commit = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return (commit.strip(), bool(changes)) if commit and changes is not None else None


def _git(folder: Path, *arguments: str) -> str | None:
    # GIT_OPTIONAL_LOCKS: a reader must not disturb a git command the user runs at the same time.
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=GIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _own_version() -> str:
    from plx_train import __version__

    return __version__


def _version(distributions: tuple[str, ...]) -> str | None:
    for name in distributions:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None
