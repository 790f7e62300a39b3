"""Are the segmentation networks, losses and figures here those of PaddleSeg, with the same weights?

    git clone https://github.com/PaddlePaddle/PaddleSeg
    python -m venv .venv-paddleseg
    .venv-paddleseg/bin/pip install paddlepaddle==3.3.1 setuptools -r PaddleSeg/requirements.txt
    python scripts/check_segmentation_parity.py PaddleSeg .venv-paddleseg/bin/python

PaddleSeg makes each network in its own environment, gives it random weights, saves them as .pdparams, and runs it; of
DeepLabV3+ the head, for it has another MobileNetV2. Here the same file is loaded and the same images are seen. Prints a
row for each network, and one for each loss and figure; ends with 1 where a tensor is left over or missing, or a
difference is above 1e-4 of the largest value.
"""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

TOLERANCE = 1e-4
NUM_CLASSES = 7
UNCOUNTED = 255
SIZE = (128, 160)
LITE = {
    "PP-LiteSeg-T": ("STDC1", [32, 64, 128], [32, 64, 64]),
    "PP-LiteSeg-B": ("STDC2", [64, 96, 128], [64, 64, 64]),
}
SEGFORMERS = {**{f"SegFormer-B{size}": 256 for size in (0, 1)}, **{f"SegFormer-B{size}": 768 for size in range(2, 6)}}
"""Channels of their heads."""
OCR = {"OCRNet_HRNet-W18": "HRNet_W18", "OCRNet_HRNet-W48": "HRNet_W48"}
DEEPLAB = "DeepLabV3P_MobileNetV2"
ALL = (*LITE, *SEGFORMERS, *OCR, DEEPLAB)
LOW, HIGH = (2, 24, 32, 40), (2, 320, 8, 10)
"""Shapes of the features that the head of DeepLabV3+ is given."""
HARD, KEPT = 0.7, 0.25


