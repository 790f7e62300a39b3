"""int8: what is written runs, is nearly the same, says what it lost, and is taken for nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import plx_train
from kit.tiny_detector import TinyDetector, draw_page
from plx_train.export.quantize import engines_as_good, write_quantized
from plx_train.export.static_model import StaticModel
from plx_train.export.write import write_export
from plx_train.ground.errors import UserError
from plx_train.modes.quantize import Loss
from plx_train.pipelines.load import _load_part
from plx_train.registry.candidate import read_candidate
from plx_train.runs.exported import file_hashes, is_export, is_onnx_only


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An export and its int8 version."""
    pytest.importorskip("paddle2onnx")
    pytest.importorskip("onnxruntime.quantization")
    root = tmp_path_factory.mktemp("int8")
    module = TinyDetector()
    write_export(module, module.processor, root / "export", "PP-OCRv4_mobile_det", {})
    rng = np.random.default_rng(0)
    inputs = [(module.processor.preprocess(draw_page(rng)[0])[0][None],) for _ in range(3)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLX_TRAIN_CACHE", str(root / "cache"))
        write_quantized(root / "export", root / "export_int8", inputs)
    return root / "export", root / "export_int8"


def test_weights_and_activations_are_int8(made: tuple[Path, Path]) -> None:
    import onnx

    graph = onnx.load(str(made[1] / "inference.onnx")).graph
    kinds = [node.op_type for node in graph.node]
    assert kinds.count("QuantizeLinear") >= 1 and kinds.count("DequantizeLinear") >= 2
    assert any(one.data_type == onnx.TensorProto.INT8 and len(one.dims) == 4 for one in graph.initializer)
    assert sorted(path.name for path in made[1].iterdir()) == ["inference.onnx", "inference.yml"]


@pytest.mark.parametrize("engine", ["auto", "onnx", "openvino"])
def test_it_finds_the_same_text(made: tuple[Path, Path], engine: str) -> None:
    if engine == "openvino":
        pytest.importorskip("openvino")
    export, int8 = made
    page, labels = draw_page(np.random.default_rng(7))
    found = plx_train.Predictor(int8, engine=engine, threads=1).predict(page)
    wanted = plx_train.Predictor(export, threads=1).predict(page)
    assert len(found) == len(wanted) == len(labels)
    assert np.abs(np.asarray(found.quads) - np.asarray(wanted.quads)).max() <= 2


def test_one_odd_sample_takes_no_steps_from_the_others(
    made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLX_TRAIN_CACHE", str(tmp_path / "cache"))
    module, rng = TinyDetector(), np.random.default_rng(0)
    pages = [module.processor.preprocess(draw_page(rng)[0])[0][None] for _ in range(10)]
    write_quantized(made[0], tmp_path / "int8", [(page,) for page in [*pages[:9], 50 * pages[9]]])
    assert _step_of_input(tmp_path / "int8") < 10 * _step_of_input(made[1])


def _step_of_input(folder: Path) -> float:
    from onnx import load, numpy_helper

    graph = load(str(folder / "inference.onnx")).graph
    reader = next(node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] == "x")
    return float(numpy_helper.to_array(next(one for one in graph.initializer if one.name == reader.input[1])))


def test_it_is_an_export_that_paddle_cannot_run(made: tuple[Path, Path]) -> None:
    assert is_export(made[1]) and is_onnx_only(made[1]) and not is_onnx_only(made[0])
    for run in (StaticModel, plx_train.Predictor):
        with pytest.raises(UserError, match=r"inference\.onnx alone.*take engine=onnx or engine=openvino"):
            run(made[1])


def test_it_is_not_promoted(made: tuple[Path, Path]) -> None:
    with pytest.raises(UserError, match=r"is an int8 export.*only the export that it was made of can be promoted"):
        read_candidate(made[1], None)


def test_its_hash_is_that_of_the_file_with_its_parameters(made: tuple[Path, Path]) -> None:
    section = {"model_dir": str(made[1])}
    part = _load_part(section, "TextDetection", 1, device="cpu", engine="auto")
    assert part.model.sha256 == file_hashes(made[1])["inference.onnx"]


def test_a_graph_that_cannot_be_quantised(made: tuple[Path, Path], tmp_path: Path) -> None:
    for path in made[1].iterdir():
        (tmp_path / path.name).write_bytes(b"no graph" if path.suffix == ".onnx" else path.read_bytes())
    with pytest.raises(UserError, match="can't be quantised"):
        write_quantized(tmp_path, tmp_path / "int8", [(np.zeros((1, 3, 32, 32), np.float32),)])


def test_convolutions_that_lose_much_stay_as_they_are(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    from plx_train.export.quantize import _left_alone

    weights = {"w": (4, 3, 1, 1), "d": (4, 1, 3, 3), "s": (4, 4, 1, 1), "v": (2, 4, 1, 1)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="plain"),
        helper.make_node("Conv", ["a", "d"], ["b"], name="depthwise", group=4),
        helper.make_node("GlobalAveragePool", ["b"], ["p"]),
        helper.make_node("Conv", ["p", "s"], ["q"], name="excite"),
        helper.make_node("HardSigmoid", ["q"], ["r"]),
        helper.make_node("Mul", ["b", "r"], ["m"]),
        helper.make_node("Conv", ["m", "v"], ["y"], name="after"),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
    given = [numpy_helper.from_array(np.zeros(shape, np.float32), name) for name, shape in weights.items()]
    onnx.save(helper.make_model(helper.make_graph(nodes, "graph", ends[:1], ends[1:], given)), str(tmp_path / "m.onnx"))
    assert _left_alone(tmp_path / "m.onnx") == ["depthwise", "excite"]


def test_the_worst_engine_says_what_is_lost() -> None:
    loss = Loss("hmean", "higher", 0.80, {"onnx": 0.795, "openvino": 0.78}, 0.01)
    assert (loss.worst, round(loss.lost, 4), loss.is_bearable) == (0.78, 0.02, False)
    assert Loss("hmean", "higher", 0.80, {"onnx": 0.81}, 0.0).is_bearable


@pytest.mark.parametrize(
    ("content", "good"),
    [
        ({"monitor": "hmean", "int8": {"onnx": 0.795, "openvino": 0.80}, "tolerance": 0.01}, {"onnx", "openvino"}),
        ({"monitor": "hmean", "int8": {"onnx": 0.7, "openvino": 0.80}, "tolerance": 0.01}, {"openvino"}),
        ({"monitor": "mse", "int8": {"onnx": 0.1, "openvino": 0.12}, "tolerance": 0.01}, {"onnx"}),
        ({"monitor": "hmean"}, {"onnx"}),
    ],
)
def test_engines_are_as_good_by_their_metric(tmp_path: Path, content: dict, good: set[str]) -> None:
    (tmp_path / "quantized.json").write_text(json.dumps(content))
    assert engines_as_good(tmp_path) == good


def test_errors_are_lost_by_their_share() -> None:
    loss = Loss("mse", "lower", 0.1, {"onnx": 0.11, "openvino": 0.105}, 0.05)
    assert (loss.worst, round(loss.lost, 4), loss.is_bearable) == (0.11, 0.1, False)
