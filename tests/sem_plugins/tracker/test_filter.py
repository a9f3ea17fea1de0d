"""The tracker that is shipped: what it does with readings, with their absence, with time, and with nonsense."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from agent.errors import SettingsError, TurnError, WeightsError
from agent.persona import load_persona
from agent.readings import Affect, CausalSpan, CauseReading, EmotionReading, SenseReading
from agent.record import pack, unpack
from agent.state import EmotionalState, OwnAffect
from agent.testing import a_turn
from agent.tracker import SmoothedTracker
from agent.turn import Message
from sem_plugins.ontology import EMORY_NLP, MELD
from sem_plugins.tracker import parameters
from sem_plugins.tracker.dynamics import dynamics, untrained
from sem_plugins.tracker.filter import FilterTracker, create
from sem_plugins.tracker.motion import motion
from sem_plugins.tracker.own import PLACES
from sem_plugins.tracker.shifts import FALSE_ALARMS
from tests.sem_plugins.tracker.following import TRACKER, TURNS, distribution, feels, follow, neutral

CALM = create()
GLAD, SAD, PLAIN = Affect(0.7, 0.4, 0.4), Affect(-0.7, 0.3, -0.4), Affect(-0.05, 0.16, 0.02)
BAD_DAY: Mapping[str, Any] = {"affect": SAD, "emotion": feels("sadness"), "expression": neutral(0.0)}
GOOD_DAY: Mapping[str, Any] = {"affect": GLAD, "emotion": feels("joy"), "expression": neutral(0.0)}
SILENCE: Mapping[str, Any] = {}
MINUTE, NIGHT, NOON = 60.0, 10 * 3600.0, 1.8e9


def stored(state: EmotionalState) -> EmotionalState:
    """The state as a store gives it back."""
    return unpack(EmotionalState, json.loads(json.dumps(pack(state))), at="state")


def width(state: EmotionalState) -> float:
    return float(np.linalg.det(np.array(state.covariance)))


def check(state: EmotionalState) -> None:
    """Raise AssertionError where a number is not finite, a distribution none, or a value off its scale."""
    packed = pack(state)
    assert np.isfinite(numbers(packed)).all()
    for row in (state.emotions, state.climate, state.expected, *state.forecast.values()):
        assert tuple(row) == MELD.labels
        assert sum(row.values()) == pytest.approx(1)
        assert min(row.values()) > 0
    assert np.linalg.eigvalsh(np.array(state.covariance))[0] > 0
    assert 0 <= state.confidence <= 1
    assert -2 <= state.trend <= 2
    assert all(0 <= trust <= 1 for trust in state.trust.values())
    assert min(state.pressure) >= 0
    assert sum(state.lift.values()) == pytest.approx(0, abs=1e-9)
    assert set(state.lift) == set(state.forecast)
    assert len(state.lift) == 8


def numbers(packed: Any) -> list[float]:
    """Every number of a record. One that is not finite is a text there, and so would be missed: it counts as NaN."""
    if isinstance(packed, dict | list):
        items = packed.values() if isinstance(packed, dict) else packed
        return [number for item in items for number in numbers(item)]
    if packed in ("nan", "inf", "-inf"):
        return [math.nan]
    return [] if packed is None or isinstance(packed, str | bool) else [float(packed)]


def shape(packed: Any) -> Any:
    """A record without its values."""
    if isinstance(packed, dict):
        return {key: shape(item) for key, item in packed.items()}
    return [shape(item) for item in packed] if isinstance(packed, list) else None


# --- whatever comes -------------------------------------------------------------------------------


@settings(max_examples=50)
@given(TURNS)
def test_that_the_state_stays_sound_whatever_is_read_or_missing(turns: Any):
    states = follow(*turns, tracker=CALM)
    for place, state in enumerate(states):
        check(state)
        assert state.turns == place + 1
        assert 0 <= state.turns_since_shift <= place
        if state.last_shift is not None:
            assert state.last_shift.turn == place - state.turns_since_shift
            assert 0 <= state.last_shift.size <= 2


@settings(max_examples=30)
@given(TURNS)
def test_that_a_replay_gives_the_same_states(turns: Any):
    assert follow(*turns, tracker=CALM) == follow(*turns, tracker=create())


@settings(max_examples=30)
@given(TURNS, TURNS)
def test_that_a_state_from_the_store_goes_on_as_if_it_had_never_been_away(earlier: Any, later: Any):
    before = follow(*earlier, tracker=CALM)[-1]
    restored = stored(before)
    assert restored == before
    assert follow(*later, tracker=CALM, before=restored) == follow(*later, tracker=CALM, before=before)


@settings(max_examples=30)
@given(TURNS)
def test_that_turns_hold_no_more_than_their_readings_and_the_state_before(turns: Any):
    """What was said before is not read again."""
    *before, last = follow(*turns, tracker=CALM)
    turn = a_turn(index=len(turns) - 1, state_before=before[-1] if before else None, **turns[-1])
    assert CALM.update(replace(turn, history=(Message("seeker", "I hate this."),))) == last


def test_that_ten_thousand_turns_leave_a_state_of_the_same_size():
    rng = np.random.default_rng(2)
    points = rng.uniform(-1, 1, (10_000, 3)).tolist()
    emotions = [feels(label) for label in MELD.labels]
    voice = SenseReading(MELD.id, distribution("joy"))
    state: EmotionalState | None = None
    packed = []
    for index, point in enumerate(points):
        fields: dict[str, Any] = {"at": NOON + 60.0 * index}
        if index % 7 < 6:  # the others are not read
            fields |= {"emotion": emotions[index % 13 % 7], "affect": Affect(*point)}
        if index % 10 == 0:
            fields["voice"] = voice
        if index % 50 == 49:
            fields["text"] = "You got me wrong, I'm not angry."
        state = CALM.update(a_turn(index=index, state_before=state, **fields))
        if index % 1000 == 999:
            check(state)
            packed.append(pack(state))
    assert packed[-1]["turns"] == 10_000
    assert packed[-1]["personal"]["corrections"] == 200
    assert all(shape(each) == shape(packed[0]) for each in packed)
    assert max(len(json.dumps(each)) for each in packed) < 6000  # characters


# --- readings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("point", [GLAD, SAD])
def test_that_a_clear_reading_moves_the_state_towards_it_and_never_past_it(point: Affect):
    for before in (None, *follow(GOOD_DAY, BAD_DAY, SILENCE)):
        start = motion().baseline[0] if before is None else before.affect.valence
        [state] = follow({"affect": point}, before=before)
        low, high = sorted([motion().baseline[0], start, point.valence])[::2]
        assert low <= state.affect.valence <= high
        assert abs(state.affect.valence - point.valence) < 0.8


def test_that_the_same_reading_again_brings_it_closer():
    distances = [abs(state.affect.valence - SAD.valence) for state in follow(*[BAD_DAY] * 4)]
    assert distances == sorted(distances, reverse=True)


def test_that_neutral_words_move_it_less():
    loud, quiet, silent = (
        follow({"affect": SAD, "emotion": feels("sadness"), "expression": neutral(share)})[0]
        for share in (0.0, 0.6, 1.0)
    )
    assert loud.affect.valence < quiet.affect.valence < silent.affect.valence < motion().baseline[0]
    assert loud.confidence > quiet.confidence > silent.confidence > 0
    assert loud.emotions["sadness"] > quiet.emotions["sadness"] > silent.emotions["sadness"]


def test_that_an_emotion_read_becomes_the_likeliest_and_is_not_believed_for_ever():
    sad, glad = follow(BAD_DAY, GOOD_DAY)
    assert sad.top()[0][0] == "sadness"
    assert glad.top()[0][0] == "joy"
    assert glad.climate["sadness"] > follow(GOOD_DAY, GOOD_DAY)[-1].climate["sadness"]


def test_that_a_vague_reading_is_read_by_what_came_before():
    vague = {"emotion": EmotionReading(MELD.id, {"joy": 0.5, "sadness": 0.5})}
    after_sad, after_glad = follow(BAD_DAY, BAD_DAY, vague)[-1], follow(GOOD_DAY, GOOD_DAY, vague)[-1]
    assert after_sad.emotions["sadness"] > after_glad.emotions["sadness"]
    assert after_sad.emotions["joy"] < after_glad.emotions["joy"]


def test_that_contradicting_readings_are_weighed_and_neither_is_lost():
    [state] = follow({"affect": GLAD, "emotion": feels("sadness", 0.5), "voice": SenseReading(
        MELD.id, distribution("joy", 0.5), 0.9)})  # fmt: skip
    others = [share for label, share in state.emotions.items() if label not in {"joy", "sadness"}]
    assert min(state.emotions["joy"], state.emotions["sadness"]) > max(others)


def test_that_a_first_turn_is_followed_from_what_people_in_general_feel():
    [state] = follow(BAD_DAY)
    assert (state.turns, state.turns_since_shift, state.trend, state.last_shift) == (1, 0, 0.0, None)
    assert (state.last_turn, state.at) == (0, None)
    assert motion().baseline[0] > state.affect.valence > SAD.valence


# --- missing readings and time --------------------------------------------------------------------


def test_that_only_silence_leaves_what_is_known_of_nobody():
    for state in follow(*[SILENCE] * 30, tracker=CALM):
        check(state)
        assert state.confidence == 0
        assert state.affect.point == pytest.approx(motion().baseline)
        assert np.array(state.covariance) == pytest.approx(motion().spread)
        assert state.last_shift is None


def test_that_a_missing_reading_widens_the_covariance_and_lowers_confidence():
    states = follow(BAD_DAY, *[SILENCE] * 6)
    widths = [width(state) for state in states]
    assert widths == sorted(set(widths))
    confidences = [state.confidence for state in states]
    assert confidences == sorted(set(confidences), reverse=True)


def test_that_a_belief_relaxes_to_the_baseline():
    states = follow(BAD_DAY, *[SILENCE] * 60)
    distances = [np.abs(state.affect.point - motion().baseline).max() for state in states]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 1e-6
    assert states[-1].confidence == 0
    assert states[-1].emotions["sadness"] < states[0].emotions["sadness"] / 2
    glad = follow(GOOD_DAY, *[SILENCE] * 60)[-1]  # where one came from does not matter any more
    assert list(glad.emotions.values()) == pytest.approx(list(states[-1].emotions.values()), abs=1e-3)


def test_that_a_night_widens_more_than_a_minute_and_tells_less_of_the_day_before():
    first = {**BAD_DAY, "at": NOON}
    minute, night = (follow(first, {"at": NOON + gap})[-1] for gap in (MINUTE, NIGHT))
    assert width(minute) < width(night)
    assert minute.confidence > night.confidence
    assert minute.affect.valence < night.affect.valence
    assert minute.emotions["sadness"] > night.emotions["sadness"]


@pytest.mark.parametrize("gap", [0.0, -3600.0, -1e9, math.nan, math.inf, -math.inf])
def test_that_a_clock_that_goes_back_or_says_nonsense_counts_as_no_gap(gap: float):
    odd = follow({**BAD_DAY, "at": NOON}, {"at": NOON + gap})[-1]
    plain = follow(BAD_DAY, SILENCE)[-1]
    assert replace(odd, at=None) == plain
    assert odd.at == (NOON + gap if math.isfinite(gap) else NOON)


def test_that_a_night_counts_though_a_message_without_a_time_came_first():
    state = follow({**BAD_DAY, "at": NOON}, SILENCE, {"at": NOON + NIGHT})[-1]
    assert width(state) > width(follow({**BAD_DAY, "at": NOON}, SILENCE, {"at": NOON + MINUTE})[-1])


def test_that_turns_that_were_lost_widen_it_as_silence_does():
    [before] = follow(BAD_DAY)
    lost = TRACKER.update(a_turn(index=4, state_before=before))
    silent = follow(*[SILENCE] * 4, before=before)[-1]
    assert lost.affect.point == pytest.approx(silent.affect.point)
    assert np.array(lost.covariance) == pytest.approx(np.array(silent.covariance))


# --- order ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [0, 2])
def test_that_a_turn_out_of_order_or_twice_is_refused_with_both_turns_and_the_next_step(index: int):
    before = follow(BAD_DAY, SILENCE, SILENCE)[-1]
    with pytest.raises(TurnError, match=rf"Turn {index} comes after turn 2 went in\. Follow turns .*retrace"):
        TRACKER.update(a_turn(index=index, state_before=before))


# --- states of other trackers ---------------------------------------------------------------------

OTHERS = {
    "smoothed": SmoothedTracker().update(a_turn(affect=SAD)),
    "smoothed and silent": SmoothedTracker().update(a_turn()),
    "other labels": EmotionalState(
        SAD, 3, 0.1, None, 2, 0.4, label_set="own-2", emotions={"up": 0.5, "down": 0.5}, last_turn=2
    ),
    "no climate": EmotionalState(SAD, 3, 0.1, None, 2, 0.4, label_set=MELD.id, emotions=distribution("anger")),
    "some of the labels": EmotionalState(
        SAD, 3, 0.1, None, 2, 0.4, label_set=MELD.id, emotions={"joy": 0.5, "fear": 0.5}, climate={"joy": 1.0}
    ),
    "labels without numbers": EmotionalState(SAD, 3, 0.1, None, 2, 0.4, label_set=MELD.id),
    "a feeling of its own": EmotionalState(
        SAD,
        3,
        0.1,
        None,
        2,
        0.4,
        label_set=MELD.id,
        emotions=distribution("joy"),
        own=OwnAffect(GLAD, "merry", "x"),
    ),
    "trust without doubt": EmotionalState(SAD, 3, 0.1, None, 2, 0.4, trust={"voice": 0.0, "body": 1.0}),
}


@pytest.mark.parametrize("before", OTHERS.values(), ids=OTHERS.keys())
@pytest.mark.parametrize("read", [SILENCE, BAD_DAY, GOOD_DAY])
def test_that_the_state_of_another_tracker_is_taken_over(before: EmotionalState, read: Mapping[str, Any]):
    voices = {name: SenseReading(MELD.id, distribution("joy")) for name in before.trust}
    state = CALM.update(a_turn(index=7, state_before=before, **read, **voices))
    check(state)
    assert state.turns == before.turns + 1
    assert state.last_shift is None  # where a belief starts is no change
    check(CALM.update(a_turn(index=8, state_before=state, **BAD_DAY)))


# --- shifts ---------------------------------------------------------------------------------------


def shifts(states: list[EmotionalState]) -> list[tuple[int, str]]:
    return [(at, state.last_shift.direction) for at, state in enumerate(states)
            if state.last_shift is not None and state.last_shift.turn == at]  # fmt: skip


def test_that_a_marked_change_is_a_shift_with_its_direction_and_size():
    worse, better = Affect(-0.95, 0.4, -0.5), Affect(0.95, 0.4, 0.5)
    assert shifts(follow({"affect": GLAD}, {"affect": worse})) == [(1, "worse")]
    before, after = follow({"affect": SAD}, {"affect": better})
    assert after.last_shift is not None
    assert (after.last_shift.turn, after.last_shift.direction) == (1, "better")
    assert after.last_shift.size == pytest.approx(after.affect.valence - before.affect.valence)
    assert after.turns_since_shift == 0
    assert after.trend > 0


def test_that_where_somebody_starts_is_no_shift():
    extreme = {"affect": Affect(-1.0, 1.0, -1.0)}
    assert shifts(follow(extreme)) == []
    for gap in (MINUTE, NIGHT):  # nor after any silence: nothing was known
        silence = [{"at": NOON + gap * turn} for turn in range(12)]
        states = follow(*silence, {**extreme, "at": NOON + 12 * gap})
        assert shifts(states) == []
        assert states[-1].pressure == (0.0, 0.0)


def test_that_a_shift_names_the_surest_cause_and_what_the_supporter_had_just_done():
    spans = tuple(CausalSpan(0, 0, 3, "the", score) for score in (0.2, 0.9, 0.4))
    history = (
        Message("supporter", "What else?", "question"),
        Message("supporter", "That sounds hard.", "reflection"),
        Message("seeker", "Yes."),
    )
    last = {"affect": Affect(-1.0, 0.4, -0.5), "cause": CauseReading(spans), "history": history}
    shift = follow({"affect": GLAD}, last)[-1].last_shift
    assert shift is not None
    assert (shift.cause, shift.after) == (spans[1], "reflection")


def test_that_a_shift_without_a_known_cause_names_none():
    shift = follow({"affect": GLAD}, {"affect": Affect(-1.0, 0.4, -0.5)})[-1].last_shift
    assert shift is not None
    assert (shift.cause, shift.after) == (None, None)


def test_that_a_shift_is_remembered_until_the_next():
    states = follow({"affect": GLAD}, {"affect": Affect(-1.0, 0.4, -0.5)}, SILENCE, {"affect": PLAIN})
    assert [state.turns_since_shift for state in states] == [0, 0, 1, 2]
    assert {state.last_shift for state in states[1:]} == {states[1].last_shift}


@pytest.mark.parametrize("unread", [0, 1], ids=["at once", "after a message that was not read"])
def test_that_evidence_before_a_night_does_not_add_up(unread: int):
    low = Affect(-0.72, 0.2, -0.3)

    def tried(gap: float) -> list[tuple[int, str]]:
        before = [{"affect": PLAIN, "at": NOON}, {"affect": low, "at": NOON + MINUTE}]
        return shifts(follow(*before, *[{"at": NOON + gap}] * unread, {"affect": low, "at": NOON + gap + MINUTE}))

    assert tried(MINUTE) == [(2 + unread, "worse")]
    assert tried(3 * 24 * 3600.0) == []


def test_that_false_alarms_are_as_rare_as_is_said_where_people_move_as_was_learned():
    """Of 6,000 turns; one standard error is 0.3%."""
    rng = np.random.default_rng(23)
    spread, keep = np.linalg.cholesky(motion().spread), motion().keep
    truth = motion().baseline + spread @ rng.normal(size=3)
    path = []
    for draw in rng.normal(size=(6000, 3)):
        path.append(truth)
        fresh = math.sqrt(1 - keep**2) * spread @ draw
        truth = motion().baseline + keep * (truth - motion().baseline) + fresh
    assert alarms(path, rng) == pytest.approx(FALSE_ALARMS, abs=0.01)


@pytest.mark.parametrize("valence", [-0.7, 0.5, 0.9])
def test_that_who_stays_far_from_others_sets_off_no_more_alarms(valence: float):
    rng = np.random.default_rng(5)
    assert alarms([np.array([valence, 0.2, 0.0])] * 1500, rng) <= 0.04


def alarms(path: Sequence[Any], rng: Any) -> float:
    """Share of turns with a shift, where readings are as noisy as was learned."""
    noise = np.linalg.cholesky(motion().noise)
    read = [Affect(*np.clip(truth + noise @ rng.normal(size=3), -1, 1).tolist()) for truth in path]
    return len(shifts(follow(*[{"affect": each} for each in read]))) / len(path)


# --- what is expected -----------------------------------------------------------------------------


def test_that_the_forecast_is_a_distribution_for_each_strategy_around_what_is_expected():
    [state] = follow(BAD_DAY, tracker=CALM)
    assert set(state.forecast) == {
        "question", "restatement", "reflection", "self_disclosure", "affirmation", "suggestions", "information",
        "others"}  # fmt: skip
    for label, share in state.expected.items():
        of_each = [row[label] for row in state.forecast.values()]
        assert min(of_each) < share < max(of_each)


def test_that_the_lift_is_what_a_strategy_adds_to_the_valence_expected():
    [state] = follow(BAD_DAY)
    valence = {name: sum(share * PLACES[label].valence for label, share in row.items())
               for name, row in state.forecast.items()}  # fmt: skip
    mean = sum(valence.values()) / len(valence)
    assert dict(state.lift) == pytest.approx({name: value - mean for name, value in valence.items()})
    assert max(state.lift.values()) > 0 > min(state.lift.values())


def test_that_somebody_sad_is_expected_to_stay_sadder_than_somebody_glad():
    sad, glad = follow(BAD_DAY)[0], follow(GOOD_DAY)[0]
    assert sad.expected["sadness"] > glad.expected["sadness"]
    assert glad.expected["joy"] > sad.expected["joy"]


# --- ablations ------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["inertia", "contagion", "climate"])
def test_that_dynamics_left_out_change_the_emotions_and_nothing_of_valence(part: str):
    turns = (BAD_DAY, GOOD_DAY, SILENCE)
    whole, less = (
        follow(*turns, tracker=CALM)[-1],
        follow(*turns, tracker=replace(CALM, without=frozenset({part})))[-1],
    )
    assert whole.emotions != less.emotions
    assert whole.expected != less.expected
    moved = {"emotions", "climate", "expected", "forecast", "lift"}
    assert {name for name in pack(whole) if pack(whole)[name] != pack(less)[name]} == moved


def test_that_without_covariance_every_reading_counts_alike_and_nothing_grows_less_sure():
    tracker = FilterTracker(without=frozenset({"covariance"}))
    loud, quiet = (follow({"affect": SAD, "expression": neutral(share)}, tracker=tracker)[0] for share in (0, 1))
    assert loud.affect == quiet.affect
    turns = (BAD_DAY, SILENCE, SILENCE, {"affect": GLAD})
    states = follow(*turns, tracker=tracker)
    assert len({state.confidence for state in states}) == 1
    usual = follow(*turns)
    assert [state.emotions for state in states] == [state.emotions for state in usual]
    assert [state.affect for state in states] != [state.affect for state in usual]


def test_that_an_unknown_part_is_refused_with_the_choices():
    with pytest.raises(SettingsError, match=r"\['inertai'\].*Choices: climate, contagion, covariance, inertia"):
        FilterTracker(without=frozenset({"inertai"}))


# --- one's own way of writing, and the agent's own affect ------------------------------------------

ANGRY: Mapping[str, Any] = {"affect": SAD, "emotion": feels("anger", 0.8), "expression": neutral(0.0)}


def test_that_no_i_am_not_angry_changes_how_anger_is_read_from_then_on():
    corrected, plain = (
        follow(ANGRY, {**ANGRY, "text": text}, ANGRY)
        for text in ("No, I'm not angry.", "The tram was late and everybody stared.")
    )
    for after, without in zip(corrected[1:], plain[1:], strict=True):
        assert after.emotions["anger"] < without.emotions["anger"]
        assert (after.personal.corrections, without.personal.corrections) == (1, 0)
        assert after.personal.bias["anger"] < 0
        assert after.affect == without.affect


def test_that_without_a_correction_nothing_is_calibrated():
    state = follow(ANGRY, {**BAD_DAY, "text": "I'm not happy."}, {**GOOD_DAY, "text": "It is not raining."})[-1]
    assert (state.personal.corrections, dict(state.personal.bias), state.personal.temperature) == (0, {}, 1.0)


def test_that_a_first_message_corrects_nothing():
    assert follow({**ANGRY, "text": "No, I'm not angry."})[0].personal.corrections == 0


def test_that_the_agent_feels_nothing_of_its_own_without_a_persona():
    assert all(state.own is None for state in follow(BAD_DAY, GOOD_DAY))
    assert create(type("Settings", (), {"persona": None})()) == FilterTracker()


def test_that_a_persona_gives_it_a_feeling_that_the_person_s_course_follows_from():
    states = follow(BAD_DAY, BAD_DAY, tracker=CALM)
    assert CALM.persona == load_persona("calm")
    assert all(state.own is not None and state.own.persona == "calm" for state in states)
    without = follow(BAD_DAY, BAD_DAY)
    assert states[-1].affect == without[-1].affect
    assert states[-1].expected != without[-1].expected


def test_that_an_unknown_persona_is_refused():
    with pytest.raises(SettingsError, match="No persona is called 'grumpy'"):
        create(type("Settings", (), {"persona": "grumpy"})())


def test_that_it_can_go_by_the_two_decays_alone():
    decays = FilterTracker(transitions=untrained(MELD))
    before, after = follow({"emotion": feels("fear")}, SILENCE, tracker=decays)
    assert after.top()[0][0] == "fear"
    assert (after.forecast, after.lift) == ({}, {})
    assert before.emotions != after.emotions


def test_that_dynamics_over_other_labels_are_refused():
    with pytest.raises(
        SettingsError, match="`transitions` are over `emorynlp-7`, and the tracker follows `meld-7`"
    ):
        FilterTracker(transitions=untrained(EMORY_NLP))


def test_that_damaged_numbers_show_when_the_tracker_is_made_and_not_in_a_turn(monkeypatch):
    def damaged() -> None:
        raise WeightsError("parameters.json is damaged.")

    for cached in (dynamics, motion):
        cached.cache_clear()
    monkeypatch.setattr(parameters, "_shipped", damaged)
    with pytest.raises(WeightsError, match="damaged"):
        create()
