"""What is done to a crop before the network and to its output after it; all of it goes into inference.yml.

The arithmetic is that of PaddleX's text recognition predictor: an export behaves there as it does here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import cv2
import numpy as np

from plx_train.contract.prediction import Prediction
from plx_train.contract.processor import Graph
from plx_train.ground.errors import UserError
from plx_train.vision.long_lines import is_long_line, read_in_pieces
from plx_train.vision.normalise import IMAGE_MODES, decode_step, image_mode_of, read_transforms, write_planes
from plx_train.vision.processor import ImageProcessor

HEIGHT = 48
"""Pixels; the network's pooling fits no other."""
MAX_WIDTH = 3200
"""PaddleX squeezes wider ones."""
GROUP_WIDTH = 64
"""Crops whose widths differ by less go into one batch, as far as there are enough; pixels at a height of 48."""
BLANK = 0
MEAN = STD = 0.5
"""Mean and deviation of pixels scaled to 0..1; PaddleX has no other."""
# In these steps and this precision PaddleX normalises, so both give the same bits.
TABLE = np.tile((np.arange(256, dtype=np.float32) / 255 - np.float32(MEAN)) / np.float32(STD), (3, 1))
"""The normalised value of each pixel value, for three channels."""


@dataclass(frozen=True)
class TextRecPrediction(Prediction):
    """The text of one crop, and the mean probability of its characters, 0 to 1."""

    text: str
    score: float

    def to_json(self) -> dict[str, Any]:
        """``{"text": …, "score": …}``."""
        return {"text": self.text, "score": round(self.score, 6)}

    def findings(self) -> dict[str, Any]:
        """``rec_text`` and ``rec_score``, as PaddleX names them."""
        return {"rec_text": self.text, "rec_score": self.score}


