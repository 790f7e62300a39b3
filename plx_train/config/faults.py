"""What Hydra and OmegaConf say of a value, in our words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hydra.errors import HydraException
from omegaconf.errors import InterpolationResolutionError, OmegaConfBaseException

from plx_train.config.schema import options_of_rooms, options_of_run
from plx_train.config.texts import key_of, options_at
from plx_train.ground.errors import ConfigError

OTHER_WORDS = (
    (r"Interpolation key '(.*)' not found", "there is no key {}"),
    (
        r"Unsupported interpolation type (.*)",
        "${{{}:…}} is not known: an environment variable is written ${{oc.env:NAME}}",
    ),
    (r".*(?:E|e)nvironment variable '(.*)' not found.*", "environment variable '{}' not found"),
    (r"Recursive interpolation detected", "it refers to itself"),
    (
        r"(?:no viable alternative|mismatched input|token recognition error|extraneous input|missing ).*",
        "${{ begins a reference to another value, which this one is not; as part of a name it is written \\${{",
    ),
    (r"Could not append to config\. An item is already at '(.*)'\.", "{} is there already: leave out the + before it"),
    (r".* does not support deletion", "it can't be taken away: give it another value"),
)
"""What is said of references to other values, and how we say it."""
WRONG_TYPE = re.compile(
    "could not be converted|not a valid|^Cannot (assign|merge|convert)|Cannot convert|^Invalid (value|type) assigned"
    "|is not Optional|^Object of unsupported type|is incompatible|^Unexpected object type|of incorrect type"
)


@contextmanager
def explained(overrides: Sequence[str] = ()) -> Iterator[None]:
    """Says in one sentence what Hydra or OmegaConf found wrong.

    Args:
        overrides: what was typed.

    Raises:
        ConfigError: they found something.
    """
    try:
        yield
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(one_sentence(error, overrides)) from None


def one_sentence(error: BaseException, overrides: Sequence[str] = ()) -> str:
    """Hydra's and OmegaConf's messages as one line: the deepest cause says most."""
    while error.__cause__ is not None and not isinstance(error, InterpolationResolutionError):
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    key = next((line.removeprefix("full_key:").strip() for line in lines if line.startswith("full_key:")), "")
    first = lines[0] if lines else type(error).__name__
    for pattern, said in OTHER_WORDS:
        found = re.fullmatch(pattern, first)
        if found:
            return f"{key}: {said.format(*found.groups())}" if key else said.format(*found.groups())
    return _of_type(key, overrides) if re.search(WRONG_TYPE, first) else f"{key}: {first}" if key else first


def _of_type(place: str, overrides: Sequence[str]) -> str:
    """A sentence about a value of the wrong type; `place` may be that of one in a list."""
    key = re.sub(r"\[\d+\]$", "", place)
    options = options_at(key)
    if not options:
        first = next((one.removeprefix(f"{key}.") for one in _keys() if one.startswith(f"{key}.")), "name")
        return f"{key} is a section of options: give one of them, as in {key}.{first}=…"
    words = " or ".join(dict.fromkeys(one.takes if one.key == key else one.takes_in_mapping for one in options))
    given = next((text.partition("=")[2] for text in reversed(overrides) if key_of(text) == key), None)
    return f"{key} takes {words}" + ("" if given is None else f", not {given or 'nothing'}")


def unreadable(text: str) -> str:
    """What is said of an override that Hydra's grammar does not have."""
    if "=" not in text:
        return f"'{text}' is not understood: options are written key=value"
    key, _, value = text.partition("=")
    if value.lstrip().startswith("["):
        example = f"""{key}='["a (b)","c"]'"""
        return f"the value of '{text}' can't be read: a list is written in brackets, as in [1,2], or as in {example}"
    if value.lstrip().startswith("{"):
        return f"""the value of '{text}' can't be read: a mapping is written {key}='{{"a (b)": 1, c: 2}}'"""
    if not re.fullmatch(r"[\w.@/-]+", key_of(text)):
        return f"'{text}' is not understood: '{key}' is no key; options are written key=value"
    return f"the value of '{text}' can't be read: put it in quotes, as in {key}='\"…\"'"


def _keys() -> list[str]:
    return [*options_of_run(), *(one.key for one in options_of_rooms())]
