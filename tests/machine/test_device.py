"""Device profiles: what is told without paddle, what device=auto picks, what is set before the import."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from plx_train.config.compose import compose_run
from plx_train.config.options import DeviceOptions
from plx_train.ground.errors import DeviceError
from plx_train.ground.places import conf_dir
from plx_train.machine import device as devices
from plx_train.machine import environment as device_environment
from plx_train.machine import hardware, paddle_build, threads
from plx_train.machine.determinism import determinism
from plx_train.machine.device import WHEELS, OpenDevice, check_device, open_device, resolve
from plx_train.machine.environment import environment, prepare_environment
from plx_train.machine.hardware import Cpu, Gpu
from plx_train.machine.paddle_build import PaddleBuild, installed_paddle
from plx_train.workflow.device import start_device

CPU_ONLY = PaddleBuild("3.3.1")
CARD = Gpu(0, "NVIDIA H100", 81559)
PROFILES = sorted(path.stem for path in (conf_dir() / "device").glob("*.yaml"))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    """Makes device.py see the given build of paddle and cards."""

    def pretend(build: PaddleBuild | None, *gpus: Gpu, cuda: str | None = None) -> None:
        monkeypatch.setattr(devices, "installed_paddle", lambda: build)
        monkeypatch.setattr(devices, "nvidia_gpus", lambda: list(gpus))
        monkeypatch.setattr(devices, "driver_cuda", lambda: cuda)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    return pretend


def profile(name: str, *overrides: str) -> DeviceOptions:
    return compose_run([f"device={name}", *overrides]).options.device


def test_there_is_a_profile_for_every_device_type() -> None:
    assert set(PROFILES) == {"auto", "cpu", *WHEELS}


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_named_like_its_file_and_composes(name: str) -> None:
    options = profile(name)

    assert (options.name, options.type) == (name, name)
    assert options.ids == [0]


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_opens_with_what_it_is_and_its_command(name: str) -> None:
    first, second, *_ = (conf_dir() / "device" / f"{name}.yaml").read_text("utf-8").splitlines()

    assert first.startswith("# ")
    assert second == f"# python -m plx_train module=text_det device={name}"
    if name in WHEELS:
        assert WHEELS[name] in first


@pytest.mark.parametrize("kind", sorted(WHEELS))
def test_a_device_that_is_not_there_names_what_to_install(kind: str, machine) -> None:
    machine(CPU_ONLY)

    with pytest.raises(DeviceError) as raised:
        check_device(profile(kind))

    message = str(raised.value)
    assert message.startswith(f"device={kind}: ")
    assert WHEELS[kind] in message
    assert "CPU only" in message
    assert "\n" not in message
    assert raised.value.exit_code == 2


def test_the_wheel_is_named_for_the_cuda_that_the_driver_runs(machine) -> None:
    machine(CPU_ONLY, CARD, cuda="12.8")

    with pytest.raises(DeviceError, match=r"paddlepaddle-gpu==3\.3\.1 in its place for CUDA 12\.8 or older"):
        check_device(profile("gpu"))


@pytest.mark.parametrize(
    ("kind", "build"),
    [
        ("gpu", PaddleBuild("3.3.1", cuda="12.6")),
        ("dcu", PaddleBuild("3.3.1", rocm=True)),
        ("xpu", PaddleBuild("3.3.1", xpu=True)),
        ("npu", PaddleBuild("3.3.1", plugins=("npu",))),
        ("metax_gpu", PaddleBuild("3.3.1", plugins=("metax_gpu",))),
    ],
)
def test_a_device_that_the_build_has_passes(kind: str, build: PaddleBuild, machine) -> None:
    machine(build)

    check_device(profile(kind))


def test_a_gpu_build_does_not_stand_for_a_dcu(machine) -> None:
    machine(PaddleBuild("3.3.1", cuda="12.6"))

    with pytest.raises(DeviceError, match="paddlepaddle-dcu"):
        check_device(profile("dcu"))


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["device.ids=[0,1]"], "a CPU is one device, say device.processes=2 instead"),
        (["device.ids=[1,1]"], "give each device once"),
        (["device.precision=bf16"], "fp32 on a CPU"),
        (["device.precision=fp16"], "fp32 on a CPU"),
    ],
)
def test_what_a_cpu_can_not_do_is_told(overrides: list[str], said: str, machine) -> None:
    machine(CPU_ONLY)

    with pytest.raises(DeviceError, match=said):
        check_device(profile("cpu", *overrides))


def test_missing_paddle_is_told(machine) -> None:
    machine(None)

    with pytest.raises(DeviceError, match="pip install paddlepaddle"):
        check_device(profile("auto"))


@pytest.mark.parametrize(
    ("build", "gpus", "picked"),
    [
        (PaddleBuild("3.3.1", cuda="12.6"), [CARD], "gpu"),
        (PaddleBuild("3.3.1", cuda="12.6"), [], "cpu"),
        (PaddleBuild("3.3.1"), [], "cpu"),
        (PaddleBuild("3.3.1", rocm=True), [], "dcu"),
        (PaddleBuild("3.3.1", plugins=("unknown", "gcu")), [], "gcu"),
    ],
)
def test_auto_picks_what_paddle_and_machine_have(build: PaddleBuild, gpus: list[Gpu], picked: str, machine) -> None:
    machine(build, *gpus)

    resolved, reason = resolve(profile("auto"), build)

    assert (resolved.name, resolved.type) == (picked, picked)
    assert "device=auto" in reason


def test_auto_says_why_a_card_is_not_used(machine) -> None:
    machine(CPU_ONLY, CARD)

    resolved, reason = resolve(profile("auto"), CPU_ONLY)

    assert resolved.type == "cpu"
    assert "H100" in reason
    assert "paddlepaddle-gpu" in reason


@pytest.mark.parametrize(
    ("asked", "picked"),
    [("", "cpu"), ("-1", "cpu"), ("7", "cpu"), ("-1,0", "cpu"), ("0", "gpu"), (" 0,9", "gpu"), ("GPU-8932f937", "gpu")],
)
def test_auto_leaves_hidden_cards_alone(asked: str, picked: str, machine, monkeypatch: pytest.MonkeyPatch) -> None:
    build = PaddleBuild("3.3.1", cuda="12.6")
    machine(build, CARD)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", asked)

    resolved, reason = resolve(profile("auto"), build)

    assert resolved.type == picked
    assert ("CUDA_VISIBLE_DEVICES hides" in reason) == (picked == "cpu")


def test_auto_takes_the_picked_profile_below_what_was_set_by_hand(machine) -> None:
    build = PaddleBuild("3.3.1", plugins=("npu",))
    machine(build)
    options = profile("auto", "device.num_workers=3", "+device.flags.use_stride_kernel=1", "device.ids=[2]")

    resolved, _ = resolve(options, build)

    npu = profile("npu")
    assert (resolved.num_workers, resolved.ids) == (3, [2])
    assert resolved.flags == npu.flags | {"use_stride_kernel": 1}
    assert (resolved.env, resolved.precision) == (npu.env, npu.precision)


def test_an_explicit_profile_is_taken_as_it_is() -> None:
    options = profile("cpu", "device.threads=4")

    assert resolve(options, CPU_ONLY) == (options, "as asked for")


@pytest.mark.parametrize(
    ("vendor", "flags", "expected"),
    [
        ("AuthenticAMD", {"avx2", "avx512f", "avx512bw", "avx512dq", "avx512vl"}, "7"),
        ("AuthenticAMD", {"avx2"}, "5"),
        ("AuthenticAMD", set(), None),
        ("GenuineIntel", {"avx2", "avx512f", "avx512bw", "avx512dq", "avx512vl"}, None),
        ("", set(), None),
    ],
)
def test_mkl_is_told_only_what_the_processor_has(
    vendor: str, flags: set[str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "cpu", lambda: Cpu("x", vendor, frozenset(flags)))

    assert environment(profile("cpu")).get("MKL_DEBUG_CPU_TYPE") == expected


def test_mkl_can_be_left_alone() -> None:
    assert "MKL_DEBUG_CPU_TYPE" not in environment(profile("cpu", "device.env.MKL_DEBUG_CPU_TYPE=''"))


def test_flags_and_threads_become_environment_variables() -> None:
    options = DeviceOptions(threads=3, flags={"use_stride_kernel": 0, "FLAGS_x": True}, env={"A": "b"})

    assert environment(options) == {
        "GLOG_minloglevel": "2",
        "OMP_NUM_THREADS": "3",
        "MKL_NUM_THREADS": "3",
        "FLAGS_use_stride_kernel": "0",
        "FLAGS_x": "True",
        "A": "b",
    }


@pytest.fixture
def loaded_paddle(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if paddle was loaded, nothing set before; what is set goes again."""
    monkeypatch.setattr(device_environment, "_keep_freed_memory", lambda: None)
    monkeypatch.setattr(device_environment, "_set_here", {})
    monkeypatch.setitem(sys.modules, "paddle", None)
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def test_what_the_user_has_set_wins(loaded_paddle: None) -> None:
    os.environ["OMP_NUM_THREADS"] = "7"

    late = prepare_environment(profile("cpu", "+device.env.PLX_TEST_VARIABLE=x"))

    assert "PLX_TEST_VARIABLE" in late and "OMP_NUM_THREADS" not in late
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert os.environ["PLX_TEST_VARIABLE"] == "x"


