"""Ways of writing numbers: which marks stand before decimals and between thousands, told from all cells of a column."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from plx_train.series.read.marks import USUAL

SPACES = re.compile(r"[\s\u2007\u2009\u202f]")
APOSTROPHES = re.compile("[\u2019\u00b4`]")
MINUS = "\u2212"
DECIMALS = (".", ",")
MARKS = (".", ",", " ", "'")
AMBIGUOUS = re.compile(r"[+-]?[1-9]\d{0,2}([.,])\d{3}", re.ASCII)
"""One mark before exactly three digits: decimals, or thousands."""
THREE_DIGITS = re.compile(r"[+-]?[1-9]\d\d", re.ASCII)
LONG = re.compile(r"[+-]?\d{4,}([.,]\d*)?", re.ASCII)
"""More digits than stand together where thousands are marked."""
LEADING_ZERO = re.compile(r"0\d+", re.ASCII)
ONES = str.maketrans("23456789", "1" * 8)
SIGN, UNIT = r"[$\u20ac\u00a3\u00a5]", r"%|\u00b0?[A-Za-z\u00b5]{1,4}(?:/[A-Za-z]{1,4})?"
BESIDE = re.compile(rf"({SIGN})?\s?([+-]?[0-9][0-9.,' ]*?)\s?({UNIT}|{SIGN})?")
"""A number with the sign of a currency before or behind it, or with a unit."""
WORDS = ("true", "false", "inf", "-inf", "infinity", "-infinity")
"""Texts that are read as numbers."""
MIN_BESIDE = 5
"""Different numbers that have a unit beside them before it is one, where the column has so many cells."""
OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
ADDRESS = re.compile(rf"{OCTET}(?:\.{OCTET}){{3}}", re.ASCII)
ID = re.compile(r"\d{3}([ .])\d{3}(?:\1\d{3})+", re.ASCII)
MAX_GAP_TEXTS, MIN_GAP_NUMBERS = 2, 8
"""Different texts, and numbers, of a column that lacks most of its values."""
MANY = 20
"""Cells with exactly three digits behind the mark: decimals would end in a zero by now, and be shorter."""
MIN_BARE, MIN_BARE_BESIDE_COMMAS = 1, 3
"""Different numbers of three digits without a mark that must stand beside them. Between commas, where points are
decimals unless something says else, one or two may mark missing values among decimals of a fixed length."""


@dataclass(frozen=True)
class Notation:
    """A way of writing numbers.

    Attributes:
        decimal: the mark before decimals; None: there are none.
        thousands: the mark between thousands; a space stands for all kinds of spaces; empty: there is none.
    """

    decimal: str | None = None
    thousands: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether it is read as it stands."""
        return self.decimal in (None, ".") and not self.thousands

    def value(self, cell: str) -> float:
        """The number that a cell means."""
        text = _normal(cell).replace(self.thousands, "") if self.thousands else _normal(cell)
        return float(text.replace(self.decimal, ".") if self.decimal else text)


def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    whole = r"\d+"
    if thousands:
        mark = re.escape(thousands)
        whole = rf"(?:[1-9]\d{{0,2}}(?:{mark}\d{{3}})+|[1-9]\d?(?:{mark}\d{{2}})+{mark}\d{{3}}|\d+)"
    point = re.escape(decimal)
    return re.compile(rf"[+-]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?", re.ASCII)


PATTERNS = {
    (decimal, thousands): _pattern(decimal, thousands)
    for decimal in DECIMALS
    for thousands in ("", *MARKS)
    if decimal != thousands
}


def _normal(cell: str) -> str:
    return APOSTROPHES.sub("'", SPACES.sub(" ", cell.strip())).replace(MINUS, "-")


@lru_cache(1 << 12)
def fitting(cell: str) -> frozenset[tuple[str, str]]:
    """Marks of decimals and thousands by which a cell is a number."""
    text = _normal(cell)
    return frozenset(marks for marks, pattern in PATTERNS.items() if pattern.fullmatch(text))


def shape_of(cell: str) -> str:
    """A cell with its digits alike, save that a number may begin with a zero: what it fits depends on no more."""
    text = cell.strip().translate(ONES)
    return text[:2] + text[2:].replace("0", "1")


@dataclass(frozen=True)
class _Traits:
    """What cells of a shape have in common."""

    fits: frozenset[tuple[str, str]]
    marks: frozenset[str]
    is_three: bool
    is_bare: bool
    is_long: bool
    has_leading_zero: bool


@lru_cache(1 << 12)
def _traits(shape: str) -> _Traits:
    text = _normal(shape)
    return _Traits(
        fitting(shape),
        frozenset(mark for mark in MARKS if mark in text),
        AMBIGUOUS.fullmatch(text) is not None,
        THREE_DIGITS.fullmatch(text) is not None,
        LONG.fullmatch(text) is not None,
        LEADING_ZERO.fullmatch(text) is not None,
    )


def is_numeric(cell: str) -> bool:
    """Whether a cell is a number in any way of writing."""
    return bool(fitting(shape_of(cell)))


def is_value(cell: str) -> bool:
    """Whether a cell is a number, in any way of writing or by a word: ``true``, ``-inf``."""
    return is_numeric(cell) or cell.lower() in WORDS


