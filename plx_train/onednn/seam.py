"""Where functions of Paddle, and one of ours, are exchanged for oneDNN's: eight of them, for as long as a run wants it.

Layers, rooms and exports know nothing of it: a graph that is traced, or a tensor that ours can't take, meets Paddle's
own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import paddle
from paddle.nn import functional

from plx_train.nn import affine
from plx_train.onednn.affine import Affine
from plx_train.onednn.convolution import Geometry
from plx_train.onednn.convolve import convolve
from plx_train.onednn.elementwise import Enlargement, Hardswish
from plx_train.onednn.linear import Linear, can_multiply

Function = Callable[..., Any]


def exchange(precision: str) -> Callable[[], None]:
    """Has Paddle's layers and functions compute by oneDNN from now on; the function that is returned undoes it.

    Args:
        precision: fp32, or bf16 to multiply in where gradients are wanted; sums and results are fp32.
    """
    places = [
        (functional.conv, "_conv_nd", _layer),
        (functional, "conv2d", _conv2d),
        (functional, "conv1d", _conv1d),
        (functional, "conv2d_transpose", _conv2d_transpose),
        (functional, "linear", _linear),
        (functional, "hardswish", _hardswish),
        (functional, "interpolate", _interpolate),
        (affine, "one_pass", _one_pass),
    ]
    former = [(module, name, getattr(module, name)) for module, name, _ in places]
    for (module, name, ours), (_, _, theirs) in zip(places, former, strict=True):
        setattr(module, name, ours(theirs, precision))

    def undo() -> None:
        for module, name, function in former:
            setattr(module, name, function)

    return undo


def _layer(native: Function, precision: str) -> Function:
    """`paddle.nn.Conv2D` calls it, with its padding already spelt out."""

    def convolution(
        x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, padding_algorithm: Any = None,
        dilation: Any = 1, groups: int = 1, data_format: str = "NCHW", channel_dim: int = 1, op_type: str = "conv2d",
        use_cudnn: bool = True, name: str | None = None,
    ) -> Any:  # fmt: skip
        if op_type in ("conv2d", "depthwise_conv2d"):
            pads = "SAME" if padding_algorithm == "SAME" else padding
            geometry = geometry_of(x, weight, bias, stride, pads, dilation, groups, data_format, precision)
            if geometry is not None:
                return convolve(x, weight, bias, geometry)
        return native(
            x, weight, bias, stride, padding, padding_algorithm, dilation, groups, data_format, channel_dim, op_type,
            use_cudnn, name,
        )  # fmt: skip

    return convolution


def _conv2d(native: Function, precision: str) -> Function:
    def conv2d(
        x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1,
        data_format: str = "NCHW", name: str | None = None,
    ) -> Any:  # fmt: skip
        geometry = geometry_of(x, weight, bias, stride, padding, dilation, groups, data_format, precision)
        if geometry is not None:
            return convolve(x, weight, bias, geometry)
        return native(x, weight, bias, stride, padding, dilation, groups, data_format, name)

    return conv2d


def _conv1d(native: Function, precision: str) -> Function:
    def conv1d(
        x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1,
        data_format: str = "NCL", name: str | None = None,
    ) -> Any:  # fmt: skip
        sizes = [_sizes(value, 1) for value in (stride, padding, dilation)]
        if data_format == "NCL" and len(x.shape) == 3 and None not in sizes and _can_take(x, weight, bias):
            (step,), (pad,), (spread,) = sizes  # type: ignore[misc]
            tall, kernel = x.unsqueeze(2), weight.unsqueeze(2)
            geometry = geometry_of(tall, kernel, bias, [1, step], [0, pad], [1, spread], groups, "NCHW", precision)
            if geometry is not None:
                return convolve(tall, kernel, bias, geometry).squeeze(2)
        return native(x, weight, bias, stride, padding, dilation, groups, data_format, name)

    return conv1d


def _conv2d_transpose(native: Function, precision: str) -> Function:
    def conv2d_transpose(
        x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
        dilation: Any = 1, groups: int = 1, output_size: Any = None, data_format: str = "NCHW",
        name: str | None = None,
    ) -> Any:  # fmt: skip
        more = _sizes(output_padding, 2)
        if output_size is None and more is not None:
            geometry = geometry_of(x, weight, bias, stride, padding, dilation, groups, data_format, precision, more)
            if geometry is not None:
                return convolve(x, weight, bias, geometry)
        return native(
            x, weight, bias, stride, padding, output_padding, dilation, groups, output_size, data_format, name
        )

    return conv2d_transpose


def _linear(native: Function, precision: str) -> Function:
    """Large products that are learned by; all else is Paddle's."""

    def linear(x: Any, weight: Any, bias: Any = None, name: str | None = None) -> Any:
        is_ours = paddle.is_grad_enabled() and _can_take(x, weight, bias) and can_multiply(x, weight, bias)
        return Linear.apply(x, weight, bias) if is_ours else native(x, weight, bias, name)

    return linear


