from __future__ import annotations

import pytest

from agent.turn import Message, Turn
from strategies.stages import STAGES, position, stage_mixture


def a_turn(text: str = "It is like that.", *, index: int = 0, history: tuple[Message, ...] = ()) -> Turn:
    return Turn("turn", "conversation", index, text, history)


def stage_of(turn: Turn, *, strategies=(), facts=()) -> str:
    mixture = stage_mixture(position(turn, strategies=strategies, facts=facts))
    return max(STAGES, key=mixture.__getitem__)


@pytest.mark.parametrize("at", [0, 1.3, 4, 7.9, 8])
def test_that_the_mixture_of_stages_is_a_distribution(at) -> None:
    mixture = stage_mixture(at)
    assert set(mixture) == set(STAGES)
    assert sum(mixture.values()) == pytest.approx(1)
    assert min(mixture.values()) > 0


def test_that_a_conversation_goes_from_exploration_over_comforting_to_action() -> None:
    seen = [stage_of(a_turn(), strategies=["question", "reflection", "affirmation"] * turns) for turns in range(5)]
    assert seen[0] == "exploration"
    assert seen[-1] == "action"
    assert "comforting" in seen
    assert [STAGES.index(stage) for stage in seen] == sorted(STAGES.index(stage) for stage in seen)


def test_that_who_tells_much_is_further_than_who_tells_little() -> None:
    short = position(a_turn("Work."), strategies=(), facts=())
    long = position(a_turn("Work is hard and this is why. " * 40), strategies=(), facts=())
    assert long > short
    assert long == position(a_turn("Work is hard and this is why. " * 400), strategies=(), facts=())


def test_that_what_was_told_before_counts_like_what_is_told_now() -> None:
    story = "The house was sold and nobody asked us. " * 10
    told_before = a_turn("Yes.", history=(Message("seeker", story),))
    assert position(told_before, strategies=(), facts=()) > position(a_turn("Yes."), strategies=(), facts=())


def test_that_a_greeting_explores_less_than_a_question() -> None:
    assert position(a_turn(), strategies=["others"], facts=()) < position(
        a_turn(), strategies=["question"], facts=()
    )


def test_that_turns_cut_from_the_history_still_count() -> None:
    assert stage_of(a_turn(index=20), strategies=()) == "action"


def test_that_asking_for_advice_makes_it_the_action_stage() -> None:
    assert stage_of(a_turn(), facts={"asks_advice"}) == "action"


@pytest.mark.parametrize("fact", ["worsening", "rejects"])
def test_that_a_setback_leads_back_to_comforting(fact) -> None:
    used = ["question", "affirmation", "suggestions"] * 4
    assert stage_of(a_turn(), strategies=used) == "action"
    assert stage_of(a_turn(), strategies=used, facts={fact}) == "comforting"


def test_that_replies_of_unknown_strategy_move_the_conversation_on() -> None:
    assert stage_of(a_turn(), strategies=[None] * 8) == "action"
