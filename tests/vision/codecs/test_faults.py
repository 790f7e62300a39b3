"""Files of every format with bytes flipped, cut off and appended: a picture or a sentence, never half a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kit.image_files import image_files
from plx_train.vision.frames import Frames
from plx_train.vision.image import ImageError, decode_image

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")
FILES = image_files()
ONE_PICTURE = [name for name in FILES if name.split()[-1] not in ("animated", "pages")]
TRIALS = 12


def decoded(content: bytes) -> np.ndarray | None:
    """The picture; None where a sentence says why there is none."""
    try:
        image = decode_image(np.frombuffer(content, np.uint8), Path("a"))
    except ImageError as error:
        assert error.reason and "\n" not in error.reason
        return None
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size
    return image


def draw_frames(content: bytes) -> None:
    data = np.frombuffer(content, np.uint8)
    try:
        Frames(data, Path("a"))
        for image in Frames(data, Path("a")):
            assert image.dtype == np.uint8
    except ImageError:
        pass


@pytest.mark.parametrize("name", FILES)
def test_flipped_bits_give_a_picture_or_a_sentence(name, capfd):
    rng = np.random.default_rng(len(FILES[name]))
    for _ in range(TRIALS):
        content = bytearray(FILES[name])
        for place in rng.integers(0, len(content), rng.integers(1, 4)):
            content[place] ^= 1 << int(rng.integers(8))
        decoded(bytes(content))
        draw_frames(bytes(content))
    # libjpeg alone, in OpenCV, can't be kept from telling of a damaged scan.
    assert [line for line in capfd.readouterr().err.splitlines() if "JPEG" not in line] == []


@pytest.mark.parametrize("name", FILES)
def test_cut_files_give_the_whole_picture_or_a_sentence(name, capfd):
    rng = np.random.default_rng(len(FILES[name]))
    whole = decoded(FILES[name])
    assert whole is not None
    for length in rng.integers(1, len(FILES[name]), TRIALS):
        image = decoded(FILES[name][:length])
        assert image is None or np.array_equal(image, whole), length
        draw_frames(FILES[name][:length])
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("behind", [b"\0" * 4096, b"\xff\xda", b"\xff\xd8\xff\xe0\0\x10JFIF", bytes(range(256)) * 8])
def test_bytes_behind_the_end_change_nothing(name, behind, capfd):
    assert np.array_equal(decoded(FILES[name] + behind), decoded(FILES[name]))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", ONE_PICTURE)
def test_a_file_that_lacks_its_last_byte_is_never_half_a_picture(name):
    whole = decoded(FILES[name])
    for missing in (1, 2, 3, 5, 8, 11, 12, 13, 16, 17, 20, 24, 32):
        image = decoded(FILES[name][:-missing])
        assert image is None or np.array_equal(image, whole), missing
