"""vLLM's decision endpoint as a detector that needs no training: one forward pass, a probability for each choice.

From 0.33 on vLLM serves `/v1/decisions` (OpenAI's form); 0.32 has the same under `/v1/systemone`. Nothing is
generated, so an answer cannot be malformed. Both are asked over HTTP, so that nothing need be imported for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agent.asking import Asker, Choice
from agent.decisions import PromptMessage, TokenUsage
from agent.errors import GenerationError, LLMResponseError
from agent.probe import LLMServer
from agent.tracing import answering

if TYPE_CHECKING:
    import httpx2

__all__ = ["DecisionAsker"]

_LEAST_MASS = 0.5  # of the probability, on the choices; where most went elsewhere, none of them was chosen
_ABSENT = frozenset({404, 405, 501})


class DecisionAsker(Asker):
    """Puts choices to the decision endpoint, and asks as an `Asker` where there is none.

    An endpoint that fails costs one question; one that is not there is not tried again.

    Args:
        server: Where the LLM is.
        **options: As `Asker` takes them.
    """

    def __init__(self, server: LLMServer, **options: Any) -> None:
        super().__init__(server, **options)
        self._endpoints = ["/decisions", "/systemone"]

    async def choose(self, messages: Sequence[PromptMessage], choices: Sequence[str]) -> Choice:
        """As `Asker.choose`; `way` is `"decisions"` where the endpoint answered.

        Args:
            messages: What is to be chosen in the system message, what it is about in the user messages.
            choices: Each is an option of the question.
        """
        try:
            with self._server.breaker.passing():
                try:
                    async with asyncio.timeout(self._seconds), self._server.connect() as http:
                        found = await self._decided(http, messages, choices)
                except TimeoutError:
                    raise self._too_slow(self._model) from None
        except GenerationError:
            found = None
        if found is None:
            return await super().choose(messages, choices)
        self._counted(found.usage)
        return found

    async def _decided(
        self, http: httpx2.AsyncClient, messages: Sequence[PromptMessage], choices: Sequence[str]
    ) -> Choice | None:
        """The endpoint's answer; None where the server has none."""
        import openai

        if not self._endpoints:
            return None
        model = self._model or await self._first_model(http)
        client = self._server.client(http).with_options(max_retries=0, timeout=self._seconds)
        asked = "\n".join(message.content for message in messages if message.role == "system")
        about = "\n".join(message.content for message in messages if message.role == "user")
        while self._endpoints:
            path = self._endpoints[0]
            try:
                with answering(self._server, model, messages) as told:
                    raw = await client.post(path, body=_body(path, model, asked, about, choices), cast_to=object)
                    choice = _choice(raw, choices, model)
                    told(choice.picked or "", choice.speaker, choice.usage)
            except LLMResponseError:
                raise
            except openai.APIStatusError as error:
                if error.status_code not in _ABSENT:
                    raise self._server.failure(error, model=model) from None
                self._endpoints.pop(0)
            except Exception as error:  # noqa: BLE001 - a lying server breaks the library in many ways
                raise self._server.failure(error, model=model) from None
            else:
                return choice
        return None


def _body(path: str, model: str, asked: str, about: str, choices: Sequence[str]) -> dict[str, Any]:
    if path == "/systemone":
        question: dict[str, Any] = {"type": "choice", "instructions": asked, "criteria": dict.fromkeys(choices)}
        return {"model": model, "state": about, "questions": {"choice": question}}
    options = [{"value": choice, "description": ""} for choice in choices]
    question = {"type": "choice", "instructions": asked, "choices": options}
    return {"model": model, "input": [{"role": "user", "content": about}], "questions": [question]}


def _choice(raw: object, choices: Sequence[str], model: str) -> Choice:
    """The answer in either form.

    Raises:
        LLMResponseError: It is in neither.
    """
    try:
        answers: Any = raw["answers"]  # type: ignore[index]  # whatever a server sends
        answer = answers["choice"] if isinstance(answers, dict) else answers[0]
        told = answer["probabilities"]
        if not isinstance(told, dict):
            told = {row["value"]: row["probability"] for row in told}
        chances = {choice: float(told[choice]) for choice in choices}
        total, picked = sum(chances.values()), str(answer["choice"])
        mass = float(answer["confidence"]) / chances[picked]
        usage: Any = raw["usage"]  # type: ignore[index]
        tokens = TokenUsage(int(usage["input_tokens"]), int(usage["output_tokens"]))
        if not (total > 0 and min(chances.values()) >= 0 and mass >= 0):
            raise ValueError
    except (LookupError, TypeError, ValueError, AttributeError, ZeroDivisionError):
        raise LLMResponseError(
            f"The decision endpoint of the LLM server (model {model!r}) answered with something else than a "
            "choice with probabilities. Set `llm_decisions` to false."
        ) from None
    speaker = raw.get("model", model) if isinstance(raw, dict) else model
    return Choice(
        picked if mass >= _LEAST_MASS else None,
        {choice: p / total for choice, p in chances.items()},
        str(speaker),
        tokens,
        "decisions",
    )
