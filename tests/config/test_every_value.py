"""Whatever is typed for whichever option, the command is composed or refused in one sentence."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.drawn_options import HUGE, STRANGE, typed_values
from kit.rooms import own_rooms
from plx_train.config.compose import compose_run
from plx_train.config.schema import options_with_module
from plx_train.contract.option import Trait
from plx_train.contract.rooms import options_class
from plx_train.ground.errors import UserError

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
FOREIGN = (
    "omegaconf",
    "hydra",
    "dictconfig",
    "listconfig",
    "nonetype",
    "could not be converted",
    "full_key",
    "traceback",
)


def composes(texts: list[str]) -> None:
    """Fails where a command is refused in anything but one sentence of ours."""
    try:
        compose_run(texts)
    except UserError as error:
        said = str(error)
        assert said and "\n" not in said and error.exit_code == 2, said
        assert not any(word in said.lower() for word in FOREIGN), said


def commands() -> st.SearchStrategy[list[str]]:
    """A room and one to three of its options with whatever is typed for them."""

    def of_room(room: str) -> st.SearchStrategy[list[str]]:
        every = [
            one
            for one in options_with_module(options_class(room)).values()
            if Trait.INTERNAL not in one.traits and one.key != "mode"
        ]
        text = st.sampled_from(every).flatmap(lambda one: typed_values(one).map(lambda value: f"{one.key}={value}"))
        return st.lists(text, min_size=1, max_size=3).map(lambda texts: [f"module={room}", *texts])

    return st.sampled_from(own_rooms()).flatmap(of_room)


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=SLOW)
@given(commands())
def test_a_command_is_composed_or_refused(texts: list[str]) -> None:
    composes(texts)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None, suppress_health_check=SLOW)
@given(commands())
def test_many_commands_are_composed_or_refused(texts: list[str]) -> None:
    composes(texts)


@pytest.mark.slow
@pytest.mark.parametrize("room", own_rooms())
def test_numbers_that_none_means_are_refused_everywhere(room: str) -> None:
    for one in options_with_module(options_class(room)).values():
        if one.type_name in ("int", "float") and Trait.INTERNAL not in one.traits:
            for value in (*HUGE, *STRANGE):
                composes([f"module={room}", f"{one.key}={value}"])
