"""Small files that are made to harm whoever reads them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence

from PIL import Image


def png_of_zeros(width: int, height: int) -> bytes:
    """A PNG of black pixels, some hundred bytes for millions of them."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(width + 1)) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def pdf_of(objects: Sequence[bytes]) -> bytes:
    """A PDF of these objects, the first of which is its catalogue."""
    content, places = b"%PDF-1.7\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    end = b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(content))
    return content + head + table + end


def stream(content: bytes, entries: bytes = b"") -> bytes:
    """A stream of a PDF."""
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (entries, len(content), content)


def pdf_of_pages(*contents: bytes, resources: bytes = b"", others: Sequence[bytes] = ()) -> bytes:
    """A PDF of pages with these contents; `others` are numbered from 3 + two a page."""
    count = len(contents)
    kids = b" ".join(b"%d 0 R" % (3 + 2 * number) for number in range(count))
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count)]
    for number, content in enumerate(contents):
        page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents %d 0 R/Resources<<%s>>>>"
        objects += [page % (4 + 2 * number, resources), stream(content)]
    return pdf_of([*objects, *others])


PLAIN = b"0 0 10 10 re f"
TILED = b"/Pattern cs /P scn 0 0 200 200 re f"


def pdf_that_hangs(*pages: bytes) -> bytes:
    """A PDF whose pages, one of `TILED` unless given, take for ever: a pattern repeats itself with a tiny step."""
    pages = pages or (TILED,)
    pattern = stream(
        b"0 0 1 1 re f",
        b"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 1 1]/XStep 0.00001/YStep 0.00001/Resources<<>>",
    )
    number = 3 + 2 * len(pages)
    return pdf_of_pages(*pages, resources=b"/Pattern<</P %d 0 R>>" % number, others=[pattern])


def pdf_of_a_huge_picture() -> bytes:
    """A PDF of a kilobyte or two whose page shows a picture of 900 million pixels."""
    picture = stream(
        zlib.compress(zlib.compress(bytes(900_000_000), 1), 9),
        b"/Type/XObject/Subtype/Image/Width 30000/Height 30000/ColorSpace/DeviceGray/BitsPerComponent 8"
        b"/Filter[/FlateDecode/FlateDecode]",
    )
    return pdf_of_pages(b"200 0 0 200 0 0 cm /I Do", resources=b"/XObject<</I 5 0 R>>", others=[picture])


def jpeg_2000_that_lies() -> bytes:
    """A JPEG 2000 whose box says 10 x 10 pixels, and whose stream has 64 x 64."""
    content = encoded("JPEG2000")
    place = content.find(b"ihdr") + 4
    return content[:place] + struct.pack(">II", 10, 10) + content[place + 8 :]


def jpeg_of_many_scans(count: int) -> bytes:
    """A progressive JPEG of 2000 x 2000 pixels, one of whose scans stands there `count` times."""
    file = io.BytesIO()
    Image.new("RGB", (2000, 2000), (90, 120, 30)).save(file, "JPEG", progressive=True)
    content = file.getvalue()
    starts = [place for place in range(len(content) - 1) if content[place : place + 2] == b"\xff\xda"]
    last = content[starts[-1] : -2]
    return content[:-2] + last * count + content[-2:]


def encoded(kind: str, size: tuple[int, int] = (64, 64)) -> bytes:
    """A picture of one colour in a file of Pillow's format `kind`."""
    file = io.BytesIO()
    Image.new("RGB", size, (3, 4, 5)).save(file, kind)
    return file.getvalue()


def pdf_of_much_content() -> bytes:
    """A PDF of some kilobytes whose page is described in a gigabyte."""
    content = stream(zlib.compress(zlib.compress(b" " * 1_000_000_000, 1), 9), b"/Filter[/FlateDecode/FlateDecode]")
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R>>"
    return pdf_of([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page, content])
