"""What a convolution of one geometry computes with: its primitives, made when they are first needed."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from plx_train.onednn.library import (
    BIAS,
    CONVOLUTION_AUTO,
    DECONVOLUTION_DIRECT,
    DIFF_BIAS,
    DIFF_DST,
    DIFF_SRC,
    DIFF_WEIGHTS,
    DST,
    FORWARD_TRAINING,
    SRC,
    WEIGHTS,
    attributes,
    check,
    engine,
    library,
)
from plx_train.onednn.primitive import Owned, Primitive, ThreadState, free_layout, int64s, plain_layout, primitive_of

Sizes = tuple[int, ...]


@dataclass(frozen=True)
class Geometry:
    """A convolution's shapes, which name its primitives.

    Attributes:
        x: (N, C, H, W).
        weight: (O, C / groups, h, w); transposed (C, O / groups, h, w).
        stride, dilation: rows, columns; a dilation of 1 leaves nothing out.
        padding: top, left, bottom, right.
        output_padding: rows and columns more at the end, of a transposed one.
        precision: fp32, or bf16 to multiply in; sums and results are fp32.
    """

    x: Sizes
    weight: Sizes
    stride: Sizes
    padding: Sizes
    dilation: Sizes
    groups: int
    has_bias: bool
    precision: str = "fp32"
    transposed: bool = False
    output_padding: Sizes = (0, 0)

    @property
    def y(self) -> Sizes:
        """Shape of the result, (N, O, H', W')."""
        kernel = [step * (size - 1) + 1 for step, size in zip(self.dilation, self.weight[2:], strict=True)]
        padding = [self.padding[axis] + self.padding[axis + 2] for axis in (0, 1)]
        if self.transposed:
            sides = [
                (self.x[axis + 2] - 1) * self.stride[axis] - padding[axis] + kernel[axis] + self.output_padding[axis]
                for axis in (0, 1)
            ]
            return (self.x[0], self.weight[1] * self.groups, *sides)
        sides = [(self.x[axis + 2] + padding[axis] - kernel[axis]) // self.stride[axis] + 1 for axis in (0, 1)]
        return (self.x[0], self.weight[0], *sides)


class ConvolutionPrimitives:
    """The three primitives of a geometry, for one thread; tensors are given by their addresses."""

    def __init__(self, geometry: Geometry, state: ThreadState) -> None:
        self.geometry = geometry
        self.state = state
        self.y_shape = list(geometry.y)
        self.plain = plain_layouts(geometry)
        self._hint: Owned | None = None
        self._made: dict[str, Primitive] = {}

    def forward(self, x: int, weight: int, bias: int | None, y: int) -> None:
        """Writes the result."""
        if "forward" not in self._made:
            inputs = {SRC: self.plain["x"], WEIGHTS: self.plain["weight"]}
            if self.geometry.has_bias:
                inputs[BIAS] = self.plain["bias"]
            self._made["forward"] = primitive_of(self.state, self._forward, inputs, {DST: self.plain["y"]})
        self._made["forward"](*(address for address in (x, weight, bias) if address is not None), y)

    def backward_data(self, dy: int, weight: int, dx: int) -> Primitive:
        """Writes the gradient for x; gives what did, for `backward_weights`."""
        if "data" not in self._made:
            inputs = {DIFF_DST: self.plain["y"], WEIGHTS: self.plain["weight"]}
            outputs = {DIFF_SRC: self.plain["x"]}
            self._made["data"] = primitive_of(self.state, self._backward_data, inputs, outputs)
        self._made["data"](dy, weight, dx)
        return self._made["data"]

    def backward_weights(
        self, dy: int, x: int, dweight: int, dbias: int | None, previous: Primitive | None = None
    ) -> Primitive:
        """Writes the gradients for weight and bias; `previous` is what ran just before on the same dy."""
        written = (address for address in (dweight, dbias) if address is not None)
        self.weights(dy, x, *written, previous=previous)
        return self.weights

    @property
    def weights(self) -> Primitive:
        """What computes the gradients for weight and bias."""
        if "weights" not in self._made:
            inputs = {DIFF_DST: self.plain["y"], SRC: self.plain["x"]}
            outputs = {DIFF_WEIGHTS: self.plain["weight"]}
            if self.geometry.has_bias:
                outputs[DIFF_BIAS] = self.plain["bias"]
            self._made["weights"] = primitive_of(self.state, self._backward_weights, inputs, outputs)
        return self._made["weights"]

    def _forward(self) -> Owned:
        # Evaluation too: what oneDNN prefers for inference has layouts that take longer to copy to and from.
        tensors = (self._free("x"), self._free("weight"), self._free("bias"), self._free("y", "fp32"))
        return self._describe("forward", (FORWARD_TRAINING, self._algorithm), tensors)

    def _backward_data(self) -> Owned:
        tensors = (self._free("x", "fp32"), self._free("weight"), self._free("y"))
        return self._describe("backward_data", (self._algorithm,), tensors, self._forward_hint())

    def _backward_weights(self) -> Owned:
        tensors = (self._free("x"), self._free("weight", "fp32"), self._free("bias"), self._free("y"))
        return self._describe("backward_weights", (self._algorithm,), tensors, self._forward_hint())

    @property
    def _algorithm(self) -> int:
        return DECONVOLUTION_DIRECT if self.geometry.transposed else CONVOLUTION_AUTO

    def _forward_hint(self) -> Owned:
        if self._hint is None:
            self._hint = self._forward()
        return self._hint

    def _free(self, tensor: str, precision: str | None = None) -> Owned | None:
        """The tensor in the layout that oneDNN likes best; None for the bias that is not there."""
        geometry = self.geometry
        if tensor == "bias":
            return free_layout((geometry.y[1],), "fp32") if geometry.has_bias else None
        shapes = {"x": geometry.x, "weight": _weight_shape(geometry), "y": geometry.y}
        return free_layout(shapes[tensor], precision or geometry.precision)

    def _describe(
        self, direction: str, numbers: tuple[int, ...], tensors: tuple[Owned | None, ...], hint: Owned | None = None
    ) -> Owned:
        made = Owned("primitive_desc")
        geometry = self.geometry
        name = f"dnnl_{'de' * geometry.transposed}convolution_{direction}_primitive_desc_create"
        layouts = [None if tensor is None else tensor.handle for tensor in tensors]
        # Here a dilation counts what is left out, and more output is less padding at the end.
        dilation = [step - 1 for step in geometry.dilation]
        end = [pad - more for pad, more in zip(geometry.padding[2:], geometry.output_padding, strict=True)]
        places = [int64s(values) for values in (geometry.stride, dilation, geometry.padding[:2], end)]
        hints = [] if hint is None else [hint.handle]
        call = getattr(library(), name)
        check(call(ctypes.byref(made.handle), engine(), *numbers, *layouts, *places, *hints, attributes()), name)
        return made


def plain_layouts(geometry: Geometry) -> dict[str, Owned]:
    """Layouts of the tensors as Paddle holds them."""
    shape = _weight_shape(geometry)
    strides = None
    if geometry.transposed:
        # Paddle's transposed weights have inputs before outputs.
        height, width = shape[-2:]
        outputs, inputs = shape[-4:-2]
        strides = (inputs * outputs * height * width, height * width, outputs * height * width, width, 1)
    layouts = {
        "x": plain_layout(geometry.x),
        "weight": plain_layout(shape, strides and strides[-len(shape) :]),
        "y": plain_layout(geometry.y),
    }
    return layouts | ({"bias": plain_layout((geometry.y[1],))} if geometry.has_bias else {})


def _weight_shape(geometry: Geometry) -> Sizes:
    """Shape in oneDNN's order: (groups,) outputs, inputs, rows, columns."""
    first, second, *kernel = geometry.weight
    outputs, inputs = (second, first // geometry.groups) if geometry.transposed else (first // geometry.groups, second)
    return ((geometry.groups,) if geometry.groups > 1 else ()) + (outputs, inputs, *kernel)
