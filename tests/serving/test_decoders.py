"""What happens to the decoders of a server when they are sent files that are made to harm."""

from __future__ import annotations

import base64
import gc
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kit.fake_pipeline import FakePipeline
from kit.hostile_files import (
    PLAIN,
    TILED,
    encoded,
    jpeg_2000_that_lies,
    jpeg_of_many_scans,
    pdf_of_much_content,
    pdf_of_pages,
    pdf_that_hangs,
    png_of_zeros,
)
from kit.local_server import Answer, Running, grey, serving
from plx_train.config.serve_options import FORMATS, ServeOptions
from plx_train.serving.app import create_app
from plx_train.vision.decoders.process import DecoderLost

SECONDS = 1.0


def of(content: bytes, kind: int = 1) -> dict[str, Any]:
    return {"file": base64.b64encode(content).decode(), "fileType": kind, "visualize": False}


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    options = ServeOptions(
        decoders=2, decode_seconds=SECONDS, timeout_seconds=20.0, max_wait_ms=0.0, formats=[*FORMATS]
    )
    with serving(create_app(FakePipeline(), options), options) as running:
        yield running


def decoder_ids(server: Running) -> set[int]:
    decoders = server.service.reading.decoders
    assert decoders is not None
    return {one.process_id for one in (*decoders._free, *decoders._working)}


def kill_all(server: Running) -> None:
    decoders = server.service.reading.decoders
    assert decoders is not None
    for decoder in decoders._free:
        os.kill(decoder.process_id, signal.SIGKILL)
        until(lambda decoder=decoder: not decoder.is_alive)


def until(holds: Any, seconds: float = 20.0) -> None:
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_a_file_that_hangs_is_422_and_its_decoder_is_replaced(server: Running) -> None:
    before, began = decoder_ids(server), time.monotonic()
    answer = server.post(of(pdf_that_hangs(), 0))
    assert answer.status == 422
    assert "it was not decoded within 1 s" in answer.told["errorMsg"]
    assert time.monotonic() - began < SECONDS + 3
    until(lambda: len(decoder_ids(server)) == 2)
    gone = before - decoder_ids(server)
    assert len(gone) == 1
    assert not Path(f"/proc/{gone.pop()}").exists()
    assert server.post(of(pdf_of_pages(PLAIN), 0)).status == 200
    assert server.get("/health").status == 200
    assert 'plx_decoders_lost_total{how="late"} 1.0' in server.get("/metrics").content.decode()


def test_files_that_hang_hold_nobody_up_whose_file_is_quick(server: Running) -> None:
    with ThreadPoolExecutor(8) as threads:
        bad = [threads.submit(server.post, of(pdf_that_hangs(), 0)) for _ in range(4)]
        time.sleep(0.2)
        began = time.monotonic()
        assert [server.post(grey(value)).text for value in range(5)] == ["0", "1", "2", "3", "4"]
        assert time.monotonic() - began < 2 * SECONDS
        assert server.get("/health").status == 200
        assert not any(answer.done() for answer in bad[2:])
        assert {answer.result().status for answer in bad} == {422}


def test_a_jpeg_of_many_scans_counts_as_slow(server: Running) -> None:
    answer = server.post(of(jpeg_of_many_scans(2000)))
    assert answer.status == 422
    assert "within 1 s" in answer.told["errorMsg"]
    assert server.post(of(jpeg_of_many_scans(1))).status == 200


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_a_decoder_that_crashes_takes_only_its_own_request_along(server: Running, number: signal.Signals) -> None:
    decoders = server.service.reading.decoders
    assert decoders is not None
    with ThreadPoolExecutor(2) as threads:
        bad = threads.submit(server.post, of(pdf_that_hangs(), 0))
        until(lambda: decoders._working)
        (working,) = decoders._working
        os.kill(working.process_id, number)
        answer: Answer = bad.result()
    assert answer.status == 422
    assert f"the reader of its format failed on it ({number.name})" in answer.told["errorMsg"]
    assert server.post(grey(8)).text == "8"


def test_a_decoder_that_was_killed_while_it_waited_is_replaced_unseen(server: Running) -> None:
    kill_all(server)
    assert [server.post(grey(value)).text for value in (1, 2, 3)] == ["1", "2", "3"]


def test_a_file_that_takes_too_much_memory_is_its_own_422() -> None:
    options = ServeOptions(decoders=1, decode_seconds=30.0, max_megapixels=1.0, max_wait_ms=0.0)
    content = pdf_of_much_content()
    assert len(content) < 20_000
    with serving(create_app(FakePipeline(), options), options) as server:
        answer = server.post(of(content, 0))
        assert answer.status in (200, 422)
        assert server.post(grey(8)).text == "8"


def test_damaged_jpeg_2000_after_ordinary_pictures_harms_nobody(server: Running) -> None:
    for content, status in [(encoded("JPEG", (640, 480)), 200), (encoded("JPEG2000"), 200)]:
        assert server.post(of(content)).status == status
    assert {server.post(of(jpeg_2000_that_lies())).status for _ in range(6)} == {422}
    assert server.post(grey(8)).text == "8"


