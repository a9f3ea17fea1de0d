"""Other senses beside the words, simulated: honest ones, missing ones, ones that lie, and nonsense."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from agent.errors import ReadingError
from agent.perception import Perception
from agent.readings import EmotionReading, SenseReading
from agent.testing import FixedPlugin, a_turn
from agent.turn import SENSES, Turn
from sem_plugins.ontology import DAILY_DIALOG, MELD, SE_EMOTIONS
from sem_plugins.tracker.fusion import START, fused
from sem_plugins.tracker.parameters import array, section
from tests.sem_plugins.tracker.following import TRACKER, distribution, feels, named

K = len(MELD)
PRIOR = array(section("dynamics", "support")["prior"], K, name="prior")
PRIOR = PRIOR / PRIOR.sum()
SURE = np.eye(K)
ROWS = arrays.arrays(np.float64, K, elements=st.floats(0.01, 1)).map(lambda row: row / row.sum())
TRUST = st.floats(0, 1)

Sense = Callable[[np.random.Generator, int], Any]


def sense(probabilities: Any, reliability: float = 0.8) -> SenseReading:
    return SenseReading(MELD.id, named(probabilities), reliability)


def fuse(words: Any, trust: dict[str, float] | None = None, **senses: SenseReading | None) -> Any:
    turn = a_turn(**senses)
    return fused(turn, words, prior=PRIOR, trust=trust or {}, labels=MELD)


# --- simulated sensors ----------------------------------------------------------------------------


def hearing(accuracy: float) -> Sense:
    """Hears the true emotion so often, and otherwise any; says how likely each is after what it heard."""

    def read(rng: np.random.Generator, truth: int) -> Any:
        heard = truth if rng.random() < accuracy else int(rng.choice(K, p=PRIOR))
        likely = PRIOR * (accuracy * SURE[heard] + (1 - accuracy) * PRIOR[heard])
        return likely / likely.sum()

    return read


def stuck(label: str) -> Sense:
    return lambda _, __: SURE[MELD.index(label)]


def by_chance(rng: np.random.Generator, _: int) -> Any:
    return SURE[rng.integers(K)]


def always_wrong(rng: np.random.Generator, truth: int) -> Any:
    return SURE[(truth + rng.integers(1, K)) % K]


class Simulated(NamedTuple):
    """Mean over the turns of all conversations, in nats a turn, and trust after each turn, (conversations, turns)."""

    gain: float
    trust: Any


def simulate(
    voice: Sense, *, words: float = 0.5, reliability: float = 0.8, runs: int = 25, turns: int = 40
) -> Simulated:
    """What a voice adds to words of the given accuracy, in log-likelihood of the true emotion."""
    rng = np.random.default_rng(17)
    gains, trusts = [], []
    for _ in range(runs):
        trust: dict[str, float] = {}
        for _ in range(turns):
            truth = int(rng.choice(K, p=PRIOR))
            said = 0.98 * hearing(words)(rng, truth) + 0.02 / K
            row, trust = fuse(said, trust, voice=sense(voice(rng, truth), reliability))
            gains.append(math.log(row[truth] / said[truth]))
            trusts.append(trust["voice"])
    return Simulated(float(np.mean(gains)), np.reshape(trusts, (runs, turns)))


@pytest.mark.parametrize(("accuracy", "gain"), [(0.7, 0.3), (0.3, 0.03)])
def test_that_an_honest_voice_makes_the_truth_likelier_than_words_alone(accuracy: float, gain: float):
    found = simulate(hearing(accuracy))
    assert found.gain > gain
    assert np.median(found.trust[:, -1]) > START


LIARS = {
    "one that is stuck at anger": stuck("anger"),
    "one that is stuck at joy": stuck("joy"),  # the commonest: it agrees by chance a third of the time
    "one that says anything": by_chance,
    "one that is always wrong": always_wrong,
}


@pytest.mark.parametrize("liar", LIARS.values(), ids=LIARS.keys())
def test_that_one_that_lies_costs_little_and_is_soon_hardly_heard(liar: Sense):
    found = simulate(liar)
    assert found.gain > -0.15  # nats a turn over 40 turns, most of it in the first ten
    assert np.median(found.trust[:, 20:]) < START / 2
    assert (found.trust[:, 20] < START).mean() >= 0.9


def test_that_one_that_is_always_wrong_loses_half_of_its_trust_within_ten_turns_as_a_rule():
    found = simulate(always_wrong)
    assert np.median(found.trust[:, 9]) < START / 2
    assert (found.trust[:, 9] < START).mean() >= 0.9
    assert (found.trust[:, 19] < START / 2).mean() >= 0.9


def test_that_one_that_says_of_itself_that_it_is_noise_costs_nothing():
    assert simulate(always_wrong, reliability=0.0, runs=2).gain == pytest.approx(0)


def test_that_trust_that_was_lost_can_be_won_again():
    trust: dict[str, float] = {}
    lost = won = START
    for right in (False, True):
        for _ in range(60):
            said = SURE[0] if right else SURE[3]
            _, trust = fuse(0.98 * SURE[0] + 0.02 / K, trust, voice=sense(said))
        lost, won = won, trust["voice"]
    assert lost < START / 2 < START < won


def test_that_trust_and_distrust_fade_where_nothing_can_be_compared():
    words = np.array(PRIOR)  # as of anybody
    after = [fuse(words, {"voice": trust}, voice=sense(SURE[3]))[1]["voice"] for trust in (0.9, START, 0.1)]
    assert 0.89 > after[0] > after[1] > after[2] > 0.11
    assert after[1] == pytest.approx(START)


def test_that_each_sense_is_trusted_on_its_own():
    trust: dict[str, float] = {}
    for _ in range(20):
        _, trust = fuse(0.98 * SURE[4] + 0.02 / K, trust, voice=sense(SURE[4]), face=sense(SURE[3]))
    assert trust["face"] < START < trust["voice"]
    assert set(trust) == {"voice", "face"}


# --- missing ones ---------------------------------------------------------------------------------


@given(st.none() | ROWS, st.dictionaries(st.sampled_from(SENSES), TRUST))
def test_that_senses_that_are_missing_change_nothing_at_all(words, trust):
    row, after = fuse(words, trust)
    assert row is words
    assert after == trust


@pytest.mark.parametrize(
    "reading",
    [
        SenseReading("nobody-2", {"up": 0.9, "down": 0.1}, 1.0),
        SenseReading("meld-7", {"joy": 0.9, "bliss": 0.1}, 1.0),
    ],
)
def test_that_labels_that_nobody_knows_are_as_good_as_missing(reading: SenseReading):
    words = np.full(K, 1 / K)
    row, after = fuse(words, {"voice": 0.7}, voice=reading)
    assert row is words
    assert after == {"voice": 0.7}


def test_that_where_the_words_are_missing_a_sense_speaks_and_is_not_judged():
    row, after = fuse(None, {"body": 0.8}, body=sense([*distribution("fear").values()]))
    assert row.argmax() == MELD.index("fear")
    assert row[MELD.index("fear")] > PRIOR[MELD.index("fear")]
    assert after == {"body": 0.8}


@pytest.mark.parametrize("name", SENSES)
def test_that_any_sense_is_heard_in_any_known_labels_and_any_order(name: str):
    words = np.full(K, 1 / K)
    for labels, label in ((DAILY_DIALOG, "happiness"), (SE_EMOTIONS, "joy"), (MELD, "joy")):
        few = SenseReading(labels.id, {label: 0.9, "anger": 0.1}, 1.0)
        swapped = replace(few, probabilities=dict(reversed(few.probabilities.items())))
        row, _ = fuse(words, **{name: few})
        assert row.argmax() == MELD.index("joy")
        assert row == pytest.approx(fuse(words, **{name: swapped})[0])


def test_that_a_flat_sense_says_nothing():
    words = np.array([0.4, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05])
    assert fuse(words, voice=sense(np.full(K, 1 / K)))[0] == pytest.approx(words)


def test_that_the_surer_a_sense_is_of_itself_and_the_more_it_is_trusted_the_more_it_counts():
    words, fear = np.full(K, 1 / K), MELD.index("fear")
    by_reliability = [fuse(words, voice=sense(SURE[fear], sure))[0][fear] for sure in (0.0, 0.3, 0.7, 1.0)]
    by_trust = [fuse(words, {"voice": trust}, voice=sense(SURE[fear]))[0][fear] for trust in (0.1, 0.5, 0.9)]
    assert by_reliability == sorted(set(by_reliability))
    assert by_trust == sorted(set(by_trust))


@given(st.none() | ROWS, st.lists(ROWS, min_size=3, max_size=3), st.lists(TRUST, min_size=3, max_size=3), TRUST)
def test_that_what_is_fused_is_a_distribution_and_trust_a_share(words, rows, trusts, reliability):
    senses = {name: sense(row, reliability) for name, row in zip(SENSES, rows, strict=True)}
    row, after = fuse(words, dict(zip(SENSES, trusts, strict=True)), **senses)
    assert row.sum() == pytest.approx(1)
    assert row.min() > 0
    assert all(0 <= trust <= 1 for trust in after.values())


@pytest.mark.parametrize("trust", [0.0, 1.0, -3.0, 7.0, math.nan, math.inf])
def test_that_trust_that_somebody_else_noted_is_brought_into_bounds(trust: float):
    row, after = fuse(np.full(K, 1 / K), {"voice": trust}, voice=sense(SURE[4]))
    assert row.sum() == pytest.approx(1)
    assert 0 < after["voice"] < 1


# --- nonsense -------------------------------------------------------------------------------------

NONSENSE: dict[str, dict[str, Any]] = {
    "NaN": {"probabilities": {"joy": math.nan, "anger": 0.5}},
    "infinite": {"probabilities": {"joy": math.inf}},
    "below 0": {"probabilities": {"joy": 1.5, "anger": -0.5}},
    "a sum of 1.4": {"probabilities": {"joy": 0.7, "anger": 0.7}},
    "nothing": {"probabilities": {}},
    "a reliability of NaN": {"probabilities": {"joy": 1.0}, "reliability": math.nan},
    "a reliability above 1": {"probabilities": {"joy": 1.0}, "reliability": 1.5},
}


class Microphone:
    """A stranger's plugin."""

    name, reads, writes = "microphone", frozenset({"text"}), "voice"

    def __init__(self, read: Callable[[], Any]) -> None:
        self._read = read

    def __call__(self, turns: Sequence[Turn]) -> list[Any]:
        return [self._read() for _ in turns]


