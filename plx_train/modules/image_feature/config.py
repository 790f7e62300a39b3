"""The options of image features; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass

from plx_train.contract.option import Trait, above, at_least, one_of, option
from plx_train.vision.classifier_options import ClassifierOptions


@dataclass
class ImageFeatureConfig(ClassifierOptions):
    """Options of the room image_feature."""

    name: str = option("image_feature", Trait.INTERNAL)
    model_name: str = "PP-ShiTuV2_rec"
    """Name in the exported inference.yml: PaddleX accepts only names it knows, and asks nothing of the network."""
    gallery: str = "gallery.txt"
    """Label file of known images, in the dataset's folder; read where that of validation is missing."""
    query: str = "query.txt"
    """Label file of images whose class is looked for in the gallery."""
    pairs: bool = False
    """Validates by pairs of images, as faces are: dataset.val has two images and 1 (the same) or 0 a line, and label
    files name images as they lie beside them (PaddleX's FaceEvalDataset)."""
    resize_short: int | None = option(None, at_least(8))
    """Length of the shorter side, in pixels, before the centre is cut out; null: stretched, as in PaddleX."""
    dimensions: int | None = option(512, at_least(2))
    """Numbers of a feature; null: as many as the network gives before its classifier, which is left out."""
    loss: str = option("arcface", one_of("arcface", "contrast", "triplet", "softmax"))
    """Aim of training: classes apart by an angle; two images of a class told from a batch's others, or nearer by a
    margin than one of them; or the classes."""
    margin: float = option(0.2, at_least(0))
    """Angle in radians that arcface asks for, or distance, 1 less the cosine, that triplet does."""
    scale: float = option(30.0, above(0))
    """Factor of the cosines that probabilities are made of, but for triplets."""
    mining: str = option("hard", one_of("hard", "semi"))
    """Other image of a triplet: the nearest of another class, or the nearest that is not nearer than its own."""
    threshold: float = option(0.5, at_least(-1, at_most=1))
    """Cosine from which on the nearest image counts as of the same class, where none is chosen on held-out images."""
