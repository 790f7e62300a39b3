"""What ``--help`` prints, read from the YAML files under ``conf/``."""

from __future__ import annotations

from plx_train.config.groups import GROUPS, group_options

MODE_LINES = {
    "train": "fine-tune, evaluate, export and prove the export (the default)",
    "check_dataset": "check every label line and image, with a report",
    "evaluate": "metrics of run=<run id, run folder, checkpoint or exported folder>",
    "export": "write inference.json, .pdiparams and .yml of run=…, and prove them",
    "predict": "what run=…, or pipeline=OCR, finds in input=<file or folder>",
    "export_pipeline": "pipeline=OCR with its models in one folder, output=…, for here and PaddleX",
    "benchmark": "where the time goes: step, loop, loader, evaluation, inference",
    "sync": "send records that did not reach MLflow: run=…, or those of all runs in outputs",
    "reproduce": "run a recorded run again and say where it first differs: run=…",
    "promote": "run=… becomes a version, and alias=champion moves to it if gates hold; history=true, rollback=true",
    "sweep_report": "table and plots of sweep_id=<id or folder>",
    "doctor": "versions, devices, memory, rights; doctor.bundle=report.zip packs them",
    "serve": "a pipeline over HTTP, with a web page: pipeline=ocr serve.port=8080",
}

KEY_LINES = {
    "dataset.root=/my/data": "your own data, laid out as the module's README says",
    "weights=null": "train from scratch; or a catalogue name, file or folder",
    "trainer.max_time=20m": "also trainer.epochs, trainer.batch_size, optimizer.lr, …",
    "output=runs/a": "the run's folder",
    "resume=auto": "go on with the run in output=…; or resume=<run id or folder>",
    "models.<part>=…": "another model in a pipeline, as in models.TextDetection=models:/text_det@champion",
    "tracking=off": "or tracking.uri=http://… for an MLflow server",
    "-m optimizer.lr=1e-4,3e-4": "one run for each value; with sweep=tpe also 'interval(1e-5, 1e-3)'",
    "--cfg": "print the composed configuration and leave",
}


def usage() -> str:
    """The help text, about one screen."""
    lines = ["python -m plx_train key=value …", "", "Fine-tunes a module on a dataset, on a device.", ""]
    lines += _block("mode=", MODE_LINES)
    for group in GROUPS:
        options = group_options(group)
        if options:
            lines += _block(f"{group}=", options)
    lines += _block("and", KEY_LINES)
    return "\n".join(lines)


def _block(title: str, entries: dict[str, str]) -> list[str]:
    width = max(len(name) for name in entries)
    return [title, *(f"  {name:<{width}}  {text}" for name, text in entries.items()), ""]
