"""mode=serve: a pipeline over HTTP, in PaddleX's protocol, with a web page."""

from __future__ import annotations

import difflib
import gc
import logging
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plx_train.config.compose import Composed
from plx_train.config.options import RunOptions
from plx_train.config.serve_options import ServeOptions
from plx_train.config.texts import PARAMETER
from plx_train.contract.pipelines import pipeline_files
from plx_train.ground.errors import ConfigError, UserError
from plx_train.ground.files import resolve_path
from plx_train.machine.device import check_device, open_device
from plx_train.machine.environment import prepare_environment
from plx_train.runs.folder import OUTPUTS
from plx_train.runs.result import RunResult
from plx_train.terminal.console import Console, make_console
from plx_train.terminal.log import LineFormatter
from plx_train.terminal.streams import hurry

if TYPE_CHECKING:
    from plx_train.pipelines.base import Pipeline
    from plx_train.serving.follow import NewVersions
    from plx_train.serving.server import Server

KEY_VARIABLE = "PLX_SERVE_API_KEY"
LOOPBACK = ("127.", "::1", "localhost")


def run(composed: Composed) -> RunResult:
    """Serves until a signal; the exit code is 1 if requests were left undone.

    Raises:
        UserError: the pipeline can't be loaded, or the address can't be listened at.
    """
    options = composed.options
    serve = options.serve
    if not options.pipeline:
        raise ConfigError(f"mode=serve needs pipeline=<{', '.join(_names())}, or a YAML file>")
    config = pipeline_config(options.pipeline)
    api_key = read_key(serve)
    _check_extra()
    check_parameters(config, options.pipeline_parameters)
    check_device(options.device)
    from plx_train.serving.server import address_of, open_socket

    listener = open_socket(serve.host, serve.port)
    console = make_console(quiet=options.quiet)
    _log_to_stderr()
    prepare_environment(options.device)
    from plx_train.pipelines.load import load_pipeline
    from plx_train.registry.resolve import resolver
    from plx_train.serving.app import create_app
    from plx_train.serving.ending import run_guarded
    from plx_train.serving.endpoints import endpoint_of
    from plx_train.serving.follow import described, warm
    from plx_train.serving.server import LISTENING, Server

    uri = store(options)
    defaults, device = options.pipeline_parameters, open_device(options.device).name
    load = partial(load_pipeline, config, device, options.models, resolver(uri), defaults)
    pipeline = load()
    # Whether it can be served at all is told before it is warmed.
    endpoint_of(pipeline)
    sample = pipeline.sample(resolve_path(serve.sample) if serve.sample else None)
    following = new_versions(pipeline, load, uri, sample, serve) if serve.follow else None
    warm(pipeline, sample, serve.max_batch)
    app = create_app(pipeline, serve, following, api_key)
    if not api_key and not serve.host.startswith(LOOPBACK):
        console.warn(
            f"serve.host={serve.host} without a key: whoever reaches this machine can use it ({KEY_VARIABLE}=…)"
        )
    address = address_of(listener)
    console.info(described(pipeline))
    server = Server(app, serve, lambda: console.info(LISTENING.format(name=pipeline.name, address=address)))
    if not serve.follow:
        _keep_for_good()
    run_guarded(server, listener, serve.drain_seconds, partial(_leave, server, serve.drain_seconds, console))
    return RunResult("serve", resolve_path(options.output or OUTPUTS))


def pipeline_config(given: str) -> str | Path:
    """A pipeline's name as PaddleX writes it, or the path of a configuration.

    Raises:
        ConfigError: it is neither.
    """
    names = _names()
    if given.lower() in names:
        return names[given.lower()]
    path = resolve_path(given)
    if path.exists():
        return path
    near = difflib.get_close_matches(given.lower(), list(names), n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"there is: {', '.join(names)}, or a YAML file"
    raise ConfigError(f"pipeline={given} does not exist; {hint}")


def check_parameters(config: str | Path, parameters: Mapping[str, Any]) -> None:
    """
    Raises:
        ConfigError: the pipeline has no such parameter, or one of another type.
    """
    from plx_train.pipelines.load import check_typed_parameters

    check_typed_parameters(config, parameters, PARAMETER)


def _names() -> dict[str, str]:
    """Names of what can be served, as users may type them → as PaddleX writes them."""
    return {name.lower(): name for name, file in pipeline_files().items() if file.declaration.endpoint}


def read_key(serve: ServeOptions) -> str | None:
    """The key that clients must send.

    Raises:
        ConfigError: the file holds none.
    """
    if serve.api_key_file is None:
        return os.environ.get(KEY_VARIABLE) or None
    path = resolve_path(serve.api_key_file)
    try:
        key = path.read_text("utf-8").strip().partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(
            f"serve.api_key_file={path} can't be read: give a text file whose first line is the key"
        ) from None
    if not key:
        raise ConfigError(f"serve.api_key_file={path} is empty: its first line must be the key")
    return key


def store(options: RunOptions) -> str | None:
    """Where the registry is; None with ``tracking=off``."""
    if options.tracking.backend != "mlflow":
        return None
    from plx_train.tracking import resolve_uri

    return resolve_uri(options.tracking.uri)


def new_versions(
    pipeline: Pipeline, load: Callable[[], Pipeline], uri: str | None, sample: Any, serve: ServeOptions
) -> NewVersions:
    """Follows the aliases that the pipeline was made with, in the store at `uri`.

    Raises:
        UserError: there are none.
    """
    from plx_train.registry.resolve import current_version
    from plx_train.serving.follow import NewVersions, followed

    if not followed(pipeline):
        raise UserError("serve.follow=true has nothing to follow: name a model by its alias, models:/<name>@<alias>")
    return NewVersions(load, partial(current_version, tracking_uri=uri), serve.poll_seconds, sample)


def _keep_for_good() -> None:
    """Frees the collector of circles from what was loaded: it comes by more often then, and takes less time."""
    gc.collect()
    gc.freeze()


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("plx_train.serving").setLevel(logging.INFO)
    # It warns of each request that is no HTTP, which strangers can send as often as they like.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)


def _check_extra() -> None:
    try:
        import fastapi  # noqa: F401
        import prometheus_client  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise UserError(f"mode=serve needs {error.name}: pip install 'plx_train[serve]'") from None


def _leave(server: Server, drain_seconds: float, console: Console) -> None:
    """Ends the process where requests are left, or a thread is in a prediction that may never end."""
    from plx_train.serving.ending import leave, leave_if_held

    hurry()
    if server.left_undone:
        console.error(f"{server.left_undone} requests were not finished within serve.drain_seconds={drain_seconds:g}")
        leave(1)
    leave_if_held(server)
