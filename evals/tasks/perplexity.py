"""Perplexity of ESConv's reference replies under an LLM, after the prompt that Heartline's agent would send.

It says how well prompt and model foresee what supporters wrote, and nothing of what the model would say itself.
The tokens are the model's own, so that perplexity compares runs of one model only, e.g. with two planners.
`bits_per_word` divides the same sum by words that are counted alike for all, and compares models too.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agent.build import build_agent
from agent.decisions import Prompt, Reply
from agent.errors import DataError, GenerationError, LLMResponseError, SettingsError, TurnError
from agent.probe import LLMServer
from agent.settings import Settings
from agent.turn import Turn
from evals.ask import LLM, with_model
from evals.once import AnswerCache, Bar, key_of, once
from evals.speak import SampleStore
from evals.task import Answer, Answers, Kit, Measures, Sample, scored
from evals.tasks.response import Response
from evals.text.replies import words
from sem_plugins.training.intervals import Measure

if TYPE_CHECKING:
    import httpx2

__all__ = ["Perplexity"]

_VERSION = "tokens:the LLM's|end of turn:not scored|version:1"
_WITH_REPLY = {"add_generation_prompt": False, "continue_final_message": True, "prompt_logprobs": 0}
_PROMPT_ALONE = {"add_generation_prompt": True}
_NOT_COMPARED = re.compile(r"[^a-z0-9]+")  # bytes of one letter may be several tokens, and spaces come and go


class _PromptCatcher:
    """A generator that keeps each prompt and asks nobody.

    Attributes:
        prompts: Id of the conversation to the prompt of its last turn; none where the fallback spoke.
    """

    name = "prompt-catcher"
    reads = frozenset({"prompt"})

    def __init__(self) -> None:
        self.prompts: dict[str, Prompt] = {}

    async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
        """Keeps the prompt.

        Raises:
            TurnError: The turn has none.
        """
        if turn.prompt is None:
            raise TurnError(f"Turn {turn.id!r} has no prompt. Give the agent a composer, which writes one.")
        self.prompts[turn.conversation_id] = turn.prompt
        yield Reply("-", self.name)


class Perplexity:
    """How well an LLM, given the agent's prompt, foresees what supporters of ESConv said.

    An item (made up): the seeker wrote "They gave my desk to the new one."; the supporter's turn "That must have
    felt like being pushed out." is scored, not answered.

    Protocol: the samples of `esconv/response`. Answers hold `logprob` (natural, the sum over the reference's
    tokens), `tokens`, `prompt` and `speaker`. None, unscored, where the agent would not have asked the LLM
    (escalated turns), or where the server failed. The second look at the emotion is left out. Whoever
    understands nothing gives no probabilities, so there is no floor.

    Traps: perplexities of ESConv papers are of models trained on it, over tokens and after prompts of their own.
    """

    name = "esconv/perplexity"
    data = "esconv"
    systems: tuple[str, ...] = (LLM,)
    version = 1

    def samples(self, folder: Path, split: str) -> list[Sample]:
        """Reference: what the supporter said."""
        return Response().samples(folder, split)

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:
        """What the LLM of the settings makes of each reference.

        Raises:
            SettingsError: The settings name no LLM, or there is no such system.
            LLMResponseError: The server gives no `prompt_logprobs`, or its template puts something before a reply.
            DataError: No reference at all was scored.
        """
        if system != LLM:
            raise SettingsError(f"No system {system!r}. Systems: {LLM}.")
        settings = with_model(kit.settings)
        found = asyncio.run(_ask_all(samples, settings, kit))
        if all(answer is None for answer in found):
            raise DataError(
                f"None of {len(samples)} references was scored by {settings.llm_model!r}. Look at the server with "
                "`heartline doctor`; it must take vLLM's `prompt_logprobs` and `continue_final_message`."
            )
        return found

    def measures(self, samples: Sequence[Sample], answers: Answers) -> Measures:
        """`perplexity`, exp(-sum of logprobs / tokens) over all tokens of the run, from 1 up; `bits_per_word`,
        that sum in bits by words (`evals.text.replies.words`), from 0 up; `tokens_per_reply`.

        The end of the reply is not scored. Words without letters or digits are none, so `bits_per_word` counts the
        bits of a smiley and not the smiley.
        """
        kept, given = scored(samples, answers)
        groups = np.array([sample.group for sample in kept])
        logprobs = np.array([float(answer["logprob"]) for answer in given])
        tokens = np.array([int(answer["tokens"]) for answer in given])
        counts = np.array([len(words(sample.reference)) for sample in kept])
        return {
            "perplexity": Measure(_perplexity, groups, (logprobs, tokens), version=_VERSION),
            "bits_per_word": Measure(_bits_per_word, groups, (logprobs, counts), version=_VERSION),
            "tokens_per_reply": Measure(np.mean, groups, (tokens,), version=_VERSION),
        }

    def floors(self, samples: Sequence[Sample], folder: Path) -> Mapping[str, Callable[[], Answers]]:  # noqa: ARG002
        """None."""
        return {}


def _perplexity(logprobs: NDArray[np.float64], tokens: NDArray[np.int_]) -> float:
    return float(np.exp(-logprobs.sum() / tokens.sum()))


def _bits_per_word(logprobs: NDArray[np.float64], counts: NDArray[np.int_]) -> float:
    if not counts.sum():
        raise DataError(f"{len(counts)} references hold no word; bits per word need one.")
    return float(-logprobs.sum() / math.log(2) / counts.sum())


async def _ask_all(samples: Sequence[Sample], settings: Settings, kit: Kit) -> Answers:
    prompts = await _prompts(samples, settings, kit)
    prompted = [sample for sample in samples if sample.id in prompts]
    server, model = LLMServer.from_settings(settings), str(settings.llm_model)

    async with server.connect() as http:

        async def answer(sample: Sample) -> Answer:
            prompt, reference = prompts[sample.id], sample.reference.strip()
            messages = _messages(prompt)
            with_reply = [*messages, {"role": "assistant", "content": reference}]
            try:
                whole = await _post(server, http, model, {"messages": with_reply, **_WITH_REPLY})
                alone = await _post(server, http, model, {"messages": messages, **_PROMPT_ALONE})
            except GenerationError:
                return None
            logprobs = _logprobs(whole, alone, reference, server=f"The LLM server at {server.base} ({model!r})")
            return {
                "logprob": math.fsum(logprobs),
                "tokens": len(logprobs),
                "prompt": prompt.sha256,
                "speaker": model,
            }

        decides = {"task": Perplexity.name, "version": _VERSION, "model": model}
        keys = [
            key_of({**decides, "prompt": _messages(prompts[one.id]), "reference": one.reference}, one)
            for one in prompted
        ]
        cache = AnswerCache(kit.cache / "esconv-perplexity.jsonl" if kit.cache else None)
        bar = Bar("references", shown=kit.progress)
        found = await once(answer, prompted, keys=keys, cache=cache, parallel=kit.parallel, bar=bar)
    by_id = {sample.id: one for sample, one in zip(prompted, found, strict=True)}
    return [by_id.get(sample.id) for sample in samples]


async def _prompts(samples: Sequence[Sample], settings: Settings, kit: Kit) -> dict[str, Prompt]:
    """Sample to the prompt that the agent would send; samples for which it sends none are missing."""
    agent = build_agent(settings.model_copy(update={"store": "memory", "second_reader": None}))
    agent.store, catcher = SampleStore(samples), _PromptCatcher()
    agent.generator = catcher

    async def catch(sample: Sample) -> Answer:
        await agent.respond(sample.messages[-1].text, conversation_id=sample.id)
        return {}

    ids = [sample.id for sample in samples]
    bar = Bar("prompts", shown=kit.progress)
    await once(catch, samples, keys=ids, cache=AnswerCache(None), parallel=kit.parallel, bar=bar)
    return catcher.prompts


def _messages(prompt: Prompt) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in prompt.messages]


async def _post(server: LLMServer, http: httpx2.AsyncClient, model: str, body: Mapping[str, Any]) -> object:
    """The whole answer to a request for a single token: it is the prompt's tokens that are asked about."""
    asked = {"model": model, "max_tokens": 1, "temperature": 0, **body}
    try:
        async with asyncio.timeout(server.deadline):
            return await server.client(http).post("/chat/completions", body=asked, cast_to=object)
    except Exception as error:  # noqa: BLE001 - a lying server breaks the library in many ways
        raise server.failure(error, model=model) from None


