"""What all pipelines have in common: models by part, pages or series in, results out, parameters checked."""

from __future__ import annotations

import difflib
import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from plx_train.contract.dataset_options import WHITE
from plx_train.contract.pipeline import SECTION
from plx_train.contract.pipelines import declaration_of, part_of
from plx_train.export.predictor import Predictor
from plx_train.ground.errors import ConfigError, UserError, found_in, to_keep
from plx_train.pipelines.inputs import Page, read_pages
from plx_train.pipelines.origins import LoadedData, Resolve
from plx_train.pipelines.result import PipelineResult
from plx_train.vision.bounds import TooManyPixels
from plx_train.vision.image import as_image, drawn_page
from plx_train.vision.pages import PAGE_SUFFIXES


@dataclass(frozen=True)
class LoadedModel:
    """A model in a pipeline, and where it comes from.

    Attributes:
        name: by which PaddleX knows it.
        module: the module type.
        reference: as it was asked for.
        version: in the registry, where it comes from there.
        run_id: of the run that trained it, where that is known.
        sha256: of its parameters.
    """

    name: str
    module: str
    folder: Path
    reference: str
    version: str | None
    run_id: str | None
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """What a result says of it."""
        return {"name": self.name, "version": self.version, "run_id": self.run_id, "sha256": self.sha256}


@dataclass(frozen=True)
class Part:
    """A loaded model, ready to use."""

    model: LoadedModel
    predictor: Predictor


LoadPart = Callable[[Mapping[str, Any], str, int], Part]
"""Takes a part's section of the configuration, its key, and the threads of one prediction."""


