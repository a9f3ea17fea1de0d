"""What each taxonomy holds, and how they say the same thing."""

from __future__ import annotations

import tomllib
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies.taxonomy
from agent.decisions import Taxonomy
from agent.errors import ReadingError
from strategies.stages import STAGES
from strategies.taxonomy import check_map, convert, esconv, extes, mi, strategy_id

ALL = {taxonomy.id: taxonomy for taxonomy in (esconv(), extes(), mi())}
PAIRS = list(permutations(ALL, 2))
MAPS = tomllib.loads(Path(strategies.taxonomy.__file__).with_name("maps.toml").read_text("utf-8"))

EXTES_NAMES = [
    "Reflective Statements",
    "Clarification",
    "Emotional Validation",
    "Empathetic Statements",
    "Affirmation",
    "Offer Hope",
    "Avoid Judgment And Criticism",
    "Suggest Options",
    "Collaborative Planning",
    "Provide Different Perspectives",
    "Reframe Negative Thoughts",
    "Share Information",
    "Normalize Experiences",
    "Promote Self-Care Practices",
    "Stress Management",
    "Others",
]
MI_NAMES = [
    "Reflection simple",
    "Reflection complex",
    "Question open",
    "Question closed",
    "Provide information",
    "Provide advice",
    "Provide options",
    "Provide negotiation",
    "Other",
]


def ids(taxonomy: Taxonomy) -> list[str]:
    return [strategy.id for strategy in taxonomy.strategies]


def best(probabilities: dict[str, float]) -> str:
    return max(probabilities, key=lambda strategy: probabilities[strategy])


def there_and_back(strategy: str, *, source: str, target: str) -> str:
    there = convert({strategy: 1.0}, source=source, target=target)
    return best(convert(there, source=target, target=source))


@pytest.mark.parametrize(
    ("taxonomy", "id_", "names"),
    [(extes(), "extes-16", EXTES_NAMES), (mi(), "annomi-9", MI_NAMES)],
    ids=["ExTES", "AnnoMI"],
)
def test_that_a_taxonomy_holds_its_strategies_with_their_names_from_the_data(taxonomy, id_, names) -> None:
    assert taxonomy.id == id_
    assert [strategy.name for strategy in taxonomy.strategies] == names
    assert len(set(ids(taxonomy))) == len(names)


@pytest.mark.parametrize(
    "strategy",
    [strategy for taxonomy in (extes(), mi()) for strategy in taxonomy.strategies],
    ids=lambda strategy: strategy.id,
)
def test_that_every_strategy_is_complete(strategy) -> None:
    assert strategy.definition.endswith(".")
    assert strategy.example.endswith((".", "?"))
    assert strategy.avoid
    assert not strategy.avoid.endswith("."), "`avoid` is a phrase that templates put into a sentence"
    assert set(strategy.stages) == set(STAGES)
    assert all(0 <= weight <= 1 for weight in strategy.stages.values())


@pytest.mark.parametrize("taxonomy", ALL.values(), ids=list(ALL))
def test_that_no_two_strategies_can_be_taken_for_each_other(taxonomy) -> None:
    for strategy in taxonomy.strategies:
        assert strategy_id(taxonomy, strategy.id) == strategy_id(taxonomy, strategy.name) == strategy.id


@pytest.mark.parametrize("taxonomy", [extes(), mi()], ids=["ExTES", "AnnoMI"])
@pytest.mark.parametrize("stage", STAGES)
def test_that_every_stage_has_a_strategy_that_fits_it_fully(taxonomy, stage) -> None:
    assert max(strategy.stages[stage] for strategy in taxonomy.strategies) == 1


@pytest.mark.parametrize("taxonomy", [extes(), mi()], ids=["ExTES", "AnnoMI"])
def test_that_no_example_claims_a_life(taxonomy) -> None:
    for strategy in taxonomy.strategies:
        assert not {"I", "I'm", "my", "My"} & set(strategy.example.replace(",", " ").split())


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_that_every_strategy_is_mapped_to_a_distribution(source, target) -> None:
    rows = MAPS[source][target]
    assert list(rows) == ids(ALL[source])
    for row in rows.values():
        assert set(row) <= set(ids(ALL[target]))
        assert sum(row.values()) == pytest.approx(1)
        assert min(row.values()) > 0
    check_map(rows, source=ALL[source], target=ALL[target])


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_that_every_strategy_is_reached_by_some_other(source, target) -> None:
    reached = {strategy for row in MAPS[source][target].values() for strategy in row}
    assert reached == set(ids(ALL[target]))


def test_that_the_file_of_maps_holds_these_pairs_and_no_other() -> None:
    assert {(source, target) for source in MAPS for target in MAPS[source]} == set(PAIRS)


# AnnoMI codes neither affirmation nor self-disclosure: both are its `other`, which comes back as `others`.
LOST = {("esconv-8", "annomi-9"): {"affirmation", "self_disclosure"}}


@pytest.mark.parametrize("target", ["extes-16", "annomi-9"])
@pytest.mark.parametrize("strategy", ids(esconv()))
def test_that_a_strategy_of_esconv_comes_back_from_a_finer_taxonomy(strategy, target) -> None:
    back = there_and_back(strategy, source="esconv-8", target=target)
    assert (back == strategy) == (strategy not in LOST.get(("esconv-8", target), ()))


