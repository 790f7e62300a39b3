"""Changes of tables and label files as text: cells, rows, separators, quotes, notations, encodings."""

from __future__ import annotations

from random import Random

CELLS = (
    "", " ", "nan", "NaN", "inf", "-inf", "1e308", "1e309", "-1e400", "1.8e308", "0x10", "1_000", "1,5", "1.234,5", "٣",
    "½", "1e", "--1", "+", "9" * 400, "0" * 5000, "-9999", "2024-01-01", "2024-13-45", "0000-00-00", "9999-12-31 23:59",
    "99999-01-01", "1677-09-21", "2262-04-12", "1900-02-29", "2024-03-31 02:30:00", "2024-03-31T02:30:00+25:00",
    "24:00", "\x1b[31m", "\u202e",
    "12/13/14", "01.02.03", "1e18", "1700000000", "9223372036854775808", "=1+1", '=HYPERLINK("x")',
    "\u2028", "\x85", "\0", "\ufeff", "é" * 99, "true", "None", "a,b", 'a"b', '"', '""', "'", "#", "x" * 70_000,
    "../guard/secret.txt", "%GUARD%/secret.txt", "/dev/zero", "[[1,2]]", "{}",
)  # fmt: skip
SEPARATORS = (",", ";", "\t", "|", " ", ", ", ",,", "\x1f", "  ")
ENDS = ("\n", "\r\n", "\r", "\n\n", "\x85", "\u2028", "\n\r", "\0")
ENCODINGS = (
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "latin-1",
    "utf-8-sig",
    "gb18030",
    "shift_jis",
    "cp1252",
    "utf-7",
)


def change_table(rng: Random, content: bytes) -> bytes:
    """The text with one change as people and programs make them."""
    text = content.decode("utf-8", "surrogateescape")
    action = rng.random()
    if action < 0.05:
        return text.encode(rng.choice(ENCODINGS), "replace")
    if action < 0.1:
        return text.replace("\n", rng.choice(ENDS)).encode("utf-8", "surrogateescape")
    if action < 0.16:
        separator = max(SEPARATORS[:5], key=text.count)
        return text.replace(separator, rng.choice(SEPARATORS)).encode("utf-8", "surrogateescape")
    lines = text.split("\n")
    place = rng.randrange(min(len(lines), 3)) if rng.random() < 0.3 else rng.randrange(len(lines))
    if action < 0.65:
        lines[place] = _changed_row(rng, lines[place])
    elif action < 0.72:
        lines.insert(rng.randrange(len(lines) + 1), lines[place])
    elif action < 0.77:
        del lines[place]
    elif action < 0.82:
        lines.insert(place, rng.choice(("", "# c", "sep=;", '"', "x" * 100_000, ",", ",,,,,,", "\t")))
    elif action < 0.88:
        column = rng.randrange(max(lines[0].count(","), 1) + 1)
        lines = [_with_cell(rng, line, column) for line in lines]
    elif action < 0.92:
        lines = lines[: rng.choice((1, 2, 3))]
    elif action < 0.96:
        rng.shuffle(lines)
    else:
        lines = lines * rng.choice((2, 5, 20))
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def _changed_row(rng: Random, line: str) -> str:
    separator = max(SEPARATORS[:5], key=line.count)
    cells = line.split(separator)
    place, action = rng.randrange(len(cells)), rng.random()
    if action < 0.7:
        cells[place] = rng.choice(CELLS)
    elif action < 0.8:
        cells.insert(place, rng.choice((cells[place], *CELLS)))
    elif action < 0.87:
        del cells[place]
    elif action < 0.93:
        cells[place] = '"' + cells[place]
    else:
        cells[place] *= rng.choice((2, 100, 3000))
    return separator.join(cells)


def _with_cell(rng: Random, line: str, column: int) -> str:
    cells = line.split(",")
    if column < len(cells):
        cells[column] = rng.choice((cells[column], cells[column], rng.choice(CELLS[:45])))
    return ",".join(cells)
