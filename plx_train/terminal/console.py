"""What people see while a command runs: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from plx_train.ground.characters import legible_lines
from plx_train.terminal.progress import Progress, ProgressMeter, ProgressState
from plx_train.terminal.streams import say, say_error, styled_stream
from plx_train.terminal.words import cell_text, one_line, shown

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

    def draw(self, plain: Sequence[str], styled: Callable[[], Any]) -> None:
        """Shows lines, or on a terminal the renderable of rich with the same content, whose words are spelled out."""
        ...


def make_console(plain: bool | None = None, quiet: bool = False) -> Console:
    """The console for this process's stdout.

    Args:
        plain: lines without colour or movement; None: unless stdout is a terminal that can do more.
        quiet: show warnings, errors and the final summary only.
    """
    if plain is None:
        plain = sys.stdout is None or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb"
    return PlainConsole(quiet) if plain else RichTerminal(quiet)


class PlainConsole:
    """Whole lines, never wrapped, never coloured."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet

    def rule(self, title: str) -> None:
        self.info(f"== {title}")

    def info(self, message: str) -> None:
        if not self.quiet:
            say(shown(message))

    def warn(self, message: str) -> None:
        say_error(f"warning: {one_line(message)}")

    def error(self, message: str) -> None:
        say_error(f"error: {one_line(message)}")

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
        say(shown(title))
        for line in aligned(rows):
            say(f"  {line}")

    def draw(self, plain: Sequence[str], styled: Callable[[], Any]) -> None:
        for line in plain:
            self.info(line)


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
        self._is_moving = False
        self._out = RichConsole(highlight=False, file=styled_stream(sys.stdout))
        self._err = RichConsole(highlight=False, file=styled_stream(sys.stderr))

    def rule(self, title: str) -> None:
        if not self.quiet:
            from rich.text import Text

            self._out.print()
            self._out.rule(Text(shown(title), "bold"), align="left", style="dim")

    def info(self, message: str) -> None:
        if not self.quiet:
            self._out.print(shown(message), markup=False, emoji=False, soft_wrap=True)

    def warn(self, message: str) -> None:
        self._say("warning: ", "yellow", one_line(message))

    def error(self, message: str) -> None:
        self._say("error: ", "bold red", one_line(message))

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        if self.quiet:
            return
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(title=Text(shown(title), "bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for index, name in enumerate(columns):
            is_numeric = bool(rows) and all(_is_number(row[index]) for row in rows)
            table.add_column(Text(shown(name)), justify="right" if is_numeric else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell_text(cell)) for cell in row))
        self._out.print(table)

    @contextmanager
    def progress(self, total_steps: int | None, max_seconds: float | None = None) -> Iterator[Progress]:
        from rich.live import Live

        line = _LiveProgress(ProgressState(total_steps, max_seconds))
        if self.quiet:
            yield line
            return
        with Live(
            get_renderable=lambda: line.line(self._out.width),
            console=self._out,
            refresh_per_second=REFRESH_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        ):
            self._is_moving = True
            try:
                with _above(self._out):
                    yield line
            finally:
                self._is_moving = False
        self._out.print(line.line(self._out.width))

    def summary(self, title: str, rows: Sequence[tuple[str, str]]) -> None:
        from rich.text import Text

        # No frame: paths are to be copied whole, so a long one runs on where a border would cut it up.
        name_width = max((len(name) for name, _ in rows), default=0)
        self._out.print()
        self._out.rule(Text(shown(title), "bold green"), align="left", style="green")
        for name, value in rows:
            self._out.print(Text.assemble((f"  {name.ljust(name_width)}  ", "dim"), shown(value)), soft_wrap=True)
        self._out.rule(style="green")

    def draw(self, plain: Sequence[str], styled: Callable[[], Any]) -> None:
        if not self.quiet:
            self._out.print(styled())

    def _say(self, head: str, style: str, message: str) -> None:
        from rich.text import Text

        # The console of the moving line alone can write above it.
        console = self._out if self._is_moving and self._err.is_terminal else self._err
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


@contextmanager
def _above(console: RichConsole) -> Iterator[None]:
    """Has what other code prints within the block appear above the line that moves."""
    former = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_Above(console, one) if one is not None and one.isatty() else one for one in former)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = former


class _Above:
    """Whole lines for a console, with what would steer it spelled out."""

    def __init__(self, console: RichConsole, former: Any) -> None:
        self._console = console
        self._former = former
        self._begun = ""

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._console.print(legible_lines(line), markup=False, emoji=False, soft_wrap=True)
        return len(text)

    def flush(self) -> None:
        """Does nothing: a line that has only begun would be torn by the one that moves."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._former, name)


def aligned(rows: Sequence[Sequence[object]]) -> list[str]:
    """Rows as text in columns; the last column is as long as it likes."""
    texts = [[cell_text(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in texts]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
