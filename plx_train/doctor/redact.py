"""Takes secrets, names and homes out of what is to be shown to others."""

from __future__ import annotations

import getpass
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plx_train.ground.credentials import known_secrets

GONE = "***"
SECRET_NAME = re.compile(
    r"pass(?:word|wd|phrase)?$|pass(?:word|phrase)|token|secret|credential|private|"
    r"(?:^|[._-]|api|access|auth)key(?:_?id)?$|authorization|cookie",
    re.IGNORECASE,
)
"""Names of settings whose values are nobody's business."""

# Every repetition below has an end, so that a long line costs no more than a long text.
ASSIGNED = re.compile(
    r"(?P<name>(?:passw(?:or)?d|passphrase|token|secret|credential|api[_-]?key|access[_-]?key|[._-]key)"
    r"""[\w.-]{0,40}["']?\s{0,9}[:=]\s{0,9})(?P<value>"[^"]*"|'[^']*'|[^\s,;&}\]]+)""",
    re.IGNORECASE,
)
"""``name=value``, ``name: value``, ``"name": "value"`` and ``?name=value`` within any text."""
BEARER = re.compile(r"\b(Bearer|Basic)\s{1,9}[\w.~+/=-]{8,}", re.IGNORECASE)
USER_OF_ADDRESS = re.compile(r"(://)[^/@\s\"']{1,256}@")
EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8}")
ANY_HOME = re.compile(r"(?P<root>/home/|/Users/|[A-Za-z]:(?:\\{1,2}|/)Users(?:\\{1,2}|/))(?P<user>[^/\\\s\"':,]+)")
ORDINARY_NAMES = {"root", "user", "admin", "localhost", "linux", "data", "work", "test"}
"""Names of users and hosts that say nothing, and stand in keys and paths of every report."""
SHORTEST_SECRET = 6


@dataclass(frozen=True)
class Redactor:
    """Blots out what belongs to one person and machine.

    Attributes:
        home: the home folder.
        names: the user's and the host's, and what stands in their place.
        secrets: values that are known to be secret, for example from the environment.
    """

    home: str
    names: Mapping[str, str]
    secrets: frozenset[str]

    def text(self, text: str) -> str:
        """`text` without secrets, home folders, users and hosts."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, GONE)
        text = USER_OF_ADDRESS.sub(rf"\1{GONE}@", text)
        text = BEARER.sub(rf"\1 {GONE}", text)
        text = ASSIGNED.sub(rf"\g<name>{GONE}", text)
        text = EMAIL.sub(GONE, text)
        if len(self.home) > 1:
            text = re.sub(rf"(?<![\w.~-]){re.escape(self.home)}(?![\w.-])", "~", text)
        text = ANY_HOME.sub(r"\g<root>user", text)
        for name, instead in self.names.items():
            text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", instead, text, flags=re.IGNORECASE)
        return text

    def tree(self, value: Any, name: str = "") -> Any:
        """The same for nested dicts and lists, where a secret's name may stand far from its value."""
        if name and SECRET_NAME.search(name) and value not in (None, "", True, False):
            return GONE
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.tree(item, str(key)) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.tree(item) for item in value]
        return self.text(value) if isinstance(value, str) else value


def this_redactor() -> Redactor:
    """The redactor for the person and the machine that this process runs on."""
    host = socket.gethostname()
    named = {host: "<host>", host.partition(".")[0]: "<host>", _user(): "<user>"}
    names = {name: instead for name, instead in named.items() if len(name) > 1 and name.lower() not in ORDINARY_NAMES}
    secrets = {
        value for name, value in os.environ.items() if SECRET_NAME.search(name) and len(value) >= SHORTEST_SECRET
    }
    return Redactor(str(Path.home()), names, frozenset({*secrets, *known_secrets()}))


def redact_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Environment variables; what is secret by its name, or as part of an address, is blotted out."""
    return {
        name: GONE if SECRET_NAME.search(name) else USER_OF_ADDRESS.sub(rf"\1{GONE}@", value)
        for name, value in variables.items()
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return ""
