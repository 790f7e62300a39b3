"""Files of weights: safetensors and checkpoints; pickles of Paddle and torch, exported parameters."""

from __future__ import annotations

import io
import json
import pickle
import sys
import types
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from fuzzing.cases import Case
from fuzzing.reader import Reader, Wrong

NAMES = ("backbone.conv.weight", "head.fc.bias", "head.scale", "ids")
HEADERS = (
    *(
        b'{"__metadata__":{"format":"pt"}}',
        b'"dtype":"F32"',
        b'"dtype":"BF16"',
        b'"dtype":"F8_E4M3"',
        b'"shape":[0]',
        b'"shape":[4294967296,4294967296]',
    ),
    *(
        b'"data_offsets":[0,0]',
        b'"data_offsets":[0,18446744073709551615]',
        b"\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"{}",
        b"network.safetensors",
    ),
)
PICKLED = (
    *(
        b"cos\nsystem\n(S'touch ../guard/x'\ntR.",
        b"cbuiltins\neval\n",
        b"cnumpy\nload\n",
        b"c__builtin__\nexec\n",
        b"cnumpy\nndarray\n",
        b"R",
        b"b",
        b"s",
        b"u",
    ),
    *(
        b"\x80\x02",
        b"\x80\x05",
        b"\x95\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x8d\xff\xff\xff\xff\x00\x00\x00\x00",
        b"\x8e\xff\xff\xff\x7f\x00\x00\x00\x00",
    ),
    *(
        b"j\xff\xff\xff\x7f",
        b"r\xff\xff\xff\x7f",
        b"\x8b\xff\xff\xff\x7f",
        b"]" * 2000,
        b"(" * 2000,
        b"l.",
        b"Q",
        b"X\x00\x00\x00\x00",
        b".",
        b"2",
        b"0",
    ),
    *(
        b"\x93",
        b"\x92",
        b"\x81",
        b"\x8c\x02os\x8c\x06system\x93",
        b"cbuiltins\ncomplex\n",
        b"c_codecs\nencode\n",
        b"cnumpy.core.multiarray\nscalar\n",
    ),
)


def _arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        NAMES[0]: rng.normal(size=(2, 3, 3, 3)).astype(np.float32),
        NAMES[1]: rng.normal(size=4),
        NAMES[2]: np.asarray(1.5, np.float16),
        NAMES[3]: np.arange(6).reshape(2, 3),
    }


def safetensors_seeds(folder: Path) -> dict[str, Case]:
    """Tensors of several types, none, and checkpoints with and without a moving average."""
    from safetensors.numpy import save

    from plx_train.runs.checkpoint import save_checkpoint

    arrays = _arrays()
    state = {"loop": {"step": 3, "epoch": 1}, "is_fine_tuning": False, "processor": {"labels": ["a", "b"]}}
    found = {
        "tensors": {"weights.safetensors": save(arrays)},
        "one": {"weights.safetensors": save({"w": np.zeros((2, 2), np.int8)}, {"format": "np"})},
    }
    for name, groups in {
        "network": {"network": arrays},
        "average": {"network": arrays, "ema": arrays, "optimizer": {}},
    }.items():
        save_checkpoint(folder / name, groups, state, {"dataset.txt": "0" * 64, "config.yaml": "mode: train\n"})
        found[name] = {f"best/{path.name}": path.read_bytes() for path in sorted((folder / name).iterdir())}
    return found


def run_safetensors(folder: Path) -> str:
    """Reads tensors, and of a checkpoint its state and processing too."""
    from plx_train.contract.rooms import load_room
    from plx_train.ground.errors import UserError
    from plx_train.runs.checkpoint import load_state
    from plx_train.weights.load import read_weights
    from plx_train.workflow.dataset import trained_processor

    checkpoint = folder / "best"
    if not checkpoint.is_dir():
        return _checked(read_weights(folder / "weights.safetensors"))
    for look in (load_state, lambda path: trained_processor(load_room("image_cls"), path)):
        try:
            look(checkpoint)
        except UserError:
            continue
    return _checked(read_weights(checkpoint))


def _checked(state: Any) -> str:
    for name, array in state.items():
        if not isinstance(name, str) or not isinstance(array, np.ndarray) or array.dtype.kind not in "biufV":
            raise Wrong(f"{type(name).__name__} with {type(array).__name__}")
        float(np.asarray(array, np.float64).sum() if array.dtype.kind in "biuf" else 0)
    return f"{len(state)}"


