from __future__ import annotations

import tomllib
from collections.abc import Mapping
from itertools import pairwise, permutations
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ReadingError
from agent.readings import EmotionReading, LabelSet
from sem_plugins import ontology as module
from sem_plugins.ontology import Ontology, ontology

ED, GO, MELD, DAILY = "empathetic-dialogues-32", "goemotions-28", "meld-7", "dailydialog-7"
SETS = (ED, GO, MELD, DAILY, "esconv-11", "emorynlp-7", "se-emotions-6")
LABELS = [(name, label) for name in SETS for label in ontology().label_sets[name].labels]
SIX = {"love", "joy", "surprise", "anger", "sadness", "fear"}


@st.composite
def distributions(draw: st.DrawFn, label_set: str) -> Mapping[str, float]:
    labels = draw(st.permutations(ontology().label_sets[label_set].labels))
    weights = draw(st.lists(st.floats(0, 1).map(lambda value: value**4), min_size=1, max_size=len(labels)))
    total = sum(weights) or 1.0
    shares = [weight / total for weight in weights] if sum(weights) else [1.0] + [0.0] * (len(weights) - 1)
    return dict(zip(labels, shares, strict=False))


named_distributions = st.sampled_from(SETS).flatmap(lambda name: st.tuples(st.just(name), distributions(name)))
weighed_readings = st.tuples(named_distributions, st.floats(0, 1)).map(lambda pair: (*pair[0], pair[1]))


