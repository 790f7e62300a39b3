"""mode=serve before it serves: mistakes in one sentence, typed options, pipelines by name, keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from plx_train.__main__ import main
from plx_train.config.compose import compose_run
from plx_train.config.serve_options import ServeOptions
from plx_train.ground.errors import ConfigError
from plx_train.modes.serve import pipeline_config, read_key

MISTAKES = {
    "misspelt option": (["serve.prot=1"], "did you mean 'serve.port'?"),
    "misspelt pipeline": (["pipeline=orc"], "did you mean 'ocr'?"),
    "no pipeline": (["pipeline=null"], "mode=serve needs pipeline="),
    "no such file": (["pipeline=/no/such.yaml"], "there is: ocr"),
    "no batch": (["serve.max_batch=0"], "serve.max_batch=0 is out of range"),
    "negative port": (["serve.port=-1"], "serve.port=-1 is out of range"),
    "text for a number": (["serve.port=http"], "serve.port"),
    "no key file": (["serve.api_key_file=/no/such"], "can't be read"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_sentence(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, sentence = MISTAKES[case]
    assert main(["mode=serve", "pipeline=ocr", *arguments]) == 2
    told = capsys.readouterr().err
    assert sentence in told
    assert told.count("\n") == 1


def test_options_arrive_typed() -> None:
    options = compose_run(
        ["mode=serve", "pipeline=a b.yaml", "serve.port=0", "models.TextDetection=models:/text_det@champion"]
    ).options
    assert (options.pipeline, options.serve.port) == ("a b.yaml", 0)
    assert options.models == {"TextDetection": "models:/text_det@champion"}
    assert options.serve.host == "127.0.0.1"


def test_pipelines_by_name_in_any_case_or_by_path(tmp_path: Path) -> None:
    assert [pipeline_config(name) for name in ("ocr", "OCR", "Image_Classification")] == [
        "OCR",
        "OCR",
        "image_classification",
    ]
    config = tmp_path / "mine.yaml"
    config.touch()
    assert pipeline_config(str(config)) == config


def test_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLX_SERVE_API_KEY", raising=False)
    assert read_key(ServeOptions()) is None
    monkeypatch.setenv("PLX_SERVE_API_KEY", "from the environment")
    assert read_key(ServeOptions()) == "from the environment"
    file = tmp_path / "key"
    file.write_text("from a file\nsecond line\n")
    assert read_key(ServeOptions(api_key_file=str(file))) == "from a file"
    file.write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        read_key(ServeOptions(api_key_file=str(file)))