def _logprobs(whole: Any, alone: Any, reference: str, *, server: str) -> list[float]:
    """Natural logprobs of the reference's tokens: those after as many as the prompt alone has.

    vLLM's `prompt_logprobs` has an entry per token of the prompt, the first null, the others token id to
    `logprob`, `rank` and `decoded_token`; with 0 alternatives there is the prompt's own token alone.
    """
    try:
        entries, first = whole["prompt_logprobs"], alone["usage"]["prompt_tokens"]
        tokens = [token for entry in entries[first:] for token in entry.values()]
        logprobs = [float(token["logprob"]) for token in tokens]
        decoded = "".join(token["decoded_token"] for token in tokens)
        complete = 0 < first < len(entries) == first + len(tokens)
    except (KeyError, TypeError, ValueError, AttributeError):
        complete = False
    if not complete:
        raise LLMResponseError(
            f"{server} does not give the probabilities of a prompt's tokens (`prompt_logprobs`, and "
            "`usage.prompt_tokens`). Perplexity needs them: serve the model with vLLM (`vllm serve MODEL`)."
        )
    if _compared(decoded) != _compared(reference):
        raise LLMResponseError(
            f"{server}: what follows the prompt's tokens is not the reference, so its chat template writes "
            "something else around a reply, e.g. empty thoughts. Turn them off, e.g. with vLLM's "
            "`--default-chat-template-kwargs '{\"enable_thinking\": false}'`, or give another `--chat-template`."
        )
    return logprobs


def _compared(text: str) -> str:
    return _NOT_COMPARED.sub("", text.lower())
