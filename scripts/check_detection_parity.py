"""Are the detectors here those of PaddleDetection: the same names, outputs and losses with the same weights?

    git clone https://github.com/PaddlePaddle/PaddleDetection
    git -C PaddleDetection checkout 666f597fd00d3157e84dd9fb2dd3f40bf9918ebc
    python -m venv .venv-paddledetection
    .venv-paddledetection/bin/pip install paddlepaddle==3.3.1 'numpy<2' imgaug lap motmetrics pandas pycocotools \
        pyclipper PyYAML requests scikit-learn shapely setuptools terminaltables tqdm typeguard visualdl
    python scripts/check_detection_parity.py PaddleDetection .venv-paddledetection/bin/python [NETWORK ...]

PaddleDetection makes each network of its own configuration, in its own environment, gives it random weights, saves them
as .pdparams, and runs it. Here the same file is loaded and the same images are seen. Prints a row for each network: a
fingerprint of its tensors' names and shapes, how many were loaded and left over, and the largest differences of scores,
of places (distances or centres and sides of boxes) relative to the largest, and of the loss relative to it; ends with 1
where a tensor is left over or a difference is above 1e-4.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

TOLERANCE = 1e-4
NUM_CLASSES = 7
STAGES = 3
"""Of the decoder whose loss is compared."""
POINTS, QUERIES = (128, 160), (320, 320)
"""Height and width of images; PaddleDetection's encoder takes the sides for each other where they are not equal."""
PICO, LAYOUT = "picodet/picodet", "picodet/legacy_model/application/layout_analysis/picodet_lcnet_x1_0_layout"
CONFIGS = {
    "PicoDet-XS": f"{PICO}_xs_320_coco_lcnet",
    "PicoDet-S": f"{PICO}_s_320_coco_lcnet",
    "PicoDet-M": f"{PICO}_m_416_coco_lcnet",
    "PicoDet-L": f"{PICO}_l_640_coco_lcnet",
    "PicoDet_layout_1x": LAYOUT,
    "PP-YOLOE_plus-S": "ppyoloe/ppyoloe_plus_crn_s_80e_coco",
    "PP-YOLOE_plus-M": "ppyoloe/ppyoloe_plus_crn_m_80e_coco",
    "PP-YOLOE_plus-L": "ppyoloe/ppyoloe_plus_crn_l_80e_coco",
    "PP-YOLOE_plus-X": "ppyoloe/ppyoloe_plus_crn_x_80e_coco",
    "PP-YOLOE_plus_SOD-S": "smalldet/visdrone/ppyoloe_plus_sod_crn_s_80e_visdrone",
    "PP-YOLOE_plus_SOD-L": "smalldet/visdrone/ppyoloe_plus_sod_crn_l_80e_visdrone",
    "PP-YOLOE_plus_SOD-largesize-L": "smalldet/visdrone/ppyoloe_plus_sod_crn_l_largesize_80e_visdrone",
    "PP-YOLOE-S_human": "ppyoloe/ppyoloe_crn_s_300e_coco",
    "PP-ShiTuV2_det": "picodet/legacy_model/application/mainbody_detection/picodet_lcnet_x2_5_640_mainbody",
    "RT-DETR-R18": "rtdetr/rtdetr_r18vd_6x_coco",
    "RT-DETR-R50": "rtdetr/rtdetr_r50vd_6x_coco",
    "RT-DETR-L": "rtdetr/rtdetr_hgnetv2_l_6x_coco",
    "RT-DETR-X": "rtdetr/rtdetr_hgnetv2_x_6x_coco",
    "RT-DETR-H": "rtdetr/rtdetr_hgnetv2_h_6x_coco",
}
"""Files below ``configs`` of PaddleDetection, by the name that PaddleX has for the network."""
MOVES, MOVED = re.compile(r"sampling_offsets|bbox_head.*layers\.2"), 0.1
"""What boxes and places are moved by is small, as it is in trained networks: else rounding grows with every layer."""
CONSTANT = re.compile(r"^(yolo_head\.proj_conv\.weight|head\.distribution_project\.project)$")
"""The numbers of bins, which are kept as if they were learned."""
NEEDLESS = re.compile(CONSTANT.pattern + r"|^head\.p\d_feat\.scale_reg$|^head\.head_(cls|reg)_list\.")
"""What is left over, and may be: constants, factors that nothing is multiplied by, second names of the same tensors."""


def has_queries(name: str) -> bool:
    """Whether a network's queries find boxes, rather than points of its maps."""
    return "DETR" in name


def is_square(name: str) -> bool:
    """Whether places of a map attend to each other, of which PaddleDetection takes the sides for each other."""
    return has_queries(name) or "SOD" in name


def images(name: str) -> np.ndarray:
    """Two images as networks see them."""
    size = QUERIES if is_square(name) else POINTS
    return np.random.default_rng(0).normal(0, 1, (2, 3, *size)).astype(precision(name))


def precision(name: str) -> str:
    """Type of a network's numbers: in random convolutions, so deep, those of 32 bits are lost in rounding."""
    return "float32" if has_queries(name) else "float64"


