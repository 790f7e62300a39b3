"""What things in a picture are, by the nearest images of an index: PaddleX's PP-ShiTuV2."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from plx_train.export.predictor import Predictor
from plx_train.ground.errors import ConfigError, UserError
from plx_train.ground.files import resolve_path
from plx_train.index.feature_index import FeatureIndex, empty_index, read_index
from plx_train.index.features import features_of, in_batches
from plx_train.index.maker import maker_of
from plx_train.pipelines.base import LoadPart, Pipeline
from plx_train.pipelines.crops import box_crop
from plx_train.pipelines.drawing import draw_attributes
from plx_train.pipelines.index_store import IndexStore
from plx_train.pipelines.inputs import Page
from plx_train.pipelines.origins import LoadedData, data_named
from plx_train.pipelines.result import PipelineResult

DETECTION, RECOGNITION = "Detection", "Recognition"
SWITCH = "use_mainbody_detection"
TOP, DET_THRESHOLD = 5, 0.5
STORE = "outputs/indexes"
"""Where indexes lie that are built by key, unless ``index_store`` says otherwise."""


class ShiTu(Pipeline):
    """PaddleX's pipeline, whose detection of main bodies may be left out: then each picture shows one thing.

    A threshold of recognition left out is what the model was calibrated to.
    """

    NAME = "PP-ShiTuV2"
    PARTS = (RECOGNITION,)
    PARAMETERS: ClassVar[Mapping[str, type | tuple[type, ...]]] = {
        "index": (str, FeatureIndex),
        "index_key": str,
        "det_threshold": (float, dict),
        "rec_threshold": float,
        "rec_topk": int,
        "topk": int,
    }

    def __init__(self, config: dict[str, Any], load: LoadPart) -> None:
        super().__init__(config, load)
        part = self.parts[RECOGNITION]
        self._features = part.predictor
        self.maker = maker_of(part.model.folder)
        self.store = IndexStore(resolve_path(config.get("index_store") or STORE))
        if config.get("rec_threshold") is None:
            # PaddleX, which knows nothing of a calibrated one, is told of it where the pipeline is frozen.
            processor: Any = part.predictor.processor
            config["rec_threshold"] = round(float(processor.threshold), 6)
        self._index: FeatureIndex | None = None
        self.check_settings({})

    def take_data(self, data: Mapping[str, LoadedData]) -> None:
        """Reads the index that the configuration names.

        Raises:
            UserError: there is none, or another model built it.
        """
        super().take_data(data)
        if "index" in data:
            self._index = self._read(data["index"])

    def _read(self, data: LoadedData) -> FeatureIndex:
        return self._checked_index(read_index(data.folder), data.reference)

    def used_parts(self) -> tuple[str, ...]:
        """Recognition, and detection where the configuration has it and does not switch it off."""
        has_detection = self.config.get(SWITCH, DETECTION in self.config["SubModules"])
        return (DETECTION, RECOGNITION) if has_detection else self.PARTS

    def check_settings(self, params: Mapping[str, Any]) -> None:
        """
        Raises:
            UserError: a setting is not possible.
        """
        if self._count(params) < 1:
            raise ConfigError("rec_topk must be at least 1")
        if DETECTION in self.parts:
            self._detector(params)

    def _count(self, params: Mapping[str, Any]) -> int:
        return int(params.get("rec_topk") or params.get("topk") or self.config.get("rec_topk") or TOP)

    def _detector(self, params: Mapping[str, Any]) -> Predictor:
        limit = params.get("det_threshold", self.config.get("det_threshold", DET_THRESHOLD))
        own = self.parts[DETECTION].predictor
        return own if limit is None else own.with_settings(cut=limit)

    def _checked_index(self, index: FeatureIndex, where: str) -> FeatureIndex:
        index.refuse_other(self.maker, where)
        return index

    def _index_of(self, params: Mapping[str, Any]) -> FeatureIndex:
        """The index of a call, or of the configuration.

        Raises:
            UserError: there is none, or it was built by another model.
        """
        given, key = params.get("index"), params.get("index_key")
        if key is not None and given is None:
            return self._checked_index(self.store.get(key), key)
        if given is not None:
            return self._given(given)
        if self._index is None:
            raise UserError(
                f"the pipeline {self.NAME} needs an index of known images: pipeline.index=<folder that "
                "mode=build_index wrote, or models:/<name>@<alias>>, index in its YAML, or a key"
            )
        return self._index

    def run(self, pages: Sequence[Page], params: Mapping[str, Any]) -> list[PipelineResult]:
        """The things in `pages`, each with the nearest known images; those of all pages are looked for together."""
        index, count = self._index_of(params), self._count(params)
        limit = float(params.get("rec_threshold", self.config["rec_threshold"]))
        found = self._boxes([page.image for page in pages], params)
        crops = [box_crop(page.image, box) for page, boxes in zip(pages, found, strict=True) for box, _ in boxes]
        vectors = self.vectors(crops)
        known = iter(zip(*index.search(vectors, count), strict=True))
        results = []
        for page, boxes in zip(pages, found, strict=True):
            things = [_thing(box, score, index, *next(known), limit) for box, score in boxes]
            results.append(self._result(page, things))
        return results

    def _boxes(self, images: Sequence[np.ndarray], params: Mapping[str, Any]) -> list[list[tuple[list[float], float]]]:
        """Boxes of each image with their scores; the whole of it where nothing is detected, as in PaddleX."""
        found: list[list[tuple[list[float], float]]] = [[] for _ in images]
        if DETECTION in self.parts:
            predictions = self._detector(params).predict(list(images))
            found = [[(box["coordinate"], box["score"]) for box in each.findings()["boxes"]] for each in predictions]
        whole = [[0.0, 0.0, float(image.shape[1]), float(image.shape[0])] for image in images]
        return [boxes or [(place, 0.0)] for boxes, place in zip(found, whole, strict=True)]

    def _result(self, page: Page, boxes: list[dict[str, Any]]) -> PipelineResult:
        findings = {"input_path": page.path, "page_index": page.index, "boxes": boxes, "models": self.describe()}
        return PipelineResult(findings, page.result_name, lambda: {"res": draw_attributes(page.image, _drawn(boxes))})

    def vectors(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Features float32 (N, D) of images uint8 (H, W, 3) BGR that show one thing each."""
        return np.concatenate([features_of(self._features, some) for some in in_batches(images)])

    def _given(self, index: FeatureIndex | str | Path) -> FeatureIndex:
        if isinstance(index, FeatureIndex):
            return self._checked_index(index, "that was given")
        return self._read(data_named(str(index), self.resolve))

    def build_index(self, gallery_imgs: Sequence[Any], gallery_label: Sequence[str]) -> FeatureIndex:
        """A new index of images, paths or arrays, with a label each.

        Raises:
            UserError: an image can't be read, or there are not as many labels.
        """
        return self.append_index(gallery_imgs, gallery_label, empty_index(self.maker))

    def append_index(
        self, gallery_imgs: Sequence[Any], gallery_label: Sequence[str], index: FeatureIndex | str | Path
    ) -> FeatureIndex:
        """The index with further images.

        Raises:
            UserError: as `build_index`, or the index was built by another model.
        """
        if not gallery_imgs or len(gallery_imgs) != len(gallery_label):
            raise UserError(f"{len(gallery_imgs)} images need as many labels, one at least, not {len(gallery_label)}")
        former = self._given(index)
        as_input = self._features.processor.as_input
        parts = [features_of(self._features, [as_input(one) for one in some]) for some in in_batches(gallery_imgs)]
        return former.appended(np.concatenate(parts), [str(label) for label in gallery_label])

    def remove_index(self, remove_ids: Collection[int], index: FeatureIndex | str | Path) -> FeatureIndex:
        """The index without the images of these ids.

        Raises:
            UserError: one is not there.
        """
        former = index if isinstance(index, FeatureIndex) else self._given(index)
        return former.without(ids=[int(number) for number in remove_ids])


def _thing(
    box: list[float], score: float, index: FeatureIndex, places: np.ndarray, cosines: np.ndarray, limit: float
) -> dict[str, Any]:
    """What is in a box; where even the nearest known image is too far, PaddleX says so by one label that is none."""
    is_known = len(cosines) > 0 and cosines[0] >= limit
    labels: list[str | None] = [index.labels[place] for place in places] if is_known else [None]
    scores: list[float | None] = [float(cosine) for cosine in cosines] if is_known else [None]
    return {"labels": labels, "rec_scores": scores, "det_score": score, "coordinate": box}


def _drawn(boxes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The boxes with the first label of each."""
    return [
        {
            "coordinate": box["coordinate"],
            "labels": ["unknown"] if box["labels"] == [None] else box["labels"][:1],
            "cls_scores": [0.0] if box["labels"] == [None] else box["rec_scores"][:1],
        }
        for box in boxes
    ]
