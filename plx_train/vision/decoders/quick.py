"""Which files can't take long to decode, by their headers: they need not wait for those that can."""

from __future__ import annotations

import io

from plx_train.vision.codecs import jpeg, png

MOST_WORK = 400_000_000
"""Pixels, each counted as often as a scan passes it, that are decoded in seconds."""
START_OF_SCAN = b"\xff\xda"


def is_quick(content: bytes) -> bool:
    """Whether these are a PNG, or a JPEG of scans that are not made to be many."""
    if content.startswith(png.BEGINNING):
        return True
    if not content.startswith(jpeg.BEGINNING):
        return False
    try:
        header = jpeg.read_header(io.BytesIO(content))
    except jpeg.BrokenJpeg:
        # It is refused as soon as it is read.
        return True
    return header.height * header.width * content.count(START_OF_SCAN) <= MOST_WORK
