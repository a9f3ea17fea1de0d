"""Chunks of a streamed reply as the server sent them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import openai

__all__ = ["RawCompletions"]


class RawCompletions:
    """Gives ChatOpenAI each chunk as the server sent it.

    As objects of openai's, chunks of a wrong shape would make pydantic warn on stderr, with the text
    of the reply in the warning.
    """

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self._client = client

    async def create(self, *, extra_body: dict[str, Any], **body: Any) -> openai.AsyncStream[object]:
        """A stream of chunks, each as the JSON it was."""
        import openai

        return await self._client.post(
            "/chat/completions",
            body=body | extra_body,
            cast_to=object,
            stream=True,
            stream_cls=openai.AsyncStream[object],
        )
