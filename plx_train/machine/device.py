"""Hardware profiles: what can be told before paddle is imported, and the device it then runs on."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace

import yaml

from plx_train.config.options import DeviceOptions
from plx_train.ground.errors import DeviceError
from plx_train.ground.places import conf_dir
from plx_train.machine.hardware import cpu, driver_cuda, is_any_visible, nvidia_gpus
from plx_train.machine.paddle_build import PaddleBuild, import_paddle, installed_paddle
from plx_train.machine.threads import num_threads, own_cores

MAX_WORKERS = 8
MAX_CPU_WORKERS = 2
MAX_EVAL_THREADS = 4
TESTED_PADDLE = "3.3.1"
WHEELS = {
    "gpu": "paddlepaddle-gpu",
    "dcu": "paddlepaddle-dcu",
    "xpu": "paddlepaddle-xpu",
    "npu": "paddle-custom-npu",
    "mlu": "paddle-custom-mlu",
    "gcu": "paddle-custom-gcu",
    "metax_gpu": "paddle-metax-gpu",
    "iluvatar_gpu": "paddle-iluvatar-gpu",
}
"""Device types and what brings each of them to Paddle; those after xpu are plug-ins beside paddlepaddle."""
REPLACING = ("gpu", "dcu", "xpu")
"""Types whose wheel is a PaddlePaddle of its own, in place of paddlepaddle."""
LOCAL_RANK = "PADDLE_LOCAL_RANK"
"""Variable of Paddle's launcher: which process of this machine this is."""


@dataclass(frozen=True)
class OpenDevice:
    """The device a run is on.

    Attributes:
        name: as paddle writes it: ``cpu``, ``gpu:0``.
        type: without the index.
        precision: fp32, bf16 or fp16.
        num_workers: loader processes.
        eval_threads: samples evaluated at once.
        note: what was picked and why, for people.
        threads: that compute on a CPU, blocks of a batch or samples side by side.
    """

    name: str
    type: str
    precision: str
    num_workers: int
    eval_threads: int
    note: str
    threads: int = 1


def check_device(options: DeviceOptions) -> None:
    """What can be told of a device without importing paddle, in milliseconds.

    Raises:
        DeviceError: it is not there.
    """
    if not options.ids or min(options.ids) < 0 or len(set(options.ids)) < len(options.ids):
        raise DeviceError(f"device.ids={options.ids}: give each device once, counted from 0, for example [0,1]")
    build = installed_paddle()
    if build is None:
        raise DeviceError(f"paddle is not installed: pip install paddlepaddle=={TESTED_PADDLE}")
    resolved, _ = resolve(options, build)
    if resolved.type != "cpu" and not _is_in_build(resolved.type, build):
        raise DeviceError(f"device={options.name}: {build.sentence} is installed; {what_to_install(resolved.type)}")
    if resolved.type == "cpu" and resolved.precision not in ("auto", "fp32"):
        raise DeviceError(f"device.precision={resolved.precision}: paddle computes in fp32 on a CPU, say fp32 or auto")
    _check_convolutions(resolved)
    if resolved.type == "cpu" and len(options.ids) > 1:
        raise DeviceError(
            f"device.ids={options.ids}: a CPU is one device, say device.processes={len(options.ids)} instead"
        )
    if resolved.type == "gpu":
        _check_cards(options.ids)


def _check_convolutions(options: DeviceOptions) -> None:
    backend, precision = options.conv_backend, options.conv_precision
    if options.type != "cpu" and (backend == "onednn" or precision != "fp32"):
        raise DeviceError(f"device.conv_backend and conv_precision are for a CPU, not for device={options.name}")
    if backend == "native" and precision != "fp32":
        raise DeviceError(f"device.conv_precision={precision} needs device.conv_backend=onednn: Paddle has fp32 alone")


def _check_cards(ids: list[int]) -> None:
    cards = nvidia_gpus() if max(ids) > 0 else []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = len(cards) if visible is None else min(len(cards), len(visible.split(",")))
    # Without an answer from the driver's program, paddle tells it when the device is opened.
    if cards and max(ids) >= count:
        hidden = "" if visible is None else f" of CUDA_VISIBLE_DEVICES={visible}"
        raise DeviceError(f"device.ids={ids}: only {count} of the cards{hidden} can be used, counted from 0")


def what_to_install(kind: str) -> str:
    """Half a sentence that names the wheel a device type needs."""
    wheel = WHEELS[kind]
    place = "see PaddlePaddle's install page for its address"
    if kind not in REPLACING:
        return f"install the plug-in {wheel} that fits it ({place}), or say device=cpu"
    version = f"=={TESTED_PADDLE}" if kind == "gpu" else ""
    cuda = driver_cuda() if kind == "gpu" else None
    fitting = f" for CUDA {cuda} or older, which the driver runs" if cuda else ""
    return f"install {wheel}{version} in its place{fitting} ({place}), or say device=cpu"


