"""Names of what finds anomalies in images, and of the networks whose features it looks at; no paddle."""

from __future__ import annotations

PATCH_CORE, PADIM, STFPM = "PatchCore", "PaDiM", "STFPM"
NETWORKS = (PATCH_CORE, PADIM, STFPM)
BACKBONES = ("EfficientNet-Lite0", "MobileNetV2", "ResNet18", "ResNet34", "ResNet50")
PRETRAINED = ("EfficientNet-Lite0", "MobileNetV2")
"""Backbones whose ImageNet weights the catalogue holds, under the same name."""