class Pipeline:
    """Models that work together on images; made by `plx_train.pipeline`.

    A kind of pipeline is a subclass: `NAME` is what configurations call it, `PARTS` are the models it must have,
    `PARAMETERS` what `predict` takes beside the input, by type; `run` does the work. One that works on something else
    than images reads it by its own `read`, `as_item` and `sample`.
    """

    NAME: ClassVar[str] = ""
    PARTS: ClassVar[tuple[str, ...]] = ()
    PARAMETERS: ClassVar[Mapping[str, type | tuple[type, ...]]] = {}
    ITEMS: ClassVar[str] = "pages"
    """What an input consists of, for messages."""
    SAMPLE: ClassVar[str] = "image"
    """What a file to read holds, for messages."""
    AT_ONCE: ClassVar[int] = 1
    """Items of an input that are worked on together; results are the same."""

    def __init__(self, config: dict[str, Any], load: LoadPart) -> None:
        missing = [key for key in self.PARTS if key not in config["SubModules"]]
        if missing:
            raise ConfigError(f"the pipeline {self.NAME} needs SubModules.{missing[0]}, which its configuration lacks")
        self.config = config
        self.defaults: Mapping[str, Any] = {}
        """Parameters that hold where a call gives none."""
        self.data: Mapping[str, LoadedData] = {}
        """Folders of data by the configuration's key."""
        self.resolve: Resolve | None = None
        """Looks references to a registry up."""
        self.declared = declaration_of(config)
        self.cores = min(os.cpu_count() or 1, 8)
        self.parts = {
            key: load(config["SubModules"].get(key, {}), key, self.threads_of(key)) for key in self.used_parts()
        }
        for key, part in self.parts.items():
            wanted = part_of(self.declared, key)
            if wanted and part.model.module != wanted.module:
                raise UserError(
                    f"{key} takes a model of {wanted.module}, not of {part.model.module} ({part.model.reference})"
                )

    @classmethod
    def parameter_types(cls, config: Mapping[str, Any]) -> Mapping[str, type | tuple[type, ...]]:
        """`PARAMETERS` of a pipeline with this configuration, before it is loaded."""
        return cls.PARAMETERS

    @classmethod
    def parameter_places(cls, config: Mapping[str, Any]) -> Mapping[str, tuple[str, str]]:
        """Where a configuration says what a call may set: the part, and the key in its section, by parameter."""
        return {}

    def threads_of(self, key: str) -> int:
        """CPU threads for one prediction of a part; those whose predictions run side by side take one."""
        return self.cores

    def take_data(self, data: Mapping[str, LoadedData]) -> None:
        """Takes the folders of data that the configuration names, by its keys.

        Raises:
            UserError: one can't be used.
        """
        self.data = data

    def used_parts(self) -> tuple[str, ...]:
        """Keys of the models to load; more than `PARTS` where the configuration switches something on."""
        return self.PARTS

    def settings_of(self, key: str) -> dict[str, Any]:
        """Settings of a part that PaddleX takes from the configuration, not from the model."""
        return {}

    @property
    def name(self) -> str:
        """What PaddleX calls it."""
        return self.NAME

    @property
    def models(self) -> dict[str, LoadedModel]:
        """The models by part."""
        return {key: part.model for key, part in self.parts.items()}

    @property
    def background(self) -> str:
        """What transparent pixels lie on: as for its first model that has it otherwise than white."""
        asked = (part.predictor.processor.reading().get("background") for part in self.parts.values())
        return next(filter(None, asked), WHITE)

    @property
    def latency_budget_ms(self) -> float | None:
        """What one page may take, as far as the configuration says so."""
        budget = (self.config.get(SECTION) or {}).get("latency_budget_ms")
        return None if budget is None else float(budget)

    def predict(
        self, input: Any, *, on_error: Callable[[UserError], None] | None = None, **params: Any
    ) -> Iterator[PipelineResult]:
        """The result of each page of `input`, one after the other.

        Args:
            input: a path of an image, a PDF or a folder, an array uint8 (H, W, 3) BGR, or a list of these.
            on_error: is given what is wrong with each file or page that can't be read.
            params: by `PARAMETERS`; None leaves the configuration's.

        Raises:
            UserError: a parameter is none; or, after all the rest and without `on_error`, something can't be read.
        """
        chosen = self.checked(params)
        self.check_settings(chosen)
        return found_in(self._outcomes(input, chosen), on_error)

    def _outcomes(self, input: Any, chosen: Mapping[str, Any]) -> Iterator[PipelineResult | UserError]:
        """The result of each item of an input, in order, or what is wrong with it."""
        items = iter(self.read(input))
        while held := list(itertools.islice(items, self.AT_ONCE)):
            found = iter(self._attempt([item for item in held if not isinstance(item, UserError)], chosen))
            for item in held:
                yield item if isinstance(item, UserError) else next(found)

    def _attempt(self, items: Sequence[Any], chosen: Mapping[str, Any]) -> Sequence[PipelineResult | UserError]:
        """As `run`; an item that can't be worked on does not spoil the others."""
        try:
            return self.run(items, chosen) if items else []
        except ConfigError:
            raise
        except UserError as error:
            if len(items) == 1:
                return [to_keep(_named(error, items[0]))]
        return [outcome for item in items for outcome in self._attempt([item], chosen)]

    def check_settings(self, params: Mapping[str, Any]) -> None:
        """
        Raises:
            UserError: parameters of the right types that can't be had; told before anything is read.
        """

    def predict_many(self, given: Sequence[Any], params: Mapping[str, Any] | None = None) -> list[PipelineResult]:
        """The results of several images uint8 (H, W, 3) BGR, worked on together; each is what it were alone."""
        chosen = self.checked(params or {})
        self.check_settings(chosen)
        return self.run([self.as_item(one, number) for number, one in enumerate(given)], chosen)

    @property
    def suffixes(self) -> frozenset[str]:
        """Suffixes of the files of a folder that are read, in lower case."""
        return PAGE_SUFFIXES

    def read(self, input: Any) -> Iterator[Any]:
        """What `run` takes of an input, each read when it is asked for; a `UserError` in the place of what can't be."""
        return read_pages(input, self.background)

    def as_item(self, given: Any, number: int) -> Any:
        """What `run` takes of one image."""
        return Page(as_image(given), None, f"image_{number}")

    def sample(self, path: Path | None = None) -> Any:
        """Something that `predict_many` takes, to warm up with: what is at `path`, or of our own making."""
        return drawn_page() if path is None else as_image(path, self.background)

    def checked(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """`params` that are given, of the right types.

        Raises:
            ConfigError: one is unknown, or of another type.
        """
        given = {**self.defaults, **{name: value for name, value in params.items() if value is not None}}
        check_parameters(self.NAME, self.PARAMETERS, given)
        return given

    def run(self, pages: Sequence[Any], params: Mapping[str, Any]) -> list[PipelineResult]:
        """The results of `pages`, in order; what a subclass is about."""
        raise NotImplementedError

    def describe(self) -> dict[str, dict[str, Any]]:
        """What each result says of the models it comes from."""
        return {key: model.to_json() for key, model in self.models.items()}


def _named(error: UserError, item: Any) -> UserError:
    """The error with the file that it is of, where it says nothing of it itself."""
    path = getattr(item, "path", None)
    return UserError(f"{path}: {error}") if path and isinstance(error, TooManyPixels) else error


def check_parameters(
    pipeline: str, known: Mapping[str, type | tuple[type, ...]], given: Mapping[str, Any], prefix: str = ""
) -> None:
    """
    Args:
        pipeline: its name.
        known: the types of its parameters by name.
        prefix: what users type before a parameter's name.

    Raises:
        ConfigError: a parameter is unknown, or of another type.
    """
    for name, value in given.items():
        if name not in known:
            near = difflib.get_close_matches(name, list(known), n=1)
            names = ", ".join(f"{prefix}{one}" for one in known)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"it takes {names or 'none'}"
            raise ConfigError(f"the pipeline {pipeline} takes no {prefix}{name}; {hint}")
        wanted = known[name]
        kinds = wanted if isinstance(wanted, tuple) else (wanted,)
        allowed = (*kinds, int) if float in kinds else kinds
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in kinds):
            raise ConfigError(f"{prefix}{name}={value!r} must be {' or '.join(kind.__name__ for kind in kinds)}")


def must_be_loaded(pipeline: Pipeline, key: str, switch: str) -> None:
    """
    Raises:
        UserError: a part is asked for that the configuration has not switched on.
    """
    if key not in pipeline.parts:
        raise UserError(
            f"{switch}=true needs a model for {key}: name it when the pipeline is made, on the command line as "
            f"models.{key}=…"
        )
