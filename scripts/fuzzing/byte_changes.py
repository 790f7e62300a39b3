"""Changes of bytes whatever they mean: bits, interesting numbers, cuts, insertions, duplications, splices, tokens."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from random import Random

INTERESTING = (0, 1, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 512, 1023, 1024, 4096, 32767, 32768, 65535,
               65536, 2**24 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**63 - 1, 2**63, 2**64 - 1)  # fmt: skip
FORMATS = ("<B", "<H", ">H", "<I", ">I", "<Q", ">Q")
LONGEST = 4 << 20
"""Bytes that no file grows beyond."""

Change = Callable[[Random, bytes, Sequence[bytes], Sequence[bytes]], bytes]
"""Takes the draw, a content, contents to splice from, and tokens."""


def _place(rng: Random, content: bytes, length: int = 1) -> int:
    # Headers decide the most.
    end = max(len(content) - length, 0)
    return rng.randint(0, min(end, 256)) if rng.random() < 0.4 else rng.randint(0, end)


def _flip(rng: Random, content: bytes, others: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        if changed:
            changed[_place(rng, content)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _set_byte(rng: Random, content: bytes, others: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4))):
        if changed:
            changed[_place(rng, content)] = rng.choice((0, 255, 127, 128, 10, 32, 34, 44, rng.randrange(256)))
    return bytes(changed)


def _set_number(rng: Random, content: bytes, others: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    kind = rng.choice(FORMATS)
    width = struct.calcsize(kind)
    place = _place(rng, content, width)
    number = struct.pack(kind, rng.choice(INTERESTING) & ((1 << 8 * width) - 1))
    return content[:place] + number + content[place + width :]


def _add_number(rng: Random, content: bytes, others: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    kind = rng.choice(FORMATS)
    width = struct.calcsize(kind)
    place = _place(rng, content, width)
    part = content[place : place + width]
    if len(part) < width:
        return content
    number = (struct.unpack(kind, part)[0] + rng.randint(-35, 35)) & ((1 << 8 * width) - 1)
    return content[:place] + struct.pack(kind, number) + content[place + width :]


def _cut(rng: Random, content: bytes, others: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    return content[: rng.randint(0, len(content))]


def _remove(rng: Random, content: bytes, others: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    place, length = _place(rng, content), rng.choice((1, 2, 4, 16, 64, max(len(content) // 4, 1)))
    return content[:place] + content[place + length :]


def _insert(rng: Random, content: bytes, others: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    place, length = _place(rng, content), rng.choice((1, 2, 4, 16, 256))
    filler = rng.randbytes(length) if rng.random() < 0.5 else bytes([rng.choice((0, 255, 32, 65))]) * length
    return content[:place] + filler + content[place:]


def _duplicate(rng: Random, content: bytes, others: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    place, length = _place(rng, content), rng.choice((1, 4, 16, 64, 512))
    times = rng.choice((1, 1, 2, 8, 200))
    return content[:place] + content[place : place + length] * times + content[place:]


def _move(rng: Random, content: bytes, others: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    start, length, to = _place(rng, content), rng.choice((1, 4, 16, 64)), _place(rng, content)
    part = content[start : start + length]
    return content[:to] + part + content[to + len(part) :]


def _splice(rng: Random, content: bytes, others: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    if not others:
        return content
    other = rng.choice(others)
    mine, theirs = _place(rng, content), _place(rng, other)
    return content[:mine] + other[theirs:]


def _token(rng: Random, content: bytes, others: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    if not tokens:
        return content
    token, place = rng.choice(tokens), _place(rng, content)
    return content[:place] + token + content[place + (len(token) if rng.random() < 0.5 else 0) :]


CHANGES: tuple[Change, ...] = (
    _flip, _flip, _flip, _set_byte, _set_byte, _set_number, _set_number, _set_number, _add_number, _cut, _remove,
    _insert, _duplicate, _move, _splice, _token, _token,
)  # fmt: skip


def change_bytes(rng: Random, content: bytes, others: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """The content with one change."""
    return rng.choice(CHANGES)(rng, content, others, tokens)[:LONGEST]
