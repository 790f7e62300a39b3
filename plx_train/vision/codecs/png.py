"""PNG files: their chunks, without those that only libpng's warnings are about."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, replace
from typing import BinaryIO

from plx_train.vision.codecs.orientation import UPRIGHT, exif_orientation

BEGINNING = b"\x89PNG\r\n\x1a\n"
HEADER = b"\0\0\0\rIHDR"
PIXELS, END = b"IDAT", b"IEND"
KEPT = (b"IHDR", b"PLTE", b"tRNS", PIXELS, END)
"""Chunks that decide pixels."""

HEAD, CHECKSUM = struct.Struct(">I4s"), struct.Struct(">I")

MOST_EXIF = 1 << 24
"""Bytes of a file's notes, longer ones are passed over: a header can claim any length, and memory is taken for it."""

STEP = 5000
"""Bytes of which zlib forms a checksum without letting go of Python's lock, which takes longer than the checksum."""

GREY, COLOUR, PALETTE, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, COLOUR: 3, PALETTE: 1, GREY_ALPHA: 2, COLOUR_ALPHA: 4}
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Passes of an interlaced picture: first column and row, steps of columns and rows."""


class BrokenPng(ValueError):
    """A PNG whose chunks end too early, or make no sense."""


@dataclass(frozen=True)
class Png:
    """What the chunks of a PNG say.

    Attributes:
        bits: of a sample.
        colours: its kind, as `GREY`.
        is_interlaced: whether rows come in seven passes.
        transparent: the chunk that says which values are transparent.
        content: a PNG of nothing but the chunks that decide pixels; empty until the pixels were looked at.
    """

    height: int
    width: int
    bits: int
    colours: int
    is_interlaced: bool
    orientation: int = UPRIGHT
    transparent: bytes = b""
    content: bytes = b""

    @property
    def has_alpha(self) -> bool:
        """Whether pixels can be transparent."""
        return self.colours in (GREY_ALPHA, COLOUR_ALPHA) or bool(self.transparent)

    @property
    def num_bytes(self) -> int:
        """Bytes of its rows, each with the one that names its filter."""
        bits, passes = self.bits * CHANNELS[self.colours], ADAM7 if self.is_interlaced else ((0, 0, 1, 1),)
        total = 0
        for left, top, step, down in passes:
            columns, rows = -(-(self.width - left) // step), -(-(self.height - top) // down)
            total += rows * (1 + -(-columns * bits // 8)) if columns > 0 and rows > 0 else 0
        return total


def read_header(content: bytes) -> Png:
    """What a PNG's first bytes say.

    Raises:
        BrokenPng: they do not say its size.
    """
    if len(content) < 33 or not content.startswith(BEGINNING + HEADER):
        raise BrokenPng("it does not begin with its size")
    width, height, bits, colours, _, _, interlace = struct.unpack_from(">IIBBBBB", content, 16)
    if not (width and height) or colours not in CHANNELS or bits not in (1, 2, 4, 8, 16):
        raise BrokenPng(f"its size is {width} x {height}, of {bits} bits")
    return Png(height, width, bits, colours, bool(interlace))


def read_size(file: BinaryIO) -> Png:
    """What a PNG says of its size and orientation; no pixel is looked at.

    Raises:
        BrokenPng: it does not say its size.
    """
    file.seek(0)
    png = read_header(file.read(33))
    while len(head := file.read(8)) == 8:
        length, kind = HEAD.unpack(head)
        if kind == END:
            break
        if kind != b"eXIf" or length > MOST_EXIF:
            file.seek(length + 4, io.SEEK_CUR)
            continue
        notes, check = file.read(length), file.read(4)
        # Damaged ones count for nothing, as where the picture is read.
        if check == CHECKSUM.pack(_checksum(memoryview(kind + notes))):
            png = replace(png, orientation=exif_orientation(notes))
    return png


def with_pixels(png: Png, content: bytes) -> Png:
    """All that a PNG says whose header was read, its chunks compared with their checksums.

    A missing end is mended where all pixels are there. Chunks beside the picture may be damaged.

    Raises:
        BrokenPng: pixels are missing or damaged.
    """
    view, place, spans = memoryview(content), len(BEGINNING), [(0, len(BEGINNING))]
    while place + 12 <= len(content):
        length, kind = HEAD.unpack_from(content, place)
        end = place + 12 + length
        if end > len(content):
            break
        is_whole = _checksum(view[place + 4 : end - 4]) == CHECKSUM.unpack_from(content, end - 4)[0]
        if not is_whole and not kind[0] & 0x20:
            raise BrokenPng(f"the checksum of {kind.decode('latin-1')} is wrong")
        if is_whole and kind in KEPT:
            # One span of chunks that lie side by side.
            spans[-1:] = [(spans[-1][0], end)] if spans[-1][1] == place else [spans[-1], (place, end)]
        if is_whole and kind == b"tRNS":
            png = replace(png, transparent=content[place + 8 : end - 4])
        elif is_whole and kind == b"eXIf" and length <= MOST_EXIF:
            png = replace(png, orientation=exif_orientation(content[place + 8 : end - 4]))
        elif kind == END:
            return replace(png, content=_joined(content, spans))
        place = end
    return replace(png, content=_ended(png, _joined(content, spans), content[place:]))


def _checksum(chunk: memoryview) -> int:
    found = 0
    for start in range(0, len(chunk), STEP):
        found = zlib.crc32(chunk[start : start + STEP], found)
    return found


def _joined(content: bytes, spans: list[tuple[int, int]]) -> bytes:
    return b"".join(content[start:end] for start, end in spans)


def _ended(png: Png, begun: bytes, rest: bytes) -> bytes:
    """A PNG that was `begun` and whose end is missing; `rest` may be a chunk that is cut off.

    Raises:
        BrokenPng: pixels are missing.
    """
    before, packed, place = [BEGINNING], list[bytes](), len(BEGINNING)
    while place < len(begun):
        length, kind = HEAD.unpack_from(begun, place)
        end = place + 12 + length
        if kind == PIXELS:
            packed.append(begun[place + 8 : end - 4])
        else:
            before.append(begun[place:end])
        place = end
    if rest[4:8] == PIXELS:
        packed.append(rest[8 : 8 + int.from_bytes(rest[:4], "big")])
    try:
        rows = zlib.decompressobj().decompress(b"".join(packed), png.num_bytes)
    except zlib.error as error:
        raise BrokenPng(str(error)) from None
    if len(rows) < png.num_bytes:
        raise BrokenPng("pixels are missing at its end")
    return b"".join(before) + _chunk(PIXELS, zlib.compress(rows, 1)) + _chunk(END, b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
