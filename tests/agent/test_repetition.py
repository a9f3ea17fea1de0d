"""Words that go round in circles."""

from __future__ import annotations

import pytest

from agent.repetition import repeats_itself
from agent.sentences import sentences_of

LONG = (
    "You carry the house, the children, the shop and now his illness as well, and each of them alone would be a "
    "full day for anybody, so no wonder that at night there is nothing left of you but a wish to be left alone."
)


@pytest.mark.parametrize(
    "draft",
    [
        "You did what you could. It was late. You did what you could.",
        "You did what you could! You DID what you could.",
        "That sounds hard. It takes a lot to say this out loud to me. It takes a lot to say this out loud to somebody.",
        "我在这里听你说。你可以慢慢来。我在这里听你说。",
        "and then you go and " * 12,
        "no " * 60,
    ],
)
def test_that_a_draft_that_goes_round_in_circles_is_found(draft: str):
    assert repeats_itself(sentences_of(draft))


@pytest.mark.parametrize(
    "draft",
    [
        "",
        "I know. I know.",
        "Thank you. Thank you so much for this. Thank you.",
        "You did what you could. You did what nobody else would have done in that place.",
        LONG,
    ],
)
def test_that_a_draft_that_goes_on_is_left_alone(draft: str):
    assert not repeats_itself(sentences_of(draft))
