"""What users type, as Hydra takes it: short keys in full, and texts in quotes."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from plx_train.config.schema import MODULE, option_at, options_of_rooms, options_of_run
from plx_train.contract.option import Option
from plx_train.ground.errors import ConfigError

QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
PLAIN = re.compile(r"[/A-Za-z][\w./:-]*", re.ASCII)
"""Texts that Hydra reads as they are, but for those in `WORDS`."""
WORDS = ("null", "true", "false", "nan", "inf")
HYDRAS_OWN = re.compile(r"[\[{]|(choice|range|interval|sort|shuffle|tag|glob|int|float|str|bool|json_str)\(")
"""What values begin with that Hydra's grammar says, not the user's text."""
BRACKETS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}

PARAMETER, PARAMETERS = "pipeline.", "pipeline_parameters."
"""What users type before a pipeline's parameter, and the section that these stand in: `pipeline` itself is a text."""


def as_typed_in_full(text: str, names_sweep: bool = False) -> str:
    """An override with its key in full and its value quoted where it must be.

    Args:
        names_sweep: ``sweep=`` is a finished one's name, not how to sweep.

    Raises:
        ConfigError: it holds what no text of a configuration can.
    """
    if not text.isprintable() and re.search(r"[\0\ud800-\udfff]", text):
        raise ConfigError(f"{text!a} is no text in UTF-8: rename the file, or leave these characters out")
    return quoted(_in_full(text, names_sweep))


@cache
def short_keys() -> dict[str, str]:
    """Keys that users type as a plain value although they stand in a section, and what each is in full."""
    return {one.short: one.key for one in options_of_run().values() if one.short}


def key_of(text: str) -> str:
    """The key of an override, without what Hydra writes before it."""
    return text.partition("=")[0].lstrip("+~")


def options_at(key: str) -> list[Option]:
    """The options of the run, and of the rooms, that stand at a key or hold it."""
    found = option_at(options_of_run(), key)
    if found or not key.startswith(f"{MODULE}."):
        return [found] if found else []
    return [one for one in options_of_rooms() if one.key == key]


def _options_of(text: str) -> list[Option]:
    """The options that an override is for, however its key is typed."""
    return options_at(key_of(_in_full(text, names_sweep=False))) if "=" in text else []


def sweepable(text: str) -> str:
    """An override of several values, as in ``key=a,b``, with those texts in quotes that Hydra would read otherwise."""
    key, _, value = text.partition("=")
    options = _options_of(text)
    if not any(one.holds_text for one in options) or HYDRAS_OWN.match(value.lstrip()):
        return text
    parts = split(value, ",")
    return f"{key}={','.join(_as_text_of(options, part) for part in parts)}" if len(parts) > 1 and all(parts) else text


def split(text: str, mark: str, before_quotes: str = "") -> list[str]:
    """The parts between `mark`, but for those in quotes or, where brackets close, in brackets.

    Args:
        before_quotes: characters after which quotes count too, beside those that begin a part.
    """
    return _split(text, mark, BRACKETS, before_quotes) or _split(text, mark, {}, before_quotes)


def cut(text: str, mark: str) -> tuple[str, str | None]:
    """What stands before the first `mark` that `split` sees, and what after it; None where there is none."""
    first = split(text, mark)[0]
    _, found, rest = text.strip().removeprefix(first).partition(mark)
    return first, rest.strip() if found else None


def _split(text: str, mark: str, brackets: dict[str, int], before_quotes: str) -> list[str]:
    """Nothing where brackets do not close."""
    parts, depth, place, begin = [], 0, 0, 0
    while place < len(text):
        before = text[begin:place].strip()
        quoted = QUOTED.match(text, place) if not before or before[-1] in before_quotes else None
        if quoted:
            place = quoted.end()
            continue
        depth += brackets.get(text[place], 0)
        if depth == 0 and text[place] == mark:
            parts.append(text[begin:place].strip())
            begin = place + 1
        place += 1
    return [] if depth else [*parts, text[begin:].strip()]


def _in_full(text: str, names_sweep: bool) -> str:
    key, separator, value = text.partition("=")
    if key == "sweep" and names_sweep:
        return f"sweep.id={value}"
    if key.startswith(PARAMETER):
        return f"{PARAMETERS}{text.removeprefix(PARAMETER)}"
    # What has a short key is there already: a + adds nothing.
    short = key.lstrip("+")
    return f"{short_keys()[short]}{separator}{value}" if short in short_keys() and separator else text


def quoted(text: str) -> str:
    """Quotes a text that Hydra's grammar would trip over, or read as a number: spaces, brackets, ``=``, digits."""
    key, _, value = text.partition("=")
    options = _options_of(text)
    if any(one.is_mapping for one in options):
        return text
    if any(one.type_name == "list[str]" for one in options):
        return f"{key}={_in_list(value, lambda part: _as_text(part, False))}"
    if any(one.holds_text for one in options):
        return f"{key}={_as_text_of(options, value)}"
    return text


def _as_text_of(options: list[Option], value: str) -> str:
    """A value as a text; null is none where one of the options may be without."""
    return _as_text(value, any(one.is_optional for one in options))


def _in_list(value: str, change: Callable[[str], str]) -> str:
    """A list as typed with each of its values changed; what is no list stays."""
    inner = value.strip()
    if not (inner.startswith("[") and inner.endswith("]")):
        return value
    parts = split(inner[1:-1], ",")
    return f"[{','.join(map(change, parts))}]" if all(parts) else value


def _as_text(value: str, is_optional: bool) -> str:
    if QUOTED.fullmatch(value) or (is_optional and value == "null"):
        return value
    if not value or (PLAIN.fullmatch(value) and value.lower() not in WORDS):
        return value
    # In quotes a backslash is itself, unless a quote follows it.
    escaped = re.sub(r"(\\*)('|\Z)", lambda found: found[1] * 2 + found[2].replace("'", "\\'"), value)
    return f"'{escaped}'"


def meant(text: str) -> str:
    """The value of an override; a text without the quotes around it, unless it would be something else without them."""
    options, value = _options_of(text), text.partition("=")[2]
    bare = unquoted(value)
    is_else = QUOTED.fullmatch(bare) or _as_text_of(options, bare) == "null"
    return value if is_else or not any(one.holds_text for one in options) else bare


def unquoted(value: str) -> str:
    """A text as it is meant, without the quotes around it."""
    if not QUOTED.fullmatch(value):
        return value
    quote = value[0]
    return re.sub(rf"(\\+){quote}", lambda found: found[1][: len(found[1]) // 2] + quote, value[1:-1])
