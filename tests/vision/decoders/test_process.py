"""What a decoder process may do, and what it is believed."""

from __future__ import annotations

import io
import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from kit.hostile_files import encoded, pdf_of_much_content, png_of_zeros
from plx_train.vision.codecs.faults import ImageError
from plx_train.vision.decoders import messages, process
from plx_train.vision.decoders.memory import SharedMemory, new_memory
from plx_train.vision.decoders.process import Decoder, DecoderLost, GivenFile
from plx_train.vision.decoders.quick import is_quick
from plx_train.vision.image import decode_image


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder(50_000_000)
    yield decoder
    decoder.end()


def pages(decoder: Decoder, content: bytes, is_pdf: bool = False, seconds: float = 60.0) -> list[np.ndarray]:
    opened = decoder.open(GivenFile(content, Path("file"), is_pdf), seconds)
    return [decoder.page(number, 50_000_000, seconds) for number in range(opened.count)]


@pytest.mark.parametrize("side", [64, 1000, 3000])
def test_pixels_come_as_they_are_read_here(decoder: Decoder, side: int) -> None:
    noise = np.random.default_rng(side).integers(0, 255, (side, side + 5, 3), np.uint8)
    content = cv2.imencode(".png", noise)[1].tobytes()
    first, again = pages(decoder, content)[0], pages(decoder, encoded("BMP"))[0]
    np.testing.assert_array_equal(first, decode_image(np.frombuffer(content, np.uint8), Path("file")))
    assert first.flags.writeable
    assert again.shape == (64, 64, 3)


def test_a_picture_of_one_page_comes_as_it_is_opened() -> None:
    decoder = Decoder(50_000_000)
    try:
        # What can't be read takes nothing from the next one, though their memory comes with the first.
        with pytest.raises(ImageError):
            decoder.open(GivenFile(b"no picture", Path("file"), False), 60.0, 50_000_000)
        for side in (40, 3000):
            noise = np.random.default_rng(side).integers(0, 255, (side, side + 5, 3), np.uint8)
            content = cv2.imencode(".png", noise)[1].tobytes()
            opened = decoder.open(GivenFile(content, Path("file"), False), 60.0, 50_000_000)
            assert opened.image is not None
            np.testing.assert_array_equal(opened.image, noise)
        decoder.put_away(60.0)
        two = io.BytesIO()
        page = Image.new("RGB", (64, 64))
        page.save(two, "TIFF", save_all=True, append_images=[page])
        assert decoder.open(GivenFile(two.getvalue(), Path("file"), False), 60.0, 50_000_000).image is None
        assert decoder.page(1, 50_000_000, 60.0).shape == (64, 64, 3)
    finally:
        decoder.end()


def test_limits_hold_in_the_process(decoder: Decoder) -> None:
    decoder.ready()
    number = decoder.process_id
    assert resource.prlimit(number, resource.RLIMIT_CORE) == (0, 0)
    assert resource.prlimit(number, resource.RLIMIT_FSIZE) == (0, 0)
    assert resource.prlimit(number, resource.RLIMIT_NPROC) == (0, 0)
    assert resource.prlimit(number, resource.RLIMIT_NOFILE) == (64, 64)
    assert resource.prlimit(number, resource.RLIMIT_AS)[1] < 4 << 30
    assert resource.prlimit(number, resource.RLIMIT_CPU)[0] < 3600
    imported = Path(f"/proc/{number}/maps").read_text()
    assert "paddle" not in imported
    assert os.getpgid(number) != os.getpgid(0)


