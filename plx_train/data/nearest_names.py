"""What a path of a label file probably meant where there is no such file."""

from __future__ import annotations

import difflib
import html
import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from plx_train.ground.characters import legible

MAX_HINTS = 1000
"""Paths of a dataset that are looked for; the others are told without a guess."""
MAX_FOLDERS = 200
"""Folders that are listed."""
MAX_COMPARED = 20_000
"""Names of a folder among which those that are spelled alike are looked for."""
AROUND = " \t\"'`‘’“”«»"
"""What stands around paths and belongs to no name."""
SIMILAR = 0.85


@dataclass(frozen=True)
class Listing:
    """The names in a folder, which was listed once."""

    names: frozenset[str] = frozenset()
    folders: tuple[str, ...] = ()

    @cached_property
    def folded(self) -> dict[str, str]:
        """A name by what is left of it without case, Unicode form and spaces at its ends."""
        return {fold(name): name for name in sorted(self.names, reverse=True)}

    @cached_property
    def stems(self) -> dict[str, str]:
        """The same without suffix."""
        return {fold(_parted(name)[0]): name for name in sorted(self.names, reverse=True)}


@dataclass
class NearestNames:
    """Guesses what paths of a dataset meant.

    Attributes:
        root: the dataset's folder.
    """

    root: Path
    _listings: dict[str, Listing] = field(default_factory=dict)
    _num_asked: int = 0

    def hint(self, name: str) -> str:
        """``; did you mean images/case.jpg (in small and capital letters it differs)?``, or nothing.

        Args:
            name: as the label file has it, relative to the root or not.
        """
        found = self.nearest(name)
        if found is None:
            return ""
        reasons = " and ".join(difference(name, found))
        return f"; did you mean {legible(found)}{f' ({reasons})' if reasons else ''}?"

    def nearest(self, name: str) -> str | None:
        """The path of a file, relative to the root, that `name` probably meant; None: nothing like it is there."""
        self._num_asked += 1
        if self._num_asked > MAX_HINTS:
            return None
        for candidate in _candidates(name):
            found = self._followed(candidate)
            if found is not None and found != name:
                return found
        return self._in_another_folder(name) or self._spelled_alike(name)

    def _listing(self, folder: str) -> Listing:
        if folder not in self._listings:
            if len(self._listings) >= MAX_FOLDERS:
                return Listing()
            try:
                with os.scandir(self.root / folder) as entries:
                    found = [(entry.name, entry.is_dir()) for entry in entries]
            except (OSError, ValueError):
                found = []
            folders = tuple(sorted(name for name, is_folder in found if is_folder))
            self._listings[folder] = Listing(frozenset(name for name, _ in found), folders)
        return self._listings[folder]

    def _followed(self, candidate: str) -> str | None:
        """The file that a path leads to where names may differ a little from those that are there."""
        parts = [part for part in candidate.split("/") if part not in ("", ".")]
        if not parts or ".." in parts:
            return None
        folder = self._folder(parts[:-1])
        if folder is None:
            return None
        listing, last = self._listing(folder), parts[-1]
        actual = last if last in listing.names else listing.folded.get(fold(last))
        actual = actual or listing.stems.get(fold(_parted(last)[0]))
        if actual is None or actual in listing.folders:
            return None
        return f"{folder}/{actual}" if folder else actual

    def _folder(self, parts: list[str]) -> str | None:
        folder = ""
        for part in parts:
            listing = self._listing(folder)
            actual = part if part in listing.names else listing.folded.get(fold(part))
            if actual is None:
                return None
            folder = f"{folder}/{actual}" if folder else actual
        return folder

    def _in_another_folder(self, name: str) -> str | None:
        last = PurePosixPath(_cleaned(name)).name
        for folder in self._listing("").folders if last else ():
            actual = self._listing(folder).folded.get(fold(last))
            if actual is not None:
                return f"{folder}/{actual}"
        return None

    def _spelled_alike(self, name: str) -> str | None:
        """A name that is spelled nearly so; other numbers are other files."""
        parts = _cleaned(name).split("/")
        folder = self._folder(parts[:-1])
        if folder is None:
            return None
        listing = self._listing(folder)
        names = listing.names - {*listing.folders}
        if len(names) > MAX_COMPARED or not parts[-1]:
            return None
        alike = [each for each in names if re.findall(r"\d+", each) == re.findall(r"\d+", parts[-1])]
        near = difflib.get_close_matches(parts[-1], sorted(alike), n=1, cutoff=SIMILAR)
        if not near:
            return None
        return f"{folder}/{near[0]}" if folder else near[0]


def fold(name: str) -> str:
    """What is left of a name where case, Unicode form and spaces at the ends don't count."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()).strip()


def _parted(name: str) -> tuple[str, str]:
    """A name's stem and suffix."""
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix) if stem else (name, "")


def _candidates(name: str) -> Iterator[str]:
    """What a path may have meant: itself, without what stands around it, and without its first folders."""
    cleaned = _cleaned(name)
    for each in dict.fromkeys((name, cleaned, unquote(cleaned), html.unescape(cleaned))):
        yield each
        parts = [part for part in each.split("/") if part not in ("", ".")]
        for place in range(1, len(parts)):
            yield "/".join(parts[place:])


def _cleaned(name: str) -> str:
    text = name.removeprefix("file://").replace("\\", "/").strip(AROUND).partition("\t")[0]
    return re.sub(r"^[A-Za-z]:/", "/", "/".join(part.strip(AROUND) for part in text.split("/")))


def difference(name: str, found: str) -> list[str]:
    """What a path differs in from the one that is there, in words."""
    reasons = []
    if "\t" in name.strip():
        reasons.append("a tab stands in the path")
    given = name.partition("\t")[0].removeprefix("file://").replace("\\", "/")
    bare = "/".join(part.strip(AROUND) for part in given.strip(AROUND).split("/"))
    if bare != given:
        has_quote = any(each in given for each in AROUND.strip())
        reasons.append(f"without the {'quotes' if has_quote else 'space at the end or the beginning'}")
    if fold(bare) != fold(found) and fold(unquote(bare)).endswith(fold(found)) and unquote(bare) != bare:
        reasons.append("without % for letters")
        bare = unquote(bare)
    parts, there = bare.split("/"), found.split("/")
    extra = len(parts) - len(there)
    if extra > 0 and fold(parts[-1]) == fold(there[-1]):
        reasons.append(f"without {legible('/'.join(parts[:extra]))}/ in front")
        parts = parts[extra:]
    elif extra < 0:
        reasons.append("in another folder")
        parts = [*there[:-1], parts[-1]]
    return reasons + _spelling("/".join(parts), found)


def _spelling(name: str, found: str) -> list[str]:
    if name == found:
        return []
    one, other = (unicodedata.normalize("NFC", each) for each in (name, found))
    reasons = []
    if one.casefold() == other.casefold() and one != other:
        reasons.append("small and capital letters differ")
    if name != one or found != other:
        reasons.append(f"it looks the same, but the Unicode form is {_form(found)}, in the label file {_form(name)}")
    (stem, suffix), (other_stem, other_suffix) = _parted(one), _parted(other)
    if fold(other_stem) == fold(stem) and fold(suffix) != fold(other_suffix):
        reasons.append(f"the file's suffix is {other_suffix or 'none'}")
    return reasons


def _form(name: str) -> str:
    forms = [form for form in ("NFC", "NFD") if unicodedata.is_normalized(form, name)]  # type: ignore[arg-type]
    return forms[0] if forms else "mixed"
