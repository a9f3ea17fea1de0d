"""A prompt that the server refuses as too long is made shorter, once."""

from __future__ import annotations

from typing import Any

import pytest

from agent.decisions import Prompt, PromptMessage
from agent.errors import PromptTooLongError
from agent.events import FailureNoted, Token
from agent.testing import ScriptedGenerator
from agent.turn import Turn
from tests.loop_parts import an_agent, events_of, finished_turn, offline


class BudgetComposer:
    """Says how many tokens it was allowed; the same where `deaf`."""

    name = "budget"
    reads = frozenset({"text"})

    def __init__(self, *, deaf: bool = False) -> None:
        self.deaf = deaf

    def compose(self, turn: Turn) -> Prompt:
        told = "" if self.deaf else f"{turn.context_tokens} tokens"
        return Prompt((PromptMessage("system", told), PromptMessage("user", turn.text)), "budget", "0" * 64)


class Windowed(ScriptedGenerator):
    """A generator whose server tells how much it holds."""

    def __init__(self, *scripts: Any, tokens: int | None) -> None:
        super().__init__(*scripts, reads=("prompt",))
        self.tokens = tokens

    async def context_tokens(self) -> int | None:
        return self.tokens


def too_long(limit: int | None = None) -> list[Exception]:
    return [PromptTooLongError("The prompt is too long.", limit=limit)]


@pytest.mark.parametrize(
    ("believed", "limit", "then"),
    [(None, 2048, 2048), (8192, 2048, 2048), (2048, 2048, 1228), (None, None, 2457), (1000, None, 600)],
)
async def test_that_a_shorter_prompt_follows_the_server_s_word(believed: int | None, limit: int | None, then: int):
    generator = Windowed(too_long(limit), "I hear you.", tokens=believed)
    events = await events_of(an_agent(generator, composer=BudgetComposer(), fallback=offline()))
    turn = finished_turn(events)
    assert turn.reply is not None
    assert (turn.reply.text, turn.reply.stood_in_for) == ("I hear you.", None)
    assert turn.prompt is not None
    assert turn.prompt.messages[0].content == f"{then} tokens"
    assert turn.prompt == generator.turns[-1].prompt
    assert [(failure.stage, failure.error) for failure in turn.failures] == [("generate", "PromptTooLongError")]
    noted = [event for event in events if isinstance(event, FailureNoted)]
    assert [event.discards for event in noted] == [False]
    assert "".join(event.text for event in events if isinstance(event, Token)) == "I hear you."
    generator.verify()


async def test_that_it_is_tried_once():
    generator = Windowed(too_long(2048), too_long(1024), tokens=None)
    turn = finished_turn(
        await events_of(an_agent(generator, composer=BudgetComposer(), fallback=offline("I am here.")))
    )
    assert turn.reply is not None
    assert (turn.reply.text, turn.reply.stood_in_for) == ("I am here.", "scripted")
    generator.verify()


async def test_that_a_prompt_of_which_nothing_can_be_left_out_is_not_sent_again():
    generator = Windowed(too_long(2048), tokens=None)
    agent = an_agent(generator, composer=BudgetComposer(deaf=True), fallback=offline("I am here."))
    turn = finished_turn(await events_of(agent))
    assert turn.reply is not None
    assert turn.reply.speaker == "offline"
    generator.verify()
