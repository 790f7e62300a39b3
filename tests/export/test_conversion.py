"""Methods become static code once for all layers of a class, and the graph is the same."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest
from paddle.jit.dy2static.program_translator import FunctionCache

from plx_train.export.conversion import methods_converted_once


class Times(paddle.nn.Layer):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return x * self.factor if self.factor > 1 else x


class Product(paddle.nn.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.parts = paddle.nn.LayerList([Times(factor) for factor in (2.0, 3.0, 1.0, 5.0)])

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        for part in self.parts:
            x = part(x)
        return x


def saved(network: Product, path: Path, around: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[str]]:
    """The graph's file, and the functions that were converted for it."""
    converted: list[str] = []
    convert = FunctionCache._convert

    def noted(self: FunctionCache, function: Any) -> Any:
        converted.append(function.__qualname__)
        return convert(self, function)

    with monkeypatch.context() as patch, around, paddle.utils.unique_name.guard():
        patch.setattr(FunctionCache, "_convert", noted)
        spec = [paddle.static.InputSpec([None, 2], "float32", name="x")]
        paddle.jit.save(paddle.jit.to_static(network.forward, input_spec=spec, full_graph=True), str(path))
    # Layers are numbered through the process.
    return re.sub(r"/Times(_\d+)?/", "/", path.with_suffix(".json").read_text()), converted


def test_a_class_is_converted_once_into_the_same_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Product()
    usual, every = saved(network, tmp_path / "usual", nullcontext(), monkeypatch)
    quick, once = saved(network, tmp_path / "quick", methods_converted_once(), monkeypatch)

    assert every.count("Times.forward") == 4 and once.count("Times.forward") == 1
    assert quick == usual
    loaded = paddle.jit.load(str(tmp_path / "quick"))
    assert np.array_equal(loaded(paddle.to_tensor([[1.0, 2.0]])).numpy(), [[30.0, 60.0]])


def test_paddle_is_left_as_it_was() -> None:
    before = FunctionCache.convert_with_cache
    with pytest.raises(ValueError), methods_converted_once():
        assert FunctionCache.convert_with_cache is not before
        raise ValueError
    assert FunctionCache.convert_with_cache is before


def test_a_paddle_without_such_a_cache_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paddle.jit.dy2static.program_translator.FunctionCache", None)
    with methods_converted_once():
        pass
