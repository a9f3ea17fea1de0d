"""The shipped verifier: what each check finds, which comes first, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decisions import Objection, Plan, RankedStrategy
from agent.readings import Affect
from agent.testing import a_turn
from agent.turn import Message, Turn
from sem_plugins.affect.plugin import REACH
from sem_plugins.encoder import VECTORS
from sem_plugins.labels import ESCONV
from sem_plugins.verify.checks import FEEDBACK, Checks, create
from sem_plugins.verify.cues import CUES
from sem_plugins.verify.recogniser import Recogniser
from strategies.taxonomy import esconv

MESSAGE = "My brother has stopped talking to me and I do not know what I did."
DRAFT = "That silence must hurt. You would like to know what happened."
SAD = Affect(-0.4, 0.5, -0.1)
TAXONOMY = esconv()


class StandIn:
    """In the place of the encoder.

    Args:
        valence: Of every text.
        levels: Of EPITOME's mechanisms, of every reply.
        strategy: What every utterance looks like.
    """

    def __init__(
        self, *, valence: float = 0.0, levels: Sequence[int] = (1, 0, 1), strategy: str = "reflection"
    ) -> None:
        self.valence, self.levels, self.strategy = valence, levels, strategy

    def read_turn(self, turn: Turn) -> Any:
        assert (turn.history, turn.id) == ((), "")
        return self._encoded()

    def read(self, messages: Sequence[Message]) -> Any:
        assert [message.role for message in messages] == ["seeker", "supporter"]
        return self._encoded()

    def _encoded(self) -> Any:
        vectors = 9.0 * np.eye(len(ESCONV))[[ESCONV.index(self.strategy)] * 3]
        outputs = {
            "affect": np.array([self.valence, 0, 0]) * REACH,
            "empathy": np.eye(3)[list(self.levels)].ravel(),
            VECTORS: vectors,
        }
        return SimpleNamespace(window=SimpleNamespace(tokens_of=lambda _: np.arange(3)), outputs=outputs)


def checks(**chosen: Any) -> Checks:
    k = len(ESCONV)
    weight = np.hstack([np.eye(k), np.zeros((k, len(CUES)))])
    recogniser = Recogniser(weight, np.zeros(k), dict.fromkeys(ESCONV.labels, 0.01), {})
    return Checks(StandIn(**chosen), recogniser)  # type: ignore[arg-type]


def planned(*strategies: str, taxonomy: str = TAXONOMY.id) -> Plan:
    chosen, *then = (TAXONOMY[name] for name in strategies)
    return Plan(taxonomy, (RankedStrategy(chosen.id, 1.0),), chosen, "comforting", "It is.", "me", tuple(then))


def turn_with(**fields: Any) -> Turn:
    return a_turn(MESSAGE, **({"affect": SAD, "plan": planned("reflection")} | fields))


def found(draft: str, turn: Turn | None = None, **chosen: Any) -> list[str]:
    return list(checks(**chosen).found(turn or turn_with(), draft))


def test_that_a_sound_draft_stands():
    assert checks().check(turn_with(), DRAFT, whole=True) is None
    assert found(DRAFT) == []


def test_that_an_objection_is_the_gravest_with_its_fixed_phrase():
    turn = turn_with(plan=planned("question"), affect=Affect(-0.1, 0.6, 0.0))
    assert found("I am a human. I am a human.", turn, valence=-1.0, levels=(0, 0, 0)) == [
        "safety", "repeats", "worse", "plan", "empathy",
    ]  # fmt: skip
    objection = checks().check(turn, "I am a human, and I know.", whole=True)
    assert objection == Objection("safety", FEEDBACK["safety"])


def test_that_a_draft_which_begins_by_turning_the_person_away_passes_over_what_they_feel():
    refusal = "I'm sorry, but I can't help with that."
    assert found(refusal) == ["empathy"]
    assert found(f"{DRAFT} {refusal}") == []  # the opening was sound


@pytest.mark.parametrize(
    ("strategies", "broken"),
    [
        (("question",), True),
        (("reflection",), False),
        (("question", "reflection"), False),
        (("question", "others"), True),
    ],
)
def test_that_an_opening_of_none_of_the_planned_strategies_breaks_the_plan(
    strategies: tuple[str, ...], *, broken: bool
):
    assert ("plan" in found(DRAFT, turn_with(plan=planned(*strategies)))) is broken


@pytest.mark.parametrize("plan", [None, planned("question", taxonomy="mi")])
def test_that_nothing_breaks_a_plan_that_cannot_be_told(plan: Plan | None):
    assert "plan" not in found(DRAFT, turn_with(plan=plan))


def test_that_a_reply_is_not_cut_for_what_follows_its_opening():
    turn = turn_with(plan=planned("question"))
    assert found(DRAFT, turn, levels=(0, 0, 0)) == ["plan", "empathy"]
    assert found(f"{DRAFT} It is a hard time.", turn, levels=(0, 0, 0)) == []


@pytest.mark.parametrize(
    ("affect", "levels", "passed_over"),
    [
        (SAD, (0, 0, 0), True),
        (SAD, (0, 1, 0), False),
        (Affect(-0.1, 0.1, 0.0), (0, 0, 0), False),
        (Affect(0.8, 0.6, 0.0), (0, 0, 0), False),
        (None, (0, 0, 0), False),
    ],
)
def test_that_a_strong_unpleasant_feeling_must_not_be_passed_over(
    affect: Affect | None, levels: Any, *, passed_over: bool
):
    assert ("empathy" in found(DRAFT, turn_with(affect=affect), levels=levels)) is passed_over


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [(-0.4, -1.0, False), (0.0, -0.9, True), (0.9, -0.1, True), (0.9, 0.1, False), (-0.4, 0.5, False)],
)
def test_that_a_draft_far_below_the_message_and_below_zero_leaves_the_person_worse(
    before: float, after: float, *, worse: bool
):
    turn = turn_with(affect=Affect(before, 0.0, 0.0))
    assert ("worse" in found(DRAFT, turn, valence=after)) is worse
    assert "worse" not in found(DRAFT, replace(turn, affect=None), valence=after)


@pytest.mark.parametrize(
    ("message", "draft", "other"),
    [
        (MESSAGE, "Das muss weh tun, und du möchtest gern wissen, was passiert ist.", True),
        (MESSAGE, "听起来很难过，你还好吗？", True),
        (MESSAGE, f"{DRAFT} 你还好吗，我在这里？", True),
        ("Mein Bruder redet nicht mehr mit mir und ich weiß nicht, warum.", DRAFT, True),
        (
            "Mein Bruder redet nicht mehr mit mir und ich weiß nicht, warum.",
            "Das muss dir weh tun, oder nicht?",
            False,
        ),
        ("ok", "Das muss dir weh tun, oder nicht?", True),
    ],
)
def test_that_a_draft_is_in_the_person_s_language(message: str, draft: str, *, other: bool):
    assert ("language" in found(draft, replace(turn_with(), text=message))) is other


def test_that_a_short_message_is_in_the_language_of_the_ones_before_it():
    history = (
        Message("seeker", "Mein Bruder redet nicht mehr mit mir und ich weiß nicht, warum."),
        Message("supporter", "Oh."),
    )
    assert "language" in found(DRAFT, replace(turn_with(), text="ok", history=history))


def test_that_only_the_last_six_replies_count_as_repeated():
    said = "It must be hard to wait for him at that table every single evening."
    old = [Message("supporter", said), *(Message("supporter", f"And what about number {n}?") for n in range(6))]
    assert "repeats" in found(said, turn_with(history=tuple(old[:6])))
    assert "repeats" not in found(said, turn_with(history=tuple(old)))
    assert "repeats" not in found(said, turn_with(history=(Message("seeker", said),)))


@given(st.text(max_size=120))
def test_that_no_draft_breaks_the_checks(draft: str):
    objection = checks().check(turn_with(), draft, whole=True)
    assert objection is None or objection.feedback == FEEDBACK[objection.check]


def test_that_the_phrases_name_nobody_and_are_sentences():
    assert list(FEEDBACK) == ["safety", "language", "repeats", "worse", "plan", "empathy"]
    assert all(phrase.endswith(".") and phrase[0].isupper() and "{" not in phrase for phrase in FEEDBACK.values())


@pytest.fixture(scope="module")
def shipped() -> Checks:
    return create(SimpleNamespace(threads=1))


STRONG, EVEN = Affect(-0.15, 0.6, 0.0), Affect(0.1, 0.1, 0.0)


@pytest.mark.parametrize(
    ("draft", "plan", "affect", "expected"),
    [
        ("That silence must hurt, and not to know why makes it worse.", "reflection", STRONG, []),
        ("What was the last thing that you two talked about?", "question", STRONG, []),
        ("You could write him a letter and leave it in his mailbox.", "suggestions", EVEN, []),
        ("You could write him a letter and leave it in his mailbox.", "suggestions", STRONG, ["empathy"]),
        ("You could write him a letter and leave it in his mailbox.", "question", STRONG, ["plan", "empathy"]),
        ("I hate this. Everything is horrible and I want to cry.", "self_disclosure", EVEN, ["worse"]),
    ],
)
def test_that_the_shipped_models_let_sound_drafts_pass_and_find_plain_faults(
    shipped: Checks, draft: str, plan: str, affect: Affect, expected: list[str]
):
    assert list(shipped.found(turn_with(plan=planned(plan), affect=affect), draft)) == expected


def test_that_the_shipped_models_are_loaded_once():
    settings = SimpleNamespace(threads=1)
    assert create(settings)._encoder is create(settings)._encoder
