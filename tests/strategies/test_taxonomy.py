from __future__ import annotations

import pytest

from agent.errors import ReadingError
from strategies.stages import STAGES
from strategies.taxonomy import esconv, strategy_id

NAMES = {
    "question": "Question",
    "restatement": "Restatement or Paraphrasing",
    "reflection": "Reflection of feelings",
    "self_disclosure": "Self-disclosure",
    "affirmation": "Affirmation and Reassurance",
    "suggestions": "Providing Suggestions",
    "information": "Information",
    "others": "Others",
}


def test_that_the_taxonomy_holds_the_eight_strategies_with_their_names_from_the_data() -> None:
    taxonomy = esconv()
    assert taxonomy.id == "esconv-8"
    assert {strategy.id: strategy.name for strategy in taxonomy.strategies} == NAMES
    assert list(NAMES) == [strategy.id for strategy in taxonomy.strategies]


@pytest.mark.parametrize("strategy", esconv().strategies, ids=lambda strategy: strategy.id)
def test_that_every_strategy_is_complete(strategy) -> None:
    assert strategy.definition.endswith(".")
    assert strategy.example.endswith((".", "?"))
    assert strategy.avoid
    assert not strategy.avoid.endswith("."), "`avoid` is a phrase that templates put into a sentence"
    assert set(strategy.stages) == set(STAGES)
    assert all(0 <= weight <= 1 for weight in strategy.stages.values())


@pytest.mark.parametrize("stage", STAGES)
def test_that_every_stage_has_a_strategy_that_fits_it_fully(stage) -> None:
    assert max(strategy.stages[stage] for strategy in esconv().strategies) == 1


def test_that_self_disclosure_never_claims_a_life_and_weighs_least_where_support_is_given() -> None:
    disclosure = esconv()["self_disclosure"]
    assert "never claim experiences" in disclosure.definition
    assert " I " not in f" {disclosure.example} "
    assert all(disclosure.stages[stage] <= 0.1 for stage in STAGES)


def test_that_stage_weights_cannot_be_changed_by_who_reads_them() -> None:
    with pytest.raises(TypeError):
        esconv()["question"].stages["action"] = 1.0  # type: ignore[index]


def test_that_an_unknown_strategy_is_refused_with_the_choices() -> None:
    with pytest.raises(ReadingError, match=r"'hugging'.*esconv-8.*question"):
        esconv()["hugging"]


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("reflection", "reflection"),
        ("Reflection of feelings", "reflection"),
        (" providing suggestions ", "suggestions"),
        ("Emotional validation", None),
        ("", None),
        (None, None),
    ],
)
def test_that_a_strategy_is_known_by_id_and_by_name(named, expected) -> None:
    assert strategy_id(esconv(), named) == expected
