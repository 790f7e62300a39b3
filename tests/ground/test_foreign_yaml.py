"""YAML of somebody else: values within bounds, and a reason for all else, in little time."""

from __future__ import annotations

import time

import pytest

from plx_train.ground.foreign_yaml import MOST_CHARACTERS, parsed_yaml


def test_plain_values_are_read() -> None:
    assert parsed_yaml("a: &x [1, 2.5, text]\nb: *x\nc: 190:20:30\n") == {
        "a": [1, 2.5, "text"],
        "b": [1, 2.5, "text"],
        "c": 685230,
    }
    assert parsed_yaml("") is None


LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}\n" for i in range(1, 40))
HOSTILE = {
    "a billion laughs": (LAUGHS, "its aliases stand for more than a million values"),
    "merged again and again": (MERGES, "its aliases stand for more than a million values"),
    "itself": ("a: &a [*a]", "it holds itself by an alias"),
    "brackets": ("[" * 20_000, "it is nested too deeply"),
    "blocks": ("\n".join(" " * depth + "a:" for depth in range(2000)), "it is nested too deeply"),
    "a number in base 60": ("a: 1" + ":1" * 60_000, "it holds a number of more than 100 digits"),
    "a long number": ("a: " + "9" * 5_000, "it holds a number of more than 100 digits"),
    "a long hexadecimal number": ("a: 0x" + "f" * 5_000, "it holds a number of more than 100 digits"),
    "an object of Python": ("a: !!python/object/apply:os.system [id]", "could not determine a constructor"),
    "a name of Python": ("a: !!python/name:os.system", "could not determine a constructor"),
    "a list as a key": ("? [a]\n: 1", "found unhashable key"),
    "no date": ("a: 2026-99-99", "month must be"),
    "no binary": ("a: !!binary ÿ", "failed to convert base64"),
    "too long": ("#" * (MOST_CHARACTERS + 1), "it is longer than 8 million characters"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_would_harm_is_told_in_little_time(case: str) -> None:
    text, told = HOSTILE[case]
    started = time.process_time()
    with pytest.raises(ValueError, match=told):
        parsed_yaml(text)
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("!!timestamp x", "NoneType"),
        ("!!bool maybe", "maybe"),
        ("!!int ''", "."),
        ("a: [", "line 1"),
        ("a: \x01", "special characters"),
        ("--- a\n--- b\n", "another document"),
    ],
)
def test_what_no_writer_writes_is_told(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parsed_yaml(text)
