"""YAML of somebody else: plain values within bounds, and one kind of error for all that can be wrong with it."""

from __future__ import annotations

from typing import Any

import yaml

MOST_VALUES = 1_000_000
"""Values that a text may stand for; aliases make billions of a few hundred bytes."""
MOST_CHARACTERS = 8 << 20
"""Length of a text; the reader takes a second for a million characters."""
LONGEST_NUMBER = 100
"""Digits of a number; reading one in base 60 takes the square of its length."""
NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


def parsed_yaml(text: str) -> Any:
    """The value that a text stands for; None for an empty one.

    Raises:
        ValueError: it is no YAML, is too long or nested too deeply, or stands for more than `MOST_VALUES` values or for
            itself.
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"it is longer than {MOST_CHARACTERS >> 20} million characters")
    loader = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _count(node, {})
        return loader.construct_document(node)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except yaml.MarkedYAMLError as error:
        where = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"{error.problem or error.context}{where}") from None
    except Exception as error:  # tags whose text does not fit them raise what they like
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from None
    finally:
        if loader is not None:
            loader.dispose()


def _count(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node stands for, with all that its aliases repeat.

    Args:
        known: counts by node; 0 while a node is being counted.

    Raises:
        ValueError: there are too many, one is too long a number, or it holds itself.
    """
    if id(node) in known:
        if not known[id(node)]:
            raise ValueError("it holds itself by an alias")
        return known[id(node)]
    if node.tag in NUMBERS and isinstance(node, yaml.ScalarNode) and len(node.value) > LONGEST_NUMBER:
        raise ValueError(f"it holds a number of more than {LONGEST_NUMBER} digits")
    known[id(node)] = 0
    parts: list[yaml.Node] = []
    if isinstance(node, yaml.SequenceNode):
        parts = node.value
    elif isinstance(node, yaml.MappingNode):
        parts = [part for pair in node.value for part in pair]
    total = 1 + sum(_count(part, known) for part in parts)
    if total > MOST_VALUES:
        raise ValueError("its aliases stand for more than a million values")
    known[id(node)] = total
    return total
