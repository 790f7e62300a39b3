"""Label files of image classification with every fault a user can make, and what becomes of the samples."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from omegaconf import OmegaConf
from PIL import Image

from kit.checked_rooms import checked, fitted
from plx_train.config.compose import compose_run, composed_from
from plx_train.contract.rooms import load_room
from plx_train.data.classes import balanced_weights
from plx_train.ground.errors import ConfigError, DataError
from plx_train.modules.image_cls.labels import ClsLabel, read_images, read_samples, turn, turned_samples
from plx_train.modules.image_cls.module import OneHot
from plx_train.modules.image_cls.processor import ImageClsProcessor
from plx_train.vision.classifier_options import ViewOptions
from plx_train.vision.labels.classes import read_class_file
from plx_train.vision.samples import ImageDataset, planes
from plx_train.vision.views import Views

PROCESSOR = ImageClsProcessor(("a", "b"), None, (16, 12))


def write_image(root: Path, name: str, value: int = 100, size: tuple[int, int] = (20, 30)) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.full((*size, 3), value, np.uint8)
    image[:5, :5] = (value * 7) % 256
    cv2.imwrite(str(path), image)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for index in range(6):
        write_image(tmp_path, f"images/{index}.png", 20 * index)
    (tmp_path / "label.txt").write_text("0 a\n1 b\n")
    (tmp_path / "train.txt").write_text("".join(f"images/{index}.png {index % 2}\n" for index in range(4)))
    (tmp_path / "val.txt").write_text("images/4.png 0\nimages/5.png 1\n")
    return tmp_path


def codes(root: Path, **options: object) -> dict[str, str]:
    """Code of each finding → where it is."""
    findings = checked("image_cls", root, **options).report.findings
    return {finding.code: f"{finding.path}:{finding.line}" for finding in findings}


def test_a_good_dataset_has_no_findings(root: Path) -> None:
    outcome = checked("image_cls", root)
    assert outcome.report.ok and not outcome.report.findings
    assert [sample.truth for sample in outcome.train] == [0, 1, 0, 1]
    assert fitted("image_cls", root).labels == ("a", "b")
    assert outcome.report.statistics["train"]["images_per_class"] == {"min": 2, "p50": 2.0, "max": 2}
    assert len(load_room("image_cls").draw_samples(outcome.train, root / "drawn")) == 4


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("images/0.png", "no-label"),
        ("images/0.png a", "label-not-a-number"),
        ("images/0.png -1", "label-not-a-number"),
        ("images/0.png 1.0", "label-not-a-number"),
        ("images/0.png 2", "label-unknown"),
        ("/etc/passwd 0", "path-outside-root"),
        ("../x.png 0", "path-outside-root"),
        ("C:\\x.png 0", "path-outside-root"),
        ("images\\5.png 0", "backslash-path"),
        ("images/none.png 0", "image-missing"),
        ("images/empty.png 0", "image-empty"),
        ("images/text.png 0", "image-undecodable"),
        ("images/0.png 1", "other-truth"),
        ("images/0.png 0", "image-twice"),
        ("images/4.png 0", "train-and-val"),
        ("", "blank-line"),
    ],
)
def test_each_fault_is_told_with_its_line(root: Path, line: str, code: str) -> None:
    (root / "images/empty.png").touch()
    (root / "images/text.png").write_text("no picture")
    with (root / "train.txt").open("a") as file:
        file.write(f"{line}\nimages/1.png 1\n")
    expected = "val.txt:1" if code == "train-and-val" else "train.txt:5"
    found = codes(root)
    if code == "image-twice":
        expected = "train.txt:6"  # the later of the two
    assert found[code] == expected


def test_faults_of_whole_files(root: Path) -> None:
    (root / "train.txt").write_bytes(b"\xef\xbb\xbfimages/0.png 0\r\nimages/1.png 0\r\n\xff 1\n")
    found = codes(root)
    assert {"byte-order-mark", "crlf", "not-utf8", "class-not-trained", "class-empty"} <= set(found)
    (root / "val.txt").unlink()
    assert codes(root) == {"label-file-missing": "val.txt:0"}


def test_files_that_hide_something_are_told(root: Path) -> None:
    page = Image.new("L", (30, 20), 77)
    page.save(root / "images/pages.tif", save_all=True, append_images=[page])
    for number, bits in enumerate((12, 12, 10, 16)):
        levels = np.linspace(number, 2**bits - 1, 600).reshape(20, 30).astype(np.uint16)
        cv2.imwrite(str(root / f"images/deep{number}.png"), levels)
    (root / "images/cut.gif").write_bytes(b"GIF89a")
    (root / "images/page.png").write_bytes(b"<html><body>404</body></html>")
    with (root / "train.txt").open("a") as file:
        file.writelines(f"images/{name} 0\n" for name in ("pages.tif", "cut.gif", "page.png"))
        file.writelines(f"images/deep{number}.png 1\n" for number in range(4))
    report = checked("image_cls", root).report
    found = {(each.code, each.line): each for each in report.findings}
    assert {*found} == {("several-pages", 5), ("image-undecodable", 6), ("image-format", 7), ("few-bits", 0)}
    assert "of 4 images of 16 bits 1 use 10 (25 %), 2 use 12 (50 %)" in found["few-bits", 0].reason
    assert {each.code for each in report.errors} == {"image-undecodable", "image-format"}
    assert checked("image_cls", root).report.findings == report.findings


def test_classes_of_the_label_file(root: Path) -> None:
    (root / "label.txt").write_text("0 cat and dog\n0 twice\n3 bird\nx y\n")
    names, file = read_class_file(root / "label.txt", root)
    assert names == ["cat and dog", "1", "2", "bird"]
    assert {(finding.code, finding.line) for finding in file.findings} == {
        ("class-twice", 2),
        ("class-line-invalid", 4),
        ("class-missing", 0),
    }
    assert read_class_file(root / "none.txt", root)[0] is None


def test_without_names_the_numbers_are_the_classes(root: Path) -> None:
    (root / "label.txt").unlink()
    assert fitted("image_cls", root).labels == ("0", "1")


def test_balanced_weights_make_classes_count_alike(root: Path) -> None:
    (root / "train.txt").write_text("images/0.png 0\nimages/1.png 0\nimages/2.png 0\nimages/3.png 1\n")
    truths = [sample.truth for sample in checked("image_cls", root).train]
    assert balanced_weights(truths, range(2)) == pytest.approx([4 / 6, 2.0])
    assert balanced_weights(truths, range(3))[2] == 0, "a class without a sample"


def test_a_finished_model_s_classes_are_its_own(root: Path) -> None:
    outcome = checked("image_cls", root, processor=ImageClsProcessor(("a",)))
    assert {(finding.path, finding.line) for finding in outcome.report.errors} == {
        ("train.txt", 2),
        ("train.txt", 4),
        ("val.txt", 2),
    }
    assert {finding.code for finding in outcome.report.errors} == {"label-unknown"}


def test_a_finished_model_that_knows_the_classes_in_another_order_is_told(root: Path) -> None:
    (error,) = checked("image_cls", root, processor=ImageClsProcessor(("b", "a"))).report.errors
    assert str(error) == "label.txt: class 0 is a here and b to the model: give it the file of its training"
    (root / "label.txt").unlink()
    assert checked("image_cls", root, processor=ImageClsProcessor(("b", "a"))).report.ok, "nothing names them"


def test_an_empty_file_of_classes_is_the_one_fault(root: Path) -> None:
    (root / "label.txt").write_text("")
    assert [finding.path for finding in checked("image_cls", root).report.errors] == ["label.txt"]


def test_a_run_recorded_with_its_classes_is_composed_without(root: Path) -> None:
    recorded = OmegaConf.create(compose_run(["module=image_cls", f"dataset.root={root}"]).yaml)
    recorded.module.classes, recorded.module.weight_of_class = ["a", "b"], [0.5, 2.0]
    options = composed_from(recorded, ()).options.module
    assert not hasattr(options, "classes") and not hasattr(options, "weight_of_class")


def test_turning_makes_classes_of_any_label_file(root: Path) -> None:
    (root / "train.txt").write_text('images/0.png\t[{"points": 1}]\nimages/1.png\tsome text\nimages/0.png\tagain\n')
    images, _ = read_images(root / "train.txt", root)
    samples = turned_samples(images, [0, 90], ["0", "90"])
    assert [(sample.image.name, sample.truth, sample.turned) for sample in samples] == [
        ("0.png", 0, 0),
        ("0.png", 1, 90),
        ("1.png", 0, 0),
        ("1.png", 1, 90),
    ]
    outcome = checked("image_cls", root, rotations=[0, 90])
    assert outcome.report.ok and len(outcome.train) == 4
    assert fitted("image_cls", root, rotations=[0, 90]).labels == ("0", "90")
    for rotations in ([0], [0, 45], [0, 0]):
        with pytest.raises(ConfigError, match=r"module\.rotations"):
            fitted("image_cls", root, rotations=rotations)


def test_a_class_says_how_far_the_picture_was_turned_clockwise() -> None:
    """PaddleX turns a page of class 90 counter-clockwise by 90 degrees to set it upright."""
    image = np.arange(6).reshape(2, 3, 1)
    assert turn(image, 90)[:, :, 0].tolist() == [[3, 0], [4, 1], [5, 2]]
    assert (np.rot90(turn(image, 90)) == image).all()


def test_whole_classes_are_never_held_out() -> None:
    names = [ClsLabel(Path(f"/d/shirt_{index}.png"), 0, "t:1", "shirt").document for index in range(5)]
    assert len(set(names)) == 5
    turned = {ClsLabel(Path("/d/a_1.png"), place, "t:1", "", 90 * place).document for place in range(4)}
    assert len(turned) == 1


def test_samples_depend_on_their_generator_alone(root: Path) -> None:
    samples, _ = read_samples(root / "train.txt", root, ["a", "b"])
    options = ViewOptions(mixup=0.4, cutmix=1.0, erase_probability=0.5, shift=2)
    dataset = ImageDataset(samples, PROCESSOR, Views(options, PROCESSOR, OneHot(2)), 10**6)
    first, again, other = (dataset.get(1, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert (first.x == again.x).all() and (first.truth == again.truth).all()
    assert (first.x != other.x).any()
    assert first.x.shape == (12, 16, 3) and first.truth.sum() == pytest.approx(1)
    assert planes([first.x, other.x], PROCESSOR.normalise).shape == (2, 3, 12, 16)


@pytest.mark.parametrize("options", [ViewOptions(mixup=1.0), ViewOptions(cutmix=1.0)])
def test_mixed_shares_are_those_of_the_pixels(options: ViewOptions) -> None:
    black, white = np.zeros((40, 40, 3), np.uint8), np.full((40, 40, 3), 255, np.uint8)
    for seed in range(10):
        image, share = Views(options, PROCESSOR, OneHot(2)).mix(white, black, np.random.default_rng(seed))
        assert image.mean() / 255 == pytest.approx(share, abs=0.003)


def test_without_changes_training_sees_what_evaluation_sees() -> None:
    image = np.random.default_rng(0).integers(0, 255, (50, 70, 3), np.uint8)
    options = ViewOptions(crop=[1.0, 1.0], flip=False, colour=0)
    for processor in (PROCESSOR, ImageClsProcessor(("a",), 32, (24, 24))):
        changed = Views(options, processor, OneHot(1)).change(image, np.random.default_rng(0))
        assert (processor.normalise(changed) == processor.preprocess(image)[0]).all()


def test_an_unreadable_image_names_its_line(root: Path) -> None:
    (root / "images/1.png").write_bytes(b"")
    samples, _ = read_samples(root / "train.txt", root, ["a", "b"])
    with pytest.raises(DataError, match=r"train\.txt:2: .*empty"):
        ImageDataset(samples, PROCESSOR).get(1, np.random.default_rng(0))
