"""Which encoding a text file has that is not UTF-8, and how its bytes become lines."""

from __future__ import annotations

import codecs
import re
import shlex
from collections import Counter

BYTE_ORDER_MARK = codecs.BOM_UTF8
WIDE_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32LE"),
    (codecs.BOM_UTF32_BE, "UTF-32BE"),
    (codecs.BOM_UTF16_LE, "UTF-16LE"),
    (codecs.BOM_UTF16_BE, "UTF-16BE"),
)
LOOKED_AT = 1 << 16
"""Bytes of a file's beginning that are looked at."""
WIDE_SHARE = 0.3
"""Zero bytes in one half of the places from which on a file is UTF-16: of Latin text every second byte is zero."""
ACCENTED = re.compile(rb"(?<=[A-Za-z])[\x80-\xff]{1,2}(?![\x80-\xff])|(?<![\x80-\xff])[\x80-\xff]{1,2}(?=[A-Za-z])")
"""One or two bytes above 127 within a word of Latin letters."""
ACCENTED_SHARE = 0.5


def split_lines(data: bytes) -> tuple[list[bytes], bool]:
    """The lines of a file without what ends them but CR before LF, and whether lone CRs end them.

    Nothing else ends a line: neither U+0085 nor U+2028, which `str.splitlines` takes for ends.
    """
    is_cr_only = b"\r" in data and b"\n" not in data
    end = b"\r" if is_cr_only else b"\n"
    return data.removesuffix(end).split(end), is_cr_only


def wide_encoding(data: bytes) -> str | None:
    """The encoding with two or four bytes a character that a file is in; None: neither."""
    marked = next((name for mark, name in WIDE_MARKS if data.startswith(mark)), None)
    if marked:
        return marked
    start = data[:LOOKED_AT]
    for odd, name in ((1, "UTF-16LE"), (0, "UTF-16BE")):
        half, other = start[odd::2], start[1 - odd :: 2]
        if len(half) > 1 and half.count(0) >= WIDE_SHARE * len(half) and not other.count(0):
            return name
    return None


def probable_encoding(data: bytes) -> str | None:
    """The encoding, as iconv calls it, that a file is probably in; None: UTF-8 with damaged bytes."""
    rows = [row for row in data[:LOOKED_AT].split(b"\n")[:-1] or [data[:LOOKED_AT]] if not row.isascii()]
    bad = [row for row in rows if not decodes(row, "utf-8")]
    if not bad or len(bad) * 2 < len(rows):
        return None
    content = b"\n".join(bad)
    if _has_kana(content, "shift_jis"):
        return "SHIFT_JIS"
    num_accented = len(ACCENTED.findall(content))
    runs = re.findall(rb"[\x80-\xff]+", content)
    is_latin = num_accented > ACCENTED_SHARE * len(runs) or sum(map(len, runs)) < 2 * len(runs)
    return "WINDOWS-1252" if is_latin else _of_pairs(content)


def _of_pairs(content: bytes) -> str:
    leads = Counter(pair[0] for pair in re.findall(rb"[\xa1-\xfe][\xa1-\xfe]", content))
    total = max(sum(leads.values()), 1)
    if decodes(content, "euc_jp") and (leads[0xA4] + leads[0xA5]) > 0.3 * total:
        return "EUC-JP"
    if decodes(content, "euc_kr") and sum(leads[lead] for lead in range(0xB0, 0xC9)) > 0.95 * total:
        return "EUC-KR"
    if decodes(content, "gb2312"):
        return "GB18030"
    if decodes(content, "cp1251") and sum(byte >= 0xC0 for byte in content) > 0.9 * sum(b > 127 for b in content):
        return "WINDOWS-1251"
    return next((name for name in ("BIG5", "GB18030") if decodes(content, name)), "WINDOWS-1252")


def conversion(name: str, encoding: str) -> str:
    """The command that writes a file anew in UTF-8."""
    return f"iconv -f {encoding} -t UTF-8 {shlex.quote(name)} > utf8.txt"


def decodes(content: bytes, encoding: str) -> bool:
    """Whether the bytes are a text in that encoding."""
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _has_kana(content: bytes, encoding: str) -> bool:
    if not decodes(content, encoding):
        return False
    text = content.decode(encoding)
    return sum("\u3040" <= each <= "\u30ff" for each in text) > 0.2 * sum(not each.isascii() for each in text)
