"""Writes the tables of docs/configuration.md from the fields that declare the options, and from the presets' YAML.

python scripts/document_options.py            # prints them
python scripts/document_options.py --write    # renews the file
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from plx_train.config.groups import GROUPS, SCHEMA, Preset, presets
from plx_train.config.options import MODES
from plx_train.config.schema import MODULE, options_of_run
from plx_train.config.written import MISSING, written
from plx_train.contract.option import Option, Trait, options_of
from plx_train.contract.rooms import options_class
from plx_train.contract.sentences import describe

FILE = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"
BEGIN = "<!-- made by scripts/document_options.py --write: change the options' sentences, not these lines -->"
END = "<!-- up to here -->"


def tables() -> str:
    """Markdown of all modes, presets and options."""
    lines = ["## `mode=`", *_table(("mode", ""), [(f"`{name}`", _plain(text)) for name, text in MODES.items()])]
    for group, sentence in GROUPS.items():
        lines += ["", f"## `{group}=`", f"{_capital(sentence)}.", "", *_presets(presets(group).values())]
    lines += ["", "## Options of a run", *_options(one for key, one in options_of_run().items() if "." not in key)]
    below = (one for key, one in options_of_run().items() if "." in key)
    for section, found in groupby(below, lambda one: one.key.partition(".")[0]):
        options = list(found)
        lines += ["", f"## `{section}.*`", describe(options[0].section), "", *_options(options)]
    for room in sorted({one.picks[SCHEMA] for one in presets(MODULE).values()}):
        lines += ["", f"## `module.*` of {room}", _used_by(room), "", *_options(_of_room(room))]
    return "\n".join(lines)


def _of_room(room: str) -> list[Option]:
    return list(options_of(options_class(room), MODULE).values())


def _used_by(room: str) -> str:
    names = [f"`module={name}`" for name, one in presets(MODULE).items() if one.picks[SCHEMA] == room]
    return f"Options of {', '.join(names)}; [README](../plx_train/modules/{room}/README.md)."


def _presets(found: Iterable[Preset]) -> Iterator[str]:
    rows = []
    for one in found:
        picks = {group: name for group, name in one.picks.items() if group != SCHEMA}
        own = {key: value for key, value in one.settings.items() if not key.endswith(".root")}
        rows.append((f"`{one.name}`", _plain(one.sentence), _settings(picks | own)))
    return _table(("", "", "sets"), rows)


def _settings(settings: Mapping[str, object]) -> str:
    return " ".join(f"`{key}={written(value)}`" for key, value in settings.items())


def _options(options: Iterable[Option]) -> Iterator[str]:
    shown = (one for one in options if Trait.INTERNAL not in one.traits)
    rows = [(f"`{one.key}`", _default(one), one.values, _plain(one.sentence)) for one in shown]
    return _table(("key", "default", "values", ""), rows)


def _default(one: Option) -> str:
    return "" if one.default == MISSING else f"`{written(one.default)}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _plain(text: str) -> str:
    """`text` without what Markdown would take for tags or columns."""
    return text.replace("<", "&lt;").replace("|", "\\|")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def renewed(text: str) -> str:
    """A document with its tables made anew.

    Raises:
        SystemExit: it does not say where they stand.
    """
    found = re.search(f"{re.escape(BEGIN)}\n.*?{re.escape(END)}", text, re.DOTALL)
    if not found:
        raise SystemExit(f"{FILE} has no lines '{BEGIN}' and '{END}' between which the tables stand")
    return f"{text[: found.start()]}{BEGIN}\n{tables()}\n{END}{text[found.end() :]}"


def main(arguments: Sequence[str]) -> None:
    """Prints the tables, or writes them into the document."""
    if list(arguments) == ["--write"]:
        FILE.write_text(renewed(FILE.read_text("utf-8")), "utf-8")
    elif arguments:
        raise SystemExit(__doc__)
    else:
        print(tables())


if __name__ == "__main__":
    main(sys.argv[1:])
