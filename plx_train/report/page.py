"""What all reports share: the template engine with its filters, the style sheet, and how a page is written."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib import resources
from typing import TYPE_CHECKING, Any

from plx_train.ground.markup import escape, escape_lines

if TYPE_CHECKING:
    from jinja2 import Environment

PICTURE = re.compile(r"data:image/[a-z]+;base64,[A-Za-z0-9+/]+=*")


def page_environment() -> Environment:
    """Jinja over the templates in this package, named from its top (``report/style.css.jinja``); escapes all values."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(template_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.filters.update(number=number, duration=duration, lines=_lines, picture=_picture)
    environment.globals.update(policy=_policy)
    return environment


def _policy(script: str = "") -> str:
    """What a browser may do for a page: show its own pictures and styles, and run this one script."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    allowed = f"; script-src 'sha256-{digest}'" if script else ""
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'{allowed}; base-uri 'none'; form-action 'none'"


def _visible(value: Any) -> Any:
    """What a template shows; Jinja escapes a text afterwards, and leaves markup as it is."""
    from markupsafe import Markup

    return Markup(escape(value)) if isinstance(value, str) and not isinstance(value, Markup) else value


def _lines(text: str) -> Any:
    """A filter for texts of several lines."""
    from markupsafe import Markup

    return Markup(escape_lines(text))


def _picture(text: str) -> Any:
    """A filter for the address that is a picture itself, which stays whole: no foreign word can stand in it."""
    from markupsafe import Markup

    if not PICTURE.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no picture of ours")
    return Markup(text)


def template_text(name: str) -> str:
    """A file of this package, named from its top."""
    return resources.files("plx_train").joinpath(name).read_text("utf-8")


def number(value: Any) -> str:
    """Floats at four significant digits, whole numbers with thin spaces, truth as yes or no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u2009")
    if isinstance(value, float):
        return f"{value:.4g}"
    return "–" if value is None else str(value)


def duration(seconds: float) -> str:
    """``42 s``, ``7 min 12 s`` or ``2 h 05 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