def resolve(options: DeviceOptions, build: PaddleBuild) -> tuple[DeviceOptions, str]:
    """The profile that ``device=auto`` stands for, below what was set by hand, and why it was picked."""
    if options.type != "auto":
        return options, "as asked for"
    kind, reason = _find_accelerator(build)
    profile = yaml.safe_load((conf_dir() / "device" / f"{kind}.yaml").read_text("utf-8"))
    plain = DeviceOptions()
    chosen = {
        field.name: profile[field.name]
        for field in fields(options)
        if field.name in profile and getattr(options, field.name) == getattr(plain, field.name)
    }
    merged = {name: profile.get(name, {}) | getattr(options, name) for name in ("flags", "env")}
    return replace(options, **(chosen | merged | {"name": profile["name"], "type": profile["type"]})), reason


def _find_accelerator(build: PaddleBuild) -> tuple[str, str]:
    gpus = nvidia_gpus()
    if build.cuda and is_any_visible(gpus):
        return "gpu", "found by device=auto"
    others = ["dcu"] * build.rocm + ["xpu"] * build.xpu + [name for name in build.plugins if name in WHEELS]
    if others:
        return others[0], "found by device=auto"
    if gpus and build.cuda:
        return "cpu", f"CUDA_VISIBLE_DEVICES hides the {gpus[0].name} from device=auto"
    if gpus:
        return "cpu", f"this PaddlePaddle can't use the {gpus[0].name}: {what_to_install('gpu')}"
    return "cpu", "device=auto found no accelerator"


def _is_in_build(kind: str, build: PaddleBuild) -> bool:
    built_in = {"gpu": build.cuda is not None, "dcu": build.rocm, "xpu": build.xpu}
    return built_in.get(kind, False) or kind in build.plugins


def open_device(options: DeviceOptions) -> OpenDevice:
    """Has paddle run on the device.

    Raises:
        DeviceError: it is not there, or can't compute in the precision asked for.
    """
    check_device(options)
    build = installed_paddle()
    assert build is not None, "check_device has looked"
    resolved, reason = resolve(options, build)
    paddle = import_paddle()
    kind, index = resolved.type, _own_id(resolved)
    # DCU builds call their cards gpu.
    name = "cpu" if kind == "cpu" else f"{'gpu' if kind == 'dcu' else kind}:{index}"
    count = _count(kind)
    if index >= count:
        seen = f"only {count}, counted from 0" if count else "none: look at the driver and the visible devices"
        raise DeviceError(f"device={options.name} device.ids={options.ids}: paddle sees {seen}")
    try:
        paddle.set_device(name)
    except Exception as error:  # Paddle raises many kinds.
        last = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise DeviceError(f"device={options.name}: {name} can't be opened: {last}") from None
    precision = _precision(resolved.precision, kind)
    cores = own_cores()
    workers = _default_workers(kind, cores) if resolved.num_workers is None else resolved.num_workers
    threads = num_threads()
    # Sums of Paddle's threads come out in an order of their own; a predictor before in this process may have left some.
    paddle.base.core.set_num_threads(1 if kind == "cpu" else threads)
    eval_threads = min(threads, MAX_EVAL_THREADS) if kind == "cpu" else 1
    hardware = _hardware(name, kind, cores, threads)
    note = f"{name} ({hardware}), {precision}, {workers} loader workers; {reason}"
    return OpenDevice(name, kind, precision, workers, eval_threads, note, threads)


def _own_id(options: DeviceOptions) -> int:
    """The id that belongs to this process among those that train on this machine."""
    return options.ids[0] if options.type == "cpu" else options.ids[int(os.environ.get(LOCAL_RANK, "0"))]


def _default_workers(kind: str, cores: int) -> int:
    # On a CPU a step takes far longer than its samples, and each worker keeps images in memory.
    return max(1, min(cores - 1, MAX_CPU_WORKERS if kind == "cpu" else MAX_WORKERS))


def _hardware(name: str, kind: str, cores: int, threads: int) -> str:
    model = cpu().model if kind == "cpu" else _model(name, kind)
    return f"{model}, {cores} CPU cores" + (f", {threads} threads" if threads > 1 else "")


def _model(name: str, kind: str) -> str:
    import paddle

    if kind in ("gpu", "dcu"):
        return str(paddle.device.cuda.get_device_name(int(name.partition(":")[2])))
    return kind


def _count(kind: str) -> int:
    import paddle

    if kind == "cpu":
        return 1
    if kind in ("gpu", "dcu"):
        return int(paddle.device.cuda.device_count())
    if kind == "xpu":
        return int(paddle.device.xpu.device_count())
    shown = paddle.device.get_available_custom_device() or []
    # Where there is a single one it is shown without its index.
    return len([item for item in shown if item.partition(":")[0] == kind])


def _precision(wanted: str, kind: str) -> str:
    import paddle

    if wanted not in ("auto", "bf16") or kind != "gpu":
        return "fp32" if wanted == "auto" else wanted
    # Detection heads overflow fp16; bf16 has the range of fp32.
    if paddle.amp.is_bfloat16_supported():
        return "bf16"
    if wanted == "bf16":
        raise DeviceError("device.precision=bf16: this card has no bf16, say fp32 or auto")
    return "fp32"
