"""Files that were made to do harm, by name."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

from PIL import Image


def hostile_files() -> Iterator[tuple[str, bytes, int]]:
    """The name of each, its content, and what type it claims to be: 0 a PDF, 1 an image."""
    yield "PNG of 1 x 20 000", png(1, 20_000), 1
    yield "PNG of 400 000 x 1", png(400_000, 1), 1
    yield "PNG that ends early", png(500, 500)[:200], 1
    yield "PNG whose sizes lie", png(500, 500, claimed=(5, 100_000)), 1
    yield "JPEG 2000 whose box lies", jpeg2000(), 1
    yield "TIFF of a thousand pages", tiff(1000), 1
    yield "PDF with a tiny tile", pdf_with_tile(), 0
    yield "PDF of forms in forms", pdf_of_forms(6, 10), 0
    yield "PDF whose pages loop", pdf([CATALOG, b"<</Type/Pages/Kids[2 0 R]/Count 1>>"]), 0
    yield "PDF of zeros in zeros", pdf_of_zeros(), 0
    yield "PDF page of 1e7 points", pdf_page(b"", box=b"0 0 10000000 0.01"), 0
    yield "PDF that ends early", pdf_page(b"0 0 10 10 re f")[:150], 0


def png(width: int, height: int, claimed: tuple[int, int] | None = None) -> bytes:
    """A grey PNG, black all over; `claimed` is what its header says instead of the truth."""
    rows = zlib.compress(bytes((width + 1) * height), 9)
    head = struct.pack(">IIBBBBB", *(claimed or (width, height)), 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, data) for kind, data in ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b""))
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def jpeg2000() -> bytes:
    """A JPEG 2000 whose box says 10 x 10 and whose stream is of 64 x 64."""
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, "JPEG2000")
    content = file.getvalue()
    at = content.find(b"ihdr") + 4
    return content[:at] + struct.pack(">II", 10, 10) + content[at + 8 :]


def tiff(pages: int) -> bytes:
    """So many pages of one pixel."""
    file = io.BytesIO()
    first, *others = [Image.new("L", (1, 1)) for _ in range(pages)]
    first.save(file, "TIFF", save_all=True, append_images=others)
    return file.getvalue()


CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
PAGES = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"


def pdf(objects: list[bytes]) -> bytes:
    """A PDF of these objects, numbered from 1; the first is the catalogue."""
    content, offsets = b"%PDF-1.7\n", []
    for number, one in enumerate(objects, 1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size, start = len(objects) + 1, len(content)
    content += b"xref\n0 %d\n0000000000 65535 f \n%b" % (size, table)
    return content + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, start)


def _stream(data: bytes, more: bytes = b"") -> bytes:
    return b"<<%b/Length %d>>\nstream\n%b\nendstream" % (more, len(data), data)


def pdf_page(content: bytes, box: bytes = b"0 0 200 200", resources: bytes = b"", *more: bytes) -> bytes:
    """A PDF of one page."""
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[%b]/Contents 4 0 R/Resources<<%b>>>>" % (box, resources)
    return pdf([CATALOG, PAGES, page, _stream(content), *more])


def pdf_with_tile() -> bytes:
    """A page filled with a pattern whose tile is far smaller than a pixel."""
    pattern = (
        b"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 1 1]/XStep 0.0001/YStep 0.0001/Resources<<>>"
    )
    fill = b"/Pattern cs /P scn 0 0 200 200 re f"
    return pdf_page(fill, b"0 0 200 200", b"/Pattern<</P 5 0 R>>", _stream(b"0 0 1 1 re f", pattern))


def pdf_of_forms(depth: int, fan: int) -> bytes:
    """A page whose form draws another so many times, which does the same, and so on."""
    forms = []
    for level in range(depth):
        is_last = level == depth - 1
        inner = b"" if is_last else b"/Resources<</XObject<</F %d 0 R>>>>" % (6 + level)
        drawn = b"0 0 1 1 re f " * 50 if is_last else b"/F Do " * fan
        forms.append(_stream(drawn, b"/Type/XObject/Subtype/Form/BBox[0 0 200 200]" + inner))
    return pdf_page(b"/F Do", b"0 0 200 200", b"/XObject<</F 5 0 R>>", *forms)


def pdf_of_zeros() -> bytes:
    """A page whose commands are 200 MB of blanks, packed twice."""
    packed = zlib.compress(zlib.compress(b" " * 200_000_000, 9), 9)
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R>>"
    return pdf([CATALOG, PAGES, page, _stream(packed, b"/Filter[/FlateDecode/FlateDecode]")])
