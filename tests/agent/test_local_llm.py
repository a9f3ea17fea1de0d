# ruff: noqa: E402 - the model is made where the `train` extra is there
"""An LLM in this process: a tiny one with random weights, real in everything else."""

from __future__ import annotations

import asyncio
import shutil
import sys
import threading
import traceback
from contextlib import aclosing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the `local` or `train` extra")
pytest.importorskip("transformers", reason="needs the `local` or `train` extra")

from agent.decisions import Prompt, PromptMessage, Reply
from agent.errors import LLMResponseError, LLMUnreachableError, PromptTooLongError, SettingsError
from agent.local_llm import LocalGenerator, create
from agent.loop import Agent
from agent.memory import InMemoryStore
from agent.settings import load_settings
from agent.testing import FixedPlugin, a_reading, a_turn
from prompts.composer import SectionComposer
from tests.servers.tiny_model import ANYWHERE, AT_THE_START, make

pytestmark = pytest.mark.train

ASKED = (PromptMessage("system", "Be kind."), PromptMessage("user", "The roof leaks again."))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models") / "tiny"
    make(made, kind="llama", template=ANYWHERE, context=2048)
    return made


@pytest.fixture(scope="module")
def generator(folder: Path) -> LocalGenerator:
    return LocalGenerator(folder, temperature=0, max_tokens=24)


def asking(*messages: PromptMessage) -> Any:
    return a_turn(prompt=Prompt(messages or ASKED, "test", "0"))


async def heard(generator: LocalGenerator, *messages: PromptMessage) -> tuple[list[str], Reply]:
    async with aclosing(generator.generate(asking(*messages))) as given:
        *pieces, reply = [piece async for piece in given]
    return pieces, reply


def writers() -> int:
    """Replies that are being written in this process, seen by what their threads do."""
    desks = {thread.ident for thread in threading.enumerate() if thread.name.startswith("heartline-local-llm")}
    stacks = [traceback.walk_stack(frame) for ident, frame in sys._current_frames().items() if ident in desks]
    return sum(frame.f_code.co_name == "_write" for stack in stacks for frame, _ in stack)


async def test_that_a_reply_comes_in_pieces_and_is_counted(generator: LocalGenerator):
    pieces, reply = await heard(generator)
    assert len(pieces) > 3
    assert "".join(pieces) == reply.text
    assert reply.speaker == "tiny"
    assert reply.finish_reason == "length"
    assert reply.usage.completion == 24
    assert reply.usage.prompt > 20


async def test_that_it_is_given_the_chat_template_of_all_messages(folder: Path, generator: LocalGenerator):
    from transformers import AutoTokenizer

    said = "".join(f"<|im_start|>{part.role}\n{part.content}<|im_end|>\n" for part in ASKED)
    (_, reply) = await heard(generator)
    tokens = AutoTokenizer.from_pretrained(folder)(f"{said}<|im_start|>assistant\n", add_special_tokens=False)
    assert reply.usage.prompt == len(tokens["input_ids"])


async def test_that_at_temperature_0_it_says_the_same_again_and_otherwise_draws(folder: Path):
    steady = LocalGenerator(folder, temperature=0, max_tokens=16)
    assert (await heard(steady))[1].text == (await heard(steady))[1].text
    lively = LocalGenerator(folder, temperature=1, max_tokens=16)
    question = PromptMessage("user", "Anything else?")
    said = set()
    while len(said) < 2:  # the chance that ten in a row are alike is none
        try:
            said.add((await heard(lively, question))[1].text)
        except LLMResponseError:  # now and then its first token ends the reply
            continue


async def test_that_a_reply_that_ends_by_itself_says_so(folder: Path):
    drawn = LocalGenerator(folder, temperature=1, max_tokens=1500)
    with torch.no_grad():  # as likely as the commonest word
        drawn._model.lm_head.weight[drawn._tokenizer.eos_token_id, 0] = 0.6
    for _ in range(20):
        try:
            _, reply = await heard(drawn)
        except LLMResponseError:
            continue
        if reply.finish_reason == "stop":
            break
    assert reply.finish_reason == "stop"
    assert reply.usage.completion < 1500


