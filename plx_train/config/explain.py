"""What ``--help`` with words prints: sentences, values and defaults of options, section by section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from plx_train.config.columns import in_columns, paragraph
from plx_train.config.topics import Topic, topics_of
from plx_train.config.written import MISSING, written
from plx_train.contract.option import Option
from plx_train.contract.sentences import describe


def explain(words: Sequence[str], width: int) -> str:
    """What there is to say of each word: ``module=text_det``, ``trainer``, ``device.ids``, ``mode=serve``.

    Args:
        width: of the lines at most.

    Raises:
        ConfigError: there is nothing of a word's name.
    """
    return "\n\n".join("\n".join(_explained(topic, width)) for topic in topics_of(words))


def _explained(topic: Topic, width: int) -> Iterator[str]:
    blocks = [paragraph("  ".join(filter(None, (topic.title, topic.sentence))), width)]
    if topic.others:
        texts = " ".join(f"{key}={written(value)}" for key, value in topic.others.items())
        blocks.append(paragraph(f"It {'also ' if topic.options else ''}sets {texts}", width))
    if topic.presets:
        blocks.append(list(in_columns(topic.presets, width)))
    for section, options in _sections(topic.options).items():
        head = paragraph(f"{section}.*  {describe(options[0].section)}", width) if section else []
        blocks.append([*head, *in_columns({_typed(one, topic): _said(one, topic) for one in options}, width)])
    for number, block in enumerate(filter(None, blocks)):
        yield from ("", *block) if number else block


def _sections(options: Mapping[str, Option]) -> dict[str, list[Option]]:
    """Options by the key of their section, sections in the order in which they begin."""
    found: dict[str, list[Option]] = {}
    for key, one in options.items():
        found.setdefault(key.rpartition(".")[0], []).append(one)
    return found


def _typed(one: Option, topic: Topic) -> str:
    value = topic.values.get(one.key, one.default)
    return f"{one.name}={'…' if value == MISSING else written(value)}"


def _said(one: Option, topic: Topic) -> str:
    own = written(one.default)
    facts = f"{one.values}, to be given" if own == MISSING else one.values
    if own not in (MISSING, written(topic.values.get(one.key, one.default))):
        facts += f"; {f'{topic.room} has' if topic.room else 'otherwise'} {own}"
    return f"{one.sentence} ({facts})".strip()
