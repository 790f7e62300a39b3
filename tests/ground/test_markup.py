"""The one escape of pages: no markup, nothing unseen, no flood."""

from __future__ import annotations

import pytest

from plx_train.ground.markup import MOST_CHARACTERS, escape, escape_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<b>\"&'", "&lt;b&gt;&quot;&amp;&#x27;"),
        ("a\nb\x1b\u202e", "a[U+000A]b[U+001B][U+202E]"),
        ("</script><!--", "&lt;/script&gt;&lt;!--"),
        ("مرحبا 👩\u200d🚀 ❤\ufe0f", "مرحبا 👩\u200d🚀 ❤\ufe0f"),
    ],
)
def test_words_are_words(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_lines_stay_where_there_are_some() -> None:
    assert escape_lines("a\nb\t<\x07") == "a\nb\t&lt;[U+0007]"


def test_a_flood_ends() -> None:
    assert escape("<" * (MOST_CHARACTERS + 5)) == "&lt;" * MOST_CHARACTERS + "… (5 characters more)"
