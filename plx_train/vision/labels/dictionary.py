"""Characters from a file with one a line."""

from __future__ import annotations

from pathlib import Path
from unicodedata import normalize

from plx_train.data.encodings import BYTE_ORDER_MARK, conversion, probable_encoding, split_lines, wide_encoding
from plx_train.ground.characters import legible
from plx_train.ground.errors import DataError


def read_dictionary(path: Path) -> tuple[str, ...]:
    """The characters of a file with one a line, in UTF-8; the space may be left out, the line is the place.

    Raises:
        DataError: it can't be read, or a line is not a character of its own, with the line.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"the dictionary {path} can't be read ({error.strerror or error})") from None
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"the dictionary {path} is not UTF-8 at byte {error.start + 1}{_remedy(path, data)}") from None
    rows, _ = split_lines(data.removeprefix(BYTE_ORDER_MARK))
    first: dict[str, int] = {}
    for number, line in enumerate((row.decode("utf-8") for row in rows), 1):
        character = line.removesuffix("\r")
        if len(character) != 1:
            raise DataError(f"{path}:{number}: the line {_fault(character)}: a dictionary has one character a line")
        if character in first:
            raise DataError(f"{path}:{number}: {character!r} is in line {first[character]} already")
        first[character] = number
    return tuple(first)


def _remedy(path: Path, data: bytes) -> str:
    encoding = wide_encoding(data) or probable_encoding(data)
    return f": it is probably in {encoding}, {conversion(path.name, encoding)} writes it anew" if encoding else ""


def _fault(text: str) -> str:
    if not text:
        return "is blank"
    shown = f"holds {len(text)} characters ({legible(text[:20])})"
    return f"{shown}, which are one in Unicode's form NFC" if len(normalize("NFC", text)) == 1 else shown
