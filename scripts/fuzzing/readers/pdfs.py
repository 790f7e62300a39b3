"""PDF files, page by page."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from fuzzing.cases import Case
from fuzzing.reader import Reader, Wrong
from fuzzing.readers.images import DECODERS, encoded

TOKENS = (
    *(
        b"/Type/Page",
        b"/Kids[3 0 R]",
        b"/Kids[2 0 R]",
        b"/Count 100000",
        b"/Count -1",
        b"/Parent 2 0 R",
        b"/MediaBox[0 0 1e9 1e9]",
    ),
    *(b"/MediaBox[0 0 0 0]", b"/MediaBox[0 0 14400 14400]", b"/MediaBox[9 9 -9 -9]", b"/Rotate 90", b"/UserUnit 75000"),
    *(
        b"/Pattern",
        b"/PatternType 1",
        b"/XStep 0.00001",
        b"/YStep 0.00001",
        b"/ShadingType 1",
        b"/ShadingType 7",
        b"/FunctionType 4",
    ),
    *(
        b"/Filter/FlateDecode",
        b"/Filter[/FlateDecode/FlateDecode]",
        b"/Filter/JPXDecode",
        b"/Filter/JBIG2Decode",
        b"/Filter/DCTDecode",
    ),
    *(
        b"/Filter/LZWDecode",
        b"/Filter/CCITTFaxDecode",
        b"/Filter/RunLengthDecode",
        b"/Predictor 15",
        b"/Columns 2147483647",
    ),
    *(
        b"/Length 99999999",
        b"/Length 5 0 R",
        b"4 0 R",
        b"999999 0 R",
        b"<<",
        b">>",
        b"[",
        b"]",
        b"(",
        b"stream\n",
        b"endstream",
    ),
    *(
        b" cm ",
        b" Do ",
        b" re f ",
        b" Tj ",
        b" BI /W 9999 /H 9999 ID ",
        b" EI ",
        b" q ",
        b" Q ",
        b" 1e38 ",
        b" -1e38 ",
        b" d ",
    ),
    *(
        b"xref\n",
        b"startxref\n0\n",
        b"/Prev 0",
        b"/Encrypt 3 0 R",
        b"/OpenAction<</S/JavaScript/JS(app.alert(1))>>",
        b"/AcroForm 6 0 R",
    ),
    *(
        b"/SMask 5 0 R",
        b"/ImageMask true",
        b"/Width 65535",
        b"/Height 65535",
        b"/BitsPerComponent 16",
        b"/Indexed",
        b"/ObjStm",
    ),
)


def pdf(*objects: bytes, root: int = 1) -> bytes:
    """A PDF of these objects, numbered from 1, with a right table of where they lie."""
    content, places = b"%PDF-1.7\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return b"%sxref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        content,
        len(places) + 1,
        table,
        len(places) + 1,
        root,
        len(content),
    )


def stream(data: bytes, words: bytes = b"") -> bytes:
    """A stream object."""
    return b"<</Length %d%s>>stream\n%s\nendstream" % (len(data), words, data)


def page_with(
    content: bytes, resources: bytes = b"", *others: bytes, box: bytes = b"0 0 60 40", words: bytes = b""
) -> bytes:
    """A PDF of one page; `others` are objects from 5 on."""
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents 4 0 R/Resources<<%s>>%s>>" % (box, resources, words)
    return pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page, stream(content), *others)


def seeds(folder: Path) -> dict[str, Case]:
    """Pages with what a page can hold: texts, lines, pictures of each filter, patterns, shadings, forms, notes."""
    from PIL import Image

    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8))
    fax = encoded(picture.convert("1"), "TIFF", compression="group4")[8:40]
    image = b"/Type/XObject/Subtype/Image/Width 8/Height 8/BitsPerComponent 8/ColorSpace/DeviceRGB"
    draw, named = b"q 40 0 0 30 5 5 cm /I Do Q", b"/XObject<</I 5 0 R>>"
    pattern = b"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 5 5]/XStep 6/YStep 6/Resources<<>>"
    shading = (
        b"<</ShadingType %d/ColorSpace/DeviceRGB/Coords[%s]/Function<</FunctionType 2/Domain[0 1]"
        b"/C0[1 0 0]/C1[0 0 1]/N 1>>/Extend[true true]>>"
    )
    form = stream(b"0 0 1 rg 0 0 9 9 re f", b"/Type/XObject/Subtype/Form/BBox[0 0 10 10]/Group<</S/Transparency>>")
    mask = stream(
        bytes(range(64)), b"/Type/XObject/Subtype/Image/Width 8/Height 8/BitsPerComponent 8/ColorSpace/DeviceGray"
    )
    field = b"<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/V(b)/Rect[5 5 50 20]/DA(/F 9 Tf)>>"
    found = {
        "text": page_with(
            b"BT /F 12 Tf 5 15 Td (plx train) Tj ET", b"/Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>"
        ),
        "lines": page_with(
            b"1 0 0 RG 2 w [3 1] 0 d 5 5 m 50 30 l 9 9 20 20 30 5 c S 10 10 20 20 re W n 0 0 60 40 re f*"
        ),
        "flate": page_with(draw, named, stream(zlib.compress(picture.tobytes()), image + b"/Filter/FlateDecode")),
        "predictor": page_with(
            draw,
            named,
            stream(
                zlib.compress(bytes(8 * 25)),
                image + b"/Filter/FlateDecode/DecodeParms<</Predictor 15/Colors 3/Columns 8>>",
            ),
        ),
        "jpeg": page_with(draw, named, stream(encoded(picture, "JPEG"), image + b"/Filter/DCTDecode")),
        "jpeg 2000": page_with(draw, named, stream(encoded(picture, "JPEG2000"), image + b"/Filter/JPXDecode")),
        "fax": page_with(
            draw,
            named,
            stream(
                fax,
                b"/Type/XObject/Subtype/Image/Width 8/Height 8/BitsPerComponent 1"
                b"/ColorSpace/DeviceGray/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns 8/Rows 8>>",
            ),
        ),
        "mask": page_with(draw, named, stream(picture.tobytes(), image + b"/SMask 6 0 R"), mask),
        "pattern": page_with(
            b"/Pattern cs /P scn 0 0 60 40 re f", b"/Pattern<</P 5 0 R>>", stream(b"0 0 3 3 re f", pattern)
        ),
        "axial": page_with(b"/S sh", b"/Shading<</S 5 0 R>>", shading % (2, b"0 0 60 40")),
        "radial": page_with(b"/S sh", b"/Shading<</S 5 0 R>>", shading % (3, b"30 20 1 30 20 20")),
        "form": page_with(b"/X Do", b"/XObject<</X 5 0 R>>", form),
        "inline": page_with(b"q 20 0 0 20 5 5 cm BI /W 2 /H 2 /BPC 8 /CS /G ID abcd EI Q"),
        "state": page_with(
            b"/G gs 0 0 30 30 re f", b"/ExtGState<</G<</ca .5/BM/Multiply/SMask<</S/Luminosity/G 5 0 R>>>>>>", form
        ),
        "note": page_with(b"", b"", field, words=b"/Annots[5 0 R]"),
        "type 3": page_with(
            b"BT /F 9 Tf 5 5 Td (a) Tj ET",
            b"/Font<</F<</Type/Font/Subtype/Type3/FontBBox[0 0 9 9]/FontMatrix"
            b"[.1 0 0 .1 0 0]/CharProcs<</a 5 0 R>>/Encoding<</Differences[97/a]>>/FirstChar 97/LastChar 97"
            b"/Widths[9]>>>>",
            stream(b"9 0 0 0 9 9 d1 0 0 9 9 re f"),
        ),
        "pages": pdf(
            b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[5 0 R]>>>>",
            b"<</Type/Pages/Kids[3 0 R 4 0 R]/Count 2/MediaBox[0 0 30 30]>>",
            b"<</Type/Page/Parent 2 0 R/Rotate 90>>",
            b"<</Type/Page/Parent 2 0 R/UserUnit 2>>",
            field,
        ),
    }
    return {name: {"document.pdf": content} for name, content in found.items()}


def run(folder: Path) -> str:
    """Renders the first pages as pipelines do."""
    from plx_train.ground.errors import UserError
    from plx_train.vision.pages import file_pages

    pages = []
    for page in file_pages(folder / "document.pdf"):
        pages.append(page)
        if not isinstance(page, UserError) and (page.content.dtype != np.uint8 or page.content.ndim != 3):
            raise Wrong(f"a page {page.content.dtype} {page.content.shape}")
        if len(pages) == 6:
            break
    errors = [page for page in pages if isinstance(page, UserError)]
    if errors:
        raise errors[0]
    return str(len(pages))


READER = Reader("pdfs", seeds, run, TOKENS, seconds=20.0, programs=(DECODERS,))
