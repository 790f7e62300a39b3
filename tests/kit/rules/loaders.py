"""What has a graph run, and who may call it: files that give it nothing but checked graphs."""

from __future__ import annotations

import ast
from pathlib import Path

from kit.sources import PACKAGE, imports, place, sources, tree_of

LOADERS = {
    "create_predictor", "set_model_buffer", "load_inference_model", "deserialize_program", "parse_from_string",
    "translate_to_pir", "InferenceSession", "read_model", "compile_model", "import_model", "load_model",
    "load_model_from_string", "quantize_static", "quantize_dynamic", "ReferenceEvaluator",
    "load_by_framework", "load_by_model",
}  # fmt: skip
"""Functions that have no other meaning here than to read a graph, or to run it."""
DOTTED = {
    "paddle.load", "paddle.jit.load", "paddle.static.load", "jit.load", "static.load", "onnx.load",
    "paddle2onnx.export",
}  # fmt: skip
OPENERS = {
    f"{PACKAGE}/export/{name}.py" for name in ("static_model", "onnx_model", "openvino_model", "onnx_fold", "quantize")
}
GATE = f"{PACKAGE}.export.graphs.checked"


def loader_faults(root: Path) -> list[str]:
    """Calls that load a graph elsewhere than in the files that open graphs, and such a file without the gate."""
    faults = []
    for module, path in sources(root).items():
        file = path.relative_to(root).as_posix()
        found = [(node.lineno, name) for node in ast.walk(tree_of(path)) for name in _loaders(node)]
        if file not in OPENERS:
            faults += [f"{place(root, path, line)}: {name} loads a graph past the gate" for line, name in found]
        elif found and not any(name.startswith(f"{GATE}.checked") for _, name in imports(path, module)):
            faults.append(f"{file}: loads a graph that is not checked")
    return faults


def _loaders(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        names = {alias.name for alias in node.names}
        return sorted(names & LOADERS | {f"{node.module}.{name}" for name in names} & DOTTED)
    if isinstance(node, ast.Attribute):
        dotted = ast.unparse(node)
        return [dotted] if node.attr in LOADERS or dotted in DOTTED else []
    # Named in a text, as for getattr.
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in LOADERS
    return [str(node.value)] if is_text else []  # type: ignore[attr-defined]