def test_what_a_run_has_set_does_not_bind_the_next(loaded_paddle: None) -> None:
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.pop(name, None)
    first = profile("cpu", "+device.env.PLX_TEST_VARIABLE=x")
    prepare_environment(first)
    assert prepare_environment(first) == []

    late = prepare_environment(profile("cpu", "device.threads=2"))

    assert late == ["PLX_TEST_VARIABLE"]
    assert "PLX_TEST_VARIABLE" not in os.environ
    assert (os.environ["OMP_NUM_THREADS"], os.environ["MKL_NUM_THREADS"]) == ("2", "2")


def test_the_device_is_checked_without_importing_paddle() -> None:
    code = (
        "import sys, time\n"
        "from plx_train.machine.device import check_device\n"
        "from plx_train.config.options import DeviceOptions\n"
        "check_device(DeviceOptions())\n"
        "assert 'paddle' not in sys.modules and 'mlflow' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_the_cpu_opens_and_says_what_it_is() -> None:
    opened = open_device(profile("cpu"))

    assert (opened.name, opened.type, opened.precision) == ("cpu", "cpu", "fp32")
    assert opened.num_workers >= 1
    assert opened.eval_threads >= 1
    assert opened.note.startswith("cpu (")
    assert open_device(profile("cpu", "device.num_workers=0")).num_workers == 0


@pytest.mark.parametrize(
    ("kind", "cores", "workers"), [("cpu", 1, 1), ("cpu", 2, 1), ("cpu", 64, 2), ("gpu", 1, 1), ("gpu", 64, 8)]
)
def test_loader_processes_fit_the_cores(kind: str, cores: int, workers: int) -> None:
    assert devices._default_workers(kind, cores) == workers


@pytest.mark.parametrize(
    ("wanted", "kind", "has_bf16", "expected"),
    [
        ("auto", "gpu", True, "bf16"),
        ("auto", "gpu", False, "fp32"),
        ("fp16", "gpu", False, "fp16"),
        ("fp32", "gpu", True, "fp32"),
        ("auto", "npu", True, "fp32"),
        ("bf16", "npu", False, "bf16"),
    ],
)
def test_auto_precision_is_what_the_card_has(
    wanted: str, kind: str, has_bf16: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paddle.amp.is_bfloat16_supported", lambda: has_bf16)

    assert devices._precision(wanted, kind) == expected


def test_bf16_on_a_card_without_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paddle.amp.is_bfloat16_supported", lambda: False)

    with pytest.raises(DeviceError, match=r"device\.precision=bf16: this card has no bf16"):
        devices._precision("bf16", "gpu")


def test_an_id_beyond_the_last_device_is_told(machine) -> None:
    machine(CPU_ONLY)

    with pytest.raises(DeviceError, match=r"device\.ids=\[3\]: paddle sees only 1, counted from 0"):
        open_device(profile("cpu", "device.ids=[3]"))


def test_a_build_without_a_working_card_is_told(machine) -> None:
    """Files of a GPU build, with the driver missing: paddle counts no card."""
    machine(PaddleBuild("3.3.1", cuda="12.6"))

    with pytest.raises(DeviceError, match="paddle sees none"):
        open_device(profile("gpu"))


@pytest.mark.parametrize(
    ("ids", "visible", "said"),
    [
        ([0, 1], None, None),
        ([0, 2], None, r"device\.ids=\[0, 2\]: only 2 of the cards can be used, counted from 0"),
        ([0], "1", None),
        ([0, 1], "1", "only 1 of the cards of CUDA_VISIBLE_DEVICES=1 can be used"),
    ],
)
def test_ids_beyond_the_cards_are_told_before_anything_starts(
    ids: list[int], visible: str | None, said: str | None, machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(PaddleBuild("3.3.1", cuda="12.6"), CARD, Gpu(1, "NVIDIA H100", 81559))
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    options = profile("gpu", f"device.ids={ids}")

    if said is None:
        check_device(options)
        return
    with pytest.raises(DeviceError, match=said):
        check_device(options)


@pytest.mark.parametrize(("local_rank", "own"), [(None, 4), ("0", 4), ("1", 6)])
def test_a_process_opens_the_id_of_its_own_rank(
    local_rank: str | None, own: int, machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(PaddleBuild("3.3.1", cuda="12.6"))
    opened: list[str] = []
    monkeypatch.setattr(devices, "_count", lambda kind: 8)
    monkeypatch.setattr(devices, "_model", lambda name, kind: "card")
    monkeypatch.setattr("paddle.set_device", opened.append)
    if local_rank is not None:
        monkeypatch.setenv("PADDLE_LOCAL_RANK", local_rank)

    assert open_device(profile("gpu", "device.ids=[4,6]", "device.precision=fp32")).name == f"gpu:{own}"
    assert opened == [f"gpu:{own}"]


def test_processes_of_one_machine_share_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "usable_cores", lambda: 4)
    monkeypatch.setenv("PADDLE_LOCAL_SIZE", "2")

    opened = open_device(profile("cpu"))

    assert opened.num_workers == 1
    assert environment(profile("cpu", "device.threads=null"))["OMP_NUM_THREADS"] == "2"


@pytest.mark.parametrize(("cores", "expected"), [(1, "1"), (3, "3"), (64, "4")])
def test_each_core_computes_as_far_as_there_is_something_to_do(
    monkeypatch: pytest.MonkeyPatch, cores: int, expected: str
) -> None:
    monkeypatch.setattr(threads, "usable_cores", lambda: cores)
    monkeypatch.delenv("PADDLE_LOCAL_SIZE", raising=False)

    assert environment(profile("cpu", "device.threads=null"))["OMP_NUM_THREADS"] == expected
    assert environment(profile("cpu", "device.threads=2"))["OMP_NUM_THREADS"] == "2"
    assert "OMP_NUM_THREADS" not in environment(profile("gpu"))


@pytest.mark.parametrize(("said", "count"), [("1", 1), ("2", 2), ("", 1)])
def test_several_threads_promise_the_same_bits(monkeypatch: pytest.MonkeyPatch, said: str, count: int) -> None:
    import paddle

    left: list[int] = []
    monkeypatch.setattr(paddle.base.core, "set_num_threads", left.append)
    monkeypatch.setenv("OMP_NUM_THREADS", said)

    opened = open_device(profile("cpu"))

    assert (opened.threads, opened.eval_threads) == (count, count)
    assert left == [1], "Paddle's own threads would add up in an order of theirs"
    assert (f"{count} threads" in opened.note) == (count > 1)
    assert determinism(compose_run([]).options, opened).level == "bitwise"


def test_threads_that_the_environment_forbids_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    opened = start_device(compose_run(["device=cpu", "device.threads=2", "device.conv_backend=native"]).options)

    assert opened.threads == 1
    assert "device.threads=2: OMP_NUM_THREADS=1, set by you" in capsys.readouterr().err


def test_paddle_does_not_warn_of_threads_that_were_asked_for() -> None:
    code = "from plx_train.machine.paddle_build import import_paddle; import_paddle().ones([1])"
    environment = os.environ | {"OMP_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert "OMP_NUM_THREADS" not in done.stderr


def fake_paddle(folder: Path, **constants: object) -> None:
    (folder / "paddle" / "version").mkdir(parents=True)
    (folder / "paddle" / "__init__.py").write_text("raise RuntimeError('was imported')")
    lines = [f"{name} = {value!r}\n" for name, value in constants.items()]
    (folder / "paddle" / "version" / "__init__.py").write_text("import inspect\n" + "".join(lines))


@pytest.mark.parametrize(
    ("constants", "expected"),
    [
        ({"cuda_version": "False", "hip_version": None, "xpu_xre_version": "False"}, PaddleBuild("3.3.1")),
        (
            {"cuda_version": "12.6", "hip_version": None, "xpu_xre_version": "False"},
            PaddleBuild("3.3.1", cuda="12.6"),
        ),
        ({"cuda_version": "False", "hip_version": "5.7.1"}, PaddleBuild("3.3.1", rocm=True)),
        ({"cuda_version": "False", "xpu_xre_version": "5.0.21"}, PaddleBuild("3.3.1", xpu=True)),
    ],
)
def test_a_build_is_read_from_paddles_version_file(
    constants: dict[str, object], expected: PaddleBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_paddle(tmp_path, full_version="3.3.1", **constants)
    found = paddle_build.importlib.util.spec_from_file_location(
        "paddle", tmp_path / "paddle" / "__init__.py", submodule_search_locations=[str(tmp_path / "paddle")]
    )
    monkeypatch.setattr(paddle_build.importlib.util, "find_spec", lambda name: found if name == "paddle" else None)

    assert installed_paddle() == expected


def test_plugins_are_found_by_their_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_paddle(tmp_path, full_version="3.3.1")
    (tmp_path / "paddle_custom_device").mkdir()
    for name in ("libpaddle-custom-npu.so", "libpaddle-iluvatar-gpu.so", "libother.so"):
        (tmp_path / "paddle_custom_device" / name).write_text("")
    spec = paddle_build.importlib.util.spec_from_file_location(
        "paddle", tmp_path / "paddle" / "__init__.py", submodule_search_locations=[str(tmp_path / "paddle")]
    )
    monkeypatch.setattr(paddle_build.importlib.util, "find_spec", lambda name: spec if name == "paddle" else None)

    build = installed_paddle()

    assert build is not None
    assert build.plugins == ("iluvatar_gpu", "npu")


def test_the_installed_paddle_is_the_one_that_python_imports() -> None:
    import paddle

    build = installed_paddle()

    assert build is not None
    assert build.version == paddle.__version__
    assert (build.cuda is not None) == paddle.is_compiled_with_cuda()
    assert build.rocm == paddle.is_compiled_with_rocm()
    assert build.xpu == paddle.is_compiled_with_xpu()


def test_cards_and_cuda_are_read_from_the_drivers_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(
        "#!/bin/sh\n"
        'case "$1" in --query*) echo "0, NVIDIA H100 80GB HBM3, 81559"; echo "1, Quadro, RTX, 24564";;\n'
        '*) echo "| NVIDIA-SMI 570.86  Driver Version: 570.86  CUDA Version: 12.8 |";; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    assert hardware.nvidia_gpus() == [Gpu(0, "NVIDIA H100 80GB HBM3", 81559), Gpu(1, "Quadro, RTX", 24564)]
    assert hardware.driver_cuda() == "12.8"


def test_a_driver_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(hardware, "ASK_SECONDS", 0.2)
    started = time.perf_counter()

    assert hardware.nvidia_gpus() == []
    assert time.perf_counter() - started < 20


def test_cores_are_at_least_one_and_within_the_machine() -> None:
    assert 1 <= hardware.usable_cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_holds_only_known_keys(name: str) -> None:
    content = yaml.safe_load((conf_dir() / "device" / f"{name}.yaml").read_text("utf-8"))

    assert set(content) <= {"name", "type", "ids", "precision", "num_workers", "threads", "flags", "env"}


def test_a_benchmark_tells_the_cards_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    import paddle

    from plx_train.modes.benchmark import device_memory

    asked = []
    monkeypatch.setattr(paddle.device.cuda, "max_memory_allocated", lambda name: asked.append(name) or 3 * 2**20)
    assert device_memory(OpenDevice("gpu:1", "gpu", "bf16", 4, 1, "")) == {"peak_device_memory_mib": 3.0}
    assert asked == ["gpu:1"]
    assert device_memory(OpenDevice("cpu", "cpu", "fp32", 1, 2, "")) == {}
