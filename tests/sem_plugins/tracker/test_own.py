"""The agent's own affect: moved by the person, never beyond what a supporter may show."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import ReadingError
from agent.persona import HIGHEST, LOWEST, OWN_EMOTIONS, TRAITS, Persona, load_persona, persona_names
from agent.readings import Affect
from agent.state import OwnAffect
from sem_plugins.ontology import MELD
from sem_plugins.tracker.own import PLACES, move, personality_weights

SHARE = st.floats(0, 1)
COORDINATE = st.floats(-1, 1)
AFFECTS = st.builds(Affect, COORDINATE, COORDINATE, COORDINATE)
OWN = st.builds(OwnAffect, AFFECTS, st.sampled_from(MELD.labels), st.just("anybody"))
PERSONAS = st.builds(
    Persona,
    id=st.just("drawn"),
    name=st.just("Drawn"),
    baseline=st.builds(
        Affect,
        st.floats(LOWEST.valence, HIGHEST.valence),
        st.floats(LOWEST.arousal, HIGHEST.arousal),
        st.floats(LOWEST.dominance, HIGHEST.dominance),
    ),
    tones=st.just(load_persona("calm").tones),
    closeness=SHARE,
    **dict.fromkeys(TRAITS, SHARE),
)

SAD, GLAD, AT_EASE = PLACES["sadness"], PLACES["joy"], Affect(0.0, 0.0, 0.0)


def after(person: Affect, turns: int = 1, *, persona: str = "calm", confidence: float = 0.7) -> OwnAffect:
    """The own affect after some turns with a person who stays the same."""
    own = None
    for _ in range(turns):
        own = move(own, person, confidence, load_persona(persona))
    assert own is not None
    return own


def within_bounds(affect: Affect) -> bool:
    return all(
        getattr(LOWEST, name) <= getattr(affect, name) <= getattr(HIGHEST, name)
        for name in ("valence", "arousal", "dominance")
    )


# --- bounds ---------------------------------------------------------------------------------------


@given(own=st.none() | OWN, person=AFFECTS, confidence=SHARE, persona=PERSONAS)
def test_that_no_turn_leads_out_of_what_a_supporter_may_show(own, person, confidence, persona):
    moved = move(own, person, confidence, persona)
    assert within_bounds(moved.affect)
    assert moved.affect.valence >= -0.15
    assert moved.affect.arousal <= 0.4
    assert moved.affect.dominance >= 0
    assert moved.emotion in OWN_EMOTIONS


@settings(max_examples=15, deadline=None)
@given(persona=PERSONAS, cycle=st.lists(st.tuples(AFFECTS, SHARE), min_size=1, max_size=7))
def test_that_a_thousand_turns_do_not_either(persona, cycle):
    own = None
    for turn in range(1000):
        own = move(own, *cycle[turn % len(cycle)], persona)
        assert within_bounds(own.affect)
        assert own.emotion in {"neutral", "joy", "sadness"}


@pytest.mark.parametrize("persona", persona_names())
@pytest.mark.parametrize("label", ["anger", "fear", "disgust", "sadness"])
def test_that_despair_and_anger_are_never_mirrored(persona: str, label: str):
    person = Affect(-1.0, 1.0, 1.0) if label == "anger" else PLACES[label]
    own = after(person, 50, persona=persona, confidence=1.0)
    assert own.emotion in {"neutral", "sadness"}
    assert own.affect.valence >= -0.15
    assert own.affect.arousal <= 0.4


def test_that_what_the_agent_may_feel_are_labels_of_the_tracked_set():
    assert set(OWN_EMOTIONS) <= set(MELD.labels)
    assert set(PLACES) == set(MELD.labels)


@given(own=OWN, person=AFFECTS, persona=PERSONAS, confidence=SHARE)
def test_that_joy_is_never_shown_to_a_sufferer_nor_sadness_to_the_glad(own, person, persona, confidence):
    emotion = move(own, person, confidence, persona).emotion
    assert emotion != "joy" or person.valence > 0
    assert emotion != "sadness" or person.valence < 0


# --- movement -------------------------------------------------------------------------------------


@pytest.mark.parametrize("persona", persona_names())
def test_that_each_shipped_persona_rests_is_touched_and_is_glad_with_the_person(persona: str):
    assert after(AT_EASE, persona=persona).emotion == "neutral"
    assert after(SAD, persona=persona).emotion == "sadness"
    assert after(GLAD, persona=persona).emotion == "joy"
    assert after(Affect(-0.1, 0.0, 0.0), 30, persona=persona).emotion == "neutral"


def test_that_it_moves_towards_the_person_and_only_part_of_the_way():
    home = load_persona("calm").baseline
    low, high = after(SAD).affect, after(GLAD).affect
    assert SAD.valence < low.valence < home.valence < high.valence < GLAD.valence


@pytest.mark.parametrize("person", [SAD, GLAD], ids=["sad", "glad"])
def test_that_a_reserved_persona_is_moved_less(person: Affect):
    moved = {
        name: abs(after(person, persona=name).affect.valence - load_persona(name).baseline.valence)
        for name in persona_names()
    }
    assert moved["plain"] < moved["calm"] / 2
    assert moved["plain"] < moved["bright"] / 2


def test_that_less_evidence_moves_it_less_and_none_not_at_all():
    home = load_persona("calm").baseline
    valences = [after(GLAD, confidence=confidence).affect.valence for confidence in (0.0, 0.3, 0.6, 1.0)]
    assert valences == sorted(set(valences))
    assert valences[0] == pytest.approx(home.valence)


@given(persona=PERSONAS, own=OWN, person=AFFECTS)
def test_that_without_evidence_it_comes_to_rest(persona, own, person):
    for _ in range(200):
        own = move(own, person, 0.0, persona)
    assert own.affect.point == pytest.approx(persona.baseline.point, abs=1e-6)


@given(persona=PERSONAS, confidence=SHARE)
def test_that_somebody_at_ease_leaves_it_at_rest(persona, confidence):
    own = move(None, AT_EASE, confidence, persona)
    assert own.affect.point == pytest.approx(persona.baseline.point)
    assert own.emotion == "neutral"


def test_that_a_persona_of_no_closeness_stays_as_it_is():
    aloof = replace(load_persona("calm"), closeness=0.0)
    own = move(None, SAD, 1.0, aloof)
    assert own == OwnAffect(aloof.baseline, "neutral", "calm")


def test_that_another_persona_goes_on_from_where_the_first_one_was():
    before = after(GLAD, 5, persona="bright")
    own = move(before, AT_EASE, 0.5, load_persona("plain"))
    assert own.persona == "plain"
    assert load_persona("plain").baseline.valence < own.affect.valence < before.affect.valence


@given(own=st.none() | OWN, person=AFFECTS, confidence=SHARE, persona=PERSONAS)
def test_that_the_same_turn_gives_the_same_feeling(own, person, confidence, persona):
    assert move(own, person, confidence, persona) == move(own, person, confidence, persona)


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan"), float("inf")])
def test_that_a_confidence_that_is_none_is_refused(confidence: float):
    with pytest.raises(ReadingError, match="`confidence` is"):
        move(None, SAD, confidence, load_persona("calm"))


# --- traits ---------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(
    persona=PERSONAS,
    more=SHARE,
    own=st.none() | OWN,
    turns=st.lists(st.tuples(AFFECTS, SHARE), min_size=1, max_size=20),
)
def test_that_more_neuroticism_never_raises_the_own_valence(persona, more, own, turns):
    neurotic = replace(persona, neuroticism=persona.neuroticism + more * (1 - persona.neuroticism))
    steady = own
    for person, confidence in turns:
        steady = move(steady, person, confidence, persona)
        own = move(own, person, confidence, neurotic)
        assert own.affect.valence <= steady.affect.valence + 1e-9


@given(persona=PERSONAS, falling=st.booleans())
def test_that_weights_are_shares(persona, falling):
    assert all(0 <= weight <= 1 for weight in personality_weights(persona, falling=falling))


def test_that_weights_are_mehrabians_for_emotional_stability():
    persona = replace(
        load_persona("calm"),
        openness=1.0, conscientiousness=1.0, extraversion=1.0, agreeableness=1.0, neuroticism=1.0,
    )  # fmt: skip
    assert personality_weights(persona) == pytest.approx((0.80, 0.45, 0.70))
    stable = replace(persona, neuroticism=0.0)
    assert personality_weights(stable) == pytest.approx((0.99, 0.0, 0.70))
    assert personality_weights(stable, falling=True) == pytest.approx((0.80, 0.0, 0.70))
