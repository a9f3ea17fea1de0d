"""What is found out about an LLM server, and what is not, without an error."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from agent.binding import WAYS
from agent.features import ServerFeatures, find_features
from agent.presets import PRESETS, ways_of
from agent.probe import LLMServer
from tests.fake_llm_server import (
    FakeLLMServer,
    Step,
    answers,
    fails,
    hangs_up,
    lists,
    obeys,
    stays_silent,
    tells,
    tokenizes,
)

CAN = ("structured_outputs", "json_schema", "json_object", "logprobs")
METRICS = "# TYPE vllm:prefix_cache_hits counter\nvllm:prefix_cache_hits_total 12.0\n"


def beside(path: str, body: object, **more: Any) -> Step:
    return answers(body, path=path, beside=True, **more)


def missing(path: str, *, status: int = 404) -> Step:
    return beside(path, {"error": {"message": "Not Found"}}, status=status)


def embeds(*, status: int = 200) -> Step:
    return answers({"data": [{"embedding": [0.5]}]}, status=status, path="/embeddings")


def a_vllm(*generations: Step) -> list[Step]:
    """What vLLM answers to one look: five generations at the end."""
    return [
        lists("tiny", owner="vllm", max_model_len=1024),
        beside("/version", {"version": "0.32.0"}),
        tokenizes(max_model_len=1024),
        beside("/metrics", METRICS, kind="text/plain"),
        embeds(status=404),
        *(generations or [obeys(*CAN)] * 5),
    ]


async def features(*steps: Step, model: str | None = None, timeout: float = 5.0) -> ServerFeatures:
    with FakeLLMServer(*steps) as server:
        return await find_features(LLMServer(server.url, timeout=timeout), model)


async def test_that_a_vllm_is_known_with_everything_it_can_do():
    assert await features(*a_vllm()) == ServerFeatures(
        kind="vllm",
        version="0.32.0",
        model="tiny",
        context_tokens=1024,
        structured_outputs=True,
        json_schema=True,
        json_mode=True,
        logprobs=True,
        embeddings=False,
        tokenize=True,
        late_system=True,
        prefix_cache=True,
    )


async def test_that_generations_are_short_and_hold_no_words_of_anybody():
    with FakeLLMServer(*a_vllm()) as server:
        await find_features(LLMServer(server.url), "tiny")
    for request in server.requests[-5:]:
        assert request.body["max_tokens"] <= 40
        assert request.body["model"] == "tiny"
        assert request.body["chat_template_kwargs"] == {"enable_thinking": False}


async def test_that_fields_which_are_ignored_are_told_from_fields_that_are_kept_to():
    found = await features(*a_vllm(*[obeys()] * 5))
    assert found.structured_outputs is found.json_schema is found.json_mode is found.logprobs is False


async def test_that_fields_which_are_refused_are_not_there():
    refuses = ["structured_outputs", "response_format", "logprobs"]
    found = await features(*a_vllm(*[obeys(refuses=refuses)] * 5))
    assert found.structured_outputs is found.json_schema is found.json_mode is found.logprobs is False
    assert found.late_system is True


async def test_that_an_answer_cut_before_one_can_tell_leaves_it_unknown():
    found = await features(*a_vllm(tells("z"), tells('{ "ans'), tells("  \n"), tells("x"), tells("x")))
    assert found.structured_outputs is found.json_schema is found.json_mode is None


@pytest.mark.parametrize(
    ("step", "late"),
    [
        (fails(400), False),
        (answers({"error": {"message": "Jinja Exception: roles must alternate"}}, status=500), False),
        (tells("Hello", usage=(30, 1)), False),
        (tells("Hello", usage=(250, 1)), True),
        (tells("Hello", usage=None), None),
        (fails(503), None),
    ],
    ids=["refused", "template raises", "dropped", "shown", "not counted", "busy"],
)
async def test_that_a_late_message_of_the_system_must_be_taken_and_be_seen(step: Step, *, late: bool | None):
    found = await features(*a_vllm(*[obeys(*CAN)] * 4, step))
    assert found.late_system is late


async def test_that_a_llama_cpp_is_known_by_its_own_pages():
    props = beside("/props", {"default_generation_settings": {"n_ctx": 2048}, "build_info": "b6000-abc"})
    found = await features(
        lists("tiny.gguf", owner="llamacpp", meta={"n_ctx_train": 131072}),
        props,
        props,
        beside("/tokenize", {"tokens": [1, 2]}),
        missing("/metrics", status=501),
        embeds(status=501),
        *[obeys("json_schema", "json_object", "logprobs")] * 5,
    )
    assert (found.kind, found.version, found.context_tokens) == ("llama.cpp", "b6000-abc", 2048)
    assert found.structured_outputs is found.prefix_cache is found.embeddings is False
    assert found.json_schema is found.tokenize is True


@pytest.mark.parametrize(
    ("loaded", "shown", "context"),
    [
        ([{"name": "tiny:latest", "context_length": 4096}], None, 4096),
        ([{"name": "other", "context_length": 512}], {"parameters": "temperature 1\nnum_ctx     8192\n"}, 8192),
        ([], {"parameters": "temperature 1", "model_info": {"llama.context_length": 131072}}, None),
        ([], {}, None),
    ],
    ids=["loaded", "set in the Modelfile", "trained on is not served", "unknown"],
)
async def test_that_the_context_of_an_ollama_is_what_it_serves(loaded: object, shown: object, context: int | None):
    asked = [beside("/api/ps", {"models": loaded}), *([] if shown is None else [beside("/api/show", shown)])]
    found = await features(
        lists("tiny:latest", owner="library"),
        *asked,
        beside("/api/version", {"version": "0.13.0"}),
        missing("/tokenize"),
        missing("/metrics"),
        embeds(),
        *[obeys("json_schema", "json_object")] * 5,
        model="tiny",
    )
    assert (found.kind, found.version, found.model, found.context_tokens) == ("ollama", "0.13.0", "tiny", context)
    assert found.embeddings is True
    assert found.tokenize is False


async def test_that_a_server_nobody_knows_is_asked_all_the_same():
    found = await features(
        lists("tiny"), missing("/tokenize"), missing("/metrics"), embeds(status=404), *[obeys("json_schema")] * 5
    )
    assert found.kind is found.version is found.context_tokens is None
    assert found.json_schema is True


@pytest.mark.parametrize("claimed", [True, "1024", -1, 0, 7, 10**12, 1024.5, None])
async def test_that_a_context_that_cannot_be_is_none(claimed: object):
    steps = [lists("tiny", owner="vllm", max_model_len=claimed), *a_vllm()[1:]]
    assert (await features(*steps)).context_tokens is None


async def test_that_the_context_of_another_model_is_not_taken():
    assert (await features(*a_vllm(), model="huge")).context_tokens is None


async def test_that_nothing_at_all_is_known_of_a_server_that_is_not_there():
    assert await find_features(LLMServer("http://127.0.0.1:9/v1", timeout=0.5)) == ServerFeatures()


async def test_that_a_silent_server_costs_one_wait():
    with FakeLLMServer(stays_silent(path="/models")) as server:  # strict: it is asked nothing else
        assert await find_features(LLMServer(server.url, timeout=0.2), "tiny") == ServerFeatures(model="tiny")


async def test_that_what_was_found_before_the_silence_is_kept():
    found = await features(*a_vllm(obeys(*CAN), stays_silent()), timeout=1.5)
    assert (found.context_tokens, found.structured_outputs) == (1024, True)
    assert found.json_schema is None


async def test_that_one_page_that_breaks_does_not_hide_the_others():
    steps = a_vllm()
    steps[3] = Step(hangs_up().play, "/metrics", beside=True)
    found = await features(*steps)
    assert found.prefix_cache is None
    assert found.structured_outputs is True


@pytest.mark.parametrize(
    "body",
    ["<html>", "[" * 100_000, [], {"data": 7}, {"data": [7]}, {"data": [{"id": 7}]}, {"data": []}],
)
async def test_that_a_list_of_models_that_is_none_ends_it(body: object):
    assert await features(answers(body, path="/models")) == ServerFeatures()


async def test_that_answers_that_lie_in_every_form_are_no_error():
    lies: list[object] = [{"choices": []}, {"choices": [{"message": None}]}, [], "x", {"choices": "none"}]
    found = await features(
        lists("tiny", owner="vllm"),
        beside("/version", [1]),
        beside("/tokenize", {"tokens": 7}),
        beside("/metrics", "nothing"),
        answers([], path="/embeddings"),
        *(answers(lie) for lie in lies),
    )
    assert found.version is None
    assert not any(getattr(found, each.name) for each in fields(found) if each.name not in {"kind", "model"})


# --- presets


def test_that_each_preset_says_where_it_listens_and_what_it_is():
    assert set(PRESETS) == {"vllm", "llama.cpp", "ollama", "openai"}
    for kind, preset in PRESETS.items():
        assert preset.features.kind == kind
        assert preset.url.endswith("/v1")
        # What belongs to the model and not to the software is for nobody to assume.
        assert preset.features.model is preset.features.context_tokens is preset.features.late_system is None


def test_that_the_ways_worth_trying_leave_out_what_cannot_be():
    assert ways_of(PRESETS["vllm"].features) == WAYS
    assert ways_of(PRESETS["ollama"].features) == ("json_schema", "json_with_schema", "json", "text")
    assert ways_of(ServerFeatures(structured_outputs=False, json_schema=False, json_mode=False)) == ("text",)
    assert ways_of(ServerFeatures()) == WAYS
