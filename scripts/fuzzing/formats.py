"""Changes that know a binary format: what is changed stays whole around it, so that readers get to see it."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from random import Random
from typing import IO

from fuzzing.byte_changes import INTERESTING, LONGEST
from fuzzing.trees import change_tree, json_text

Inner = Callable[[str, bytes], bytes]
"""Changes a content that lies in another one, by its name."""
MAX_DEPTH = 6
PDF_NUMBERS = (b"0", b"1", b"-1", b"2", b"0.00001", b"1e9", b"-99999", b"32767", b"65536", b"2147483647", b"2147483648",
               b"99999999999", b"4 0 R", b"5 0 R", b"0.5", b"14400", b"1000000")  # fmt: skip
PNG = b"\x89PNG\r\n\x1a\n"


def _inflated(content: bytes) -> bytes:
    """What zlib packed, as much of it as a file may have."""
    return zlib.decompressobj().decompress(content, LONGEST)


def _unpacked(file: IO[bytes] | gzip.GzipFile) -> bytes:
    """The same of an archive's member or a packed file."""
    with file:
        return file.read(LONGEST)


def change_png(rng: Random, content: bytes, inner: Inner) -> bytes:
    """A PNG with one chunk changed, left out, doubled or moved, and its checksums right."""
    chunks, place = [], len(PNG)
    while place + 12 <= len(content):
        length = struct.unpack(">I", content[place : place + 4])[0]
        chunks.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + length]))
        place += 12 + length
    if not chunks:
        raise ValueError("no chunk")
    at, action = rng.randrange(len(chunks)), rng.random()
    kind, data = chunks[at]
    if action < 0.35:
        chunks[at] = (kind, inner("chunk", data))
    elif action < 0.55 and kind == b"IDAT":
        chunks[at] = (kind, zlib.compress(inner("pixels", _inflated(data))))
    elif action < 0.65 and kind == b"IHDR":
        width, height, *rest = struct.unpack(">IIBBBBB", data)
        sizes = (0, 1, 2, 7, 300, 20_000, 400_000, 2**24, 2**31 - 1, width, height)
        values = (rng.choice(sizes), rng.choice(sizes), *(rng.choice((one, 0, 1, 2, 3, 4, 6, 8, 16)) for one in rest))
        chunks[at] = (kind, struct.pack(">IIBBBBB", *values))
    elif action < 0.75:
        del chunks[at]
    elif action < 0.85:
        chunks.insert(rng.randrange(len(chunks) + 1), chunks[at])
    else:
        name = rng.choice(
            (b"acTL", b"fcTL", b"fdAT", b"tRNS", b"PLTE", b"iCCP", b"eXIf", b"gAMA", b"zTXt", b"pHYs", b"IEND")
        )
        chunks.insert(rng.randrange(1, len(chunks) + 1), (name, inner("chunk", data[:64])))
    return PNG + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def change_zip(rng: Random, content: bytes, inner: Inner) -> bytes:
    """An archive with one member changed, renamed, doubled or left out, or grown to what unpacks to far more."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(info.filename, _unpacked(archive.open(info))) for info in archive.infolist()]
    at, action = rng.randrange(len(members)), rng.random()
    name, data = members[at]
    if action < 0.75:
        members[at] = (name, inner(name, data))
    elif action < 0.82:
        del members[at]
    elif action < 0.88:
        members.append((name, inner(name, data)))
    elif action < 0.94:
        members.append((rng.choice(("../../guard/new", "%GUARD%/new", "x/" + name, "")), data))
    else:
        members[at] = (name, data + b" " * (8 << 20))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of two members of one name
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def change_pdf(rng: Random, content: bytes, inner: Inner) -> bytes:
    """A PDF of which one number is another, one name another's, or a stream is changed below its compression."""
    action = rng.random()
    if action < 0.5:
        numbers = list(re.finditer(rb"-?\d+(\.\d*)?", content))
        one = rng.choice(numbers)
        return content[: one.start()] + rng.choice(PDF_NUMBERS) + content[one.end() :]
    if action < 0.75:
        names = list(re.finditer(rb"/[A-Za-z]+", content))
        one, other = rng.choice(names), rng.choice(names)
        return content[: one.start()] + other[0] + content[one.end() :]
    streams = list(re.finditer(rb"stream\n(.*?)\nendstream", content, re.DOTALL))
    one = rng.choice(streams)
    try:
        data = zlib.compress(inner("stream", _inflated(one[1])))
    except zlib.error:
        data = inner("stream", one[1])
    return content[: one.start(1)] + data + content[one.end(1) :]


