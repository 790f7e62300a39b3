"""stub"""
import paddle
from paddle import nn

FORECASTERS = ("DLinear",)
RECONSTRUCTORS = ("DLinear_ad",)
CLASSIFIERS = ("InceptionTime",)


class DLinear(nn.Layer):
    def __init__(self, shape):
        super().__init__()
        self.l = nn.Linear(shape.context, shape.horizon)

    def forward(self, past, a=None, b=None, c=None):
        return self.l(past.transpose([0, 2, 1])).transpose([0, 2, 1])


class Ad(nn.Layer):
    def __init__(self, context):
        super().__init__()
        self.a, self.b = nn.Linear(context, 8), nn.Linear(8, context)

    def forward(self, x):
        return self.b(self.a(x.transpose([0, 2, 1]))).transpose([0, 2, 1])


class Cls(nn.Layer):
    def __init__(self, channels, classes):
        super().__init__()
        self.a, self.b = nn.Conv1D(channels, 16, 5, padding=2), nn.Linear(16, classes)

    def forward(self, features, pad_mask):
        x = nn.functional.relu(self.a(features.transpose([0, 2, 1])))
        mask = pad_mask.unsqueeze(1)
        return self.b((x * mask).sum(-1) / mask.sum(-1))


def build_forecaster(name, shape, periods=(), hidden=None, depth=None, dropout=None):
    return DLinear(shape)


def build_reconstructor(name, context, channels, periods=(), hidden=None, depth=None, dropout=None):
    return Ad(context)


def build_classifier(name, length, channels, num_classes, periods=(), hidden=None, depth=None, dropout=None):
    return Cls(channels, num_classes)