async def test_that_closing_stops_the_model_before_it_returns(folder: Path):
    generator = LocalGenerator(folder, temperature=0, max_tokens=2000)
    async with aclosing(generator.generate(asking())) as given:
        await anext(given)
        assert writers() == 1
    assert writers() == 0


async def test_that_cancelling_stops_it_and_those_who_wait_get_their_turn(folder: Path):
    generator = LocalGenerator(folder, temperature=0, max_tokens=2000)
    first = asyncio.create_task(heard(generator))
    while not writers():  # noqa: ASYNC110 - the writer is a thread, which knows no events of ours
        await asyncio.sleep(0)
    waiting = [asyncio.create_task(heard(generator)) for _ in range(3)]
    await asyncio.sleep(0)
    for task in (waiting[0], first):
        task.cancel()
    assert isinstance((await asyncio.gather(first, return_exceptions=True))[0], asyncio.CancelledError)
    for task in waiting[1:]:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert writers() == 0
    quick = LocalGenerator(folder, temperature=0, max_tokens=4)
    replies = await asyncio.gather(*(heard(quick) for _ in range(4)))
    assert len({reply.text for _, reply in replies}) == 1


async def test_that_a_reply_that_takes_too_long_is_an_error_and_ends(folder: Path):
    generator = LocalGenerator(folder, temperature=0, max_tokens=2000, deadline=0.2)
    with pytest.raises(LLMUnreachableError, match=r"within 0\.2 s.*llm_deadline"):
        await heard(generator)
    assert writers() == 0


async def test_that_its_context_is_told_and_a_prompt_beyond_it_refused_without_its_words(folder: Path):
    generator = LocalGenerator(folder, temperature=0, max_tokens=24)
    assert await generator.context_tokens() == 2048
    assert await LocalGenerator(folder, context=512).context_tokens() == 512
    with pytest.raises(PromptTooLongError, match="holds 2048") as failed:
        await heard(generator, PromptMessage("user", "quince " * 2000))
    assert failed.value.limit == 2048
    assert "quince" not in str(failed.value)


async def test_that_a_reply_is_cut_where_the_context_ends(folder: Path, generator: LocalGenerator):
    (_, reply) = await heard(generator)
    narrow = LocalGenerator(folder, temperature=0, max_tokens=24, context=reply.usage.prompt + 5)
    assert (await heard(narrow))[1].usage.completion == 5


async def test_that_a_template_that_refuses_is_told_without_words_of_the_prompt(tmp_path: Path):
    make(tmp_path / "strict", kind="llama", template=AT_THE_START, context=1024)
    generator = LocalGenerator(tmp_path / "strict", max_tokens=4)
    late = (PromptMessage("user", "Aubergine?"), PromptMessage("system", "x"), PromptMessage("user", "Aubergine!"))
    with pytest.raises(LLMResponseError, match=r"refuses the prompt.*first-system") as failed:
        await heard(generator, *late)
    assert "ubergine" not in str(failed.value)


async def test_that_an_agent_speaks_through_it(folder: Path):
    agent = Agent(
        plugins=[FixedPlugin("emotion", a_reading())],
        composer=SectionComposer(),
        generator=LocalGenerator(folder, temperature=0, max_tokens=12, context=8192),
        store=InMemoryStore(),
    )
    async with agent:
        turn = await agent.respond("The roof leaks again.")
    assert turn.reply.speaker == "tiny"
    assert not turn.failures


def test_that_settings_name_the_folder(folder: Path):
    assert create(load_settings(llm_model=str(folder), llm_context=600))._context == 600
    with pytest.raises(SettingsError, match="HEARTLINE_LLM_MODEL"):
        create(load_settings())


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"])
def test_that_a_folder_that_lacks_something_is_refused_by_name(folder: Path, tmp_path: Path, missing: str):
    lame = tmp_path / "lame"
    shutil.copytree(folder, lame)
    (lame / missing).unlink()
    with pytest.raises(SettingsError, match=r"lame.*llm_model"):
        LocalGenerator(lame)


def test_that_what_is_no_folder_is_refused(tmp_path: Path):
    with pytest.raises(SettingsError, match="no folder"):
        create(SimpleNamespace(**load_settings(llm_model=str(tmp_path / "none")).model_dump()))
