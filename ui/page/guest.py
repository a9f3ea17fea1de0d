"""A visitor without a browser, who speaks to the page as Gradio's script does: to load it, and to test it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gradio_client.utils import apply_diff

from agent.errors import HeartlineError
from ui.page.visitor import Visitor

if TYPE_CHECKING:
    import httpx2

__all__ = ["Answered", "Guest", "PageError"]

_WORDS = '<p class="words"'
_LOOKED_AT = ("live", "talk", "trouble")


class PageError(HeartlineError):
    """The page did not answer as it should."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a guest saw of one message.

    Attributes:
        first: Milliseconds from sending until the first words of the reply were there.
        whole: Milliseconds until everything was drawn.
        talk: Markup of the conversation.
    """

    first: float
    whole: float
    talk: str


class Guest:
    """Somebody who chats.

    Args:
        http: Its `base_url` is the page in one language, e.g. `http://127.0.0.1:7860/en/`.
        config: As the page gives it at `config`.
    """

    def __init__(self, http: httpx2.AsyncClient, config: Mapping[str, Any]) -> None:
        self._http = http
        self.visitor = Visitor.new()
        self._here = ""
        self._say = next(each for each in config["dependencies"] if each["api_name"] == "say")
        ids = {each["props"].get("elem_id"): each["id"] for each in config["components"]}
        self._places = {name: self._say["outputs"].index(ids[name]) for name in _LOOKED_AT}
        _, _, here = self._say["inputs"]
        self._place_of_here = self._say["outputs"].index(here)

    @classmethod
    async def come(cls, http: httpx2.AsyncClient) -> Guest:
        """Open the page.

        Raises:
            PageError: It does not open.
        """
        await _got(http, "")
        return cls(http, (await _got(http, "config")).json())

    async def say(self, text: str) -> Answered:
        """Send a message, and wait until all of the reply is drawn.

        Raises:
            PageError: It was not answered.
        """
        began = time.perf_counter()
        session = uuid.uuid4().hex
        given = {"data": [text, self.visitor.as_kept(), self._here], "fn_index": self._say["id"]}
        joined = await self._http.post("gradio_api/queue/join", json={**given, "session_hash": session})
        if joined.is_error:
            raise PageError(f"The queue of the page answered {joined.status_code}.")
        first, shown = None, []
        async for shown in self._updates(session):
            here = shown[self._place_of_here]
            self._here = here if isinstance(here, str) else self._here
            if first is None and any(_replied(shown[self._places[name]]) for name in ("live", "talk")):
                first = _since(began)
        talk = shown[self._places["talk"]] if shown else None
        if first is None or not isinstance(talk, str):
            raise PageError("The page ended the turn without a reply.")
        return Answered(first, _since(began), talk)

    async def _updates(self, session: str) -> AsyncGenerator[list[Any]]:
        """All outputs, each time that one changed."""
        shown: list[Any] = []
        async with self._http.stream("GET", f"gradio_api/queue/data?session_hash={session}") as answer:
            async for line in answer.aiter_lines():
                told = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                match told:
                    case {"msg": "process_generating", "output": {"data": data}, "success": True}:
                        shown = [apply_diff(*pair) for pair in zip(shown, data, strict=True)] if shown else data
                        yield shown
                    case {"msg": "process_completed", "output": {"data": data}, "success": True}:
                        yield data
                    case {"msg": "close_stream"}:
                        return
                    case {"msg": "process_generating" | "process_completed" | "unexpected_error" as name}:
                        raise PageError(f"The page told of an error ({name}).")
        raise PageError("The page broke off.")


def _replied(markup: Any) -> bool:
    """Whether there are words of a reply: they come after those of the message."""
    return isinstance(markup, str) and _WORDS in markup.rpartition('class="said ours"')[2]


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000


async def _got(http: httpx2.AsyncClient, path: str) -> httpx2.Response:
    answer = await http.get(path)
    if answer.is_error:
        raise PageError(f"The page answered {answer.status_code}.")
    return answer
