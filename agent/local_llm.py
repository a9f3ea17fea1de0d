"""An LLM in this process, by transformers: for small models where there is no server. Extra `local`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from agent.decisions import Prompt, Reply, TokenUsage
from agent.errors import (
    EmptyReplyError,
    LLMResponseError,
    LLMUnreachableError,
    PromptTooLongError,
    SettingsError,
    TurnError,
)
from agent.spoken_text import SpokenText
from agent.turn import Turn

__all__ = ["LocalGenerator", "create"]

_INSTALL = "Install it with `pip install 'heartline[local]'`, or set `llm_url` to a server."
_WITHOUT_LIMIT = 1024  # tokens of a reply where nobody set a limit: some models never end


@dataclass(frozen=True, slots=True)
class _Written:
    """What is known of a reply beside its text."""

    prompt: int
    completion: int
    ended: bool


class LocalGenerator:
    """Speaks through a model that is loaded from a folder into this process.

    One reply at a time, in a thread of its own; others wait their turn. Each reads its whole prompt anew, so for
    several conversations at once, or long ones, a server is better. Nothing is fetched from anywhere, no code of
    the folder's is run, and weights are read as safetensors only.

    Args:
        folder: With config, weights, tokenizer and chat template, as transformers saves them.
        temperature: Sampling temperature; 0 takes the likeliest token, None what the folder says.
        max_tokens: Longest reply, in tokens; None allows 1,024.
        deadline: Seconds for a whole reply, waiting included.
        context: Tokens of prompt and reply together; None takes what the model was made for.

    Raises:
        SettingsError: The extra is not installed, or the folder holds no chat model that can be loaded.

    Example:
        >>> generator = LocalGenerator(Path("models/qwen3-0.6b"), max_tokens=200)  # doctest: +SKIP
    """

    name = "local"
    reads = frozenset({"prompt"})

    def __init__(
        self,
        folder: Path,
        *,
        temperature: float | None = None,
        max_tokens: int | None = None,
        deadline: float = 120.0,
        context: int | None = None,
    ) -> None:
        self._tokenizer, self._model = _loaded(folder)
        self._speaker = folder.resolve().name
        self._temperature = temperature
        self._max_tokens = max_tokens or _WITHOUT_LIMIT
        self._deadline = deadline
        made_for = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        self._context: int | None = context or made_for
        self._desk = ThreadPoolExecutor(1, thread_name_prefix="heartline-local-llm")

    async def context_tokens(self) -> int | None:
        """Tokens that fit, prompt and reply together; None where the model does not say."""
        return self._context

    async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
        """Pieces of the reply as they come, then the `Reply`, whose text they make up.

        Closing the iterator, or cancelling the task, stops the model at its next token before it returns.

        Raises:
            PromptTooLongError: The prompt leaves no room for a reply.
            LLMUnreachableError: The deadline passed.
            LLMResponseError: The chat template refuses the prompt, or the reply is empty.
        """
        if turn.prompt is None:
            raise TurnError(f"Turn {turn.id!r} has no prompt. Give the agent a composer, which writes one.")
        from transformers import AsyncTextIteratorStreamer

        pieces = AsyncTextIteratorStreamer(self._tokenizer, skip_prompt=True, skip_special_tokens=True)
        stopped = threading.Event()
        # Without our context variables: tracing of whoever calls us shall not receive the prompt.
        job = self._desk.submit(self._write, turn.prompt, pieces, stopped)
        give_up = asyncio.get_running_loop().time() + self._deadline
        spoken = SpokenText()
        try:
            while True:
                async with asyncio.timeout_at(give_up):
                    piece = await anext(pieces, None)
                if piece is None:
                    break
                said = spoken.push(piece)
                if spoken.leaked:
                    raise LLMResponseError(
                        f"The LLM {self._speaker!r} gives its thoughts as its reply. Use another."
                    )
                if said:
                    yield said
            written = await asyncio.wrap_future(job)
            if said := spoken.finish():
                yield said
        except TimeoutError:
            raise LLMUnreachableError(
                f"The LLM {self._speaker!r} did not finish within {self._deadline:g} s. "
                "To wait longer, raise `llm_deadline` (HEARTLINE_LLM_DEADLINE)."
            ) from None
        finally:
            stopped.set()
            if not job.cancel():  # it has begun: wait for the token that it is at
                await asyncio.gather(asyncio.wrap_future(job), return_exceptions=True)
        if not spoken.text:
            raise EmptyReplyError(
                f"The LLM {self._speaker!r} gave an empty reply. "
                "If it thinks before it speaks, raise `llm_max_tokens`."
            )
        usage = TokenUsage(prompt=written.prompt, completion=written.completion)
        finish = "stop" if written.ended else "length"
        yield Reply(spoken.text, self._speaker, finish_reason=finish, usage=usage)

    def _write(self, prompt: Prompt, pieces: Any, stopped: threading.Event) -> _Written:
        """Write a reply into `pieces`, token by token, until it ends or somebody stops it."""
        import torch

        def stops(ids: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
            return torch.full((ids.shape[0],), stopped.is_set(), device=ids.device)

        try:
            given = self._tokens(prompt)
            length = given["input_ids"].shape[1]
            room = self._max_tokens if self._context is None else min(self._max_tokens, self._context - length)
            if room < 1:
                raise PromptTooLongError(
                    f"The prompt has {length} tokens and the LLM {self._speaker!r} holds {self._context}. "
                    "Lower `history_characters`.",
                    limit=self._context,
                )
            with torch.inference_mode():
                written = self._model.generate(
                    **given, max_new_tokens=room, streamer=pieces, stopping_criteria=[stops], **self._sampling()
                )[0, length:].tolist()
        finally:
            pieces.end()
        return _Written(length, len(written), bool(written) and written[-1] in self._ends())

    def _tokens(self, prompt: Prompt) -> Any:
        messages = [{"role": message.role, "content": message.content} for message in prompt.messages]
        try:
            given = self._tokenizer.apply_chat_template(
                messages,
                add_generation_prompt=True,
                return_dict=True,
                return_tensors="pt",
                enable_thinking=False,  # templates that do not know it ignore it
            )
        except jinja2.TemplateError:  # what it says may repeat the prompt
            raise LLMResponseError(
                f"The chat template of the LLM {self._speaker!r} refuses the prompt. "
                "If `notes_place` is `system-before-last`, set it to `first-system`."
            ) from None
        return given.to(self._model.device)

    def _sampling(self) -> dict[str, Any]:
        padding = self._tokenizer.pad_token_id
        chosen: dict[str, Any] = {"pad_token_id": self._tokenizer.eos_token_id if padding is None else padding}
        if self._temperature == 0:
            chosen |= {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        elif self._temperature is not None:
            chosen |= {"do_sample": True, "temperature": float(self._temperature)}
        return chosen

    def _ends(self) -> set[int]:
        """Tokens that end a reply."""
        ends = self._model.generation_config.eos_token_id
        return set(ends) if isinstance(ends, list) else {ends}

    async def aclose(self) -> None:
        """Let go of the thread. A reply that is being written is written to its end."""
        self._desk.shutdown(wait=False)


def _loaded(folder: Path) -> tuple[Any, Any]:
    """Tokenizer and model of a folder."""
    if not folder.is_dir():
        raise SettingsError(
            f"`llm_model` is {str(folder)!r}, which is no folder. An LLM in this process is loaded from a folder "
            "with config, weights (safetensors), tokenizer and chat template."
        )
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging
    except ImportError as error:
        raise SettingsError(f"An LLM in this process needs torch and transformers ({error}). {_INSTALL}") from None
    with_bar = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    here = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **here)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", use_safetensors=True, **here)
    except Exception as error:  # a folder can be wrong in many ways
        reason = str(error).partition("\n")[0]
        raise SettingsError(
            f"No LLM can be loaded from {str(folder)!r} (`llm_model`): {type(error).__name__}: {reason}"
        ) from error
    finally:
        if with_bar:
            logging.enable_progress_bar()
    if not tokenizer.chat_template:
        raise SettingsError(
            f"The model in {str(folder)!r} (`llm_model`) has no chat template: it is not made for conversations. "
            "Take its chat or instruct variant."
        )
    return tokenizer, model.to("cuda" if torch.cuda.is_available() else "cpu").eval()


def create(settings: Any) -> LocalGenerator:
    """Entry point `local`. `llm_model` names the folder.

    Args:
        settings: With the `llm_…` attributes of `agent.settings.Settings`.

    Raises:
        SettingsError: As `LocalGenerator`, or `llm_model` is missing.
    """
    if not settings.llm_model:
        raise SettingsError(
            "An LLM in this process needs `llm_model` (HEARTLINE_LLM_MODEL): the folder it lies in."
        )
    return LocalGenerator(
        Path(settings.llm_model),
        temperature=settings.llm_temperature,
        max_tokens=settings.llm_max_tokens,
        deadline=settings.llm_deadline,
        context=settings.llm_context,
    )
