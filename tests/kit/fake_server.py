"""Serves the pipeline without models: ``python tests/kit/fake_server.py serve.port=0``; prints its address."""

from __future__ import annotations

import ctypes
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from kit.fake_pipeline import FakePipeline
from plx_train.config.compose import compose_run
from plx_train.serving import doorkeeper
from plx_train.serving.app import create_app
from plx_train.serving.ending import run_guarded
from plx_train.serving.server import Server, address_of, open_socket


class HoldsItsThread(FakePipeline):
    def predict_many(self, images: Sequence[np.ndarray], params: Mapping[str, Any] | None = None) -> list[Any]:
        time.sleep(600)
        return []


class HoldsThreadsOfItsOwn(FakePipeline):
    def predict_many(self, images: Sequence[np.ndarray], params: Mapping[str, Any] | None = None) -> list[Any]:
        return list(ThreadPoolExecutor(2).map(time.sleep, (600, 600)))


class HoldsPython(FakePipeline):
    """As a prediction does in a library that does not let go of Python's lock."""

    def predict_many(self, images: Sequence[np.ndarray], params: Mapping[str, Any] | None = None) -> list[Any]:
        ctypes.PyDLL(None).sleep(600)
        return []


HANGS = {"thread": HoldsItsThread, "threads": HoldsThreadsOfItsOwn, "python": HoldsPython}


def main() -> int:
    own = {text.partition("=")[0]: text.partition("=")[2] for text in sys.argv[1:] if not text.startswith("serve.")}
    options = compose_run([text for text in sys.argv[1:] if text.startswith("serve.")]).options.serve
    logging.basicConfig(level=logging.WARNING)
    doorkeeper.SPARE = int(own.get("spare", doorkeeper.SPARE))
    pipeline = HANGS.get(own.get("hangs", ""), FakePipeline)(
        seconds=float(own.get("seconds", 0)), seconds_each=float(own.get("seconds_each", 0)), reads_pages=True
    )
    listener = open_socket(options.host, options.port)
    app = create_app(pipeline, options, api_key=own.get("api_key"))
    server = Server(app, options, lambda: print(address_of(listener), flush=True))
    run_guarded(server, listener, options.drain_seconds)
    return min(server.left_undone, 1)


if __name__ == "__main__":
    sys.exit(main())