def written_beside(cells: Sequence[str]) -> str | None:
    """The sign of a currency, or the unit, that all numbers of a column have beside them; None where they have none.

    Letters may be part of a name instead, as in ``5G`` and ``32N``: those of a unit stand beside many numbers.
    """
    matches = [BESIDE.fullmatch(cell.strip()) for cell in cells]
    signs = {match[1] or match[3] if match else None for match in matches}
    if len(signs) != 1 or None in signs:
        return None
    sign = str(signs.pop())
    numbers = {match[2] for match in matches if match is not None and is_numeric(match[2])}
    needed = min(MIN_BESIDE, max(len(cells), 2)) if sign.isalpha() else 1
    return sign if len(numbers) >= needed else None


def looks_like_ids(cells: Sequence[str]) -> bool:
    """Whether groups of digits are addresses, or ids such as telephone numbers, rather than marked thousands.

    Ids of three groups or more are all written alike, and come again, or differ in the last group alone.
    """
    if all(ADDRESS.fullmatch(cell) for cell in cells):
        return bool(cells)
    if not all(ID.fullmatch(cell) for cell in cells) or len({len(cell) for cell in cells}) != 1:
        return False
    different = set(cells)
    return 2 * len(different) <= len(cells) or len({cell[:-3] for cell in different}) == 1


def is_gappy(cells: Sequence[str]) -> bool:
    """Whether a column holds numbers and a text or two that stand for missing ones, even most of the time."""
    others = {cell for cell in cells if not is_numeric(cell)}
    return len(others) <= MAX_GAP_TEXTS and len({cell for cell in cells if is_numeric(cell)}) >= MIN_GAP_NUMBERS


@dataclass
class ColumnNotation:
    """What the cells of a column say of its way of writing.

    Attributes:
        num_numbers, num_odd: cells that are numbers in some way, and others.
        first: a cell that is not read as it stands.
        has_leading_zero: a cell is an id of digits rather than a number.
        needs_words: some cells hold marks beyond ASCII, or others than commas and points.
        has_minus: some hold the sign that is no hyphen.
    """

    fits: set[tuple[str, str]] = field(default_factory=lambda: set(PATTERNS))
    used: set[str] = field(default_factory=set)
    num_numbers: int = 0
    num_odd: int = 0
    num_three: int = 0
    bare: set[str] = field(default_factory=set)
    has_long: bool = False
    has_leading_zero: bool = False
    needs_words: bool = False
    has_minus: bool = False
    first: str | None = None
    _shapes: set[str] = field(default_factory=set)

    def add(self, cell: str) -> None:
        """One more cell that is not empty."""
        shape = shape_of(cell)
        traits = _traits(shape)
        if not traits.fits:
            self.num_odd += 1
            return
        self.num_numbers += 1
        self.num_three += traits.is_three
        if traits.is_bare and len(self.bare) < MIN_BARE_BESIDE_COMMAS and int(_normal(cell)) not in USUAL:
            self.bare.add(_normal(cell))
        if shape in self._shapes:
            return
        self._shapes.add(shape)
        self.fits &= traits.fits
        self.used |= traits.marks
        self.has_long |= traits.is_long
        self.has_leading_zero |= traits.has_leading_zero
        self.has_minus |= MINUS in cell
        self.needs_words |= not cell.isascii() or not traits.marks <= {".", ","}
        if self.first is None and traits.marks:
            self.first = cell.strip()

    @property
    def is_number(self) -> bool:
        """Whether the column holds numbers, and no ids of digits."""
        return self.num_numbers >= max(self.num_odd, 1) and not self.has_leading_zero

    def possible(self, separator: str) -> list[Notation]:
        """The ways in which all cells are numbers; several that mean other numbers are in doubt.

        Args:
            separator: between the file's cells.
        """
        found = {
            Notation(decimal if decimal in self.used else None, thousands if thousands in self.used else "")
            for decimal, thousands in self.fits
            if self.used <= {decimal, thousands}
        }
        if len(found) == 2 and len(self.used) == 1 and self.has_long:
            return [one for one in found if one.decimal]
        min_bare = MIN_BARE_BESIDE_COMMAS if separator == "," else MIN_BARE
        if len(found) == 2 and len(self.used) == 1 and self.num_three >= MANY and len(self.bare) >= min_bare:
            return [one for one in found if one.thousands]
        return sorted(found, key=lambda one: one.thousands)


def settled(columns: Iterable[ColumnNotation], separator: str) -> list[Notation | None]:
    """The way in which each column is written; None where the file does not tell.

    What one column leaves open another may tell: a file has one mark before decimals.

    Args:
        separator: between the file's cells; between commas, points stand before decimals unless something says else.
    """
    possible = [one.possible(separator) for one in columns]
    known = [one[0] for one in possible if len(one) == 1]
    decimals = {one.decimal for one in known if one.decimal}
    thousands = {one.thousands for one in known if one.thousands}
    return [one[0] if len(one) == 1 else _choice(one, decimals, thousands, separator) for one in possible]


def _choice(
    possible: list[Notation], decimals: Collection[str], thousands: Collection[str], separator: str
) -> Notation | None:
    if len(possible) != 2 or {bool(one.thousands) for one in possible} != {False, True}:
        return None
    plain, grouped = possible
    if grouped.thousands in thousands:
        return None if plain.decimal in decimals else grouped
    if decimals:
        return plain if decimals == {plain.decimal} else grouped if plain.decimal not in decimals else None
    return plain if separator == "," and plain.decimal == "." else None
