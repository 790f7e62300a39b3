"""Changes of JSON and YAML as trees: other types, huge numbers, deep nesting, NaN, long texts, paths, alias bombs."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from random import Random
from typing import Any

import yaml

DEEP, DEEP_MAP = "@@deep@@", "@@deep-map@@"
"""Stand for nesting that no writer would write."""
DEPTH = 20_000
LONG_TEXT, LONG_LIST = 100_000, 10_000
LARGEST = 2 << 20
"""Characters that a tree may take as text; a long text in a long list would fill all memory."""
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3, 0.0, -0.0, 0.5, 1e-320, 1e308, -1e308, float("nan"), float("inf"), float("-inf"),
    255, 256, 65536, 2**31 - 1, 2**31, -(2**31), 2**32, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**64, 10**30, 10**400,
    "", " ", "a", "0", "1", "nan", "true", "null", "~", "\0", "\n", "\x1b[31m", "\u202e", "\ud800", "é" * 300,
    "x" * 70_000, "../guard/secret.txt", "../../guard/secret.txt", "%GUARD%/secret.txt", "../guard/new.txt",
    "../../guard/new", "/dev/zero", "/dev/stdin", "/proc/self/environ", "${oc.env:HOME}", "${oc.env:HOME,x}",
    "${module}", "${..}", "???", "=1+1", "<script>", "%s%s%n", "{0.__class__}", "file:///etc/hostname", "http://[",
    "models:/a@b", "sqlite:///../guard/x.db", [], {}, [[]], [None], [0, 0], {"": None}, [1] * 5000, DEEP, DEEP_MAP,
)  # fmt: skip
YAML_TRICKS = (
    "&a [x]\n", "*a\n", "<<: *a\n", "<<: {a: 1}\n", "!!python/object/apply:os.system [touch ../guard/x]\n",
    "!!python/name:os.system\n", "!!binary |\n  AAAA\n", "!!timestamp 2001-99-99\n", "!!set {a}\n", "2001-01-01\n",
    "0o777777777777777777777\n", "1:60:60\n", "!!float .nan\n", "? [a]\n: b\n", "{[a]: b}\n", "--- a\n--- b\n", "\t",
    "%YAML 9.9\n", "!!int 99999999999999999999999999999999999\n", "---\n", "...\n", ".inf\n", "@\n", "`\n",
)  # fmt: skip


def alias_bomb(depth: int = 12) -> str:
    """A YAML of a few hundred bytes that stands for 9 ** depth items."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, depth)]
    return "\n".join(lines) + "\n"


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a tree, within reason."""
    found: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting and len(found) < 5000:
        node = waiting.pop()
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, value in items:
            found.append((node, key))
            waiting.append(value)
    return found


def _near(rng: Random, value: Any) -> Any:
    """A value that a careless reader takes for the same."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return rng.choice((-value, value + 1, value * 1000, float(value) if abs(value) < 2**1000 else 0, str(value),
                           value * 10**9, [value], 0))  # fmt: skip
    if isinstance(value, str):
        return rng.choice((value + "x", value.upper(), value[: len(value) // 2], value[:LONG_TEXT] * 50, [value],
                           {value: value}, "../guard/" + value, value + "\0",
                           value.encode("utf-8", "replace").hex()))  # fmt: skip
    if isinstance(value, list):
        kept = value[:LONG_LIST]
        return rng.choice((kept * 2, kept[:1], kept[1:], kept[::-1], kept[: LONG_LIST // 500] * 500,
                           dict(enumerate(kept)), [value])) if value else {}  # fmt: skip
    return list(value) if isinstance(value, dict) else {"value": value}


def change_tree(rng: Random, tree: Any, others: Sequence[Any] = ()) -> Any:
    """A copy of the tree with one change; its root may be another afterwards."""
    tree = copy.deepcopy(tree)
    places = _places(tree)
    if not places or rng.random() < 0.02:
        return rng.choice(VALUES)
    node, key = rng.choice(places)
    action = rng.random()
    if action < 0.35:
        node[key] = copy.deepcopy(rng.choice(VALUES))
    elif action < 0.6:
        try:
            node[key] = _near(rng, node[key])
        except (TypeError, ValueError, KeyError):
            node[key] = None
    elif action < 0.7:
        del node[key]
    elif action < 0.8:
        other, name = rng.choice(places)
        node[key] = (
            copy.deepcopy(other[name]) if name in (other if isinstance(other, dict) else range(len(other))) else 0
        )
    elif action < 0.9 and isinstance(node, dict):
        node[rng.choice(("", "..", "../guard/x", str(key) + "x", "__class__", "x" * 300, "0"))] = node.pop(key)
    elif isinstance(node, list):
        node.insert(key, copy.deepcopy(rng.choice((node[key], *VALUES))))
    elif others:
        picked = rng.choice(others)
        node[key] = copy.deepcopy(rng.choice([owner[name] for owner, name in _places(picked)] or [picked]))
    return tree


def _require_small(tree: Any) -> None:
    """
    Raises:
        ValueError: the tree takes more than `LARGEST` characters.
    """
    waiting, length = [tree], 0
    while waiting:
        node = waiting.pop()
        items = [*node.keys(), *node.values()] if isinstance(node, dict) else node if isinstance(node, list) else ()
        length += len(items) + (len(node) if isinstance(node, str) else 1)
        if length > LARGEST:
            raise ValueError("the tree is too large")
        waiting.extend(items)


def json_text(tree: Any) -> str:
    """JSON with what Python's writer would not write."""
    _require_small(tree)
    text = json.dumps(tree, ensure_ascii=False)
    return text.replace(f'"{DEEP}"', "[" * DEPTH + "]" * DEPTH).replace(
        f'"{DEEP_MAP}"', '{"a":' * DEPTH + "1" + "}" * DEPTH
    )


def yaml_text(tree: Any) -> str:
    """The same in YAML."""
    _require_small(tree)
    text = yaml.safe_dump(tree, allow_unicode=True, sort_keys=False)
    depth = 3000
    return text.replace(f"'{DEEP}'", "[" * depth + "]" * depth).replace(
        f"'{DEEP_MAP}'", "{a: " * depth + "1" + "}" * depth
    )


def change_json(rng: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """A JSON with one or a few changes; ValueError where it is none."""
    tree = json.loads(content)
    pool = [json.loads(other) for other in others[:3]] if rng.random() < 0.2 else []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        tree = change_tree(rng, tree, pool)
    return json_text(tree).encode("utf-8", "surrogatepass")


def change_yaml(rng: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """A YAML with one or a few changes, some of which no tree has; ValueError where it is none."""
    text = content.decode("utf-8")
    if rng.random() < 0.15:
        lines = text.split("\n")
        place = rng.randrange(len(lines))
        trick = rng.choice((*YAML_TRICKS, alias_bomb()))
        key, colon, _ = lines[place].partition(":")
        lines[place] = f"{key}: {trick}" if colon and rng.random() < 0.7 else lines[place] + "\n" + trick
        return "\n".join(lines).encode()
    tree = yaml.safe_load(text)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        tree = change_tree(rng, tree)
    return yaml_text(tree).encode("utf-8", "surrogatepass")


def change_json_lines(rng: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """JSON lines of which one is changed, left out, doubled or moved."""
    lines = content.split(b"\n")
    place = rng.randrange(len(lines))
    action = rng.random()
    if action < 0.7:
        lines[place] = change_json(rng, lines[place], [])
    elif action < 0.8:
        del lines[place]
    else:
        lines.insert(rng.randrange(len(lines) + 1), lines[place])
    return b"\n".join(lines)
