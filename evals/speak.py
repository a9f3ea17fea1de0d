"""Replies of an agent to samples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from agent.errors import GenerationError
from agent.loop import Agent
from agent.protocols import Recalled
from agent.store_checks import page_of
from agent.turn import Message, Turn
from evals.task import Answer, Sample

__all__ = ["SampleStore", "replied", "speak"]


@dataclass
class SampleStore:
    """A `ConversationStore` in which each sample is a conversation; what is said is forgotten.

    Attributes:
        samples: Those that are asked about; a conversation has the id of its sample.
    """

    samples: Iterable[Sample]
    name: str = "samples"
    _messages: dict[str, tuple[Message, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self._messages = {sample.id: sample.messages[:-1] for sample in self.samples}

    def recall(self, conversation_id: str, *, turns: int) -> Recalled:
        """What was said before the sample's last message; of longer dialogues the newest `2 * turns` messages."""
        before = self._messages[conversation_id]
        said = sum(message.role == "seeker" for message in before)
        return Recalled(before[max(0, len(before) - 2 * turns) :], None, said)

    def append(self, turn: Turn) -> Turn:
        """Keeps nothing."""
        return turn

    def turns(
        self,
        conversation_id: str,  # noqa: ARG002 - the protocol's, as are the others
        *,
        limit: int | None = None,  # noqa: ARG002
        before: int | None = None,  # noqa: ARG002
    ) -> tuple[Turn, ...]:
        """Nothing is kept."""
        return ()

    def conversations(
        self, *, beginning: str = "", limit: int | None = None, after: str | None = None
    ) -> tuple[str, ...]:
        """Ids of the samples."""
        return page_of([*self._messages], beginning=beginning, limit=limit, after=after)

    def forget_profile(self, conversation_id: str) -> None:
        """Nothing was learned."""

    def erase(self, conversation_id: str) -> int:  # noqa: ARG002 - the protocol's
        """Nothing is kept."""
        return 0

    def expire(self, before: datetime) -> tuple[str, ...]:  # noqa: ARG002 - the protocol's
        """Nothing is kept."""
        return ()

    def close(self) -> None:
        """Nothing to let go of."""


async def replied(agent: Agent, sample: Sample) -> Turn | None:
    """The turn in which the agent replies to the last message of a sample.

    None where the LLM failed: another one's words in its place would be scored as its own.

    Args:
        agent: Its store is a `SampleStore` with this sample.
        sample: Ends with a message of the seeker.
    """
    try:
        turn = await agent.respond(sample.messages[-1].text, conversation_id=sample.id)
    except GenerationError:
        return None
    return None if turn.reply is None or turn.reply.stood_in_for is not None else turn


async def speak(agent: Agent, sample: Sample) -> Answer:
    """The agent's reply, `{"reply", "strategy", "speaker", "prompt"}`; None and arguments as for `replied`."""
    turn = await replied(agent, sample)
    if turn is None or turn.reply is None:
        return None
    strategy = turn.plan.chosen.id if turn.plan is not None else None
    prompt = turn.prompt.sha256 if turn.prompt is not None else None
    return {"reply": turn.reply.text, "strategy": strategy, "speaker": turn.reply.speaker, "prompt": prompt}
