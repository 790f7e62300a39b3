"""``ground/foreign_yaml.py``: what YAML of somebody else may be, and that all else is one kind of error."""

from __future__ import annotations

import pytest

from plx_train.ground.foreign_yaml import parsed_yaml

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


def test_plain_values_are_read() -> None:
    assert parsed_yaml("a: &one [1, 2.5, null, yes]\nb: *one\n") == {
        "a": [1, 2.5, None, True],
        "b": [1, 2.5, None, True],
    }
    assert parsed_yaml("") is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BOMB, "more than a million values"),
        ("a: &a [*a]", "holds itself"),
        ("[" * 5000 + "]" * 5000, "nested too deeply"),
        ("!!python/object/apply:os.system [true]", "could not determine a constructor"),
        ("!!timestamp 2001-99-99", "month"),
        ("!!timestamp x", "NoneType"),
        ("!!bool maybe", "maybe"),
        ("!!int ''", "."),
        ("a: [", "line 1"),
        ("a: \x01", "special characters"),
        ("{[a]: b}", "unhashable"),
        ("--- a\n--- b\n", "another document"),
    ],
)
def test_what_is_wrong_is_said(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parsed_yaml(text)
