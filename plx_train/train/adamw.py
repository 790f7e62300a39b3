"""AdamW (Loshchilov and Hutter, 2019) without what Paddle's own asks about each parameter in every step.

For small weights that takes longer than to change them.
"""

from __future__ import annotations

from typing import Any

import paddle
from paddle import _C_ops

LEAST_ROWS_FOR_THREADS = 1000
"""Paddle's own number: the operation wants it, for gradients of few rows."""


class DirectAdamW(paddle.optimizer.AdamW):  # type: ignore[misc]
    """`paddle.optimizer.AdamW` to the bit, state included, for one list of float32 parameters."""

    def step(self) -> None:
        """One update by the gradients there are."""
        rate = self._global_learning_rate()
        first, second, first_power, second_power = (
            self._accumulators[name]
            for name in (
                self._moment1_acc_str,
                self._moment2_acc_str,
                self._beta1_pow_acc_str,
                self._beta2_pow_acc_str,
            )
        )
        pairs = [(parameter, parameter._grad_ivar()) for parameter in self._parameter_list]
        pairs = [(parameter, gradient) for parameter, gradient in pairs if gradient is not None]
        if rate is None or any(parameter.name not in first for parameter, _ in pairs):
            # It makes the state of what has its first gradient.
            super().step()
            return
        rates = {1.0: rate}
        with paddle.no_grad():
            for parameter, gradient in pairs:
                factor = parameter.optimize_attr["learning_rate"]
                if factor not in rates:
                    rates[factor] = rate * factor
                name = parameter.name
                given: tuple[Any, ...] = (
                    *(parameter, gradient, rates[factor], first[name], second[name], None),
                    *(first_power[name], second_power[name], None, None),
                    *(self._beta1, self._beta2, self._epsilon, 1.0, self._weight_decay),
                    *(self._apply_decay_param_fun(name), False, LEAST_ROWS_FOR_THREADS, False, False, False),
                )
                _C_ops.adamw_(*given)
