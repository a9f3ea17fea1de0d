"""Calls that a front end makes for itself are no turns. The prompts are written after Open WebUI's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from answering_llm import AnsweringLLM
from fake_llm_server import FakeLLMServer, fails
from http_serving import serving
from loop_parts import an_agent, offline

from agent.generator import OpenAICompatibleGenerator, create
from agent.probe import LLMServer
from ui.http.background import FIXED, task_of
from ui.http.schemas import ChatRequest

HISTORY = "### Chat History:\n<chat_history>\nUSER: I lost my job.\nASSISTANT: I hear you.\n</chat_history>"
TITLE = (
    "### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat history.\n### Guidelines:\n"
    '- Keep it simple.\n### Output:\nJSON format: { "title": "your concise title here" }\n' + HISTORY
)
NEWER_TITLE = TITLE.replace("a concise, 3-5 word title with an emoji summarizing", "a concise title summarizing")
TAGS = (
    "### Task:\nGenerate 1-3 broad tags categorizing the main themes of the chat history.\n\n### Output:\n"
    'JSON format: { "tags": ["tag1", "tag2"] }\n\n' + HISTORY
)
FOLLOW_UPS = (
    "### Task:\nSuggest 3-5 relevant follow-up questions or prompts that the user might naturally ask next.\n"
    '### Output:\nJSON format: { "follow_ups": ["Question 1?"] }\n' + HISTORY
)
QUERIES = (
    "### Task:\nAnalyze the chat history to determine the necessity of generating search queries.\n"
    '- return: { "queries": [] }.\n' + HISTORY
)
AUTOCOMPLETE = "### Task:\nYou are an autocompletion system. Continue the text.\n" + '{ "text": "x" }\n' + HISTORY
EMOJI = (
    "Your task is to reflect the speaker's likely facial expression through a fitting emoji.\n\nMessage: ```x```"
)
OLD_TITLE = (
    "Create a concise, 3-5 word title with an emoji as a title for the chat history, in the given language. "
    "RESPOND ONLY WITH THE TITLE TEXT.\n\nPrompt: I lost my job."
)
TASKS = [
    (TITLE, "title"),
    (NEWER_TITLE, "title"),
    (TAGS, "tags"),
    (FOLLOW_UPS, "follow_ups"),
    (QUERIES, "queries"),
    (AUTOCOMPLETE, "text"),
    (EMOJI, "emoji"),
    (OLD_TITLE, "plain_title"),
]


def request(*messages: Any, **fields: Any) -> ChatRequest:
    said = [{"role": "user", "content": each} if isinstance(each, str) else each for each in messages]
    return ChatRequest.model_validate({"messages": said} | fields)


@pytest.mark.parametrize(("prompt", "task"), TASKS)
def test_that_the_prompts_of_open_webui_are_known(prompt: str, task: str):
    assert task_of(request(prompt), None) == task
    assert task_of(request({"role": "system", "content": "Be brief."}, f"\n{prompt}"), None) == task


@pytest.mark.parametrize(
    "said",
    [
        "### Task:\nI have to tell my boss that I can't go on.",
        "### Task:\nGenerate a concise title for my resignation letter.",
        '### Task:\nRespond to the user query using the provided context.\n{"title": "x"}\nI want to die.',
        f"My therapist wrote this: {TITLE}",
        "Suggest 3-5 relevant follow-up questions",
        "Message: hello",
    ],
)
def test_that_a_person_who_writes_something_like_it_is_answered(said: str):
    assert task_of(request(said), None) is None


def test_that_it_is_a_turn_in_the_middle_of_a_conversation():
    assert task_of(request("Hello.", {"role": "assistant", "content": "Hi."}, TITLE), None) is None


def test_that_a_front_end_can_say_so_itself():
    assert task_of(request("Name this chat."), "title") == "title"
    assert task_of(request("Name this chat.", heartline={"task": "summary"}), None) == "plain_title"


@pytest.mark.parametrize("stream", [False, True])
def test_that_without_an_llm_the_answer_is_fixed_and_nothing_is_read_or_stored(*, stream: bool):
    agent = an_agent(offline())
    with serving(agent) as server:
        answer = server.ask(
            TITLE, stream=stream, extra_body={"heartline": {"conversation_id": "a"}, "metadata": {"task": "x"}}
        )
        text = "".join(c.choices[0].delta.content or "" for c in answer) if stream else None
        text = text or answer.choices[0].message.content
        assert server.service.store.conversations() == ()
    assert json.loads(text) == {"title": "Conversation"}
    assert agent.perception.plugins[0].seen == []
    assert stream or answer.model_extra["heartline"] is None


def test_that_every_fixed_answer_is_what_was_asked_for():
    for task, text in FIXED.items():
        if task not in {"emoji", "plain_title"}:
            assert list(json.loads(text)) == [task]


def test_that_with_an_llm_it_is_passed_on_as_it_is():
    with AnsweringLLM(says='{"title": "A hard week"}') as llm:
        settings = {"llm_url": llm.url, "llm_model": "tiny"}
        agent = an_agent(offline())
        agent.generator = OpenAICompatibleGenerator(LLMServer(llm.url), model="tiny", context=8192)
        with serving(agent, **settings) as server:
            answer = server.ask({"role": "system", "content": "Be brief."}, TITLE)
    assert answer.choices[0].message.content == '{"title": "A hard week"}'
    (body,) = llm.bodies
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": TITLE}]
    assert body["max_tokens"] == 400


def test_that_an_llm_that_fails_costs_no_error():
    with FakeLLMServer(fails(500, headers={"x-should-retry": "false"})) as llm:
        agent = an_agent(offline())
        agent.generator = create(llm.settings())
        with serving(agent, llm_url=llm.url, llm_model="tiny", llm_retries=0) as server:
            assert server.ask(TAGS).choices[0].message.content == FIXED["tags"]


@pytest.mark.parametrize("content", [False, True])
def test_that_a_call_is_a_chat_span_in_the_span_of_its_request(spans: Any, *, content: bool):
    with AnsweringLLM(says='{"title": "A hard week"}') as llm:
        operations = {"trace_content": content}
        settings = {"llm_url": llm.url, "llm_model": "tiny", "operations": operations}
        agent = an_agent(offline())
        agent.generator = OpenAICompatibleGenerator(LLMServer(llm.url), model="tiny", context=8192)
        with serving(agent, **settings) as server:
            server.ask(TITLE)
    chat, request = spans.get_finished_spans()
    assert (chat.name, request.name) == ("chat tiny", "POST /v1/chat/completions")
    assert chat.parent.span_id == request.context.span_id
    told = dict(chat.attributes)
    assert told["gen_ai.request.stream"] is False
    assert told["gen_ai.response.model"] == "tiny"
    assert ("lost my job" in chat.to_json(), "A hard week" in chat.to_json()) == (content, content)


def test_that_a_call_that_fails_is_an_error_of_its_span_without_words(spans: Any):
    with FakeLLMServer(fails(500, echo=TAGS, headers={"x-should-retry": "false"})) as llm:
        agent = an_agent(offline())
        agent.generator = create(llm.settings())
        with serving(agent, llm_url=llm.url, llm_model="tiny", llm_retries=0) as server:
            server.ask(TAGS)
    chat = spans.get_finished_spans()[0]
    assert chat.attributes["error.type"] == "500"
    assert (len(chat.events), "lost my job" in chat.to_json()) == (0, False)
