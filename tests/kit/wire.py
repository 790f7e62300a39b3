"""Protocol-buffer messages written by hand: Paddle's older graphs and ONNX's, without a library for either."""

from __future__ import annotations

from collections.abc import Sequence

Value = int | str | bytes


def message(*fields: tuple[int, Value]) -> bytes:
    """A message of (field number, value) pairs; texts and bytes with their length, ints as varints."""
    written = b""
    for number, value in fields:
        if isinstance(value, int):
            written += varint(number << 3) + varint(value)
        else:
            content = value.encode() if isinstance(value, str) else value
            written += varint(number << 3 | 2) + varint(len(content)) + content
    return written


def varint(value: int) -> bytes:
    """A number of up to 64 bits; negative ones as two's complement."""
    value &= (1 << 64) - 1
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    return bytes([*written, value])


def operation(name: str, given: Sequence[str] = (), made: Sequence[str] = (), *attributes: bytes) -> bytes:
    """An OpDesc of Paddle."""
    inputs = message((1, "X"), *((2, each) for each in given))
    outputs = message((1, "Out"), *((2, each) for each in made))
    return message((1, inputs), (2, outputs), (3, name), *((4, each) for each in attributes))


def variable(name: str, dims: Sequence[int] = (), is_persistable: bool = False, kind: int = 7) -> bytes:
    """A VarDesc of Paddle of a float32 tensor."""
    tensor = message((1, 5), *((2, size) for size in dims))
    return message((1, name), (2, message((1, kind), (3, message((1, tensor))))), (3, int(is_persistable)))


def block(index: int, parent: int, variables: Sequence[bytes], operations: Sequence[bytes]) -> bytes:
    """A BlockDesc of Paddle."""
    return message((1, index), (2, parent), *((3, each) for each in variables), *((4, each) for each in operations))


def program(*blocks: bytes) -> bytes:
    """A ProgramDesc of Paddle."""
    return message(*((1, each) for each in blocks), (4, message((1, 0))))


def stored(dims: Sequence[int], content: bytes, kind: int = 5) -> bytes:
    """A tensor in a file of parameters; its `content` may be other than its `dims` say."""
    header = message((1, kind), *((2, size) for size in dims))
    return bytes(16) + len(header).to_bytes(4, "little") + header + content


def node(name: str, domain: str = "", *attributes: bytes) -> bytes:
    """A NodeProto of ONNX from x to y."""
    return message((1, "x"), (2, "y"), (4, name), *((5, each) for each in attributes), (7, domain))


def tensor(dims: Sequence[int], raw: bytes, *more: tuple[int, Value]) -> bytes:
    """A TensorProto of ONNX of float32."""
    return message(*((1, size) for size in dims), (2, 1), (8, "w"), (9, raw), *more)


def onnx_model(nodes: Sequence[bytes], tensors: Sequence[bytes] = (), *more: tuple[int, Value]) -> bytes:
    """A ModelProto of ONNX."""
    graph = message(*((1, each) for each in nodes), (2, "graph"), *((5, each) for each in tensors))
    return message((1, 8), (7, graph), *more, (8, message((1, ""), (2, 14))))
