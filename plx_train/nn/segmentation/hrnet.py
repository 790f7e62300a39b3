"""HRNet (arXiv 1908.07919): maps of several sizes side by side; structure and names of parameters are PaddleSeg's."""

from __future__ import annotations

import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.segmentation.layers import ConvNormReLU, resized

STEM, WIDER, BLOCKS = 64, 4, 4
"""Channels of the first maps, the factor of those that their blocks give, and the blocks of a branch."""
MODULES = (1, 4, 3)
"""Times that two, three and four maps tell each other what they see."""
Maps = list[paddle.Tensor]


class HRNet(nn.Layer):
    """Features at stride 4 of images (N, 3, H, W), those of all sizes side by side.

    Args:
        width: channels of the largest map; each smaller one has twice as many.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [width << place for place in range(4)]
        self.out_channels = (sum(widths),)
        self.conv_layer1_1, self.conv_layer1_2 = _Conv(3, STEM, stride=2), _Conv(STEM, STEM, stride=2)
        first = [_Bottleneck(STEM * WIDER if place else STEM) for place in range(BLOCKS)]
        self.la1 = _named(nn.Sequential(), {f"bb_layer2_{place}": block for place, block in enumerate(first, 1)})
        before = [STEM * WIDER]
        for place, times in enumerate(MODULES, 1):
            own = widths[: place + 1]
            setattr(self, f"tr{place}", _Transition(before, own, f"tr{place}"))
            name = f"st{place + 1}"
            modules = {f"stage_{name}_{number}": _Module(own, f"{name}_{number}") for number in range(1, times + 1)}
            setattr(self, name, _named(nn.Sequential(), modules))
            before = own

    def forward(self, x: paddle.Tensor) -> Maps:
        maps = [self.la1(self.conv_layer1_2(self.conv_layer1_1(x)))]
        for transition, stage in ((self.tr1, self.st2), (self.tr2, self.st3), (self.tr3, self.st4)):
            maps = stage(transition(maps))
        return [paddle.concat([maps[0], *[resized(each, maps[0]) for each in maps[1:]]], axis=1)]


def _named(layer: nn.Layer, parts: dict[str, nn.Layer]) -> nn.Layer:
    for name, part in parts.items():
        layer.add_sublayer(name, part)
    return layer


class _Conv(ConvNormReLU):
    """A convolution that gives a map of the size, or half of it, rounded up; padded at the end first."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, activates: bool = True) -> None:
        super().__init__(inputs, outputs, kernel, activates=activates)
        if stride > 1:
            initial = paddle.ParamAttr(initializer=nn.initializer.KaimingNormal())
            self._conv = nn.Conv2D(inputs, outputs, kernel, stride, "SAME", weight_attr=initial, bias_attr=False)


class _Bottleneck(nn.Layer):
    def __init__(self, inputs: int) -> None:
        super().__init__()
        outputs = STEM * WIDER
        self.conv1, self.conv2 = _Conv(inputs, STEM, 1), _Conv(STEM, STEM)
        self.conv3 = _Conv(STEM, outputs, 1, activates=False)
        self.changes = inputs != outputs
        if self.changes:
            self.conv_down = _Conv(inputs, outputs, 1, activates=False)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        found = self.conv3(self.conv2(self.conv1(x)))
        return F.relu(found + (self.conv_down(x) if self.changes else x))


class _Basic(nn.Layer):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = _Conv(channels, channels), _Conv(channels, channels, activates=False)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return F.relu(self.conv2(self.conv1(x)) + x)


class _Transition(nn.Layer):
    """Maps of other channels, and a further one of half the size of the last."""

    def __init__(self, inputs: list[int], outputs: list[int], name: str) -> None:
        super().__init__()
        self.steps: list[nn.Layer | None] = []
        for place, channels in enumerate(outputs):
            given = inputs[min(place, len(inputs) - 1)]
            stride = 1 if place < len(inputs) else 2
            step = None if given == channels and stride == 1 else _Conv(given, channels, stride=stride)
            if step is not None:
                self.add_sublayer(f"transition_{name}_layer_{place + 1}", step)
            self.steps.append(step)

    def forward(self, maps: Maps) -> Maps:
        given = [maps[min(place, len(maps) - 1)] for place in range(len(self.steps))]
        return [given[place] if step is None else step(given[place]) for place, step in enumerate(self.steps)]


class _Module(nn.Layer):
    """Blocks on each map alone, then what all others add to each."""

    def __init__(self, channels: list[int], name: str) -> None:
        super().__init__()
        self.branches_func, self.fuse_func = nn.Layer(), nn.Layer()
        self.branches, self.paths = [], []
        for own, width in enumerate(channels, 1):
            blocks = {f"bb_{name}_branch_layer_{own}_{number}": _Basic(width) for number in range(1, BLOCKS + 1)}
            _named(self.branches_func, blocks)
            self.branches.append(list(blocks.values()))
            paths = []
            for other, given in enumerate(channels, 1):
                steps = {
                    f"residual_{name}_layer_{own}_{other}{end}": step for end, step in _path(own, other, given, width)
                }
                _named(self.fuse_func, steps)
                paths.append(list(steps.values()))
            self.paths.append(paths)

    def forward(self, maps: Maps) -> Maps:
        seen = [_through(self.branches[place], each) for place, each in enumerate(maps)]
        return [F.relu(_together(self.paths[place], seen, place)) for place in range(len(seen))]


def _path(own: int, other: int, given: int, width: int) -> list[tuple[str, nn.Layer]]:
    """The steps from a map to another one, each with the end of its name; none from a map to itself."""
    if other > own:
        return [("", _Conv(given, width, 1, activates=False))]
    number = own - other
    halving = [_Conv(given, given, stride=2) for _ in range(number - 1)]
    last = [_Conv(given, width, stride=2, activates=False)] if number else []
    return [(f"_{place}", step) for place, step in enumerate([*halving, *last], 1)]


def _through(layers: list[nn.Layer], x: paddle.Tensor) -> paddle.Tensor:
    for layer in layers:
        x = layer(x)
    return x


def _together(paths: list[list[nn.Layer]], maps: Maps, own: int) -> paddle.Tensor:
    """The map at the place `own`, and what comes to it from the others; smaller ones are enlarged."""
    total = maps[own]
    for place, path in enumerate(paths):
        if path:
            found = _through(path, maps[place])
            total = total + (resized(found, maps[own]) if place > own else found)
    return total
