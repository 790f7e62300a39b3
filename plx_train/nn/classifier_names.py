"""Names of the classifiers of images; importing this imports no paddle."""

from __future__ import annotations

NETWORKS = (
    "EfficientNet-Lite0",
    *(f"PP-LCNet_x{scale}" for scale in ("0_25", "0_35", "0_5", "0_75", "1_0", "1_5", "2_0", "2_5")),
    *(f"MobileNetV2_x{scale}" for scale in ("0_25", "0_5", "1_0", "1_5", "2_0")),
    *(f"MobileNetV3_small_x{scale}" for scale in ("0_35", "0_5", "0_75", "1_0", "1_25")),
    *(f"MobileNetV3_large_x{scale}" for scale in ("0_35", "0_5", "0_75", "1_0", "1_25")),
    *(f"ResNet{depth}" for depth in (18, 34, 50, 101, 152)),
)
PUBLISHED = {"EfficientNet-Lite0": "EfficientNet-Lite0", "MobileNetV2_x1_0": "MobileNetV2"}
"""Names in the catalogue of the ImageNet weights of networks that have such."""