def _hardswish(native: Function, precision: str) -> Function:
    def hardswish(x: Any, name: str | None = None) -> Any:
        return Hardswish.apply(x) if _can_take(x) and x.size else native(x, name)

    return hardswish


def _interpolate(native: Function, precision: str) -> Function:
    """Enlarges by a whole factor to the nearest neighbours; all else is Paddle's."""

    def interpolate(
        x: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", *others: Any, **options: Any
    ) -> Any:
        is_plain = mode == "nearest" and size is None and isinstance(scale_factor, int) and not others and not options
        if is_plain and len(x.shape) == 4 and _can_take(x) and x.size:
            return Enlargement.apply(x, scale_factor)
        return native(x, size, scale_factor, mode, *others, **options)

    return interpolate


def _one_pass(native: Function, precision: str) -> Function:
    def one_pass(x: Any, scale: Any, bias: Any) -> Any:
        return Affine.apply(x, scale, bias) if _can_take(x, scale, bias) and x.size else native(x, scale, bias)

    return one_pass


def geometry_of(
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
    data_format: str,
    precision: str,
    output_padding: tuple[int, ...] | None = None,
) -> Geometry | None:
    """The convolution's geometry; None where it is Paddle's to compute. With `output_padding` it is transposed."""
    steps, spread = _sizes(stride, 2), _sizes(dilation, 2)
    if data_format != "NCHW" or len(x.shape) != 4 or not _can_take(x, weight, bias):
        return None
    shape, kernel, has_bias = tuple(x.shape), tuple(weight.shape), bias is not None
    transposed = output_padding is not None
    pads = _padding(padding)
    if padding == "SAME" and not transposed and steps is not None:
        # As Paddle has it, which then leaves nothing out.
        pads, spread = same_padding(shape, kernel, steps), (1, 1)
    if steps is None or spread is None or pads is None:
        return None
    inputs = kernel[0] if transposed else kernel[1] * groups
    if inputs != shape[1] or kernel[0] % groups or 0 in shape or 0 in kernel:
        return None
    if has_bias and bias.shape != [kernel[1] * groups if transposed else kernel[0]]:
        return None
    # What is grouped has too few products for bf16 to pay, and slow kernels for it; and a network is judged as its
    # export will compute.
    precision = precision if groups == 1 and paddle.is_grad_enabled() else "fp32"
    return Geometry(
        shape, kernel, steps, pads, spread, groups, has_bias, precision, transposed, output_padding or (0, 0)
    )


def _can_take(*tensors: Any) -> bool:
    """Whether all, but those that are None, are float32 tensors of the CPU that is computing now."""
    return paddle.in_dynamic_mode() and all(
        tensor is None or (tensor.dtype == paddle.float32 and tensor.place.is_cpu_place()) for tensor in tensors
    )


def same_padding(shape: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...]) -> tuple[int, ...]:
    """(top, left, bottom, right) such that the result has ceil(side / stride) rows and columns."""
    both = [
        max((-(-side // step) - 1) * step + size - side, 0)
        for side, size, step in zip(shape[2:], kernel[2:], stride, strict=True)
    ]
    first = [total // 2 for total in both]
    return (*first, *(total - before for total, before in zip(both, first, strict=True)))


def _padding(given: Any) -> tuple[int, ...] | None:
    """(top, left, bottom, right); Paddle writes four numbers as (top, bottom, left, right)."""
    two = _sizes(given, 2)
    if two is not None:
        return two + two
    four = _sizes(given, 4)
    return None if four is None else (four[0], four[2], four[1], four[3])


def _sizes(given: Any, count: int) -> tuple[int, ...] | None:
    """`count` whole numbers; None where it is anything else, a word or a tensor say."""
    if isinstance(given, int):
        return (given,) * count
    if isinstance(given, Sequence) and len(given) == count and all(isinstance(each, int) for each in given):
        return tuple(given)
    return None