def _torch_file(arrays: dict[str, np.ndarray]) -> bytes:
    """A state dict as torch wrote it before its archives, by classes that only have torch's names."""

    class Storage:
        def __init__(self, key: str, array: np.ndarray) -> None:
            self.key, self.array = key, array

    def rebuild(*parts: Any) -> None:
        return None

    rebuild.__module__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    kind = type("FloatStorage", (), {"__module__": "torch"})
    faked = {"torch": types.ModuleType("torch"), "torch._utils": types.ModuleType("torch._utils")}
    vars(faked["torch"])["FloatStorage"] = kind
    vars(faked["torch._utils"])["_rebuild_tensor_v2"] = rebuild

    class Tensor:
        def __init__(self, storage: Storage) -> None:
            self.storage = storage

        def __reduce__(self) -> Any:
            array = self.storage.array
            strides = tuple(step // array.itemsize for step in array.strides)
            return rebuild, (self.storage, 0, array.shape, strides, False, OrderedDict())

    class Writer(pickle.Pickler):
        def persistent_id(self, one: Any) -> Any:
            return ("storage", kind, one.key, "cpu", one.array.size, None) if isinstance(one, Storage) else None

    file, former = io.BytesIO(), {name: sys.modules.get(name) for name in faked}
    sys.modules.update(faked)
    try:
        for head in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
            pickle.dump(head, file, protocol=2)
        storages = [Storage(str(number), array.astype(np.float32)) for number, array in enumerate(arrays.values())]
        Writer(file, protocol=2).dump(OrderedDict(zip(arrays, map(Tensor, storages), strict=True)))
        pickle.dump([storage.key for storage in storages], file, protocol=2)
    finally:
        for name, module in former.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    for storage in storages:
        file.write(np.int64(storage.array.size).tobytes() + storage.array.tobytes())
    return file.getvalue()


def _parameters(arrays: dict[str, np.ndarray]) -> bytes:
    """What Paddle writes of parameters, in the order of their names."""
    codes, content = {"f": 5, "i": 3}, b""
    for name in sorted(arrays):
        array = arrays[name].astype("<f4" if arrays[name].dtype.kind == "f" else "<i8")
        description = bytes([8, codes[array.dtype.kind]]) + b"".join(bytes([16, size]) for size in array.shape)
        content += (
            bytes(4) + bytes(8) + bytes(4) + len(description).to_bytes(4, "little") + description + array.tobytes()
        )
    return content


def _program(names: tuple[str, ...]) -> bytes:
    """An old graph that only names its parameters."""
    from fuzzing.formats import message_of

    variables = [message_of([(1, 2, name.encode()), (3, 0, 1)]) for name in (*names, "feed")]
    block = message_of([(1, 0, 0), (2, 0, 0), *((3, 2, one) for one in variables)])
    return message_of([(1, 2, block), (4, 2, message_of([(1, 0, 0)]))])


def pdparams_seeds(folder: Path) -> dict[str, Case]:
    """State dicts pickled in each protocol, by Paddle's habits and torch's, and exported parameters beside graphs."""
    arrays = _arrays()
    named = {name: (f"conv2d_{number}.w_0", array) for number, (name, array) in enumerate(arrays.items())}
    graph = {
        "base_code": {"version": 1},
        "program": {
            "regions": [
                {
                    "#": "region_0",
                    "blocks": [
                        {
                            "#": "block_0",
                            "ops": [
                                {"#": "p", "A": [0, 0, 0, name], "O": {"%": number}}
                                for number, name in enumerate(NAMES)
                            ],
                        }
                    ],
                }
            ]
        },
    }
    recorded = {name: {"structured_name": f"net.{name}", "stop_gradient": False} for name in NAMES}
    return {
        "protocol 2": {"weights.pdparams": pickle.dumps(arrays, 2)},
        "protocol 4": {"weights.pdparams": pickle.dumps({**arrays, "StructuredToParameterName@@": {"a": "b"}}, 4)},
        "ordered": {"weights.pdparams": pickle.dumps(OrderedDict(named), 4)},
        "nested": {"weights.pdparams": pickle.dumps({"state_dict": named, "epoch": 3, "best": 0.5}, 3)},
        "torch": {"weights.pth": _torch_file(arrays)},
        "json": {"inference.json": json.dumps(graph).encode(), "inference.pdiparams": _parameters(arrays)},
        "pdmodel": {"inference.pdmodel": _program(NAMES), "inference.pdiparams": _parameters(arrays)},
        "info": {
            "inference.pdmodel": _program(NAMES),
            "inference.pdiparams": _parameters(arrays),
            "inference.pdiparams.info": pickle.dumps(recorded, 2),
        },
    }


def run_pdparams(folder: Path) -> str:
    """Reads whichever file of weights the case holds."""
    from plx_train.weights.load import read_weights

    for name in ("weights.pdparams", "weights.pth"):
        if (folder / name).exists():
            return _checked(read_weights(folder / name))
    return _checked(read_weights(folder / "inference.pdiparams"))


SAFETENSORS = Reader("safetensors", safetensors_seeds, run_safetensors, HEADERS, has_links=True)
PDPARAMS = Reader("pdparams", pdparams_seeds, run_pdparams, PICKLED)
