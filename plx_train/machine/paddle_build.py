"""Which PaddlePaddle is installed and what it was built for, read from its files; and its import."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plx_train.machine.threads import num_threads


@dataclass(frozen=True)
class PaddleBuild:
    """An installed PaddlePaddle.

    Attributes:
        cuda: the CUDA it was built for, for example ``12.6``; None for a build without.
        rocm: built for DCU cards.
        xpu: built for Kunlun cards.
        plugins: device types that installed plug-ins add, for example ``npu``.
    """

    version: str
    cuda: str | None = None
    rocm: bool = False
    xpu: bool = False
    plugins: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """Version and device for people: ``PaddlePaddle 3.3.1 for CUDA 12.6``."""
        parts = [f"CUDA {self.cuda}"] if self.cuda else []
        parts += ["DCU"] if self.rocm else []
        parts += ["XPU"] if self.xpu else []
        return f"PaddlePaddle {self.version} for {', '.join([*parts, *self.plugins]) or 'CPU only'}"


def installed_paddle() -> PaddleBuild | None:
    """The PaddlePaddle that ``import paddle`` would take; None where there is none."""
    spec = importlib.util.find_spec("paddle")
    if spec is None or not spec.submodule_search_locations:
        return None
    facts = _assignments(Path(spec.submodule_search_locations[0]) / "version" / "__init__.py")
    return PaddleBuild(
        version=str(facts.get("full_version", "of unknown version")),
        cuda=_number(facts.get("cuda_version")),
        rocm=_number(facts.get("hip_version")) is not None,
        xpu=_number(facts.get("xpu_xre_version")) is not None,
        plugins=_plugins(),
    )


def _number(value: Any) -> str | None:
    """Paddle writes 'False', 'None' or None for what it was built without."""
    text = str(value)
    return text if re.match(r"\d", text) and text != "0" else None


def _assignments(path: Path) -> dict[str, Any]:
    """Constants that a Python file assigns at its top level."""
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except (OSError, SyntaxError):
        return {}
    found: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            found |= {target.id: node.value.value for target in node.targets if isinstance(target, ast.Name)}
    return found


def _plugins() -> tuple[str, ...]:
    """Device types of the plug-ins in the folder from which Paddle loads them."""
    spec = importlib.util.find_spec("paddle_custom_device")
    folders = [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []
    spec = importlib.util.find_spec("paddle")
    if spec and spec.origin:
        folders.append(Path(spec.origin).parent.parent / "paddle_custom_device")
    names = {path.name for folder in folders if folder.is_dir() for path in folder.glob("*.so")}
    found = (re.fullmatch(r"libpaddle-?(?:custom-)?(.+)\.so", name) for name in names)
    return tuple(sorted({match[1].replace("-", "_") for match in found if match}))


def import_paddle() -> Any:
    """Paddle, without its warning of several threads: who asked for them knows."""
    with contextlib.redirect_stderr(io.StringIO() if num_threads() > 1 else sys.stderr):
        import paddle
    return paddle