@pytest.mark.parametrize(
    ("source", "target", "kept"),
    [
        (
            "extes-16",
            "esconv-8",
            {"reflective_statements", "clarification", "emotional_validation", "affirmation", "suggest_options",
             "share_information", "normalize_experiences", "others"},
        ),
        (
            "annomi-9",
            "esconv-8",
            {"simple_reflection", "complex_reflection", "open_question", "information", "advice", "other"},
        ),
        (
            "annomi-9",
            "extes-16",
            {"simple_reflection", "complex_reflection", "open_question", "information", "advice", "options",
             "negotiation", "other"},
        ),
    ],
)  # fmt: skip
def test_that_a_coarser_taxonomy_gives_back_the_commonest_of_what_it_cannot_tell_apart(
    source, target, kept
) -> None:
    back = {strategy: there_and_back(strategy, source=source, target=target) for strategy in ids(ALL[source])}
    assert {strategy for strategy, returned in back.items() if strategy == returned} == kept


@pytest.mark.parametrize(
    ("strategy", "source", "target", "expected"),
    [
        ("question", "esconv-8", "extes-16", "clarification"),
        ("suggestions", "esconv-8", "extes-16", "suggest_options"),
        ("reflection", "esconv-8", "annomi-9", "complex_reflection"),
        ("closed_question", "annomi-9", "esconv-8", "question"),
        ("stress_management", "extes-16", "esconv-8", "suggestions"),
        ("collaborative_planning", "extes-16", "annomi-9", "negotiation"),
        ("negotiation", "annomi-9", "extes-16", "collaborative_planning"),
    ],
)
def test_that_a_strategy_goes_to_its_nearest(strategy, source, target, expected) -> None:
    assert best(convert({strategy: 1.0}, source=source, target=target)) == expected


@pytest.mark.parametrize(("source", "target"), [*PAIRS, *((each, each) for each in ALL)])
@given(data=st.data())
def test_that_a_converted_distribution_is_one_over_the_whole_target(source, target, data) -> None:
    weights = data.draw(st.dictionaries(st.sampled_from(ids(ALL[source])), st.floats(0.01, 1), min_size=1))
    total = sum(weights.values())
    converted = convert({strategy: w / total for strategy, w in weights.items()}, source=source, target=target)
    assert list(converted) == ids(ALL[target])
    assert sum(converted.values()) == pytest.approx(1)
    assert min(converted.values()) >= 0


def test_that_converting_mixes_what_the_parts_would_give() -> None:
    mixed = convert({"question": 0.25, "others": 0.75}, source="esconv-8", target="annomi-9")
    assert mixed["other"] == pytest.approx(0.75)
    assert mixed["open_question"] + mixed["closed_question"] == pytest.approx(0.25)


def test_that_the_same_taxonomy_changes_nothing_but_rounding() -> None:
    same = convert({"question": 0.3, "reflection": 0.7005}, source="esconv-8", target="esconv-8")
    assert sum(same.values()) == pytest.approx(1, abs=1e-12)
    assert same["question"] == pytest.approx(0.3, abs=1e-3)
    assert same["others"] == 0


@pytest.mark.parametrize(
    ("probabilities", "source", "target", "message"),
    [
        ({"question": 1.0}, "hugs-3", "esconv-8", r"'hugs-3'.*esconv-8, extes-16, annomi-9"),
        ({"question": 1.0}, "esconv-8", "hugs-3", r"'hugs-3'.*esconv-8, extes-16, annomi-9"),
        ({"hugging": 1.0}, "esconv-8", "extes-16", r"'hugging'.*esconv-8.*question"),
        ({"question": 0.5}, "esconv-8", "extes-16", "no distribution"),
        ({"question": 1.5, "others": -0.5}, "esconv-8", "extes-16", "no distribution"),
        ({"question": float("nan")}, "esconv-8", "extes-16", "no distribution"),
        ({}, "esconv-8", "extes-16", "no distribution"),
    ],
)
def test_that_what_cannot_be_converted_is_refused(probabilities, source, target, message) -> None:
    with pytest.raises(ReadingError, match=message):
        convert(probabilities, source=source, target=target)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"question": None}, r"'question'.*maps.toml"),
        ({"hugging": {"other": 1.0}}, r"'hugging'.*maps.toml"),
        ({"question": {"open_question": 0.9}}, r"'question'.*sum to 1"),
        ({"question": {}}, r"'question'.*sum to 1"),
        ({"question": {"open_question": 1.5, "other": -0.5}}, "above 0"),
        ({"question": {"hugging": 1.0}}, r"'hugging'.*annomi-9.*simple_reflection"),
    ],
    ids=["no row", "a row too many", "too little", "empty", "negative", "unknown"],
)
def test_that_a_map_that_leaves_something_unsaid_is_refused(change, message) -> None:
    rows = {
        strategy: row for strategy, row in {**MAPS["esconv-8"]["annomi-9"], **change}.items() if row is not None
    }
    with pytest.raises(ReadingError, match=message):
        check_map(rows, source=esconv(), target=mi())
