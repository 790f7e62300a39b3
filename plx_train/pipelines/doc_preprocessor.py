"""doc_preprocessor: pages are turned upright."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from plx_train.ground.errors import ConfigError
from plx_train.pipelines.base import LoadPart, Pipeline, must_be_loaded
from plx_train.pipelines.crops import rotate
from plx_train.pipelines.inputs import Page
from plx_train.pipelines.orientation import angle_of
from plx_train.pipelines.result import PipelineResult

ORIENTATION = "DocOrientationClassify"


class DocPreprocessor(Pipeline):
    """PaddleX's pipeline of the same name, without its unwarping."""

    NAME = "doc_preprocessor"
    PARAMETERS: ClassVar[Mapping[str, type | tuple[type, ...]]] = {
        "use_doc_orientation_classify": bool,
        "use_doc_unwarping": bool,
    }

    def __init__(self, config: dict[str, Any], load: LoadPart) -> None:
        refuse_unwarping(config)
        super().__init__(config, load)

    def used_parts(self) -> tuple[str, ...]:
        """Orientation, unless the configuration switches it off."""
        return (ORIENTATION,) if self.config.get("use_doc_orientation_classify", True) else ()

    def check_settings(self, params: Mapping[str, Any]) -> None:
        """
        Raises:
            UserError: pages are to be unwarped, or to be turned without a model for that.
        """
        refuse_unwarping(params)
        if params.get("use_doc_orientation_classify"):
            must_be_loaded(self, ORIENTATION, "use_doc_orientation_classify")

    def run(self, pages: Sequence[Page], params: Mapping[str, Any]) -> list[PipelineResult]:
        """The pages, upright."""
        turns = params.get("use_doc_orientation_classify", ORIENTATION in self.parts)
        return [self._turn(page, turns) for page in pages]

    def _turn(self, page: Page, turns: bool) -> PipelineResult:
        angle = angle_of(self.parts[ORIENTATION].predictor.predict(page.image)) if turns else -1
        upright = rotate(page.image, max(angle, 0))
        findings = {
            "input_path": page.path,
            "page_index": page.index,
            "model_settings": {"use_doc_orientation_classify": turns, "use_doc_unwarping": False},
            "angle": angle,
            "rot_img": upright,
            "output_img": upright,
            "models": self.describe(),
        }
        return PipelineResult(findings, page.result_name, lambda: {"preprocessed_img": upright})


def refuse_unwarping(asked: Mapping[str, Any]) -> None:
    """
    Raises:
        ConfigError: pages are to be unwarped.
    """
    if asked.get("use_doc_unwarping"):
        raise ConfigError("use_doc_unwarping=true: pages can't be unwarped here, set it to false")
