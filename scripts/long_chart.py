"""What long runs held, as one picture that stands alone: memory on the left, descriptors and threads on the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plx_train.ground.markup import escape
from plx_train.report.axes import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, CountScale, Frame, Scale, axes
from plx_train.report.charts import thin_out
from plx_train.report.figure import path_data

PANELS = {
    "MiB": {"trainer_mib": "trainer", "loaders_mib": "loaders"},
    "descriptors, threads": {"descriptors": "descriptors", "threads": "threads"},
}
"""Title of each panel's axis, and its quantities with the words for them."""
LIGHT = ("#0b7285", "#d9730d", "#7a4fa3", "#5f7d2b")
DARK = ("#56c2d6", "#f2a154", "#b794e0", "#a3c266")
MOST_POINTS = 200
LINE = 14
"""Pixels from one name of a line to the next."""
Point = tuple[float, float]


def drawn(runs: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """An SVG document of what runs held at each step, by their names."""
    panels = [_panel(runs, title, words, number) for number, (title, words) in enumerate(PANELS.items())]
    height = HEIGHT + LINE * max(panel.count("<!--name-->") for panel in panels)
    body = "".join(panels).replace("<!--name-->", "")
    size = f'viewBox="0 0 {len(PANELS) * WIDTH} {height}" width="{len(PANELS) * WIDTH}" height="{height}"'
    title = f"<title>What long runs hold: {escape(', '.join(runs))}</title>"
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">{title}{_style()}{body}</svg>\n'


def _panel(runs: Mapping[str, Sequence[Mapping[str, float]]], title: str, words: Mapping[str, str], number: int) -> str:
    lines: dict[str, list[Point]] = {}
    for run, rows in runs.items():
        for name, word in words.items():
            points = [(row["step"], row[name]) for row in rows]
            # A run without loaders has none of their memory.
            if any(value for _, value in points):
                lines[f"{run}, {word}"] = points
    last = max(step for points in lines.values() for step, _ in points)
    most = max(value for points in lines.values() for _, value in points)
    frame = Frame(CountScale(0, last, LEFT, WIDTH - RIGHT), Scale(0, 1.06 * most, HEIGHT - BOTTOM, TOP))
    parts = [axes(frame, "step", title)]
    for index, (name, points) in enumerate(lines.items()):
        pixels = [(frame.x(step), frame.y(value)) for step, value in thin_out(points, MOST_POINTS)]
        y = HEIGHT + LINE * (index + 0.5)
        parts.append(f'<path class="line s{index}" d="{path_data(pixels)}"/>')
        parts.append(f'<path class="line s{index}" d="M{LEFT} {y - 4:.1f}h16"/>')
        parts.append(f'<!--name--><text x="{LEFT + 22}" y="{y:.1f}">{escape(name)}</text>')
    return f'<g transform="translate({number * WIDTH} 0)">{"".join(parts)}</g>'


def _style() -> str:
    def colours(values: Sequence[str]) -> str:
        return "".join(f".s{index} {{ stroke: {value}; }} " for index, value in enumerate(values))

    return (
        "<style>text { font: 11.5px system-ui, sans-serif; fill: #5c6670; } .end { text-anchor: end; } "
        ".middle { text-anchor: middle; } .grid line { stroke: #8b949d; stroke-opacity: .3; } "
        ".line { fill: none; stroke-width: 1.75; stroke-linejoin: round; } "
        f"{colours(LIGHT)}@media (prefers-color-scheme: dark) {{ text {{ fill: #a3acb5; }} {colours(DARK)}}}</style>"
    )