def test_keys_of_the_environment_are_not_its(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLX_SERVE_API_KEY", "a-secret")
    decoder = Decoder(1000)
    try:
        decoder.ready()
        assert b"a-secret" not in Path(f"/proc/{decoder.process_id}/environ").read_bytes()
    finally:
        decoder.end()


def test_it_writes_no_file_and_takes_no_more_memory(tmp_path: Path) -> None:
    script = (
        "import os, sys; sys.path.insert(0, sys.argv[1])\n"
        "from plx_train.vision.decoders.confine import confine\n"
        "import numpy as np\n"
        "confine(64 << 20)\n"
        "file = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT)\n"
        "try:\n os.write(file, b'x'); print('wrote')\nexcept OSError: print('no file')\n"
        "try:\n np.ones(200 << 20, np.uint8); print('took')\nexcept MemoryError: print('no memory')\n"
    )
    root = Path(process.__file__).parents[3]
    command = [sys.executable, "-c", script, str(root), str(tmp_path / "file")]
    told = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert told.stdout.split("\n")[:2] == ["no file", "no memory"], told.stderr
    assert not (tmp_path / "file").exists() or (tmp_path / "file").stat().st_size == 0


def test_a_file_that_needs_more_memory_is_refused_or_ends_the_process_alone() -> None:
    decoder = Decoder(1_000_000)
    try:
        with pytest.raises((DecoderLost, ImageError, Exception)) as caught:
            pages(decoder, pdf_of_much_content(), is_pdf=True)
        assert not isinstance(caught.value, RuntimeError)
    except pytest.fail.Exception:
        peak = Path(f"/proc/{decoder.process_id}/status").read_text().partition("VmHWM:")[2].split()[0]
        assert int(peak) < 600_000
    finally:
        decoder.end()


def test_it_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    script = (
        "import sys, os; sys.path.insert(0, sys.argv[1])\n"
        "from plx_train.vision.decoders.process import Decoder\n"
        "one = Decoder(1000); one.ready(); print(one.process_id, flush=True); os._exit(0)\n"
    )
    command = [sys.executable, "-c", script, str(Path(process.__file__).parents[3])]
    number = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    ends = time.monotonic() + 20
    while Path(f"/proc/{number}").exists() and "zombie" not in Path(f"/proc/{number}/status").read_text():
        assert time.monotonic() < ends
        time.sleep(0.05)


def answering(answer: bytes) -> Decoder:
    """A decoder whose process is another one, which answers so."""
    decoder = Decoder(1000)
    decoder.ready()
    decoder._line.close()
    decoder._line, theirs = socket.socketpair()
    theirs.sendall(answer)
    decoder._theirs = theirs  # type: ignore[attr-defined]
    return decoder


@pytest.mark.parametrize(
    "answer",
    [
        b"no json\n",
        b"[1, 2]\n",
        b'{"count": -1}\n',
        b'{"count": "1"}\n',
        b'{"count": 1e300}\n',
        b"{}\n",
        b"x" * 70_000,
        b'{"a":' * 5000 + b"\n",
    ],
    ids=range(8),
)
def test_nonsense_is_not_believed(answer: bytes) -> None:
    decoder = answering(answer)
    with pytest.raises(DecoderLost):
        pages(decoder, b"x", seconds=2.0)
    assert not decoder.is_alive


@pytest.mark.parametrize("size", [(10**5, 10**5), (0, 5), (-1, -5), (33, 33)])
def test_sizes_beyond_its_memory_are_not_believed(size: tuple[int, int]) -> None:
    told = [{"count": 1}, {"height": size[0], "width": size[1]}]
    decoder = answering(b"".join(json.dumps(one).encode() + b"\n" for one in told[:1]))
    try:
        assert decoder.open(GivenFile(b"x", Path("file"), False), 5.0).count == 1
        decoder._theirs.sendall(json.dumps(told[1]).encode() + b"\n")  # type: ignore[attr-defined]
        with pytest.raises(DecoderLost):
            decoder.page(0, 1000, 5.0)
    finally:
        decoder.end()


def test_a_line_that_drips_has_an_end() -> None:
    decoder, began = answering(b"{"), time.monotonic()
    with pytest.raises(DecoderLost, match=r"within 0\.5 s"):
        pages(decoder, b"x", seconds=0.5)
    assert time.monotonic() - began < 5


def test_memory_can_be_made_neither_smaller_nor_larger() -> None:
    memory = new_memory(1000)
    for size in (10, 5000):
        with pytest.raises(PermissionError):
            os.truncate(memory, size)
    image = SharedMemory(memory, 1000).image(10, 20)
    os.close(memory)
    image[:] = 7
    assert image.sum() == 7 * 600


def test_reasons_are_short() -> None:
    fault: Any = messages.fault_of({"kind": "image", "code": "c" * 1000, "reason": "r" * 10_000}, Path("x"))
    assert len(fault.code) == 100
    assert len(fault.reason) == 2000
    assert str(messages.fault_of({}, Path("x"))) == "None"


def test_which_files_are_quick() -> None:
    assert is_quick(png_of_zeros(1, 1))
    assert is_quick(encoded("JPEG", (3000, 3000)))
    assert is_quick(b"\xff\xd8\xff")
    assert not is_quick(encoded("JPEG", (3000, 3000)) + b"\xff\xda" * 50)
    assert not any(is_quick(encoded(kind)) for kind in ("BMP", "GIF", "TIFF", "WEBP"))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted by Linux")
def test_a_decoder_can_give_its_server_no_descriptors() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        before = len(list(Path("/proc/self/fd").iterdir()))
        messages.send(theirs, {"ready": True}, [theirs.fileno()] * 4)
        assert messages.receive(ours, takes_handles=False) == ({"ready": True}, [])
        assert len(list(Path("/proc/self/fd").iterdir())) == before
