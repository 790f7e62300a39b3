"""JPEG files: what their headers say, and whether their scans are whole."""

from __future__ import annotations

import io
import re
import struct
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from plx_train.vision.codecs.orientation import UPRIGHT, exif_orientation

BEGINNING = b"\xff\xd8\xff"
END = b"\xff\xd9"
EXIF = b"Exif\0\0"

START_OF_SCAN, END_OF_IMAGE, RESTART_INTERVAL, FIRST_SEGMENT = 0xDA, 0xD9, 0xDD, 0xE1
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of the segment that has the picture's size."""
PROGRESSIVE = (0xC2, 0xCA)
DECODED = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)
"""Markers of pictures that libjpeg decodes; lossless ones are not."""
WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
SEGMENTS = frozenset({0xC4, 0xCC, 0xDA, 0xDB, 0xDC, 0xDD, *range(0xE0, 0xF0), 0xFE})
"""Markers of what may stand between scans."""

RESTART = re.compile(rb"\xff[\xd0-\xd7]")

FILLINGS = tuple(bytes([value]) * 512 for value in (0x00, 0x55, 0xAA, 0xCC))
"""Bytes to go on with after a scan, of other bits from the first: they change the picture if the scan is not whole."""


class BrokenJpeg(ValueError):
    """A JPEG whose segments end too early, or make no sense."""


@dataclass(frozen=True)
class JpegHeader:
    """What stands before the first scan of a JPEG.

    Attributes:
        height, width: as stored.
        bits: of a sample.
        components: ids of the colour channels.
        interval: units of the picture between markers to restart at; 0 without such.
        units: of which a scan of all colours is made.
        orientation: as EXIF data name it.
        scan: offset of what follows the first scan's marker.
    """

    marker: int

    height: int
    width: int
    bits: int
    components: tuple[int, ...]
    interval: int
    units: int
    orientation: int
    scan: int

    @property
    def is_progressive(self) -> bool:
        """Whether scans refine each other."""
        return self.marker in PROGRESSIVE


def read_header(file: BinaryIO) -> JpegHeader:
    """What a JPEG says before its first scan.

    Raises:
        BrokenJpeg: there is no scan, or no size before it.
    """
    file.seek(2)
    frame, orientation, interval = None, None, 0
    while (marker := _next_marker(file)) != START_OF_SCAN:
        if marker == END_OF_IMAGE:
            raise BrokenJpeg("it ends before its picture")
        if marker in WITHOUT_LENGTH:
            continue
        length = struct.unpack(">H", _exactly(file, 2))[0] - 2
        if length < 0:
            raise BrokenJpeg("a segment has no length")
        if marker in FRAMES and frame is None:
            frame = (marker, _exactly(file, length))
        elif marker == FIRST_SEGMENT and orientation is None:
            segment = _exactly(file, length)
            orientation = exif_orientation(segment) if segment.startswith(EXIF) else None
        elif marker == RESTART_INTERVAL:
            interval = int.from_bytes(_exactly(file, length)[:2], "big")
        else:
            file.seek(length, io.SEEK_CUR)
    if frame is None:
        raise BrokenJpeg("it does not say its size")
    bits, height, width, components = _frame(frame[1])
    units = _units(frame[1], height, width)
    return JpegHeader(frame[0], height, width, bits, components, interval, units, orientation or UPRIGHT, file.tell())


def _frame(frame: bytes) -> tuple[int, int, int, tuple[int, ...]]:
    """Bits, height, width and the components' ids."""
    try:
        bits, height, width, count = struct.unpack_from(">BHHB", frame)
        components = tuple(frame[6 + 3 * number] for number in range(count))
    except (struct.error, IndexError):
        raise BrokenJpeg("the segment with its size is cut off") from None
    if not (height and width and count):
        raise BrokenJpeg(f"its size is {width} x {height}, of {count} colours")
    return bits, height, width, components