def random_weights(name: str, shape: list[int]) -> np.ndarray:
    """Values for a tensor, such that outputs neither vanish nor overflow."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    values = rng.normal(0, 1, shape)
    if name.endswith("_variance"):
        return (0.5 + np.abs(values)).astype(np.float32)
    if len(shape) == 1:
        is_scale = name.endswith(".weight")
        return (values * 0.1 + is_scale).astype(np.float32)
    inputs = np.prod(shape[1:]) if len(shape) == 4 else shape[0]
    return (values * (MOVED if MOVES.search(name) else 1) / np.sqrt(inputs)).astype(np.float32)


def truths() -> list[tuple[np.ndarray, np.ndarray]]:
    """Boxes x, y of the centre, width and height as shares, and classes, of two images."""
    rng = np.random.default_rng(1)
    return [
        (np.concatenate([rng.uniform(0.3, 0.7, (n, 2)), rng.uniform(0.1, 0.5, (n, 2))], 1).astype(np.float32),
         rng.integers(0, NUM_CLASSES, n))
        for n in (3, 5)
    ]  # fmt: skip


def found_by_queries() -> tuple[np.ndarray, np.ndarray]:
    """Class logits and boxes, as a decoder could give them, (stages, 2, 20, classes) and (stages, 2, 20, 4)."""
    rng = np.random.default_rng(2)
    logits = rng.normal(-2, 1, (STAGES, 2, 20, NUM_CLASSES)).astype(np.float32)
    boxes = [rng.uniform(0.3, 0.7, (STAGES, 2, 20, 2)), rng.uniform(0.1, 0.5, (STAGES, 2, 20, 2))]
    return logits, np.concatenate(boxes, axis=-1).astype(np.float32)


def theirs(clone: str, name: str, folder: str) -> None:
    """Makes PaddleDetection's network; writes its weights and what comes of them into `folder`."""
    sys.path.insert(0, clone)
    import paddle
    import ppdet.engine  # noqa: F401  registers everything
    from ppdet.core.workspace import create, load_config

    paddle.set_default_dtype(precision(name))
    config = load_config(f"{clone}/configs/{CONFIGS[name]}.yml")
    config["num_classes"] = NUM_CLASSES
    config["norm_type"] = "bn"
    if "eval_size" in config:
        config["eval_size"] = list(QUERIES) if has_queries(name) else None
    model = create(config.architecture)
    of_one_precision(model, precision(name))
    places = getattr(model.neck, "build_2d_sincos_position_embedding", None)
    if places and not has_queries(name):
        model.neck.build_2d_sincos_position_embedding = lambda **given: places(**given).astype(precision(name))
    for key, tensor in model.state_dict().items():
        if not CONSTANT.match(key):
            tensor.set_value(random_weights(key, tensor.shape).astype(tensor.numpy().dtype))
    model.eval()
    seen = _queries if has_queries(name) else _points
    with paddle.no_grad(), statistics_of_the_batch(model):
        seen(model, images(name))
    paddle.save(model.state_dict(), f"{folder}/{name}.pdparams")
    with paddle.no_grad():
        found = seen(model, images(name))
    arrays: dict[str, Any] = {"names": fingerprint(model.state_dict()), **found}
    np.savez(f"{folder}/{name}.npz", **arrays)


def of_one_precision(model: Any, precision: str) -> None:
    """Makes those parameters anew that don't follow the default type; their values are set later."""
    import paddle

    for layer in model.sublayers():
        for key, value in list(layer._parameters.items()):
            if value is not None and value.numpy().dtype != precision:
                layer.add_parameter(key, paddle.create_parameter(value.shape, precision))


@contextmanager
def statistics_of_the_batch(model: Any) -> Iterator[None]:
    """Batch norms take the statistics of what they are given inside and keep them, so that no signal gets lost."""
    import paddle

    norms = [layer for layer in model.sublayers() if isinstance(layer, paddle.nn.BatchNorm2D)]
    former = [(norm._momentum, norm._use_global_stats) for norm in norms]
    for norm in norms:
        norm.training, norm._momentum, norm._use_global_stats = True, 0.0, None
    yield
    for norm, (momentum, is_global) in zip(norms, former):  # noqa: B905
        norm.training, norm._momentum, norm._use_global_stats = False, momentum, is_global


def _features(model: Any, x: np.ndarray) -> Any:
    import paddle

    return model.neck(model.backbone({"image": paddle.to_tensor(x)}))


def fingerprint(state: dict[str, Any]) -> str:
    """The beginning of a hash of the names and shapes of tensors."""
    lines = sorted(f"{name} {list(tensor.shape)}" for name, tensor in state.items() if not NEEDLESS.match(name))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def _queries(model: Any, x: np.ndarray) -> dict[str, np.ndarray]:
    import paddle

    boxes, logits, *_ = model.transformer(_features(model, x))
    (given_logits, given_boxes), own = found_by_queries(), truths()
    boxes_of, classes_of = ([paddle.to_tensor(each) for each in part] for part in zip(*own))  # noqa: B905
    classes_of = [each.unsqueeze(-1) for each in classes_of]
    losses = model.detr_head.loss(paddle.to_tensor(given_boxes), paddle.to_tensor(given_logits), boxes_of, classes_of)
    return {
        "scores": paddle.nn.functional.sigmoid(logits[-1]).numpy(),
        "places": boxes[-1].numpy(),
        "loss": np.asarray(sum(float(value) for value in losses.values())),
    }


