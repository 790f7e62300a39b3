"""Lines of a log that holds what strangers sent."""

from __future__ import annotations

import logging
from typing import Any

from plx_train.ground.characters import legible_lines
from plx_train.terminal.words import shown


class LineFormatter(logging.Formatter):
    """Formats a message as one line, with what can't be seen spelled out; a traceback follows in lines of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return shown(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        return legible_lines(super().formatException(ei))