def _units(frame: bytes, height: int, width: int) -> int:
    """Units of a scan of all colours: blocks of 8 pixels, of several colours as many as their samplings join."""
    samplings = [frame[place] for place in range(7, len(frame), 3)]
    if len(samplings) < 2:
        return -(-width // 8) * -(-height // 8)
    across, down = max(max(one >> 4, 1) for one in samplings), max(max(one & 15, 1) for one in samplings)
    return -(-width // (8 * across)) * -(-height // (8 * down))


def _next_marker(file: BinaryIO) -> int:
    byte = _exactly(file, 1)
    while True:
        while byte != b"\xff":
            byte = _exactly(file, 1)
        while byte == b"\xff":
            byte = _exactly(file, 1)
        if byte != b"\0":
            return byte[0]


def _exactly(file: BinaryIO, count: int) -> bytes:
    found = file.read(count)
    if len(found) < count:
        raise BrokenJpeg("it ends before its picture")
    return found


@dataclass(frozen=True)
class Scans:
    """Where a JPEG's scans end.

    Attributes:
        end: offset of what follows the last scan's data.
        is_ended: whether what follows is the marker of the picture's end.
        has_all_bits: whether the scans that began bring every coefficient to its last bit.
        is_counted: whether the markers to restart at are all there, in their order, where there are such.
    """

    end: int
    is_ended: bool
    has_all_bits: bool
    is_counted: bool = True


def find_scans(content: bytes, header: JpegHeader) -> Scans:
    """The scans of a JPEG, walked from marker to marker; what lies behind the picture's end is not looked at.

    Where one scan after the other brings a colour to its end, whatever marker comes behind the last ends the data.
    """
    missing = {component: [True] * 64 for component in header.components}
    markers = _markers(content, has_restarts=header.interval > 0)
    place, is_counted = header.scan - 2, True
    while True:
        length = int.from_bytes(content[place + 2 : place + 4], "big")
        following = place + 2 + length
        if length < 2 or following > len(content):
            return Scans(place, False, _is_empty(missing), is_counted)
        is_scan = content[place + 1] == START_OF_SCAN
        if is_scan:
            _mark(content[place + 4 : following], header, missing)
        number = int(np.searchsorted(markers, following))
        end = int(markers[number]) if number < len(markers) else len(content)
        if is_scan and header.interval:
            is_counted &= _are_counted(content[following:end], header, content[place + 4])
        code = content[end + 1] if end < len(content) else 0
        is_last = is_scan and not header.is_progressive and _is_empty(missing)
        if is_last or code not in SEGMENTS:
            return Scans(end, code == END_OF_IMAGE, _is_empty(missing), is_counted)
        place = end


def _markers(content: bytes, has_restarts: bool) -> np.ndarray:
    """Offsets of all that ends a scan's data, in which 255 is followed by 0, by itself, or by a restart."""
    values = np.frombuffer(content, np.uint8)
    places = np.flatnonzero(values[:-1] == 0xFF)
    codes = values[places + 1]
    is_end = (codes != 0) & (codes != 0xFF)
    return places[is_end & ((codes < 0xD0) | (codes > 0xD7))] if has_restarts else places[is_end]


def _are_counted(data: bytes, header: JpegHeader, count: int) -> bool:
    """Whether a scan's markers to restart at come in turn, and, in one of all colours, none is missing."""
    found = [marker[1] & 7 for marker in RESTART.findall(data)]
    if any(number != place % 8 for place, number in enumerate(found)):
        return False
    is_of_all = not header.is_progressive and count == len(header.components)
    return not is_of_all or len(found) >= -(-header.units // header.interval) - 1


def _is_empty(missing: dict[int, list[bool]]) -> bool:
    return not any(any(bits) for bits in missing.values())


def _mark(scan: bytes, header: JpegHeader, missing: dict[int, list[bool]]) -> None:
    """Takes from `missing` the coefficients whose last bit is in the scan of this header."""
    count = scan[0] if scan else 0
    if len(scan) < 4 + 2 * count:
        return
    first, last, low_bit = scan[1 + 2 * count], scan[2 + 2 * count], scan[3 + 2 * count] & 15
    if not header.is_progressive:
        first, last, low_bit = 0, 63, 0
    for number in range(count):
        bits = missing.get(scan[1 + 2 * number])
        if bits is not None and low_bit == 0:
            bits[first : last + 1] = [False] * len(bits[first : last + 1])


def continued(content: bytes, header: JpegHeader, end: int) -> list[bytes]:
    """The JPEG up to the scan data's `end`, with several goings-on: a whole scan's pictures are equal."""
    begun = content[:end].rstrip(b"\xff")
    between = b""
    if header.interval:
        passed = RESTART.findall(begun, begun.rfind(b"\xff\xda"))
        between = bytes([0xFF, 0xD0 + (passed[-1][1] - 0xD0 + 1) % 8 if passed else 0xD0])
    return [begun + filling + between + filling + END for filling in FILLINGS]
