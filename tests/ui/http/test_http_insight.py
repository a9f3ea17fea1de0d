"""What programs are told of a turn: who won a second look, and what was noticed, taken and drawn."""

from __future__ import annotations

from agent.rationale import rationale_of
from agent.record import pack
from agent.testing import a_turn
from tests.contracts.store_contract import a_full_turn
from ui.http.insight import insight


def test_that_a_second_look_is_told_with_who_won_and_why():
    turn = a_full_turn()
    found = turn.adjudication
    assert found is not None
    told = insight(turn, stored=True).model_dump(mode="json")["second_look"]
    assert told == {
        "before": found.before.label,
        "said": found.said,
        "opened": found.opened,
        "won": found.won,
        "reason": found.reason,
        "speaker": found.speaker,
    }
    assert insight(a_turn(), stored=True).second_look is None


def test_that_the_rationale_is_told_in_its_three_steps():
    turn = a_full_turn()
    told = insight(turn, stored=True).model_dump(mode="json")["rationale"]
    assert told == pack(rationale_of(turn))
    assert set(told) == {"observations", "interpretation", "conclusion"}
    assert told["observations"]
    assert insight(a_turn(), stored=True).rationale == rationale_of(a_turn())  # nothing read, nothing told
