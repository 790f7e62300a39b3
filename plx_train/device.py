"""Hardware profiles: what is set before paddle is imported, and the device it then runs on."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import warnings
from dataclasses import dataclass
from pathlib import Path

from plx_train.errors import DeviceError
from plx_train.options import DeviceOptions

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Parameters of glibc's mallopt."""
CUSTOM_TYPES = ("xpu", "npu", "mlu", "gcu", "metax_gpu", "iluvatar_gpu")
MAX_WORKERS = 8
MAX_EVAL_THREADS = 4


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
    """

    name: str
    type: str
    precision: str
    num_workers: int
    eval_threads: int
    note: str


def check_device(options: DeviceOptions) -> None:
    """What can be told of a device without importing paddle.

    Raises:
        DeviceError: it is not there.
    """
    if len(options.ids) != 1 or options.ids[0] < 0:
        raise DeviceError(f"device.ids={options.ids}: training on several devices is not built yet, give one id")
    build = paddle_build()
    if build is None:
        raise DeviceError("paddle is not installed: pip install paddlepaddle==3.3.1")
    if options.type in ("gpu", "dcu") and build == "cpu":
        raise DeviceError(
            f"device={options.name}: the installed paddle has no GPU support; install paddlepaddle-gpu instead of "
            f"paddlepaddle{_for_found_cuda()}, from the index that paddlepaddle.org.cn names, or say device=cpu"
        )


def paddle_build() -> str | None:
    """``cpu``, ``cuda`` or None, read from paddle's version file: importing it takes seconds."""
    spec = importlib.util.find_spec("paddle")
    if spec is None or not spec.origin:
        return None
    version = Path(spec.origin).parent / "version" / "__init__.py"
    text = version.read_text("utf-8") if version.is_file() else ""
    return "cuda" if re.search(r"with_gpu\s*=\s*['\"]ON", text) else "cpu"


def _for_found_cuda() -> str:
    program = shutil.which("nvidia-smi")
    if not program:
        return ""
    shown = subprocess.run([program], capture_output=True, text=True, check=False).stdout
    found = re.search(r"CUDA Version: *(\d+\.\d+)", shown)
    return f" (this driver runs CUDA {found[1]})" if found else ""


def prepare_environment(options: DeviceOptions) -> None:
    """Sets what libraries read when they are loaded; call it before paddle is imported. What the user set wins."""
    settings = {"GLOG_minloglevel": "2", **options.env}
    if options.threads is not None:
        settings |= {"OMP_NUM_THREADS": str(options.threads), "MKL_NUM_THREADS": str(options.threads)}
    if options.type in ("cpu", "auto") and _is_amd_with_avx512():
        # Paddle's MKL takes a slow path on AMD; 7 names the AVX-512 one.
        settings["MKL_DEBUG_CPU_TYPE"] = "7"
    settings |= {f"FLAGS_{name}": str(value) for name, value in options.flags.items()}
    for name, value in settings.items():
        os.environ.setdefault(name, value)
    _keep_freed_memory()
    warnings.filterwarnings("ignore", message="No ccache found")


def _is_amd_with_avx512() -> bool:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return False
    return "AuthenticAMD" in text and "avx512f" in text


def _keep_freed_memory() -> None:
    """Has glibc keep freed memory: giving every large tensor back to the kernel costs a page fault for each page."""
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(M_MMAP_MAX, 0)
    libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def open_device(options: DeviceOptions) -> OpenDevice:
    """Has paddle run on the device.

    Raises:
        DeviceError: it is not there, or can't compute in the precision asked for.
    """
    import paddle

    kind, reason = _pick(options)
    index = options.ids[0]
    name = "cpu" if kind == "cpu" else f"{'gpu' if kind == 'dcu' else kind}:{index}"
    count = _count(kind)
    if kind != "cpu" and index >= count:
        raise DeviceError(f"device.ids=[{index}]: there are {count} {kind} devices, counted from 0")
    try:
        paddle.set_device(name)
    except Exception as error:  # noqa: BLE001 - paddle raises many kinds
        raise DeviceError(f"{name} can't be opened: {str(error).strip().splitlines()[-1]}") from None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = options.num_workers
    if workers is None:
        workers = max(1, cores - 1) if kind != "cpu" else max(1, cores // 2)
    precision = _precision(options.precision, kind)
    note = f"{name}, {precision}, {reason}"
    eval_threads = min(cores, MAX_EVAL_THREADS) if kind == "cpu" else 1
    return OpenDevice(name, kind, precision, min(workers, MAX_WORKERS) if options.num_workers is None else workers,
                      eval_threads, note)  # fmt: skip


def _pick(options: DeviceOptions) -> tuple[str, str]:
    import paddle

    if options.type == "auto":
        if paddle.is_compiled_with_cuda() and paddle.device.cuda.device_count() > 0:
            return "gpu", "found by device=auto"
        found = [kind for kind in paddle.device.get_all_custom_device_type() or [] if kind in CUSTOM_TYPES]
        if found:
            return found[0], "found by device=auto"
        return "cpu", "device=auto found no accelerator"
    if options.type in CUSTOM_TYPES and options.type not in (paddle.device.get_all_custom_device_type() or []):
        is_built_in = options.type == "xpu" and paddle.is_compiled_with_xpu()
        if not is_built_in:
            raise DeviceError(
                f"device={options.name}: this paddle has no {options.type} support; install the plugin "
                f"paddle-{options.type.replace('_', '-')} that fits paddle {paddle.__version__}, or say device=cpu"
            )
    return options.type, "as asked for"


def _count(kind: str) -> int:
    import paddle

    if kind in ("gpu", "dcu"):
        return paddle.device.cuda.device_count()
    if kind == "cpu":
        return 1
    return len([name for name in paddle.device.get_available_device() if name.partition(":")[0] == kind])


def _precision(wanted: str, kind: str) -> str:
    import paddle

    if kind == "cpu":
        if wanted not in ("auto", "fp32"):
            raise DeviceError(f"device.precision={wanted}: paddle computes in fp32 on a CPU, say fp32 or auto")
        return "fp32"
    if wanted != "auto":
        return wanted
    # Detection heads overflow fp16; bf16 has the range of fp32.
    return "bf16" if paddle.amp.is_bfloat16_supported() else "fp32"