def _points(model: Any, x: np.ndarray) -> dict[str, np.ndarray]:
    import paddle
    import paddle.nn.functional as F

    head, features = getattr(model, "yolo_head", None) or model.head, _features(model, x)
    if hasattr(head, "pred_cls"):
        scores, places, *_ = head.forward_eval(features)
        return {"scores": scores.transpose([0, 2, 1]).numpy(), "places": places.numpy()}
    scores, logits, *_ = head.forward_train(features)
    if isinstance(scores, list):  # maps of logits, level by level
        maps = (paddle.concat([each.flatten(2) for each in part], axis=2) for part in (scores, logits))
        scores, logits = (each.transpose([0, 2, 1]) for each in maps)
        scores = F.sigmoid(scores)
    shares = F.softmax(logits.reshape([*logits.shape[:2], 4, -1]), axis=-1)
    places = (shares * paddle.arange(shares.shape[-1], dtype="float32")).sum(-1)
    return {"scores": scores.numpy(), "places": places.numpy()}


def compared(name: str, folder: Path) -> tuple[str, bool]:
    """A row of the table, and whether both networks are the same."""
    import paddle
    import paddle.nn.functional as F

    from plx_train.nn.detection.points import mean_distances
    from plx_train.nn.detection.query_detector import LearnedQueries, Queries
    from plx_train.nn.detection.recipes import RECIPES
    from plx_train.weights.load import load_weights

    paddle.set_default_dtype(precision(name))
    network = RECIPES[name].build(NUM_CLASSES)
    coverage = load_weights(
        network, str(folder / f"{name}.pdparams"), adapt=lambda state, _: (network.as_computed(state), None)
    )
    network.eval()
    network.prepare(*images(name).shape[2:])
    network.astype(precision(name))
    expected = np.load(folder / f"{name}.npz")
    with paddle.no_grad():
        logits, places = network(paddle.to_tensor(images(name)))
        scores = F.sigmoid(logits).numpy()
        places = (places if has_queries(name) else mean_distances(places, network.bins)).numpy()
    difference = _nearest if has_queries(name) else _apart
    apart = difference(scores, places, expected["scores"], expected["places"])
    apart[1] /= float(expected["places"].max())
    if has_queries(name):
        criterion = RECIPES[name].criterion(network, lambda value: value)
        given, boxes = (paddle.to_tensor(each) for each in found_by_queries())
        own = [
            (np.concatenate([at[:, :2] - at[:, 2:] / 2, at[:, :2] + at[:, 2:] / 2], 1), number)
            for at, number in truths()
        ]
        loss = float(criterion(LearnedQueries(Queries(given, boxes), None, None), own, (1, 1))["loss"])
        apart.append(abs(loss - float(expected["loss"])) / float(expected["loss"]))
    left = [each for each in coverage.unexpected if not NEEDLESS.match(each)]
    same = max(apart) <= TOLERANCE and not left and coverage.loaded == coverage.total
    row = f"{name:18}  {expected['names']}  {coverage.loaded:4} of {coverage.total:4}  {len(left):4}  " + "  ".join(
        f"{each:7.1e}" for each in apart
    )
    return row, same


def _apart(scores: np.ndarray, places: np.ndarray, *others: np.ndarray) -> list[float]:
    """Largest differences of scores and of places."""
    return [float(np.abs(own - other).max()) for own, other in zip((scores, places), others, strict=True)]


def _nearest(scores: np.ndarray, places: np.ndarray, other_scores: np.ndarray, other_places: np.ndarray) -> list[float]:
    """The same where the order of queries, which equally sure ones change, says nothing."""
    own, other = (np.concatenate(pair, axis=-1) for pair in ((scores, places), (other_scores, other_places)))
    order = np.abs(own[:, :, None] - other[:, None]).max(axis=-1).argmin(axis=1)[..., None]
    return _apart(
        np.take_along_axis(scores, order, 1), np.take_along_axis(places, order, 1), other_scores, other_places
    )


def main() -> int:
    if sys.argv[1:2] == ["theirs"]:
        theirs(*sys.argv[2:])
        return 0
    if len(sys.argv) < 3:
        print(__doc__)
        return 2
    clone, python, *names = sys.argv[1:]
    failed = 0
    print(f"{'network':18}  {'names':12}  {'loaded':12}  over  scores   places   loss")
    for name in names or CONFIGS:
        with TemporaryDirectory() as folder:
            # One process each: a second network of one process may have another shape there.
            command = [python, __file__, "theirs", str(Path(clone).resolve()), name, folder]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"{name:18}  PaddleDetection ended with {done.returncode}: {done.stderr[-2000:]}")
                failed += 1
                continue
            row, same = compared(name, Path(folder))
        failed += not same
        print(row if same else f"{row}  DIFFERS", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
