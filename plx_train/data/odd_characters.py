"""Characters of labels, names and dictionaries that nobody sees, or that stand there in two forms: findings."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from plx_train.contract.check import Finding
from plx_train.ground.characters import code_points, is_control, named, unseen

LISTED = 10
JAMO = ("\u1160", "\u11ff")
"""Korean vowels and final consonants, which go together with the consonant before."""


@dataclass
class _Kind:
    """What was found of one kind of oddity: in how many texts, which characters, and where each stands first."""

    num_texts: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)

    def add(self, line: int, characters: Sequence[str]) -> None:
        """The odd characters of a text."""
        self.num_texts += 1
        self.counts.update(characters)
        for character in characters:
            self.first.setdefault(character, line)

    @property
    def line(self) -> int:
        """The first line that has any of them."""
        return min(self.first[character] for character in self.counts)

    def listed(self, word: Callable[[str], str]) -> str:
        """The most frequent, each with its count."""
        shown = [f"{word(each)} {count}×" for each, count in self.counts.most_common(LISTED)]
        more = f" and {len(self.counts) - LISTED} more" if len(self.counts) > LISTED else ""
        return ", ".join(shown) + more


def character_findings(file: str, texts: Iterable[tuple[int, str]], noun: str) -> list[Finding]:
    """Warnings about the characters of texts, one for each kind of oddity, at the first line that has it.

    Args:
        texts: each with its line.
        noun: what they are, in the plural.
    """
    controls, invisible, forms = _Kind(), _Kind(), _Kind()
    seen: dict[str, int] = {}
    total = 0
    for line, text in texts:
        total += 1
        seen.update(dict.fromkeys(set(text).difference(seen), line))
        if text.isascii() and text.isprintable():
            continue
        hidden = unseen(text)
        for kind, found in (
            (controls, [each for each in hidden if is_control(each)]),
            (invisible, [each for each in hidden if not is_control(each)]),
            (forms, _decomposed(text)),
        ):
            if found:
                kind.add(line, found)
    findings = _unseen_findings(file, controls, invisible, total, noun)
    return findings + _form_findings(file, forms, seen)


def control_findings(file: str, texts: Iterable[tuple[int, str]], noun: str) -> list[Finding]:
    """The warning about control characters alone, for texts of which nothing is learned."""
    return [each for each in character_findings(file, texts, noun) if each.code == "control-character"]


def _unseen_findings(file: str, controls: _Kind, invisible: _Kind, total: int, noun: str) -> list[Finding]:
    findings = []
    for kind, code, word in (
        (controls, "control-character", "control characters"),
        (invisible, "invisible-character", "invisible characters"),
    ):
        if kind.num_texts:
            reason = (
                f"{kind.num_texts} of {total} {noun} hold {word}, which no image shows: {kind.listed(named)}; "
                "take them out, or they are taken for characters like all others"
            )
            findings.append(Finding(file, kind.line, "warning", code, reason))
    return findings


def _form_findings(file: str, forms: _Kind, seen: dict[str, int]) -> list[Finding]:
    """Characters that stand there in two forms which look the same."""
    findings = []
    both = {each: count for each, count in forms.counts.items() if unicodedata.normalize("NFC", each) in seen}
    twins = _Kind(counts=Counter(both), first=forms.first)
    if twins.counts:
        reason = (
            "the same characters stand there in two Unicode forms, which look alike and are learned as different ones: "
            f"{twins.listed(_both)}; bring all files into form NFC"
        )
        findings.append(Finding(file, twins.line, "warning", "mixed-forms", reason))
    alike = [each for each in seen if _plain_twin(each) in seen]
    if alike:
        shown = ", ".join(f"{named(each)} beside {named(str(_plain_twin(each)))}" for each in alike[:LISTED])
        reason = f"characters that look alike stand there side by side: {shown}; take one of them where both are meant"
        line = min(seen[each] for each in alike)
        findings.append(Finding(file, line, "warning", "compatibility-forms", reason))
    return findings


def _both(cluster: str) -> str:
    composed = unicodedata.normalize("NFC", cluster)
    return f"{composed} as {code_points(composed)} and as {code_points(cluster)}"


def _decomposed(text: str) -> list[str]:
    """Characters of a text, with the marks that belong to them, which have a shorter or more usual form."""
    if unicodedata.is_normalized("NFC", text):
        return []
    return [cluster for cluster in _clusters(text) if unicodedata.normalize("NFC", cluster) != cluster]


def _clusters(text: str) -> Iterator[str]:
    current = ""
    for character in text:
        if current and (unicodedata.combining(character) or JAMO[0] <= character <= JAMO[1]):
            current += character
            continue
        if current:
            yield current
        current = character
    if current:
        yield current


@cache
def _plain_twin(character: str) -> str | None:
    """The usual character that looks like this one: of special spaces, signs, wide letters and digits; else None."""
    if character.isascii():
        return None
    plain = unicodedata.normalize("NFKC", character)
    if len(plain) != 1 or plain == character or unicodedata.normalize("NFC", character) != character:
        return None
    kind = unicodedata.decomposition(character).partition(" ")[0]
    category = unicodedata.category(character)
    is_sign = kind == "<compat>" and " SIGN" in unicodedata.name(character, "")
    is_wide = kind == "<wide>" and category[0] in "LN"
    return plain if category == "Zs" or is_sign or is_wide else None
