"""Where a run's characters come from: its weights, a file, or its labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from plx_train.contract.check import Finding
from plx_train.data.odd_characters import character_findings
from plx_train.ground.errors import DataError, UserError, WeightsError
from plx_train.ground.files import user_path
from plx_train.vision.heads import recorded_names
from plx_train.vision.labels.dictionary import read_dictionary

FROM_WEIGHTS, FROM_LABELS = "weights", "auto"
HINT = "name the dictionary they were trained with by module.dict=/path/to/dict.txt"
LISTED = 40


def dictionary_findings(choice: str, characters: Sequence[str]) -> list[Finding]:
    """What is odd about the `characters` that the file named by `module.dict` = `choice` holds."""
    if choice in (FROM_LABELS, FROM_WEIGHTS):
        return []
    return character_findings(choice, enumerate(characters, 1), "characters of the dictionary")


def dictionary_of(weights: Path) -> tuple[str, ...]:
    """The characters that weights were trained with: a checkpoint's, an export's, or of the list beside the tensors.

    Raises:
        WeightsError: they don't say.
    """
    folder = weights if weights.is_dir() else weights.parent
    found = recorded_names(folder, "characters", "character_dict")
    lists = sorted(folder.glob("*keys*.txt")) + sorted(folder.glob("*dict*.txt"))
    if found is None and len(lists) == 1:
        found = read_dictionary(lists[0])
    if not found:
        raise WeightsError(f"the weights in {folder} don't say which characters they know: {HINT}")
    return found


def dictionary_from(texts: Iterable[str]) -> tuple[str, ...]:
    """The characters of `texts` by code point, without the space.

    Raises:
        DataError: there is none.
    """
    characters = sorted({character for text in texts for character in text} - {" "})
    if not characters:
        raise DataError("no label holds a character to make a dictionary of: give module.dict=weights or a file")
    return tuple(characters)


def listed(counts: Iterable[tuple[str, int]]) -> str:
    """``'ſ' (U+017F) 4 times, …`` for pairs of character and count."""
    pairs = list(counts)
    shown = [f"{character!r} (U+{ord(character):04X}) {count}×" for character, count in pairs[:LISTED]]
    return ", ".join(shown) + (f" and {len(pairs) - LISTED} more" if len(pairs) > LISTED else "")


def dictionary_for(choice: str, weights: str | None, texts: Iterable[str]) -> tuple[str, ...]:
    """What `module.dict` = `choice` stands for.

    Args:
        weights: what the network starts from; None from scratch.
        texts: all labels.

    Raises:
        UserError: there is no such dictionary.
    """
    if choice == FROM_LABELS:
        return dictionary_from(texts)
    if choice != FROM_WEIGHTS:
        return read_dictionary(user_path(choice))
    if weights is None:
        raise UserError(
            "module.dict=weights needs weights: set module.dict=auto for the characters of the labels, or to a file"
        )
    from plx_train.weights.fetch import find_weights

    return dictionary_of(find_weights(weights).path)