def fail() -> None:
    raise OSError("no such device")


@pytest.mark.parametrize("fields", NONSENSE.values(), ids=NONSENSE.keys())
def test_that_a_sense_that_is_no_distribution_is_refused(fields: dict[str, Any]):
    with pytest.raises(ReadingError, match="SenseReading"):
        SenseReading("meld-7", **fields)


@pytest.mark.parametrize(
    ("read", "error"),
    [
        *(
            (lambda fields=fields: SenseReading("meld-7", **fields), "ReadingError")
            for fields in NONSENSE.values()
        ),
        (fail, "OSError"),
        (lambda: {"joy": 1.0}, "PluginError"),
        (lambda: EmotionReading("meld-7", {"joy": 1.0}), "PluginError"),
    ],
)
async def test_that_a_plugin_that_brings_nonsense_fails_alone_and_the_turn_goes_on(
    read: Callable[[], Any], error: str
):
    emotion = FixedPlugin("emotion", feels("sadness"))
    turn = await Perception([Microphone(read), emotion], seconds=60).perceive(a_turn())
    assert [(failure.part, failure.error) for failure in turn.failures] == [("microphone", error)]
    assert turn.voice is None
    assert TRACKER.update(turn) == TRACKER.update(a_turn(emotion=feels("sadness")))


async def test_that_a_plugin_that_cannot_tell_is_no_failure():
    turn = await Perception([Microphone(lambda: None)], seconds=60).perceive(a_turn())
    assert (turn.voice, turn.failures) == (None, ())


async def test_that_a_plugin_that_hears_is_followed():
    fear = sense(SURE[MELD.index("fear")])
    turn = await Perception([Microphone(lambda: fear)], seconds=60).perceive(a_turn())
    heard, unheard = TRACKER.update(turn), TRACKER.update(a_turn())
    assert heard.emotions["fear"] > unheard.emotions["fear"]