def content() -> dict[str, Any]:
    return tomllib.loads(Path(module.__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def places(of: Mapping[str, Any]) -> dict[str, Any]:
    """A lattice with one label set, `two`, whose labels lie there."""
    return {**content(), "labels": {"two": dict(of)}}


TWO = LabelSet("two", ("glum", "cross"))


def primary(label_set: str, label: str) -> str:
    shares = ontology().project({label: 1.0}, label_set=label_set)
    return max(shares, key=shares.__getitem__)


# The lattice


def test_that_there_are_six_primaries_and_two_nodes_outside_them():
    assert set(ontology().nodes(1)) == {*SIX, "neutral", "cognitive"}


def test_that_the_tree_is_as_large_as_parrotts():
    inside = [[node for node in ontology().nodes(tier) if node.split("/")[0] in SIX] for tier in (1, 2, 3)]
    assert [len(nodes) for nodes in inside] == [6, 25, 135]


@pytest.mark.parametrize(
    ("tier", "expected"), [(1, "sadness"), (2, "sadness/neglect"), (3, "sadness/neglect/loneliness")]
)
def test_that_a_node_knows_what_it_lies_below(tier: Literal[1, 2, 3], expected: str):
    assert ontology().tier("sadness/neglect/loneliness", tier) == expected


def test_that_a_node_that_lies_no_deeper_is_its_own_ancestor():
    assert ontology().tier("anger/rage", 3) == "anger/rage"
    assert [ontology().tier("neutral", tier) for tier in (1, 2, 3)] == ["neutral"] * 3


def test_that_a_node_that_is_none_is_refused():
    with pytest.raises(ReadingError, match=r"'sadness/hygge' is no node.*love, joy"):
        ontology().tier("sadness/hygge", 1)


# Places


def test_that_all_label_sets_are_there():
    assert tuple(ontology().label_sets) == SETS
    assert set(content()["labels"]) == set(SETS)


@pytest.mark.parametrize(("label_set", "label"), LABELS)
def test_that_every_label_has_a_place(label_set: str, label: str):
    place = ontology().place(label_set, label)
    assert sum(place.values()) == pytest.approx(1)
    assert all(weight > 0 for weight in place.values())
    assert all(ontology().tier(node, 1) in ontology().nodes(1) for node in place)


def test_that_every_word_of_ours_is_used():
    used = {
        node
        for labels in content()["labels"].values()
        for place in labels.values()
        for node in ([place] if isinstance(place, str) else place)
    }
    assert set(content()["words"]) <= used


def test_that_a_place_cannot_be_changed():
    with pytest.raises(TypeError):
        ontology().place(ED, "sad")["joy"] = 1.0  # type: ignore[index]


@pytest.mark.parametrize(
    ("label_set", "labels", "expected"),
    [
        (ED, ("afraid", "terrified", "anxious", "apprehensive"), "fear"),
        (ED, ("sad", "devastated", "lonely", "disappointed", "guilty", "ashamed", "embarrassed"), "sadness"),
        (ED, ("angry", "furious", "annoyed", "jealous", "disgusted"), "anger"),
        (ED, ("joyful", "excited", "proud", "content", "hopeful", "confident", "prepared"), "joy"),
        (ED, ("caring", "sentimental", "faithful"), "love"),
        (GO, ("curiosity", "confusion", "realization"), "cognitive"),
        (MELD, ("neutral",), "neutral"),
        ("esconv-11", ("depression", "pain", "shame", "guilt"), "sadness"),
        ("emorynlp-7", ("powerful", "joyful"), "joy"),
    ],
)
def test_that_labels_lie_below_the_primary_one_expects(label_set: str, labels: tuple[str, ...], expected: str):
    assert {label: primary(label_set, label) for label in labels} == dict.fromkeys(labels, expected)


def test_that_a_missing_label_is_named_with_where_to_add_it():
    with pytest.raises(ReadingError, match=r"\['cross'\] have no place.*\[labels\.two\].*ontology\.toml"):
        Ontology(places({"glum": "sadness"}), [TWO])


def test_that_a_label_set_without_any_places_is_refused():
    with pytest.raises(ReadingError, match=r"\['happy'\] have no place.*\[labels\.three\]"):
        Ontology(content(), [LabelSet("three", ("happy",))])


def test_that_a_place_of_no_label_is_refused():
    with pytest.raises(ReadingError, match=r"\['merry'\] are not in `two`"):
        Ontology(places({"glum": "sadness", "cross": "anger", "merry": "joy"}), [TWO])


def test_that_a_place_at_no_node_is_refused():
    with pytest.raises(ReadingError, match="'crossness' is no node"):
        Ontology(places({"glum": "sadness", "cross": "crossness"}), [TWO])


@pytest.mark.parametrize("weights", [(0.5, 0.4), (1.5, -0.5), (1.0, 0.0)])
def test_that_weights_that_make_no_distribution_are_refused(weights: tuple[float, float]):
    split = dict(zip(("anger", "fear"), weights, strict=True))
    with pytest.raises(ReadingError, match="Weights of 'cross'"):
        Ontology(places({"glum": "sadness", "cross": split}), [TWO])


# Projection


@pytest.mark.parametrize("tier", [1, 2])
@given(named_distributions)
def test_that_a_projection_is_a_distribution_over_the_tier(
    tier: Literal[1, 2], reading: tuple[str, Mapping[str, float]]
):
    label_set, probabilities = reading
    shares = ontology().project(probabilities, label_set=label_set, tier=tier)
    assert tuple(shares) == ontology().nodes(tier)
    assert sum(shares.values()) == pytest.approx(1)
    assert min(shares.values()) >= 0


@given(named_distributions)
def test_that_the_secondaries_of_a_projection_sum_to_their_primary(reading: tuple[str, Mapping[str, float]]):
    label_set, probabilities = reading
    fine = ontology().project(probabilities, label_set=label_set, tier=2)
    summed = dict.fromkeys(ontology().nodes(1), 0.0)
    for node, share in fine.items():
        summed[ontology().tier(node, 1)] += share
    assert summed == pytest.approx(dict(ontology().project(probabilities, label_set=label_set)))


def test_that_a_projection_adds_up_what_lies_below_a_node():
    shares = ontology().project({"afraid": 0.3, "anxious": 0.3, "lonely": 0.4}, label_set=ED)
    assert shares["fear"] == pytest.approx(0.6)
    assert shares["sadness"] == pytest.approx(0.4)


def test_that_what_a_model_rounds_off_is_made_up_for():
    assert sum(ontology().project({"sad": 0.5, "afraid": 0.4995}, label_set=ED).values()) == pytest.approx(
        1, abs=1e-12
    )


def test_that_a_label_of_several_places_is_shared_out():
    shares = ontology().project({"grateful": 1.0}, label_set=ED)
    assert (shares["love"], shares["joy"]) == pytest.approx((0.5, 0.5))


def test_that_a_label_at_a_primary_is_spread_by_the_number_of_words_below():
    shares = ontology().project({"fear": 1.0}, label_set=MELD, tier=2)
    assert (shares["fear/horror"], shares["fear/nervousness"]) == pytest.approx((9 / 17, 8 / 17))


def test_that_a_label_at_a_primary_leaves_out_what_another_label_of_its_set_names():
    assert ontology().project({"anger": 1.0}, label_set=MELD, tier=2)["anger/disgust"] == 0
    assert ontology().project({"anger": 1.0}, label_set="se-emotions-6", tier=2)["anger/disgust"] > 0


@pytest.mark.parametrize("tier", [0, 3])
def test_that_a_projection_at_another_tier_is_refused(tier: Any):
    with pytest.raises(ReadingError, match=f"at tier {tier}.*Choose 1"):
        ontology().project({"sad": 1.0}, label_set=ED, tier=tier)


@pytest.mark.parametrize("probabilities", [{"sad": 0.6}, {"sad": 1.4, "joyful": -0.4}, {}, {"sad": float("nan")}])
def test_that_what_is_no_distribution_is_refused(probabilities: Mapping[str, float]):
    with pytest.raises(ReadingError):
        ontology().project(probabilities, label_set=ED)


# Conversion


@given(named_distributions, st.sampled_from(SETS))
def test_that_a_conversion_is_a_distribution_over_the_target(
    reading: tuple[str, Mapping[str, float]], target: str
):
    label_set, probabilities = reading
    converted = ontology().convert(probabilities, source=label_set, target=target)
    EmotionReading(target, converted)
    assert sum(converted.values()) == pytest.approx(sum(probabilities.values()))


@given(named_distributions)
def test_that_a_conversion_to_the_same_set_changes_nothing(reading: tuple[str, Mapping[str, float]]):
    label_set, probabilities = reading
    assert ontology().convert(probabilities, source=label_set, target=label_set) == probabilities


@pytest.mark.parametrize(
    ("source", "label", "target", "expected"),
    [
        (ED, "furious", MELD, "anger"),
        (ED, "disgusted", MELD, "disgust"),
        (ED, "lonely", "esconv-11", "sadness"),
        (ED, "lonely", GO, "sadness"),
        (ED, "anxious", GO, "nervousness"),
        (ED, "content", "emorynlp-7", "peaceful"),
        (ED, "caring", MELD, "joy"),  # no love there: what is pleasant comes next
        (ED, "grateful", GO, "gratitude"),
        (ED, "embarrassed", "esconv-11", "shame"),
        (GO, "neutral", MELD, "neutral"),
        (GO, "curiosity", "se-emotions-6", "surprise"),
        (MELD, "joy", DAILY, "happiness"),
        (MELD, "disgust", "se-emotions-6", "anger"),
        ("esconv-11", "anxiety", "emorynlp-7", "scared"),
    ],
)
def test_that_a_finer_label_goes_to_the_one_that_covers_it(source: str, label: str, target: str, expected: str):
    assert ontology().convert({label: 1.0}, source=source, target=target)[expected] == pytest.approx(1)


def test_that_a_coarser_label_is_spread_over_what_it_covers():
    converted = ontology().convert({"fear": 1.0}, source=MELD, target=ED)
    named = ("afraid", "terrified", "anxious", "apprehensive")
    assert all(converted[label] > 0.2 for label in named)
    assert converted["anticipating"] == pytest.approx(1 - sum(converted[label] for label in named))


def test_that_what_has_no_like_in_the_target_says_nothing():
    converted = ontology().convert({"joy": 1.0}, source=MELD, target="esconv-11")
    assert converted == pytest.approx(dict.fromkeys(converted, 1 / 11))


def test_that_the_two_spellings_of_ekmans_seven_are_one():
    for label in ontology().label_sets[MELD].labels:
        there = ontology().convert({label: 1.0}, source=MELD, target=DAILY)
        assert ontology().convert(there, source=DAILY, target=MELD)[label] == pytest.approx(1)


GROUPED = {
    "anger": ("anger", "annoyance", "disapproval"),
    "disgust": ("disgust",),
    "fear": ("fear", "nervousness"),
    "joy": (
        "joy", "amusement", "approval", "excitement", "gratitude", "love", "optimism", "relief", "pride",
        "admiration", "desire", "caring",
    ),
    "sadness": ("sadness", "disappointment", "embarrassment", "grief", "remorse"),
    "surprise": ("surprise", "realization", "confusion", "curiosity"),
    "neutral": ("neutral",),
}  # fmt: skip
"""How the authors of GoEmotions group its labels (Demszky et al. 2020, `ekman_mapping.json`)."""


def test_that_goemotions_goes_to_ekmans_seven_as_its_authors_group_it():
    for expected, labels in GROUPED.items():
        for label in labels:
            converted = ontology().convert({label: 1.0}, source=GO, target=MELD)
            assert max(converted, key=converted.__getitem__) == expected, label


# Fusion


@pytest.mark.parametrize("tier", [1, 2])
@given(st.lists(weighed_readings, min_size=1, max_size=4))
def test_that_what_is_fused_is_a_distribution_over_the_tier(
    tier: Literal[1, 2], readings: list[tuple[str, Mapping[str, float], float]]
):
    fused = ontology().fuse(readings, tier=tier)
    assert tuple(fused) == ontology().nodes(tier)
    assert sum(fused.values()) == pytest.approx(1)
    assert min(fused.values()) >= 0


@given(st.lists(weighed_readings, min_size=1, max_size=4))
def test_that_both_tiers_of_a_fusion_say_the_same_of_a_primary(
    readings: list[tuple[str, Mapping[str, float], float]],
):
    summed = dict.fromkeys(ontology().nodes(1), 0.0)
    for node, share in ontology().fuse(readings, tier=2).items():
        summed[ontology().tier(node, 1)] += share
    assert summed == pytest.approx(dict(ontology().fuse(readings)))


@given(named_distributions)
def test_that_one_reading_alone_is_its_projection_but_for_the_floor(reading: tuple[str, Mapping[str, float]]):
    label_set, probabilities = reading
    fused = ontology().fuse([(label_set, probabilities, 1.0)])
    assert fused == pytest.approx(dict(ontology().project(probabilities, label_set=label_set)), abs=0.011)


@pytest.mark.parametrize(("tier", "node"), [(1, "sadness"), (2, "sadness/neglect")])
def test_that_readings_that_agree_are_surer_together(tier: Literal[1, 2], node: str):
    readings = [
        (ED, {"lonely": 0.6, "sad": 0.2, "afraid": 0.2}),
        ("esconv-11", {"sadness": 0.7, "fear": 0.3}),
    ]
    alone = [ontology().project(shares, label_set=name, tier=tier)[node] for name, shares in readings]
    fused = ontology().fuse([(name, shares, 1.0) for name, shares in readings], tier=tier)
    assert fused[node] > max(alone)


def test_that_weights_that_sum_to_one_make_no_reading_surer():
    reading = {"sad": 0.6, "joyful": 0.4}
    fused = ontology().fuse([(ED, reading, 0.5), (ED, reading, 0.5)])
    assert fused == pytest.approx(dict(ontology().fuse([(ED, reading, 1.0)])))


def test_that_fusion_multiplies_what_the_readings_say():
    fused = ontology().fuse([(MELD, {"sadness": 0.8, "joy": 0.2}, 1.0), (MELD, {"sadness": 0.6, "joy": 0.4}, 1.0)])
    assert fused["sadness"] / fused["joy"] == pytest.approx(0.8 * 0.6 / (0.2 * 0.4), rel=0.03)  # the floor


def test_that_the_order_of_readings_does_not_matter():
    readings = [(ED, {"sad": 1.0}, 0.3), (MELD, {"joy": 0.7, "fear": 0.3}, 0.9), (GO, {"curiosity": 1.0}, 0.5)]
    first, *others = (ontology().fuse(order, tier=2) for order in permutations(readings))
    assert all(other == pytest.approx(dict(first)) for other in others)


def test_that_more_weight_draws_more():
    fused = [
        ontology().fuse([(ED, {"joyful": 0.6, "sad": 0.4}, 1.0), (MELD, {"sadness": 0.8, "joy": 0.2}, weight)])
        for weight in (0.0, 0.25, 0.5, 1.0)
    ]
    assert all(more["sadness"] > less["sadness"] for less, more in pairwise(fused))


def test_that_no_reading_can_veto():
    fused = ontology().fuse([(MELD, {"joy": 1.0}, 1.0), (MELD, {"sadness": 0.9, "joy": 0.1}, 1.0)])
    assert 0.005 < fused["sadness"] < fused["joy"]


def test_that_a_reading_does_not_speak_against_what_its_set_has_no_word_for():
    calm, sad = {"neutral": 0.9, "sadness": 0.05, "joy": 0.05}, {"sad": 0.7, "joyful": 0.3}
    fused = ontology().fuse([(MELD, calm, 1.0), (ED, sad, 1.0)])  # the second set has no `neutral`
    assert fused["neutral"] > 0.5
    assert fused["sadness"] > ontology().fuse([(MELD, calm, 1.0)])["sadness"]


def test_that_what_no_set_has_a_word_for_stays_out():
    fused = ontology().fuse([(ED, {"sad": 1.0}, 1.0), ("esconv-11", {"sadness": 1.0}, 1.0)])
    assert fused["neutral"] == fused["cognitive"] == 0


def test_that_a_label_at_a_primary_leaves_the_secondaries_to_the_others():
    fine = (ED, {"lonely": 0.7, "guilty": 0.3}, 1.0)
    alone, both = (
        ontology().fuse(readings, tier=2)
        for readings in ([fine], [fine, ("se-emotions-6", {"sadness": 1.0}, 1.0)])
    )
    ratios = [shares["sadness/neglect"] / shares["sadness/shame"] for shares in (alone, both)]
    assert ratios[0] == pytest.approx(ratios[1])


def test_that_fusing_nothing_is_refused():
    with pytest.raises(ReadingError, match="at least one"):
        ontology().fuse([])


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan"), float("inf")])
def test_that_a_weight_outside_its_bounds_is_refused(weight: float):
    with pytest.raises(ReadingError, match=r"weights in \[0, 1\]"):
        ontology().fuse([(ED, {"sad": 1.0}, weight)])


# Errors by tier


@pytest.mark.parametrize(
    ("label_set", "true", "predicted", "expected"),
    [
        (ED, "sad", "sad", 0),
        (ED, "nostalgic", "nostalgic", 0),
        (ED, "angry", "furious", 1),
        (ED, "anxious", "apprehensive", 1),
        (ED, "sad", "devastated", 1),
        (ED, "afraid", "terrified", 1),
        (ED, "afraid", "anxious", 2),
        (ED, "annoyed", "furious", 2),
        (ED, "joyful", "proud", 2),
        (ED, "sad", "joyful", 3),
        (ED, "sad", "surprised", 3),
        (GO, "curiosity", "confusion", 1),
        (GO, "curiosity", "surprise", 3),
        (GO, "neutral", "realization", 3),
        (MELD, "anger", "disgust", 2),
        ("esconv-11", "anxiety", "nervousness", 1),
        ("esconv-11", "depression", "sadness", 2),
    ],
)
def test_that_an_error_has_the_tier_at_which_the_labels_meet(
    label_set: str, true: str, predicted: str, expected: int
):
    assert ontology().tier_of_error(true, predicted, label_set=label_set) == expected
    assert ontology().tier_of_error(predicted, true, label_set=label_set) == expected


def test_that_two_labels_of_several_places_meet_where_half_of_their_weight_does():
    labels = {"glum": {"sadness/shame": 0.5, "fear": 0.5}, "cross": {"sadness/neglect": 0.5, "anger": 0.5}}
    assert Ontology(places(labels), [TWO]).tier_of_error("glum", "cross", label_set="two") == 2
    labels["cross"] = {"sadness/neglect": 0.4, "anger": 0.6}
    assert Ontology(places(labels), [TWO]).tier_of_error("glum", "cross", label_set="two") == 3


# Names that nobody knows


@pytest.mark.parametrize(
    "ask",
    [
        lambda: ontology().place("plutchik-8", "sad"),
        lambda: ontology().project({"sad": 1.0}, label_set="plutchik-8"),
        lambda: ontology().convert({"sad": 1.0}, source="plutchik-8", target="plutchik-8"),
        lambda: ontology().convert({"sad": 1.0}, source=ED, target="plutchik-8"),
        lambda: ontology().fuse([("plutchik-8", {"sad": 1.0}, 1.0)]),
        lambda: ontology().tier_of_error("sad", "sad", label_set="plutchik-8"),
    ],
)
def test_that_an_unknown_label_set_is_named_with_the_choices(ask: Any):
    with pytest.raises(ReadingError, match=r"'plutchik-8'.*empathetic-dialogues-32, goemotions-28, meld-7"):
        ask()


@pytest.mark.parametrize(
    "ask",
    [
        lambda: ontology().place(MELD, "sad"),
        lambda: ontology().project({"sad": 1.0}, label_set=MELD),
        lambda: ontology().convert({"sad": 1.0}, source=MELD, target=MELD),
        lambda: ontology().fuse([(MELD, {"sad": 1.0}, 1.0)]),
        lambda: ontology().tier_of_error("sad", "sad", label_set=MELD),
    ],
)
def test_that_an_unknown_label_is_named_with_the_choices(ask: Any):
    with pytest.raises(ReadingError, match=r"'sad' is not in label set `meld-7`.*sadness"):
        ask()
