"""What is read of a message does not depend on which strangers' messages are read with it."""

from __future__ import annotations

import asyncio

from agent.batching import Batching
from agent.build import build_perception
from agent.perception import Perception
from agent.settings import load_settings
from agent.testing import a_turn
from agent.turn import Message, Turn
from sem_plugins.encoder import forget_readings

SAID = (
    "I lost my job today and I don't know how to tell my family.",
    "Thanks, that helps.",
    "I don't want to be here any more. I have the pills in front of me.",
    f"My sister and I had a fight{', and now she will not talk to me' * 12}.",
    "ok",
    "Everyone would be better off without me.",
    "asdf qwer zxcv",
    "I got the place at university, I can't believe it!",
)
BEFORE = (Message("seeker", "Hello."), Message("supporter", "Hello! What brings you here?", "question"))


def dialogues() -> list[Turn]:
    """Each message at the beginning of a conversation, and later in one."""
    return [
        a_turn(text, id=f"{place}-{len(history)}", index=len(history) // 2, history=history)
        for history in ((), BEFORE)
        for place, text in enumerate(SAID)
    ]


async def test_that_readings_are_the_same_bit_for_bit_alone_and_in_a_batch():
    built = build_perception(load_settings())
    perception = Perception(built.plugins, seconds=120, batching=Batching(most=16))
    forget_readings()
    alone = [perception.read([turn])[0] for turn in dialogues()]
    forget_readings()  # else nothing would be read again
    together = await asyncio.gather(*map(perception.perceive, dialogues()))
    forget_readings()
    in_one = perception.read(dialogues())
    assert together == alone
    assert in_one == alone
    assert all(turn.risk is not None and turn.risk.probabilities for turn in together)
