"""The search space: what varies, read from Hydra's sweep syntax."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep
from hydra.errors import HydraException

from plx_train.config.mappings import is_entry
from plx_train.config.texts import as_typed_in_full, meant, split, sweepable, unquoted
from plx_train.ground.errors import ConfigError, reason_of
from plx_train.sweep.parameter import Condition, Parameter, bare

CONDITION = re.compile(r"\s*(?P<key>[\w.@/]+)\s+if\s+(?P<other>[\w.@/]+)\s*=\s*(?P<values>.+?)\s*")
WIDE = 100.0
"""Factor between the ends of an interval from which its values should be searched by magnitude."""


@dataclass(frozen=True)
class Space:
    """What a sweep's command says.

    Attributes:
        fixed: overrides that all runs have.
        parameters: what varies, those that others depend on first.
    """

    fixed: tuple[str, ...]
    parameters: tuple[Parameter, ...]

    def values(self, choose: Callable[[Parameter], Any]) -> dict[str, Any]:
        """A value for each parameter whose condition holds, by key; `choose` is asked in order."""
        chosen: dict[str, Any] = {}
        for parameter in self.parameters:
            if self._varies(parameter, chosen):
                chosen[parameter.name] = choose(parameter)
        return chosen

    def _varies(self, parameter: Parameter, chosen: Mapping[str, Any]) -> bool:
        """Whether its condition holds, those before it having the values `chosen`."""
        condition = parameter.condition
        if condition is None:
            return True
        given = {bare(text.partition("=")[0]): text.partition("=")[2] for text in self.fixed}
        return unquoted(str(chosen.get(condition.key, given.get(condition.key)))) in condition.values

    def overrides(self, values: Mapping[str, Any]) -> list[str]:
        """The command line of one configuration."""
        varied = [one.override(values[one.name]) for one in self.parameters if one.name in values]
        return [*self.fixed, *varied]

    def grid(self) -> list[dict[str, Any]]:
        """Every combination, the last parameter changing fastest, as Hydra has it; each once.

        Raises:
            ConfigError: a parameter has no end of values.
        """
        for parameter in self.parameters:
            if not parameter.choices:
                raise ConfigError(
                    f"{parameter.key} is an interval, which no grid can try out: add sweep=tpe sweep.trials=40 "
                    "(or random, gp, cmaes)"
                )
        return list(self.combinations())

    def combinations(self) -> Iterator[dict[str, Any]]:
        """The configurations one by one, as `grid` has them.

        Raises:
            EndlessSpace: when it comes to a parameter that has no end of values.
        """
        return self._combinations(0, {})

    def _combinations(self, place: int, chosen: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if place == len(self.parameters):
            yield chosen
            return
        parameter = self.parameters[place]
        if not self._varies(parameter, chosen):
            yield from self._combinations(place + 1, chosen)
            return
        for value in parameter.possible():
            yield from self._combinations(place + 1, {**chosen, parameter.name: value})

    def hints(self) -> list[str]:
        """What the user may not have meant."""
        return [
            f"{one.key} spans a factor of {one.high / one.low:.0f} and is searched evenly: "
            f"'tag(log, interval({one.low:.12g}, {one.high:.12g}))' searches it by magnitude"
            for one in self.parameters
            if not one.choices and not one.is_log and one.low > 0 and one.high / one.low >= WIDE
        ]


def parse_space(overrides: Sequence[str], params: Mapping[str, str], when: Sequence[str], is_grid: bool) -> Space:
    """The space of a command line and of ``sweep.params``; the command line counts where both name a key.

    Args:
        is_grid: ranges are written out.

    Raises:
        ConfigError: something can't be read, or can't be done.
    """
    typed = {bare(text.partition("=")[0]) for text in overrides}
    texts = [*overrides, *(f"{key}={value}" for key, value in params.items() if key not in typed)]
    fixed, parameters = [], []
    for item in _parsed(texts):
        if item.is_sweep_override():
            parameters.append(_parameter(item, is_grid))
        else:
            fixed.append(str(item.input_line))
    return Space(tuple(fixed), tuple(_in_order(_with_conditions(parameters, when))))


def _parsed(texts: Sequence[str]) -> list[Override]:
    found = []
    for text in map(sweepable, texts):
        if is_entry(text):
            found.append(_of_mapping(text))
            continue
        try:
            found += OverridesParser.create().parse_overrides([text])
        except HydraException as error:
            whole = as_typed_in_full(text)
            if whole != text:
                # One text, which Hydra's grammar takes in quotes alone.
                found += OverridesParser.create().parse_overrides([whole])
                continue
            reason = reason_of(error)
            raise ConfigError(
                f"'{text}' can't be read ({reason}): values are written a,b or 'interval(1, 2)'"
            ) from None
    return found


def _of_mapping(text: str) -> Override:
    """What gives values to a mapping, whose keys Hydra's grammar need not know."""
    key, _, value = text.partition("=")
    try:
        (item,) = OverridesParser.create().parse_overrides([f"key={value}"])
    except HydraException:
        # One value as users write it; mappings read it themselves.
        (item,) = OverridesParser.create().parse_overrides(["key=null"])
    item.key_or_group, item.input_line = key, text
    return item


