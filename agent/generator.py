"""The LLM generator: any server that speaks the OpenAI protocol, reached through LangChain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from agent.decisions import Prompt, Reply, TokenUsage
from agent.errors import EmptyReplyError, GenerationError, LLMResponseError, TurnError
from agent.misbehaviour import overflow
from agent.options import Options
from agent.probe import LLMServer
from agent.raw_completions import RawCompletions
from agent.served import look_at
from agent.spoken_text import SpokenText
from agent.tracing import bare_context, speaking
from agent.turn import Turn

if TYPE_CHECKING:
    import httpx2
    import openai
    from langchain_openai import ChatOpenAI

__all__ = ["OpenAICompatibleGenerator", "create"]


@dataclass
class _Ending:
    """What is known of a reply beside its text, filled while it comes.

    Attributes:
        answered: To be told of each chunk.
        model: The model asked for. Errors name this one: `speaker` is the server's word, and what
            a server says about a prompt may repeat it.
        speaker: The model that the server says it used.
        begun: A part of the text came.
        finish: The server's reason to end; empty until it says one.
        usage: Tokens as the server counted them.
        answered_with: Content type of the answer.
    """

    answered: Callable[[], None]
    model: str = ""
    speaker: str = ""
    begun: bool = False
    finish: str = ""
    usage: TokenUsage | None = None
    answered_with: str | None = None

    async def note_content_type(self, response: httpx2.Response) -> None:
        self.answered_with = response.headers.get("content-type", "")

    def note(self, chunk: Any) -> None:
        self.answered()
        self.begun = True
        model, finish = (chunk.response_metadata.get(key) for key in ("model_name", "finish_reason"))
        if isinstance(model, str) and model:
            self.speaker = model
        if isinstance(finish, str) and finish:
            self.finish = finish
        counts = getattr(chunk, "usage_metadata", None)
        # LangChain writes 0 where the server left a count out; neither is ever 0 in truth.
        if counts and counts["input_tokens"] > 0 and counts["output_tokens"] > 0:
            self.usage = TokenUsage(prompt=counts["input_tokens"], completion=counts["output_tokens"])


class OpenAICompatibleGenerator:
    """Speaks through an LLM server: vLLM, llama.cpp, Ollama, or another of the same protocol.

    Nothing in it belongs to an event loop: each reply opens its connection and closes it. So one
    generator serves any number of turns, threads and loops.

    LangChain's tracing and callbacks never see the prompt, whatever LANGSMITH_TRACING says.

    Args:
        server: Where the LLM is, and how patient to be with it.
        model: Model name; None asks the server at the first turn and takes its first model.
        temperature: Sampling temperature; None leaves it to the server.
        max_tokens: Longest reply, in tokens; None leaves it to the server.
        context: Tokens that the model can hold; None asks the server.

    Example:
        >>> generator = OpenAICompatibleGenerator(LLMServer("http://127.0.0.1:8000/v1"))
    """

    name = "openai"
    reads = frozenset({"prompt"})

    def __init__(
        self,
        server: LLMServer,
        *,
        model: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        context: int | None = None,
    ) -> None:
        import langchain_openai  # noqa: F401 - takes a second, and must not stall the first turn

        self._server = server
        self._model = model
        self._temperature = temperature
        self._max_tokens = max_tokens
        self._found_model: str | None = None
        self._counts_tokens, self._context = True, context
        self._looks = 2  # twice, since Ollama tells only of a model that has spoken
        self._waits = False

    async def context_tokens(self) -> int | None:
        """Tokens that the model can hold, prompt and reply together; None where that is not known.

        The server is asked at the first turn, quickly, and what it says is remembered. Where it does not
        say, or not in time, it is asked again only after it has spoken: a silent server costs one wait.
        """
        asks = self._context is None and self._looks > 0 and not self._waits
        if asks and self._server.breaker.state == "closed":
            seconds = min(2.0, self._server.timeout / 4)  # a turn that is to fail anyway must not take much longer
            served = None
            with suppress(Exception):  # whatever a lying server breaks: the reply will tell
                async with asyncio.timeout(seconds), self._server.connect() as http:
                    served = await look_at(self._server, http, self._model or self._found_model)
            if served is not None:
                self._context = served.context_tokens
                self._found_model = self._found_model or served.model
                self._looks -= 1
            self._waits = True
        return self._context

    async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
        """Pieces of the reply as they come, then the `Reply`, whose text they make up.

        Closing the iterator, or cancelling the task, closes the connection before it returns.

        Raises:
            LLMUnreachableError: No connection; silence; the deadline passed; or it is left alone for a while.
            PromptTooLongError: The prompt is longer than the model's context.
            LLMResponseError: An error status after all retries, a reply that is empty, broken off
                or unreadable. None of them holds text of the prompt or of the server.
        """
        if turn.prompt is None:
            raise TurnError(f"Turn {turn.id!r} has no prompt. Give the agent a composer, which writes one.")
        heard: asyncio.Queue[str | None] = asyncio.Queue()
        # A task of its own: cancelling it reaches the innermost read, which unwinds LangChain's and
        # openai's nested generators at once instead of some time after garbage collection. And a
        # bare context: callbacks and traces of whoever calls us would otherwise receive the prompt.
        listens = self._listen(turn.prompt, turn.options, hear=heard.put_nowait)
        listening = asyncio.create_task(listens, context=bare_context())
        listening.add_done_callback(lambda _: heard.put_nowait(None))
        spoken = SpokenText()
        try:
            while (piece := await heard.get()) is not None:
                said = spoken.push(piece)
                if spoken.leaked:
                    raise LLMResponseError(
                        f"The LLM server at {self._server.base} sends the model's thoughts as its reply. "
                        "Start it with a reasoning parser (vLLM: `--reasoning-parser`)."
                    )
                if said:
                    yield said
            ending = await listening
            self._waits = False
            if said := spoken.finish():
                yield said
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        if not spoken.text:
            raise EmptyReplyError(
                f"The LLM server at {self._server.base} (model {ending.model!r}) sent an empty reply. "
                "If it thinks before it speaks, raise `llm_max_tokens`; otherwise look at its log."
            )
        yield Reply(spoken.text, ending.speaker or ending.model, finish_reason=ending.finish, usage=ending.usage)

    async def _listen(self, prompt: Prompt, options: Options, *, hear: Callable[[str], None]) -> _Ending:
        """Ask for a reply and pass on its text; returns what else became known of it."""
        with self._server.breaker.passing() as answered:
            ending = _Ending(answered)
            try:
                async with asyncio.timeout(self._server.deadline), self._server.connect() as http:
                    http.event_hooks["response"].append(ending.note_content_type)
                    ending.model = self._model or await self._first_model(http)
                    with speaking(self._server, prompt.messages, ending, hear) as heard:
                        await self._ask(http, prompt, options, ending, heard)
            except Exception as error:  # lying servers break httpx2, openai and LangChain in many ways
                # What follows the finish reason (counts, the end mark) is no part of the reply.
                if not ending.finish:
                    self._found_model = None  # the server may come back with another one
                    if isinstance(error, GenerationError):
                        raise
                    raise self._server.failure(
                        error, model=ending.model, begun=ending.begun, answered_with=ending.answered_with
                    ) from None
        return ending

    async def _first_model(self, http: httpx2.AsyncClient) -> str:
        if self._found_model is None:
            self._found_model = await self._server.first_model(http)
        return self._found_model

    async def _ask(
        self,
        http: httpx2.AsyncClient,
        prompt: Prompt,
        options: Options,
        ending: _Ending,
        hear: Callable[[str], None],
    ) -> None:
        import openai

        chat = partial(self._chat, self._server.client(http), ending.model, options)
        if self._counts_tokens:
            try:
                await self._stream(chat(count_tokens=True), prompt, ending, hear)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if overflow(error)[0]:
                    raise
                # Some servers refuse `stream_options`. The status comes before any text.
            else:
                return
        await self._stream(chat(count_tokens=False), prompt, ending, hear)
        self._counts_tokens = False

    async def _stream(
        self, chat: ChatOpenAI, prompt: Prompt, ending: _Ending, hear: Callable[[str], None]
    ) -> None:
        from langsmith import tracing_context

        with tracing_context(enabled=False):
            async for chunk in chat.astream([(message.role, message.content) for message in prompt.messages]):
                ending.note(chunk)
                hear(str(chunk.text))
        if not ending.finish:
            raise LLMResponseError(
                f"The LLM server at {self._server.base} (model {ending.model!r}) ended its reply without "
                "a finish reason, so a part may be missing. Look at its log."
            )

    def _chat(self, client: openai.AsyncOpenAI, model: str, options: Options, *, count_tokens: bool) -> ChatOpenAI:
        """LangChain's chat model on top of our client."""
        from langchain_openai import ChatOpenAI

        limits = [limit for limit in (self._max_tokens, options.max_tokens) if limit is not None]
        return ChatOpenAI(
            async_client=RawCompletions(client),
            model=model,
            base_url=self._server.base,
            api_key=_no_key,
            http_socket_options=(),  # else it opens a socket to try them, and remarks on unused proxies
            stream_chunk_timeout=None,  # the client's timeout and the deadline do it
            temperature=self._temperature if options.temperature is None else options.temperature,
            extra_body={self._server.limit_name: min(limits)} if limits else {},
            stream_usage=count_tokens,
            use_responses_api=False,  # else chosen by the model's name
        )

    async def aclose(self) -> None:
        """Nothing to let go of: connections end with their reply. Here for those who close every part."""


async def _no_key() -> str:
    """ChatOpenAI insists on a key and, unless it must be awaited, makes a second client with it."""
    return "unused"


def create(settings: Any) -> OpenAICompatibleGenerator:
    """Entry point `openai`.

    Args:
        settings: With the `llm_…` attributes of `agent.settings.Settings`.

    Raises:
        SettingsError: `llm_url` is missing or unusable.
    """
    return OpenAICompatibleGenerator(
        LLMServer.from_settings(settings),
        model=settings.llm_model,
        temperature=settings.llm_temperature,
        max_tokens=settings.llm_max_tokens,
        context=settings.llm_context,
    )
