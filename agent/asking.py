"""Short questions to an LLM whose answers are bound: one of some choices, or a small JSON object."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from agent.answers import fits, one_object, picked_from, probabilities_of, usage_told
from agent.binding import WAYS, Form, Way
from agent.decisions import PromptMessage, TokenUsage
from agent.errors import GenerationError, LLMResponseError, LLMSlowError, PromptTooLongError
from agent.probe import LLMServer
from agent.tracing import answering

if TYPE_CHECKING:
    import httpx2

__all__ = ["Asker", "Choice"]

_EXTRAS: Mapping[str, Mapping[str, Any]] = {
    "logprobs": {"logprobs": True, "top_logprobs": 20},  # the most that vLLM (by default) and OpenAI give
    # A model that thinks first would be cut off before it answers. vLLM and llama.cpp know this.
    "chat_template_kwargs": {"chat_template_kwargs": {"enable_thinking": False}},
}

_Attempt = tuple[Way, tuple[str, ...]]
"""A way, and which extras go with it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What an LLM chose.

    Attributes:
        picked: The choice; None where the answer was none of them.
        probabilities: Over the choices, summing to 1; empty where the server gives none.
        speaker: The model that the server says it used.
        usage: Tokens as the server counted them; None where it did not.
        way: How the answer was bound (`agent.binding.Way`), or `"decisions"` (`agent.decision_asker`).
    """

    picked: str | None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    speaker: str = ""
    usage: TokenUsage | None = None
    way: Way | Literal["decisions"] = "text"

    def __post_init__(self) -> None:
        object.__setattr__(self, "probabilities", MappingProxyType(dict(self.probabilities)))


@dataclass(frozen=True, slots=True)
class _Answer:
    """A server's whole answer; `tokens` are its log-probabilities, as it sent them."""

    text: str
    tokens: object
    speaker: str
    usage: TokenUsage | None
    way: Way


