"""What all reports share: the template engine with its filters, the style sheet, and how a page is written."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def page_environment() -> Environment:
    """Jinja over the templates in this package, named from its top (``report/style.css.jinja``); escapes everything."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_template_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, duration=duration)
    return environment


def _template_text(name: str) -> str:
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
