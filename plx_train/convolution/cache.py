"""Plans by geometry, bounded, for each thread its own."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from plx_train.convolution.depthwise import WideGradient, is_wide
from plx_train.convolution.plan import Geometry, Plan
from plx_train.convolution.primitive import ThreadState

MOST_PLANS = 512
"""Geometries kept by each thread; those not used for longest leave first."""


@dataclass(frozen=True)
class Planned:
    """What computes a geometry; `wide` the weight gradient, where it is taken in parts."""

    plan: Plan
    wide: WideGradient | None


class PlanCache(threading.local):
    """The plans of this thread, `MOST_PLANS` at most."""

    def __init__(self) -> None:
        self.state = ThreadState()
        self.plans: OrderedDict[Geometry, Planned] = OrderedDict()

    def get(self, geometry: Geometry) -> Planned:
        """What computes `geometry`, made where it is not there."""
        found = self.plans.get(geometry)
        if found is not None:
            self.plans.move_to_end(geometry)
            return found
        wide = WideGradient(geometry, self.state) if is_wide(geometry) else None
        found = self.plans[geometry] = Planned(Plan(geometry, self.state), wide)
        if len(self.plans) > MOST_PLANS:
            self.plans.popitem(last=False)
        return found
