"""Passwords in addresses: taken out where an address comes in, put back where it is opened, shown nowhere."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import quote, unquote

VARIABLE = "PLX_SECRET_ADDRESSES"
"""The environment hands them to processes that this one starts: it stands in no file and in no list of processes."""
SECRET_VARIABLES = (
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "PGPASSWORD",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "DATABRICKS_TOKEN",
    "AZURE_STORAGE_ACCESS_KEY",
)
SHORTEST_SECRET = 8
"""What is shorter is looked for in addresses alone: it may be a word of any text."""
LOGIN_HINT = (
    "passwords are kept with no run: give tracking.uri with it again, or set MLFLOW_TRACKING_USERNAME and "
    "MLFLOW_TRACKING_PASSWORD for a server, PGPASSWORD for PostgreSQL"
)

_SCHEME = r"[A-Za-z][\w+.-]{0,40}://"
_SECRET_WORD = "passw(?:or)?d|passphrase|pwd|token|secret|credential|odbc_connect|api_?key|access_?key"
_NAME = rf"[\w.-]{{0,40}}(?:{_SECRET_WORD})[\w.-]{{0,40}}"
_WHOLE = re.compile(rf"(?P<scheme>{_SCHEME})(?:(?P<user>[^:/@?#]*)(?P<secret>:.*)?@)?(?P<rest>[^@]*)", re.DOTALL)
_QUERY_SECRET = re.compile(rf"(?P<name>[?&]{_NAME}=)(?P<value>[^&\s\"'#]+)", re.IGNORECASE)
_IN_TEXT = re.compile(rf"(?P<scheme>{_SCHEME})(?P<user>[^\s/@:?#\"']{{0,256}}):(?!\d+/)(?:(?!://)[^\s\"'])*@")
_USER_IN_TEXT = re.compile(r"(?P<scheme>https?://)[^\s/@:?#\"']{1,256}@", re.IGNORECASE)
_HEADER = re.compile(r"(authorization\W{1,6}\w{1,20}\s{1,3})[\w+/=.~-]+", re.IGNORECASE)
_ADDRESS = re.compile(
    rf"(?P<quote>[\"'])(?P<key>(?:[\w.+~@/-]{{1,80}}=)?)(?P<whole>{_SCHEME}(?:(?!(?P=quote))[^\\])*)(?P=quote)"
    rf"|{_SCHEME}[^\s\"',]+",
    re.DOTALL,
)
"""What is quoted is one address with all that is in it; else a comma ends it, as between a sweep's values."""


def put_away(address: str) -> str:
    """`address` without its password, of a server without its user as well; `with_credentials` gives it back."""
    public = _public(address)
    if public != address:
        known = _known()
        if known.get(public) != address:
            os.environ[VARIABLE] = json.dumps(known | {public: address})
    return public


def put_away_in(text: str) -> str:
    """`text`, ``tracking.uri=…`` for example, with every address in it put away.

    One that refers to other values by ``${``, or holds escapes, is not what is opened: it stays until it is resolved.
    """
    return _ADDRESS.sub(_put_away_match, text)


def put_away_within(content: Any) -> Any:
    """JSON-ready content with every string in it passed through `put_away_in`."""
    return _mapped(content, put_away_in, ())


def _put_away_match(match: re.Match[str]) -> str:
    if "${" in match[0] or "\\" in match[0]:
        return match[0]
    if match["quote"]:
        return match["quote"] + match["key"] + put_away(match["whole"]) + match["quote"]
    address = match[0].rstrip(",;)]}")
    return put_away(address) + match[0][len(address) :]


def with_credentials(address: str) -> str:
    """The address as it was given, with what `put_away` took out of it."""
    return _known().get(address, address)


def without_credentials(text: str) -> str:
    """`text` without users and passwords of addresses, and without any password that this process knows."""
    if "://" in text:
        text = _IN_TEXT.sub(r"\g<scheme>***:***@", text)
        text = _USER_IN_TEXT.sub(r"\g<scheme>***@", text)
    text = _QUERY_SECRET.sub(r"\g<name>***", text) if "=" in text else text
    text = _HEADER.sub(r"\1***", text)
    for secret in known_secrets():
        if secret in text:
            # Letters alone, postgres for example, may stand in any other word; they may follow a %3D.
            bounded = rf"(?:(?<!\w)|(?<=%[0-9A-Fa-f]{{2}})){re.escape(secret)}(?!\w)"
            text = re.sub(bounded if secret.isalpha() else re.escape(secret), "***", text)
    return text


def scrubbed(content: Any, kept: Collection[str] = ()) -> Any:
    """JSON-ready content with every string in it passed through `without_credentials`.

    Args:
        kept: keys whose values programs read, and which hold no password.
    """
    return _mapped(content, without_credentials, kept)


def _mapped(content: Any, change: Callable[[str], str], kept: Collection[str]) -> Any:
    if isinstance(content, str):
        return change(content)
    if isinstance(content, dict):
        return {key: value if key in kept else _mapped(value, change, kept) for key, value in content.items()}
    return [_mapped(value, change, kept) for value in content] if isinstance(content, list | tuple) else content


def known_secrets() -> list[str]:
    """The passwords of addresses that were put away, and of variables, in all ways to write them, longest first."""
    raw = {os.environ.get(name, "") for name in SECRET_VARIABLES}
    for address in _known().values():
        match = _WHOLE.fullmatch(address)
        if match and match["user"] is not None:
            raw.add((match["secret"] or "")[1:] or match["user"])
        raw |= {found["value"] for found in _QUERY_SECRET.finditer(address)}
    ways = {way for one in raw for way in (one, unquote(one), quote(unquote(one), safe=""))}
    return sorted((way for way in ways if len(way) >= SHORTEST_SECRET), key=len, reverse=True)


def is_secret_variable(name: str, value: str) -> bool:
    """Whether a variable of the environment holds a password, by its name or as an address with one."""
    is_named = name in (VARIABLE, *SECRET_VARIABLES) or bool(re.search(_SECRET_WORD, name, re.IGNORECASE))
    return is_named or ("://" in value and without_credentials(value) != value)


def wants_login(error: BaseException) -> bool:
    """Whether a store refused somebody who did not say, or could not prove, who he is."""
    text = str(error)
    return bool(re.search(r"\b401\b|[Uu]nauthori[sz]ed|password authentication failed|no password supplied", text))


def _public(address: str) -> str:
    match = _WHOLE.fullmatch(address)
    if match is None or match["scheme"].lower().startswith(("sqlite", "file")):
        return address
    user, secret = match["user"], match["secret"]
    if secret and re.match(r":\d+/", secret):
        # A port, and an @ further on.
        return address
    if user is not None:
        is_server = match["scheme"].lower() in ("http://", "https://")
        address = match["scheme"] + (f"{user}@" if user and not is_server else "") + match["rest"]
    base, mark, query = address.partition("?")
    kept = [one for one in query.split("&") if not _QUERY_SECRET.match(f"&{one}")]
    return base + (mark + "&".join(kept) if any(kept) else "")


def _known() -> dict[str, str]:
    try:
        return dict(json.loads(os.environ.get(VARIABLE, "{}")))
    except ValueError:
        return {}
