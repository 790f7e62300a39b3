"""Names of the detectors that can be trained; nothing is imported for them."""

from __future__ import annotations

NETWORKS = ("PicoDet-XS", "PicoDet-S", "PicoDet-M", "PicoDet-L", "PicoDet_layout_1x")
