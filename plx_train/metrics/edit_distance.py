"""How far one text is from another."""

from __future__ import annotations


def edit_distance(first: str, second: str) -> int:
    """Fewest insertions, deletions and replacements of characters that turn one text into the other.

    The rows of the usual table are kept as bits of one number each (Myers 1999, as put by Hyyrö 2003).
    """
    if first == second or not first or not second:
        return 0 if first == second else max(len(first), len(second))
    full = (1 << len(first)) - 1
    places: dict[str, int] = {}
    for place, character in enumerate(first):
        places[character] = places.get(character, 0) | 1 << place
    rises, falls, distance = full, 0, len(first)
    for character in second:
        equal = places.get(character, 0) | falls
        diagonal = ((((equal & rises) + rises) ^ rises) | equal) & full
        across_rises = falls | (full & ~(diagonal | rises))
        across_falls = rises & diagonal
        distance += (across_rises >> (len(first) - 1)) - (across_falls >> (len(first) - 1))
        across_rises = (across_rises << 1 | 1) & full
        across_falls = (across_falls << 1) & full
        rises = across_falls | (full & ~(diagonal | across_rises))
        falls = across_rises & diagonal
    return distance