@pytest.mark.parametrize("kind", ["JPEG2000", "AVIF", "PPM", "ICO", "SGI", "TGA", "PCX"])
def test_formats_of_doubtful_readers_are_off_unless_they_are_named(server: Running, kind: str) -> None:
    content = encoded(kind)
    assert server.post(of(content)).status == 200
    options = ServeOptions(decoders=1, max_wait_ms=0.0)
    with serving(create_app(FakePipeline(), options), options) as usual:
        answer = usual.post(of(content))
    assert answer.status == 422
    if kind not in ("TGA", "PCX"):
        assert "is not read by this server (serve.formats)" in answer.told["errorMsg"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_every_format_can_be_switched_off(kind: str) -> None:
    options = ServeOptions(decoders=1, max_wait_ms=0.0, formats=["webp"])
    with serving(create_app(FakePipeline(), options), options) as server:
        assert server.post(of(encoded("WEBP"))).status == 200
        assert server.post(of(encoded(kind))).status == 422
        assert server.post(of(pdf_of_pages(PLAIN), 0)).status == 422
        assert "PDF is not read" in server.post(of(b"anything", 0)).told["errorMsg"]


def test_pages_before_one_that_hangs_do_not_help_a_file(server: Running) -> None:
    assert server.post(of(pdf_that_hangs(PLAIN, TILED), 0)).status == 422
    assert server.post(of(pdf_of_pages(PLAIN, PLAIN), 0)).status == 200


def test_health_says_that_no_decoder_can_be_started(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    decoders = server.service.reading.decoders
    assert decoders is not None

    def fail() -> Any:
        raise DecoderLost("no process to decode in can be started (Resource temporarily unavailable)", True)

    with monkeypatch.context() as broken:
        broken.setattr(decoders, "_new", fail)
        kill_all(server)
        for _ in range(3):
            answer = server.post(grey(1))
        assert answer.status == 503
        assert "retry-after" in answer.headers
        health = server.get("/health")
        assert health.status == 503
        assert "no process to decode in can be started" in health.told["errorMsg"]
    decoders._probed = 0.0
    assert server.get("/health").status == 503
    until(lambda: server.get("/health").status == 200)
    assert server.post(grey(1)).text == "1"


def test_health_says_that_nothing_is_decoded(server: Running) -> None:
    decoders = server.service.reading.decoders
    assert decoders is not None
    before = decoders._last_answer
    answers: list[Answer] = []

    # A decoder that an earlier test used may just be put back, which counts as an answer.
    def is_told() -> bool:
        decoders._waiting, decoders._last_answer = 3, time.monotonic() - 25
        answers.append(server.get("/health"))
        return answers[-1].status == 503

    try:
        until(is_told)
        assert "No file was decoded for 25 s, and 3 wait for it" in answers[-1].told["errorMsg"]
    finally:
        decoders._waiting, decoders._last_answer = 0, before


def test_a_thin_picture_is_read(server: Running) -> None:
    assert server.post(of(png_of_zeros(1, 20_000))).text == "0"


def shared_memories() -> int:
    handles = Path("/proc/self/fd")
    return sum("memfd:plx_train" in str(one.readlink()) for one in handles.iterdir() if one.is_symlink())


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted by Linux")
def test_what_a_lost_decoder_held_is_gone_without_a_collector() -> None:
    options = ServeOptions(decoders=1, decode_seconds=SECONDS, max_wait_ms=0.0)
    with serving(create_app(FakePipeline(), options), options) as server:
        assert server.post(grey(1)).status == 200
        gc.collect()
        before = shared_memories()
        gc.disable()
        try:
            for _ in range(3):
                assert server.post(of(pdf_that_hangs(), 0)).status == 422
                assert server.post(grey(1)).status == 200
            assert shared_memories() <= before
        finally:
            gc.enable()


@pytest.mark.long
def test_files_that_hang_take_no_place_in_the_house() -> None:
    options = ServeOptions(decoders=2, decode_seconds=3 * SECONDS, queue_size=4, max_wait_ms=0.0)
    with serving(create_app(FakePipeline(), options), options) as server, ThreadPoolExecutor(12) as threads:
        decoders = server.service.reading.decoders
        assert decoders is not None
        bad = [threads.submit(server.post, of(pdf_that_hangs(), 0))]
        until(lambda: decoders._working)
        for number in range(1, 5):
            bad.append(threads.submit(server.post, of(pdf_that_hangs(), 0)))
            until(lambda number=number: decoders._slow_waiting == number)
        one_more = server.post(of(pdf_that_hangs(), 0))
        assert (one_more.status, "can be slow wait" in one_more.told["errorMsg"]) == (503, True)
        assert "retry-after" in one_more.headers
        assert [server.post(grey(value)).text for value in (1, 2, 3)] == ["1", "2", "3"]
        assert [answer.result().status for answer in bad] == [422] * 5


def test_health_says_that_no_decoder_came_up_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(11, "Resource temporarily unavailable")

    options = ServeOptions(decoders=1, max_wait_ms=0.0)
    with monkeypatch.context() as broken:
        broken.setattr("plx_train.vision.decoders.process.started", fail)
        with serving(create_app(FakePipeline(), options), options) as server:
            answer = server.get("/health")
    assert answer.status == 503
    assert "no process to decode in can be started" in answer.told["errorMsg"]


def test_a_file_whose_time_is_over_shows_that_decoders_go_on(server: Running) -> None:
    decoders = server.service.reading.decoders
    assert decoders is not None
    with ThreadPoolExecutor(1) as threads:
        bad = threads.submit(server.post, of(pdf_that_hangs(), 0))
        until(lambda: decoders._working)
        decoders._last_answer = began = time.monotonic() - 1000
        assert bad.result().status == 422
    assert decoders._last_answer > began


def test_memory_that_is_not_there_harms_no_decoder(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> int:
        raise OSError(24, "Too many open files")

    before, noise = decoder_ids(server), of(encoded("PNG") + bytes(17 << 20))
    with monkeypatch.context() as broken:
        broken.setattr("plx_train.vision.decoders.memory.new_memory", fail)
        answer = server.post(noise)
    assert answer.status == 503
    assert "retry-after" in answer.headers
    assert decoder_ids(server) == before
    assert server.post(grey(1)).text == "1"
