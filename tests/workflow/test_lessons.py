"""Who says what a pool shows."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from plx_train.workflow import lessons


@pytest.mark.parametrize(
    ("num_labelled", "is_later", "is_fine_tuning", "asked"),
    [
        (4, False, True, ["first"]),
        (5, False, True, ["learned", "first"]),
        (1, True, True, ["learned", "first"]),
        (1, False, False, ["learned", "first"]),
    ],
)
def test_a_network_of_few_labels_is_not_asked_where_the_first_weights_know_more(
    num_labelled: int, is_later: bool, is_fine_tuning: bool, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def network(name: str) -> Any:
        return SimpleNamespace(name=name, processor=None, is_fine_tuning=is_fine_tuning)

    monkeypatch.setattr(lessons, "load_source", lambda *given: network("learned"))
    monkeypatch.setattr(lessons, "is_later_round", lambda options: is_later)
    session: Any = SimpleNamespace(options=SimpleNamespace(few=SimpleNamespace(size=None)))
    data: Any = SimpleNamespace(room=SimpleNamespace(classes_in=lambda sample: [sample]))
    splits: Any = SimpleNamespace(train=[number for number in range(3) for _ in range(num_labelled)], holdout=[])
    says = lessons._own_opinion(session, data, splits, network("first"), Path("best"))
    assert isinstance(says, partial)
    assert [module.name for module, _ in says.args[2]] == asked