class Asker:
    """Asks an LLM short questions, at temperature 0 and without streaming.

    The strictest way is tried first. A server that refuses one (HTTP 400 or 422) or breaks on it (500) is asked
    in the next at once, and one that ignores what binds its answer is asked in the next from the following
    question on; what worked is remembered. Nothing else is tried again: the reply is still to come, and has its
    own tries.

    Nothing in it belongs to an event loop: each question opens its connection and closes it, also when it
    is cancelled. It goes through no LangChain, so callbacks and tracing see none of it.

    It is the caller's duty that words of the person stand in `user` messages only.

    Args:
        server: Where the LLM is.
        model: Model name; None takes the server's first.
        seconds: Longest wait for an answer, all tries together.
        ways: Those to try, in order; fewer where it is known what the server can do (`agent.presets.ways_of`).
        counted: Told of each answer's tokens; None where the server does not count them.

    Example:
        >>> asker = Asker(LLMServer("http://127.0.0.1:8000/v1"), seconds=5)
    """

    def __init__(
        self,
        server: LLMServer,
        *,
        model: str | None = None,
        seconds: float = 10.0,
        ways: Sequence[Way] = WAYS,
        counted: Callable[[TokenUsage | None], None] = lambda _: None,
    ) -> None:
        self._server, self._counted = server, counted
        self._model = model
        self._seconds = seconds
        self._found_model: str | None = None
        self._choosing = list(_attempts(ways, "logprobs"))
        self._filling = list(_attempts(ways))

    async def choose(self, messages: Sequence[PromptMessage], choices: Sequence[str]) -> Choice:
        """Which of the choices the LLM takes.

        Args:
            messages: The question. It says what each choice stands for.
            choices: Short and different, best single letters: the probabilities are those of the first token
                at which they part.

        Raises:
            LLMUnreachableError: No connection, none in time (`LLMSlowError`), or it is left alone for a while.
            PromptTooLongError: The question is longer than the server's context.
            LLMResponseError: An error status in every way, or an unreadable answer.
            ReadingError: The choices are no choice.
        """
        form = Form.of_choices(choices)
        answer, self._choosing = await self._ask(messages, form, self._choosing)
        picked, offset = picked_from(answer.text, choices)
        probabilities = {} if picked is None else probabilities_of(answer.tokens, answer.text, offset, choices)
        self._choosing = _held(self._choosing, form, answer, valid=picked is not None)
        return Choice(picked, probabilities, answer.speaker, answer.usage, answer.way)

    async def fill(self, messages: Sequence[PromptMessage], schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """A JSON object by a flat schema.

        Args:
            messages: The question. It says what each property stands for.
            schema: See `agent.answers.checked_schema`.

        Returns:
            The object; None where the answer holds none, several, or one that breaks the schema.

        Raises:
            LLMUnreachableError, PromptTooLongError, LLMResponseError: As `choose`.
            ReadingError: The schema is not flat, or asks for what is not checked.
        """
        form = Form.of_schema(schema)
        answer, self._filling = await self._ask(messages, form, self._filling)
        found = one_object(answer.text)
        valid = found is not None and fits(found, form.schema)
        self._filling = _held(self._filling, form, answer, valid=valid)
        return found if valid else None

    async def _ask(
        self, messages: Sequence[PromptMessage], form: Form, attempts: Sequence[_Attempt]
    ) -> tuple[_Answer, list[_Attempt]]:
        """The answer in the first way that is not refused, and the attempts that are left from there on."""
        with self._server.breaker.passing():
            answer, left = await self._answered(messages, form, attempts)
        self._counted(answer.usage)
        return answer, left

    async def _answered(
        self, messages: Sequence[PromptMessage], form: Form, attempts: Sequence[_Attempt]
    ) -> tuple[_Answer, list[_Attempt]]:
        model = self._model
        try:
            async with asyncio.timeout(self._seconds), self._server.connect() as http:
                model = model or await self._first_model(http)
                with answering(self._server, model, messages) as told:
                    answer, left = await self._first_answer(http, model, messages, form, attempts)
                    told(answer.text, answer.speaker, answer.usage)
                return answer, left
        except TimeoutError:
            self._found_model = None
            raise self._too_slow(model) from None
        except Exception as error:  # lying servers break httpx2 and openai in many ways
            self._found_model = None  # the server may come back with another one
            if isinstance(error, GenerationError):
                raise
            raise self._server.failure(error, model=model) from None

    def _too_slow(self, model: str | None) -> LLMSlowError:
        named = f" (model {model!r})" if model else ""
        return LLMSlowError(
            f"The LLM server at {self._server.base}{named} did not answer a short question within "
            f"{self._seconds:g} s. Is it overloaded, or still loading? `heartline doctor` checks it."
        )

    async def _first_model(self, http: httpx2.AsyncClient) -> str:
        if self._found_model is None:
            self._found_model = await self._server.first_model(http, retries=0)
        return self._found_model

    async def _first_answer(
        self,
        http: httpx2.AsyncClient,
        model: str,
        messages: Sequence[PromptMessage],
        form: Form,
        attempts: Sequence[_Attempt],
    ) -> tuple[_Answer, list[_Attempt]]:
        import openai

        client = self._server.client(http).with_options(max_retries=0, timeout=self._seconds)
        base = {"model": model, "temperature": 0, self._server.limit_name: form.tokens}
        refused: set[str] = set()
        refusal: GenerationError = LLMResponseError(f"The LLM server at {self._server.base} was asked in no way.")
        for place, (way, extras) in enumerate(attempts):
            if refused & {way, *extras}:
                continue
            body = base | form.body(way, messages)
            for extra in extras:
                body |= _EXTRAS[extra]
            try:
                said = await client.post("/chat/completions", body=body, cast_to=object)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                refusal = self._server.failure(error, model=model)
                if isinstance(refusal, PromptTooLongError):
                    break
                refused |= {name for name in ("structured_outputs", *_EXTRAS) if name in str(error)}
            except openai.InternalServerError as error:
                if error.status_code != 500:  # noqa: PLR2004 - HTTP's own: 502 to 504 mean a server that is not there
                    raise
                # llama-cpp-python breaks on a way that it does not know.
                refusal = self._server.failure(error, model=model)
                refused.add(way)
            else:
                return _answer(said, model, way), list(attempts[place:])
        raise refusal


def _attempts(ways: Sequence[Way], *wanted: str) -> Iterator[_Attempt]:
    """Every way with and without what not every server takes, most of it first."""
    quiet = "chat_template_kwargs"
    for way in ways:
        for extras in ((*wanted, quiet), wanted, (quiet,), ()) if wanted else ((quiet,), ()):
            yield way, tuple(extras)


def _held(attempts: list[_Attempt], form: Form, answer: _Answer, *, valid: bool) -> list[_Attempt]:
    """What is left to try from the next question on."""
    if form.held(answer.way, answer.text, valid=valid):
        return attempts
    return [attempt for attempt in attempts if attempt[0] != answer.way] or attempts


def _answer(said: Any, model: str, way: Way) -> _Answer:
    """A server's answer; what is missing in it raises whatever Python raises."""
    choice = said["choices"][0]
    content, listed = choice["message"].get("content"), choice.get("logprobs")
    text = content if isinstance(content, str) else ""
    if text.lstrip().startswith("<think>") or "</think>" in text:
        text = text.rpartition("</think>")[2] if "</think>" in text else ""
    speaker = said.get("model")
    return _Answer(
        text,
        listed.get("content") if isinstance(listed, dict) else None,
        speaker if isinstance(speaker, str) and speaker else model,
        usage_told(said),
        way,
    )
