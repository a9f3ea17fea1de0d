"""What stands between a draft and the person."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from agent.deadline import Deadline, in_time
from agent.decisions import Objection
from agent.errors import PluginError
from agent.perception import in_thread
from agent.protocols import Verifier
from agent.turn import Turn

__all__ = ["Gate"]


@dataclass(frozen=True, slots=True)
class Gate:
    """A verifier, and how long it is waited for.

    Attributes:
        verifier: Looks at the draft.
        seconds: Longest that one look may take. A verifier that fails or takes longer is not asked again in this
            turn, and the text goes out unchecked.
    """

    verifier: Verifier
    seconds: float

    async def look(self, turn: Turn, draft: str, *, whole: bool, deadline: Deadline | None) -> Objection | None:
        """What speaks against a draft.

        Raises:
            DeadlineError: There was no time for it. Then the text does not go out unchecked.
            TimeoutError: The verifier took too long.
            PluginError: It gave something else than an objection.
        """

        async def looked() -> object:
            return await asyncio.wait_for(
                in_thread(lambda: self.verifier.check(turn, draft, whole=whole)), self.seconds
            )

        found = await in_time(deadline, looked)
        if found is None or isinstance(found, Objection):
            return found
        raise PluginError(
            f"Verifier {self.verifier.name!r} gave a {type(found).__name__}; it gives an Objection or None."
        )