def _parameter(item: Override, is_grid: bool) -> Parameter:
    key, value = item.get_key_element(), item.value()
    try:
        if isinstance(value, IntervalSweep):
            return _interval(key, value)
        if isinstance(value, RangeSweep) and not is_grid:
            return _range(key, value)
        choices = tuple(dict.fromkeys(meant(f"{key}={text}") for text in item.sweep_string_iterator()))
    except HydraException as error:
        raise ConfigError(f"{item.input_line}: {reason_of(error)}") from None
    if not choices or (isinstance(value, ChoiceSweep) and not value.list):
        raise ConfigError(f"{item.input_line}: there is no value to choose from")
    return Parameter(key, choices)


def _interval(key: str, value: IntervalSweep) -> Parameter:
    low, high = value.start, value.end
    assert low is not None and high is not None
    is_log = "log" in value.tags
    if not low < high or (is_log and not low > 0):
        raise ConfigError(
            f"{key}=interval({low:g}, {high:g}): the first must be less than the second" + " and above 0" * is_log
        )
    is_integer = isinstance(low, int) and isinstance(high, int)
    return Parameter(key, (), low, high, None, is_log, is_integer)


def _range(key: str, value: RangeSweep) -> Parameter:
    start, stop, step = value.start, value.stop, value.step
    assert start is not None and stop is not None
    # Steps of 0.1 do not add up exactly.
    count = math.ceil((stop - start) / step - 1e-9) if step > 0 else 0
    if count < 1:
        raise ConfigError(f"{key}=range({start:g}, {stop:g}, {step:g}): there is no value in it")
    is_integer = all(isinstance(number, int) for number in (start, stop, step))
    last = start + (count - 1) * step
    return Parameter(key, (), start, last if is_integer else round(last, 12), step, False, is_integer)


def _with_conditions(parameters: Sequence[Parameter], when: Sequence[str]) -> list[Parameter]:
    found = {parameter.name: parameter for parameter in parameters}
    for text in when:
        match = CONDITION.fullmatch(text)
        if not match:
            raise ConfigError(f"sweep.when: '{text}' is not understood: write 'key if other.key=value,value'")
        if match["key"] not in found:
            raise ConfigError(f"sweep.when: {match['key']} does not vary; there is: {', '.join(found) or 'nothing'}")
        condition = Condition(match["other"], tuple(map(unquoted, split(match["values"], ","))))
        found[match["key"]] = Parameter(**(vars(found[match["key"]]) | {"condition": condition}))
    return list(found.values())


def _in_order(parameters: Sequence[Parameter]) -> list[Parameter]:
    """Parameters with those that others depend on before them; otherwise as they are."""
    waiting, ordered = list(parameters), []
    while waiting:
        open_keys = {one.name for one in waiting}
        ready = next((one for one in waiting if not one.condition or one.condition.key not in open_keys), None)
        if ready is None:
            raise ConfigError(f"sweep.when: {', '.join(sorted(open_keys))} depend on each other in a circle")
        waiting.remove(ready)
        ordered.append(ready)
    return ordered
