"""Environment variables of the processes of one run: what the launcher must not see, what each rank gets."""

from __future__ import annotations

import os

from plx_train.config.options import DeviceOptions
from plx_train.ground.credentials import is_secret_variable
from plx_train.machine.hardware import usable_cores
from plx_train.machine.paddle_build import installed_paddle
from plx_train.machine.threads import THREAD_VARIABLES

READ_BY_THE_LAUNCHER = (
    *("POD_IP", "MASTER_ADDR", "MASTER_PORT", "PADDLE_MASTER", "PADDLE_DEVICES", "PADDLE_NNODES", "PADDLE_RUN_MODE"),
    *("PADDLE_LOG_LEVEL", "PADDLE_LOG_OVERWRITE", "PADDLE_SORT_IP", "PADDLE_NPROC_PER_NODE", "PADDLE_JOB_ID"),
    *("PADDLE_RANK", "PADDLE_LOG_DIR", "PADDLE_MAX_RESTART", "PADDLE_ELASTIC_LEVEL", "PADDLE_ELASTIC_TIMEOUT"),
    *("PADDLE_SERVER_NUM", "PADDLE_TRAINER_NUM", "PADDLE_SERVERS_ENDPOINTS", "PADDLE_TRAINERS_ENDPOINTS"),
    *("PADDLE_GLOO_PORT", "PADDLE_WITH_GLOO", "PADDLE_START_PORT", "PADDLE_IPS", "PADDLE_AUTO_PARALLEL_CONFIG"),
    *("PADDLE_AUTO_CLUSTER", "PADDLE_TRAINER_ID", "PADDLE_TRAINERS_NUM", "PADDLE_DISTRI_BACKEND", "FLAGS_FIXED_PORT"),
)
"""Variables that would go over its arguments, for instance left by a launcher that we run under."""


def launcher_environment(options: DeviceOptions, count: int) -> dict[str, str]:
    """Variables for the launcher, on a device that is resolved, with `count` processes on this machine.

    It writes all that it gets to a file, so passwords are not among them; ranks get theirs another way.
    """
    own = {name: value for name, value in os.environ.items() if name not in READ_BY_THE_LAUNCHER}
    found = {name: value for name, value in own.items() if not is_secret_variable(name, value)}
    if options.type != "cpu":
        return found
    # It wants an accelerator for each process where it sees any, and only looks at these variables for that.
    build = installed_paddle()
    kinds = ["CUDA", *(name.upper() for name in (build.plugins if build else ()))]
    hidden = ("XPU_VISIBLE_DEVICES", "XPULINK_VISIBLE_DEVICES")
    numbers = ",".join(str(number) for number in range(count))
    return {name: value for name, value in found.items() if name not in hidden} | {
        f"{kind}_VISIBLE_DEVICES": numbers for kind in kinds
    }


def rank_environment(options: DeviceOptions, count: int, local_rank: int, host: str) -> dict[str, str | None]:
    """What a rank gets besides the launcher's own variables; None takes one of these away.

    Args:
        host: this machine's address, which the others reach it by.
    """
    threads = str(options.threads or max(1, usable_cores() // count))
    settings: dict[str, str | None] = dict.fromkeys(THREAD_VARIABLES, threads)
    interface = _interface(host)
    if interface:
        settings["GLOO_SOCKET_IFNAME"] = interface
    if interface and options.nodes == 1:
        settings["NCCL_SOCKET_IFNAME"] = interface
    settings |= {name: value for name, value in os.environ.items() if name not in READ_BY_THE_LAUNCHER}
    if options.type == "cpu":
        absent: dict[str, str | None] = dict.fromkeys(("FLAGS_selected_gpus", "FLAGS_selected_xpus"))
        return settings | absent | {"PADDLE_DISTRI_BACKEND": "gloo"}
    # DCU builds call their cards gpu.
    kind = "gpu" if options.type == "dcu" else options.type
    return settings | {f"FLAGS_selected_{kind}s": str(options.ids[local_rank])}


def _interface(host: str) -> str | None:
    import psutil

    for name, addresses in psutil.net_if_addrs().items():
        if any(address.address == host for address in addresses):
            return str(name)
    return None