def drawn(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """Normal numbers."""
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def random_weights(name: str, shape: list[int]) -> np.ndarray:
    """Values for a tensor, such that outputs neither vanish nor overflow."""
    values = np.random.default_rng(zlib.crc32(name.encode())).normal(0, 1, shape)
    if name.endswith("_variance"):
        return (0.5 + np.abs(values)).astype(np.float32)
    if len(shape) == 1:
        return (values * 0.1 + name.endswith((".weight", "_scale"))).astype(np.float32)
    return (values / np.sqrt(np.prod(shape[1:]))).astype(np.float32)


def pixels() -> tuple[np.ndarray, np.ndarray]:
    """True classes, some of which do not count, and found ones, (2, H, W)."""
    rng = np.random.default_rng(4)
    truth = rng.integers(0, NUM_CLASSES - 1, (2, *SIZE))
    found = np.where(rng.random(truth.shape) < 0.6, truth, rng.integers(0, NUM_CLASSES - 1, truth.shape))
    truth[rng.random(truth.shape) < 0.1] = UNCOUNTED
    return truth, found


def outputs_of(network: Any, name: str) -> list[np.ndarray]:
    """What a network gives: of PP-LiteSeg and OCRNet all maps that are learned."""
    import paddle

    inputs = [drawn(1, LOW), drawn(2, HIGH)] if name == DEEPLAB else [drawn(1, (2, 3, *SIZE))]
    tensors = [paddle.to_tensor(each) for each in inputs]
    with paddle.no_grad():
        found = network(*tensors)
        if name in LITE or name in OCR:
            network.training = True  # gives all maps, while batch norms stay as they are
            found = network(*tensors)
    return [each.numpy() for each in (found if isinstance(found, list | tuple) else [found])]


def theirs(folder: Path) -> None:
    """Writes PaddleSeg's weights and what it makes of them."""
    import paddle
    from paddleseg.models import backbones
    from paddleseg.models.deeplab import DeepLabV3PHead
    from paddleseg.models.losses import LovaszSoftmaxLoss, OhemCrossEntropyLoss
    from paddleseg.models.ocrnet import OCRNet
    from paddleseg.models.pp_liteseg import PPLiteSeg
    from paddleseg.models.segformer import SegFormer
    from paddleseg.utils import metrics

    for name in ALL:
        if name in SEGFORMERS:
            made = getattr(backbones, f"MixVisionTransformer_{name[-2:]}")()
            network = run = SegFormer(NUM_CLASSES, made, SEGFORMERS[name])
        elif name in OCR:
            network = run = OCRNet(NUM_CLASSES, getattr(backbones, OCR[name])(), [0])
        elif name == DEEPLAB:
            network = DeepLabV3PHead(NUM_CLASSES, (0, 1), (LOW[1], HIGH[1]), (1, 6, 12, 18), 256, False)
            run = lambda low, high, head=network: head([low, high])  # noqa: E731
        else:
            backbone, fused, inner = LITE[name]
            network = run = PPLiteSeg(
                NUM_CLASSES, getattr(backbones, backbone)(), arm_out_chs=fused, seg_head_inter_chs=inner
            )
        network.eval()
        state = {key: random_weights(key, value.shape) for key, value in network.state_dict().items()}
        network.set_state_dict(state)
        paddle.save(network.state_dict(), str(folder / f"{name}.pdparams"))
        np.savez(folder / f"{name}.npz", *outputs_of(run, name))
    truth, found = pixels()
    logits, target = paddle.to_tensor(drawn(3, (2, NUM_CLASSES, *SIZE))), paddle.to_tensor(truth)
    kept = int(np.ceil(KEPT * (truth != UNCOUNTED).sum()))
    areas = metrics.calculate_area(paddle.to_tensor(found), target, NUM_CLASSES)
    figures = {
        "hard entropy": float(OhemCrossEntropyLoss(HARD, kept)(logits, target)),
        "lovasz": float(LovaszSoftmaxLoss()(logits, target)),
        "mIoU": metrics.mean_iou(*areas)[1],
        "accuracy": metrics.class_measurement(*areas)[0],
        "kappa": metrics.kappa(*areas),
        "dice": metrics.dice(*areas)[1],
    }
    np.savez(folder / "figures.npz", **figures)


def ours(folder: Path) -> int:
    """Prints how far what is here is from it; 1 where it is too far."""
    import paddle

    from plx_train.nn.segmentation.networks import build_segmenter, own_names
    from plx_train.weights.pdparams import read_pdparams

    num_wrong = 0
    for name in ALL:
        network = build_segmenter(name, NUM_CLASSES)
        network.eval()
        part = network.head if name == DEEPLAB else network
        given = read_pdparams(folder / f"{name}.pdparams")
        state = given if name == DEEPLAB else own_names(given, network)
        missing, over = part.state_dict().keys() - state.keys(), state.keys() - part.state_dict().keys()
        part.set_state_dict({key: paddle.to_tensor(value) for key, value in state.items()})
        expected = list(np.load(folder / f"{name}.npz").values())
        pairs = zip(outputs_of(part, name), expected, strict=True)
        largest = max(float(np.abs(one - other).max() / np.abs(other).max()) for one, other in pairs)
        is_wrong = bool(missing or over or not largest <= TOLERANCE)
        num_wrong += is_wrong
        print(f"{name:24} {len(state)} tensors, {len(missing)} missing, {len(over)} left over, outputs {largest:.1e}")
    for name, (one, other) in figures(dict(np.load(folder / "figures.npz"))).items():
        difference = abs(one - other) / max(abs(other), 1e-9)
        num_wrong += not difference <= TOLERANCE
        print(f"{name:24} {one:.6f} here, {other:.6f} there")
    return int(num_wrong > 0)


def figures(expected: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Losses and figures here, and there."""
    import paddle
    from paddle.nn import functional as F

    from plx_train.metrics.segmentation import dice_of, kappa, mean_overlap, pixel_counts
    from plx_train.nn.segmentation.losses import LossParts, lovasz_loss, segmentation_loss

    truth, found = pixels()
    logits, target = paddle.to_tensor(drawn(3, (2, NUM_CLASSES, *SIZE))), paddle.to_tensor(truth)
    counted = paddle.where(target == UNCOUNTED, paddle.zeros_like(target), target)
    weights = (target != UNCOUNTED).astype("float32")
    counts = pixel_counts(truth, found, NUM_CLASSES)
    here = {
        "hard entropy": float(segmentation_loss([logits], target, LossParts(HARD, KEPT))["loss"]),
        "lovasz": float(lovasz_loss(F.softmax(logits, axis=1), counted, weights)),
        "mIoU": mean_overlap(counts),
        "accuracy": float(np.trace(counts) / counts.sum()),
        "kappa": kappa(counts),
        "dice": float(dice_of(counts).mean()),
    }
    return {name: (value, float(expected[name])) for name, value in here.items()}


def main() -> int:
    """Runs PaddleSeg in its environment, then what is here beside it."""
    if sys.argv[1] == "theirs":
        theirs(Path(sys.argv[2]))
        return 0
    source, python = sys.argv[1:]
    with TemporaryDirectory() as folder:
        command = [python, str(Path(__file__).resolve()), "theirs", folder]
        subprocess.run(command, check=True, cwd=source, env={"PYTHONPATH": str(Path(source).resolve())})
        return ours(Path(folder))


if __name__ == "__main__":
    sys.exit(main())