@dataclass(frozen=True)
class TextRecProcessor(ImageProcessor):
    """Pre- and postprocessing of text recognition.

    Attributes:
        characters: what can be read, without the space, which always can: the network's classes are blank,
            these, and space.
        width: crops are padded to it at least, in pixels at a height of 48.
        image_mode: order of the colour channels the network was trained with, ``BGR`` or ``RGB``.
    """

    characters: tuple[str, ...]
    width: int = 320
    image_mode: str = "BGR"

    def __post_init__(self) -> None:
        if self.image_mode not in IMAGE_MODES:
            raise UserError(f"image_mode must be one of {', '.join(IMAGE_MODES)}, not {self.image_mode!r}")
        if not HEIGHT <= self.width <= MAX_WIDTH:
            raise UserError(f"width must lie between {HEIGHT} and {MAX_WIDTH} pixels, not {self.width}")
        if not self.characters:
            raise UserError("the dictionary holds no character")

    def __repr__(self) -> str:
        return f"TextRecProcessor({len(self.characters)} characters, width {self.width}, {self.image_mode})"

    @property
    def num_classes(self) -> int:
        """Blank, the characters, and space."""
        return len(self.characters) + 2

    def input_width(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Widths in pixels that a crop of `shape` (height, width) is resized to, and then padded to."""
        height, width = shape
        padded = int(HEIGHT * max(self.width / HEIGHT, width / height))
        if padded > MAX_WIDTH:
            return MAX_WIDTH, MAX_WIDTH
        return min(math.ceil(HEIGHT * (width / height)), padded), padded

    def group(self, shape: tuple[int, int]) -> int:
        """A number for a crop of `shape` (height, width), near for crops of near widths: batches are made of such."""
        return self.input_width(shape)[1] // GROUP_WIDTH

    def preprocess(self, image: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
        """The network's input float32 (3, 48, w) of a crop uint8 (H, W, 3) BGR, and the crop's (H, W)."""
        height, width = image.shape[:2]
        resized, padded = self.input_width((height, width))
        canvas = np.zeros((3, HEIGHT, padded), np.float32)
        self.write(cv2.resize(image, (resized, HEIGHT)), canvas)
        return canvas, (height, width)

    def predict_in_pieces(self, graph: Graph, original: np.ndarray) -> TextRecPrediction | None:
        """The text of a line that would be squeezed to less than half; None: it is no such line."""
        if not is_long_line(original, MAX_WIDTH / HEIGHT):
            return None
        return TextRecPrediction(*read_in_pieces(original, lambda piece: astuple(self.predict_whole(graph, piece))))

    def write(self, image: np.ndarray, canvas: np.ndarray) -> None:
        """Normalises pixels uint8 (48, w, 3) BGR onto zeros float32 (3, 48, W >= w), which are grey to the right."""
        write_planes(image, TABLE, self.image_mode, canvas[:, :, : image.shape[1]])

    def postprocess(self, probabilities: np.ndarray, shape: tuple[int, int]) -> TextRecPrediction:
        """The text of probabilities float32 (T, classes): the likeliest class of each step, runs of one as one."""
        best = probabilities.argmax(axis=-1)
        kept = np.ones(len(best), bool)
        kept[1:] = best[1:] != best[:-1]
        kept &= best != BLANK
        scores = probabilities.max(axis=-1)[kept]
        text = "".join(self._classes[index] for index in best[kept].tolist())
        return TextRecPrediction(text, float(scores.mean()) if len(scores) else 0.0)

    def encode(self, text: str) -> list[int]:
        """Classes of the text's characters; those outside the dictionary are left out."""
        return [self._index[character] for character in text if character in self._index]

    def unknown(self, text: str) -> list[str]:
        """The text's characters that are not in the dictionary."""
        return [character for character in text if character not in self._index]

    @cached_property
    def _classes(self) -> tuple[str, ...]:
        return ("", *self.characters, " ")

    @cached_property
    def _index(self) -> dict[str, int]:
        # Of a character that is there twice the last place counts, as for PaddleX.
        return {character: index for index, character in enumerate(self._classes) if index != BLANK}

    def to_inference(self, model_name: str) -> dict[str, Any]:
        """The sections of ``inference.yml`` from which PaddleX, and `from_inference`, do the same.

        Raises:
            UserError: PaddleX would not take `model_name` for text recognition.
        """
        if not model_name.endswith("_rec"):
            raise UserError(f"model_name={model_name} is no name of PaddleX's text recognition, which end with _rec")
        return {
            "Global": {"model_name": model_name},
            "PreProcess": {
                "transform_ops": [
                    decode_step(self.image_mode),
                    {"RecResizeImg": {"image_shape": [3, HEIGHT, self.width]}},
                ]
            },
            "PostProcess": {"name": "CTCLabelDecode", "character_dict": list(self.characters)},
        }

    @classmethod
    def from_inference(cls, inference: dict[str, Any]) -> TextRecProcessor:
        """The processor that an ``inference.yml`` of text recognition describes, read as PaddleX reads it.

        Raises:
            UserError: it holds a step that is not text recognition's, or one that can't be done here.
        """
        needed, others = ("RecResizeImg",), ("DecodeImage", "MultiLabelEncode", "KeepKeys")
        steps, post = read_transforms(inference, "text recognition by CTC", "CTCLabelDecode", needed, others)
        if "character_dict" not in post:
            raise UserError("inference.yml has no PostProcess.character_dict: its classes have no characters")
        channels, height, width = (int(side) for side in steps["RecResizeImg"].get("image_shape", (3, HEIGHT, 320)))
        if (channels, height) != (3, HEIGHT):
            raise UserError(
                f"RecResizeImg in inference.yml asks for {channels} x {height} x W, only 3 x {HEIGHT} x W is known"
            )
        return cls(
            characters=tuple(str(character) for character in post["character_dict"]),
            width=width,
            image_mode=image_mode_of(steps),
        )


def steps_of(width: int) -> int:
    """Steps T that the network gives for an input of `width` pixels."""
    halved = -(-width // 2)
    return -(-halved // 2) // 2


def steps_needed(classes: Sequence[int]) -> int:
    """Steps that CTC needs for a text: one each, and a blank between two that are equal."""
    return len(classes) + sum(first == second for first, second in pairwise(classes))
