"""mode=studio: the web application over commands and folders of this machine."""

from __future__ import annotations

import os
import webbrowser
from contextlib import closing, suppress

from plx_train.config.compose import Composed
from plx_train.ground.errors import UserError
from plx_train.ground.file_lock import try_lock
from plx_train.runs.result import RunResult
from plx_train.serving.server import address_of, open_socket
from plx_train.studio.home import LOCK_FILE, make_home
from plx_train.terminal.console import make_console

CLOSING_SECONDS = 1
LOOPBACK = ("127.", "::1", "localhost")
MOST_AT_ONCE = 256
"""Connections; more are answered 503."""


def run(composed: Composed) -> RunResult:
    """Serves the studio until a signal; jobs that run go on without it.

    Raises:
        UserError: another studio has the folder, or the address can't be listened at.
    """
    if os.name == "nt":
        raise UserError("mode=studio needs Linux or macOS")
    options = composed.options.studio
    _check_extra()
    import uvicorn

    from plx_train.studio.app import create_app
    from plx_train.studio.login import Login

    home = make_home(options.root, options.data)
    console = make_console(quiet=composed.options.quiet)
    with (home.own / LOCK_FILE).open("ab") as lock, closing(open_socket(options.host, options.port)) as listener:
        if try_lock(lock.fileno()) is False:
            raise UserError(f"{home.own} is in use by another studio: end it first, or give another studio.root")
        address, port = address_of(listener), listener.getsockname()[1]
        token = home.token()
        app = create_app(home, options)
        guarded = Login(app, token, port, (options.host, *options.names))
        config = uvicorn.Config(
            guarded,
            lifespan="on",
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_AT_ONCE,
            timeout_graceful_shutdown=CLOSING_SECONDS,
        )
        console.info(f"the studio of {home.root} is at {address}/?token={token} (Ctrl-C ends it, jobs go on)")
        if not options.host.startswith(LOOPBACK):
            console.warn(
                f"studio.host={options.host}: whoever has the token can start commands of yours from elsewhere"
            )
        if options.open:
            _open(f"{address}/?token={token}")
        # It raises the signal anew once it has closed, as if nobody had heard it.
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])
    return RunResult("studio", home.root)


def _open(address: str) -> None:
    """Opens a browser where there is a screen; elsewhere it would be one in the terminal."""
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.uname().sysname == "Darwin":
        webbrowser.open(address)


def _check_extra() -> None:
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise UserError(f"mode=studio needs {error.name}: pip install 'plx_train[serve]'") from None
