"""What ``--help`` prints: the modes, and the presets of each group as their YAML files describe themselves."""

from __future__ import annotations

from plx_train.config.columns import in_columns
from plx_train.config.groups import GROUPS, group_options
from plx_train.config.options import MODES
from plx_train.config.topics import MODE, WHAT_IS_DONE

KEYS = {
    "dataset.root=/my/data": "your own data, as they are: dataset.format=auto sees how they are laid out",
    "weights=null": "train from scratch; or a catalogue name, file or folder",
    "trainer.max_time=20m": "also trainer.epochs, trainer.batch_size, optimizer.lr, …",
    "output=runs/a": "the run's folder",
    "resume=auto": "go on with the run in output=…; or resume=<run id or folder>",
    "models.<part>=…": "another model in a pipeline, as in models.TextDetection=models:/text_det@champion",
    "tracking=off": "or tracking.uri=http://… for an MLflow server",
    "-m optimizer.lr=1e-4,3e-4": "one run for each value; with sweep=tpe also 'interval(1e-5, 1e-3)'",
    "--cfg": "print the composed configuration and leave",
}
MORE = {
    "--help module=text_det": "a module's options",
    "--help trainer": "those of a section: dataset, device, optimizer, weights, tracking, sweep, serve, …",
    "--help mode=serve": "those of a mode",
    "--help device.ids": "one of them",
}


def usage(width: int) -> str:
    """The help text, about one screen, in lines of at most `width`."""
    lines = ["python -m plx_train key=value …", "", "Fine-tunes a module on a dataset, on a device."]
    groups = {f"{group}=  {sentence}": group_options(group) for group, sentence in GROUPS.items()}
    blocks = {f"{MODE}=  {WHAT_IS_DONE}": MODES, **groups, "and": KEYS, "more": MORE}
    for title, entries in blocks.items():
        lines += ["", title, *in_columns(entries, width)] if entries else []
    return "\n".join(lines)
