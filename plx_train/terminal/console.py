"""What people see while a command runs: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import IO, TYPE_CHECKING, Protocol

from plx_train.terminal.progress import Progress, ProgressMeter, ProgressState

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.text import Text

PLAIN_LINE_SECONDS = 15.0
REFRESH_PER_SECOND = 4
BAR_COLUMNS = 20
SMALLEST_BAR_WIDTH = 60


class Console(Protocol):
    """Where a command speaks to people; errors and warnings go to stderr."""

    def rule(self, title: str) -> None: ...

    def info(self, message: str) -> None: ...

    def warn(self, message: str) -> None: ...

    def error(self, message: str) -> None: ...

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None: ...

    def progress(self, total_steps: int | None, max_seconds: float | None = None) -> AbstractContextManager[Progress]:
        """Shows progress within the block, to the end of the steps or of the time, whichever comes first."""
        ...

    def summary(self, title: str, rows: Sequence[tuple[str, str]]) -> None: ...


def make_console(plain: bool | None = None, quiet: bool = False) -> Console:
    """The console for this process's stdout.

    Args:
        plain: lines without colour or movement; None: unless stdout is a terminal that can do more.
        quiet: show warnings, errors and the final summary only.
    """
    if plain is None:
        plain = not sys.stdout.isatty() or os.environ.get("TERM") == "dumb"
    return PlainConsole(quiet) if plain else RichTerminal(quiet)


class PlainConsole:
    """Whole lines, never wrapped, never coloured."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet

    def rule(self, title: str) -> None:
        self.info(f"== {title}")

    def info(self, message: str) -> None:
        if not self.quiet:
            _print(message, sys.stdout)

    def warn(self, message: str) -> None:
        _print(f"warning: {message}", sys.stderr)

    def error(self, message: str) -> None:
        _print(f"error: {one_line(message)}", sys.stderr)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        if self.quiet:
            return
        self.info(title)
        for line in aligned([columns, *rows]):
            self.info(f"  {line}")

    @contextmanager
    def progress(self, total_steps: int | None, max_seconds: float | None = None) -> Iterator[Progress]:
        pace = _PlainProgress(ProgressState(total_steps, max_seconds), self)
        yield pace
        pace.end()

    def summary(self, title: str, rows: Sequence[tuple[str, str]]) -> None:
        _print(title, sys.stdout)
        for line in aligned(rows):
            _print(f"  {line}", sys.stdout)


class _PlainProgress(ProgressMeter):
    """A line now and then: at the first step, every PLAIN_LINE_SECONDS, and at the end."""

    def __init__(self, state: ProgressState, console: PlainConsole) -> None:
        super().__init__(state)
        self._console = console
        self._shown_at = -math.inf
        self._shown_step = 0

    def show(self) -> None:
        if self.state.step and time.monotonic() - self._shown_at >= PLAIN_LINE_SECONDS:
            self._line()

    def end(self) -> None:
        """The last line, unless it has just been printed."""
        if self.state.step != self._shown_step:
            self._line()

    def _line(self) -> None:
        parts = self.state.parts(self.elapsed)
        self._console.info(", ".join(f"{name} {value}".strip() for name, value in parts))
        self._shown_at, self._shown_step = time.monotonic(), self.state.step


class RichTerminal:
    """Colour, tables and one line that moves."""

    def __init__(self, quiet: bool = False) -> None:
        from rich.console import Console as RichConsole

        self.quiet = quiet
        self._out = RichConsole(highlight=False)
        self._err = RichConsole(highlight=False, stderr=True)

    def rule(self, title: str) -> None:
        if not self.quiet:
            from rich.text import Text

            self._out.print()
            self._out.rule(Text(title, "bold"), align="left", style="dim")

    def info(self, message: str) -> None:
        if not self.quiet:
            self._out.print(message, markup=False, soft_wrap=True)

    def warn(self, message: str) -> None:
        self._say(self._err, "warning: ", "yellow", message)

    def error(self, message: str) -> None:
        self._say(self._err, "error: ", "bold red", one_line(message))

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        if self.quiet:
            return
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(title=Text(title, "bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for index, name in enumerate(columns):
            is_numeric = bool(rows) and all(_is_number(row[index]) for row in rows)
            table.add_column(Text(name), justify="right" if is_numeric else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell_text(cell)) for cell in row))
        self._out.print(table)

    @contextmanager
    def progress(self, total_steps: int | None, max_seconds: float | None = None) -> Iterator[Progress]:
        from rich.live import Live

        shown = _LiveProgress(ProgressState(total_steps, max_seconds))
        if self.quiet:
            yield shown
            return
        with Live(
            get_renderable=lambda: shown.line(self._out.width),
            console=self._out,
            refresh_per_second=REFRESH_PER_SECOND,
            transient=True,
        ):
            yield shown
        self._out.print(shown.line(self._out.width))

    def summary(self, title: str, rows: Sequence[tuple[str, str]]) -> None:
        from rich.text import Text

        # No frame: paths are to be copied whole, so a long one runs on where a border would cut it up.
        name_width = max((len(name) for name, _ in rows), default=0)
        self._out.print()
        self._out.rule(Text(title, "bold green"), align="left", style="green")
        for name, value in rows:
            self._out.print(Text.assemble((f"  {name.ljust(name_width)}  ", "dim"), value), soft_wrap=True)
        self._out.rule(style="green")

    @staticmethod
    def _say(console: RichConsole, head: str, style: str, message: str) -> None:
        from rich.text import Text

        console.print(Text.assemble((head, style), message), soft_wrap=True)


class _LiveProgress(ProgressMeter):
    """The moving line, as wide as the terminal allows."""

    def line(self, width: int) -> Text:
        """A bar and as many phrases as fit."""
        from rich.text import Text

        done = self.state.share_done(self.elapsed)
        line = Text(no_wrap=True, overflow="ellipsis")
        if width >= SMALLEST_BAR_WIDTH:
            filled = round(done * BAR_COLUMNS)
            line.append("━" * filled, "cyan")
            line.append("━" * (BAR_COLUMNS - filled), "bright_black")
        line.append(f" {done:4.0%}", "bold")
        for name, value in self.state.parts(self.elapsed):
            if line.cell_len + 4 + len(name) + len(value) > width:
                break
            line.append("  ")
            line.append(f"{name} " if name else "", "dim")
            line.append(value, "" if name else "dim")
        return line


def one_line(message: str) -> str:
    """`message` without line breaks."""
    return " ".join(part.strip() for part in str(message).splitlines() if part.strip())


def cell_text(value: object) -> str:
    """A table's cell: floats at four digits, None as a dash."""
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def aligned(rows: Sequence[Sequence[object]]) -> list[str]:
    """Rows as text in columns; the last column is as long as it likes."""
    texts = [[cell_text(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in texts]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _print(line: str, stream: IO[str]) -> None:
    try:
        print(line, file=stream, flush=True)
    except UnicodeEncodeError:
        print(line.encode("ascii", "replace").decode(), file=stream, flush=True)