def change_gzip(rng: Random, content: bytes, inner: Inner) -> bytes:
    """The same file with its content changed below the compression."""
    return gzip.compress(inner("table.csv", _unpacked(gzip.GzipFile(fileobj=io.BytesIO(content)))), 1, mtime=0)


def change_xz(rng: Random, content: bytes, inner: Inner) -> bytes:
    """The same of xz."""
    return lzma.compress(inner("table.csv", _unpacked(lzma.open(io.BytesIO(content)))), preset=0)


def change_safetensors(rng: Random, content: bytes, inner: Inner) -> bytes:
    """Tensors with a changed header, whose length is right, or changed bytes behind it."""
    length = int.from_bytes(content[:8], "little")
    head, data = content[8 : 8 + length], content[8 + length :]
    if rng.random() < 0.2:
        data = inner("data", data)
    else:
        head = json_text(change_tree(rng, json.loads(head))).encode("utf-8", "surrogatepass")
        head += b" " * (-len(head) % 8)
    return len(head).to_bytes(8, "little") + head + data


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    parts = bytearray()
    while True:
        parts.append((number & 127) | (128 if number > 127 else 0))
        number >>= 7
        if not number:
            return bytes(parts)


def _read_varint(content: bytes, place: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(content):
            break
        byte = content[place]
        number |= (byte & 127) << shift
        place += 1
        if byte < 128:
            return number, place
    raise ValueError("no message")


Field = tuple[int, int, "int | bytes"]
"""Number, wire type and value."""


def fields_of(content: bytes) -> list[Field]:
    """The fields of a protocol-buffer message; ValueError where it is none."""
    fields: list[Field] = []
    place = 0
    while place < len(content):
        key, place = _read_varint(content, place)
        wire, number = key & 7, key >> 3
        if not number or wire not in (0, 1, 2, 5):
            raise ValueError("no message")
        if wire == 0:
            value, place = _read_varint(content, place)
            fields.append((number, wire, value))
            continue
        length = 8 if wire == 1 else 4
        if wire == 2:
            length, place = _read_varint(content, place)
        if place + length > len(content):
            raise ValueError("no message")
        fields.append((number, wire, content[place : place + length]))
        place += length
    return fields


def message_of(fields: list[Field]) -> bytes:
    """The bytes of a message."""
    parts = []
    for number, wire, value in fields:
        parts.append(_varint(number << 3 | wire))
        if isinstance(value, int):
            parts.append(_varint(value))
        else:
            parts.append(_varint(len(value)) + value if wire == 2 else value)
    return b"".join(parts)


def change_protobuf(rng: Random, content: bytes, inner: Inner, depth: int = 0) -> bytes:
    """A message with one field changed somewhere within it, all lengths around it right."""
    fields = fields_of(content)
    if not fields:
        raise ValueError("no message")
    at, action = rng.randrange(len(fields)), rng.random()
    number, wire, value = fields[at]
    if isinstance(value, bytes) and wire == 2 and depth < MAX_DEPTH and action < 0.8:
        try:
            fields[at] = (number, wire, change_protobuf(rng, value, inner, depth + 1))
        except ValueError:
            fields[at] = (number, wire, inner("field", value))
    elif action < 0.85:
        changed = rng.choice(INTERESTING) if isinstance(value, int) else inner("field", value)
        if isinstance(value, bytes) and wire != 2 and isinstance(changed, bytes):
            changed = changed.ljust(len(value), b"\0")[: len(value)]
        fields[at] = (number, wire, changed)
    elif action < 0.9:
        del fields[at]
    elif action < 0.95:
        fields.insert(rng.randrange(len(fields) + 1), fields[at])
    elif isinstance(value, bytes) and wire == 2:
        nested = value
        for _ in range(rng.choice((20, 200, 2000))):
            nested = message_of([(number, 2, nested)])
        fields[at] = (number, wire, nested)
    else:
        fields[at] = (rng.choice((1, 2, 3, 4, 13, 14, number + 1)), wire, value)
    return message_of(fields)
