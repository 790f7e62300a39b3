"""What ``mode=studio`` can be told."""

from __future__ import annotations

from dataclasses import dataclass, field

from plx_train.contract.option import at_least, option


@dataclass
class StudioOptions:
    """The web application on this machine: where it listens, what it may look into."""

    host: str = "127.0.0.1"
    """Address to listen at; others than this machine's own need a proxy with a login before them."""
    port: int = option(8484, at_least(0, at_most=65535))
    """Port to listen at; 0 takes a free one."""
    names: list[str] = field(default_factory=list)
    """Names that a proxy with a login before it is reached by, for example [studio.example.org]."""
    root: str = "."
    """Folder that its commands run in, with outputs/ and, for what is the studio's own, studio/."""
    data: list[str] = field(default_factory=list)
    """Folders beside it that data may be taken from; `[]`: root and the user's home."""
    open: bool = True
    """Opens a browser, where this machine has a screen."""
    max_file_mb: float = option(512.0, at_least(1))
    """Largest file that is taken in, in MiB."""
    max_data_gb: float = option(50.0, at_least(0.1))
    """Most that may lie in the folder of what was taken in, in GiB."""
