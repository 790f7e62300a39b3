"""A page as PDF whose text can be searched and copied: the picture, and what was read invisibly over it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from plx_train.pipelines.drawing import within_jpeg
from plx_train.vision.pdf import PDF_SCALE

JPEG_QUALITY = 85
EM_SHARE = 0.5
"""Width of every character of the font, which has no shapes, in its size."""
TO_UNICODE = b"""/CIDInit /ProcSet findresource begin 12 dict begin begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def /CMapType 2 def
1 begincodespacerange <0000> <FFFF> endcodespacerange
1 beginbfrange <0000> <FFFF> <0000> endbfrange
endcmap CMapName currentdict /CMap defineresource pop end end"""


def searchable_pdf(image: np.ndarray, quads: Sequence[np.ndarray], texts: Sequence[str]) -> bytes:
    """A PDF file of one page.

    Args:
        image: uint8 (H, W, 3) BGR; two pixels make a point, as PDF pages are rendered when they are read.
        quads: (4, 2) corners of each text in pixels, clockwise from its top left.
    """
    height, width = image.shape[:2]
    # The page keeps its size, whatever that of the picture on it.
    image = within_jpeg(image)
    jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
    lines = [_line(quad, text, height) for quad, text in zip(quads, texts, strict=True) if text]
    scale = 1 / PDF_SCALE
    drawn = f"q {width * scale:.2f} 0 0 {height * scale:.2f} 0 0 cm /Page Do Q\n"
    content = (drawn + "BT 3 Tr\n" + "".join(lines) + "ET\n").encode("ascii")
    box = f"[0 0 {width * scale:.2f} {height * scale:.2f}]"
    system = "<< /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
    picture = f"/Type /XObject /Subtype /Image /Width {image.shape[1]} /Height {image.shape[0]} /ColorSpace /DeviceRGB"
    return _file(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            (
                f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Contents 4 0 R "
                "/Resources << /XObject << /Page 5 0 R >> /Font << /F 6 0 R >> >> >>"
            ).encode(),
            _stream("", content),
            _stream(f"{picture} /BitsPerComponent 8 /Filter /DCTDecode", jpeg),
            b"<< /Type /Font /Subtype /Type0 /BaseFont /NoShapes /Encoding /Identity-H /DescendantFonts [7 0 R] "
            b"/ToUnicode 9 0 R >>",
            (
                f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /NoShapes /CIDSystemInfo {system} "
                f"/FontDescriptor 8 0 R /DW {int(EM_SHARE * 1000)} >>"
            ).encode(),
            b"<< /Type /FontDescriptor /FontName /NoShapes /Flags 5 /FontBBox [0 0 500 1000] /ItalicAngle 0 "
            b"/Ascent 1000 /Descent 0 /CapHeight 1000 /StemV 80 >>",
            _stream("", TO_UNICODE),
        ]
    )


def _line(quad: np.ndarray, text: str, page_height: int) -> str:
    """Operators that set `text` along the lower edge of its box, as wide as that."""
    top_left, _, bottom_right, bottom_left = np.asarray(quad, np.float64)
    along = bottom_right - bottom_left
    length, size = float(np.hypot(*along)), float(np.hypot(*(bottom_left - top_left)))
    if length < 1 or size < 1:
        return ""
    cosine, sine = along[0] / length, -along[1] / length
    codes = text.encode("utf-16-be")
    stretch = 100 * length / (EM_SHARE * size * len(codes) / 2)
    x, y = bottom_left[0] / PDF_SCALE, (page_height - bottom_left[1]) / PDF_SCALE
    place = f"{cosine:.5f} {sine:.5f} {-sine:.5f} {cosine:.5f} {x:.2f} {y:.2f} Tm"
    return f"/F {size / PDF_SCALE:.2f} Tf {stretch:.2f} Tz {place} <{codes.hex()}> Tj\n"


def _stream(entries: str, data: bytes) -> bytes:
    return f"<< {entries} /Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream"


def _file(objects: Sequence[bytes]) -> bytes:
    """Numbered objects, the first of which is the catalogue, with the table of their places."""
    data, places = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    start = len(data)
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    data += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}".encode()
    data += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(data)
