"""Pipelines of one model, made of their YAML alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, ClassVar

import numpy as np

from plx_train.contract.pipeline import SECTION
from plx_train.contract.pipelines import declaration_of
from plx_train.contract.prediction import Prediction
from plx_train.export.predictor import Predictor
from plx_train.ground.errors import ConfigError
from plx_train.pipelines.base import LoadPart, Pipeline
from plx_train.pipelines.drawing import draw_labels
from plx_train.pipelines.inputs import Page
from plx_train.pipelines.result import PipelineResult


class SingleModel(Pipeline):
    """One model: its part, its parameters and its name are what the section ``plx_train`` of its YAML says.

    A parameter takes the place of a field of the model's processor: that of a call, else that of the part's section,
    else the model's own.
    """

    READS: ClassVar[str] = ""
    """What the section calls the input."""

    def __init__(self, config: dict[str, Any], load: LoadPart) -> None:
        declared = declaration_of(config)
        # What other kinds of pipelines have as a class, this one has by its YAML.
        self.NAME = config["pipeline_name"]  # type: ignore[misc]
        self.PARTS = tuple(part.key for part in declared.parts.values() if part.switch is None)  # type: ignore[misc]
        self.PARAMETERS = self.parameter_types(config)  # type: ignore[misc]
        if len(self.PARTS) != 1:
            raise ConfigError(f"{declared.where}: {SECTION}.parts must name the one part that the pipeline always has")
        super().__init__(config, load)
        section = config["SubModules"][self.key]
        self._section = self.checked({name: section.get(name) for name in self.PARAMETERS})
        self._check_settings()
        # What the section says and the model can't is told when it is loaded.
        self.predictor({})

    @classmethod
    def parameter_types(cls, config: Mapping[str, Any]) -> Mapping[str, type | tuple[type, ...]]:
        """Types of the parameters that the section ``plx_train`` declares."""
        declared = declaration_of(config).parameters
        types = {name: parameter.python_types for name, parameter in declared.items()}
        return {name: kinds[0] if len(kinds) == 1 else kinds for name, kinds in types.items()}

    @classmethod
    def parameter_places(cls, config: Mapping[str, Any]) -> Mapping[str, tuple[str, str]]:
        """The section of the one part, for all of them."""
        declared = declaration_of(config)
        part = next((part.key for part in declared.parts.values() if part.switch is None), "")
        return {name: (part, name) for name in declared.parameters}

    @property
    def key(self) -> str:
        """The part that the model takes."""
        return self.PARTS[0]

    def check_settings(self, params: Mapping[str, Any]) -> None:
        """
        Raises:
            UserError: a setting is not possible.
        """
        self.predictor(params)

    def predictor(self, params: Mapping[str, Any]) -> Predictor:
        """The model with the settings that the section and `params` ask for.

        Raises:
            UserError: a setting is not possible.
        """
        chosen = {**self._section, **params}
        settings = {self.declared.parameters[name].setting: value for name, value in chosen.items()}
        own = self.parts[self.key].predictor
        return own.with_settings(**settings) if settings else own

    def _check_settings(self) -> None:
        part = self.parts[self.key]
        known = {field.name for field in fields(part.predictor.processor)}
        for name, parameter in self.declared.parameters.items():
            if parameter.setting not in known:
                raise ConfigError(
                    f"{self.declared.where}: {SECTION}.parameters.{name} sets {parameter.setting}, which models of "
                    f"{part.model.module} do not have"
                )


class ImageModel(SingleModel):
    """One model on images."""

    READS = "image"

    def run(self, pages: Sequence[Page], params: Mapping[str, Any]) -> list[PipelineResult]:
        """What the model finds in `pages`."""
        predictor = self.predictor(params)
        found = predictor.predict([page.image for page in pages])
        return [self._result(predictor, page, prediction) for page, prediction in zip(pages, found, strict=True)]

    def _result(self, predictor: Predictor, page: Page, prediction: Prediction) -> PipelineResult:
        findings = {
            "input_path": page.path,
            "page_index": page.index,
            **prediction.findings(),
            "models": self.describe(),
        }
        return PipelineResult(findings, page.result_name, lambda: {"res": _picture(predictor, page.image, prediction)})


def _picture(predictor: Predictor, image: np.ndarray, prediction: Prediction) -> np.ndarray:
    captions = prediction.captions()
    if captions is None:
        return predictor.overlay(image, prediction)
    return draw_labels(image, [name for name, _ in captions], [score for _, score in captions])
