"""Perplexity of references: what an LLM is asked, what is counted, and what is no figure."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from agent.errors import DataError, LLMResponseError, SettingsError
from agent.settings import load_settings
from evals.compare import compare
from evals.result import Result
from evals.run import EncoderKit, evaluate
from evals.table import print_results
from evals.tasks.perplexity import Perplexity
from tests.evals.small_sets import small_sets
from tests.fake_llm_server import FakeLLMServer, Step, answers, fails, lists
from tests.sem_plugins.tiny_sets import support, write_sets

PROMPT = 3
"""Tokens that the fake server says the prompt has."""

SINCE = {"Since": -0.5, " when": -1.0, "?": -1.5}
LOT = {"That is": -2.0, " a lot.": -4.0}
SAID = (SINCE, LOT, SINCE)
"""Tokens of the first three references, which are two words and four words long."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_sets(tmp_path_factory.mktemp("sets"))


def whole(tokens: dict[str, float]) -> dict[str, Any]:
    """The answer of vLLM about a prompt that ends with these tokens."""
    known = dict.fromkeys(("<s>", "<user>", "<reply>")) | tokens
    entries = [
        {str(number): {"logprob": -9.0 if logprob is None else logprob, "rank": 1, "decoded_token": text}}
        for number, (text, logprob) in enumerate(known.items())
    ]
    return {"prompt_logprobs": [None, *entries[1:]], "usage": {"prompt_tokens": len(known)}}


def scores(tokens: dict[str, float]) -> list[Step]:
    """Both answers about one reference."""
    return [answers(whole(tokens)), answers({"prompt_logprobs": None, "usage": {"prompt_tokens": PROMPT}})]


def run(
    folder: Path, *script: Step, limit: int | None = 3, model: str | None = "m", cache: Path | None = None
) -> tuple[Result, FakeLLMServer]:
    with FakeLLMServer(*script) as server:
        settings = load_settings(llm_url=server.url, llm_model=model, llm_retries=0)
        kit = EncoderKit(settings, cache=cache, parallel=1, progress=False)
        task = Perplexity()
        [result] = evaluate(task, folder, "valid", kit=kit, systems=["llm"], limit=limit)
    return result, server


def all_scores() -> list[Step]:
    return [step for tokens in SAID for step in scores(tokens)]


# Figures


def test_that_perplexity_is_of_the_references_tokens_alone(folder: Path):
    result, _ = run(folder, *all_scores())
    # -3, -6 and -3 over 3, 2 and 3 tokens; 2, 4 and 2 words.
    assert result.metrics["perplexity"]["value"] == pytest.approx(math.exp(12 / 8), abs=1e-6)
    assert result.metrics["bits_per_word"]["value"] == pytest.approx(12 / math.log(2) / 8, abs=1e-6)
    assert result.metrics["tokens_per_reply"]["value"] == pytest.approx(8 / 3, abs=1e-6)
    low, high = (result.metrics["perplexity"][end] for end in ("low", "high"))
    # One dialogue has two of the references; the intervals draw dialogues.
    assert (low, high) == (pytest.approx(math.exp(3 / 3), abs=1e-6), pytest.approx(math.exp(9 / 5), abs=1e-6))


def test_that_a_result_names_task_system_and_model_and_holds_no_words(folder: Path):
    result, _ = run(folder, *all_scores())
    assert (result.task, result.signature["system"]) == ("esconv/perplexity", "llm")
    assert result.signature["speakers"] == ["m"]
    assert len(result.signature["prompts_sha256"]) == 1
    assert [row["answer"]["tokens"] for row in result.samples] == [3, 2, 3]
    assert "Since" not in json.dumps(result.samples)


def test_that_the_table_shows_numbers_and_no_percentages(folder: Path, capsys: pytest.CaptureFixture[str]):
    result, _ = run(folder, *all_scores())
    print_results([result])
    shown = capsys.readouterr().out
    for figure in ("perplexity", "4.48 (2.72", "bits_per_word", "2.16", "tokens_per_reply", "2.67"):
        assert figure in shown


def test_that_two_runs_can_be_compared(folder: Path):
    first, _ = run(folder, *all_scores())
    surer = [{text: logprob / 2 for text, logprob in tokens.items()} for tokens in SAID]
    second, _ = run(folder, *(step for tokens in surer for step in scores(tokens)))
    found = {
        one.metric: one
        for one in compare(Perplexity(), first, second, samples=Perplexity().samples(folder, "valid"))
    }
    assert found["perplexity"].value == pytest.approx(math.exp(6 / 8) - math.exp(12 / 8))


# What is asked


def test_that_the_agents_prompt_is_sent_with_the_reference_and_then_alone(folder: Path):
    _, server = run(folder, *all_scores())
    with_reply, alone = (request.body for request in server.requests[:2])
    assert with_reply["messages"] == [*alone["messages"], {"role": "assistant", "content": "Since when?"}]
    assert [message["role"] for message in alone["messages"]] == ["system", "user"]
    assert alone["messages"][-1]["content"] == "The roof leaks since day 0."
    assert with_reply["prompt_logprobs"] == 0
    assert (with_reply["add_generation_prompt"], with_reply["continue_final_message"]) == (False, True)
    assert alone["add_generation_prompt"] is True
    assert all(
        (one["model"], one["max_tokens"], one["temperature"]) == ("m", 1, 0) and not one.get("stream")
        for one in (with_reply, alone)
    )


def test_that_what_is_known_is_not_asked_for_again(folder: Path, tmp_path: Path):
    first, _ = run(folder, *all_scores(), cache=tmp_path)
    again, server = run(folder, cache=tmp_path)
    assert again == first
    assert not server.requests


def test_that_another_model_is_asked_itself(folder: Path, tmp_path: Path):
    run(folder, *all_scores(), cache=tmp_path)
    result, server = run(folder, lists("other"), *all_scores(), model=None, cache=tmp_path)
    assert len(server.requests) == 7
    assert result.signature["speakers"] == ["other"]


# What is no figure


def test_that_what_the_server_failed_at_is_unscored_and_asked_for_again(folder: Path, tmp_path: Path):
    result, _ = run(folder, *scores(SINCE), fails(500), *scores(SINCE), cache=tmp_path)
    assert [row["answer"] is None for row in result.samples] == [False, True, False]
    assert result.metrics["perplexity"]["unscored"] == 1
    assert result.metrics["perplexity"]["value"] == pytest.approx(math.exp(1), abs=1e-6)
    later, _ = run(folder, *scores(LOT), cache=tmp_path)
    assert later.metrics["perplexity"]["value"] == pytest.approx(math.exp(12 / 8), abs=1e-6)


def test_that_an_escalated_turn_is_unscored_and_its_words_are_not_sent(tmp_path: Path):
    talks = [
        support("one", "The roof leaks.", ("Since when?", "Question")),
        support("two", "I am going to kill myself tonight.", ("Since when?", "Question")),
        support("three", "The cellar is wet.", ("Since when?", "Question")),
    ]
    write_sets(tmp_path, {"esconv/valid.jsonl": talks})
    result, server = run(tmp_path, *scores(SINCE), *scores(SINCE))
    assert [row["answer"] is None for row in result.samples] == [False, True, False]
    assert "tonight" not in json.dumps([request.body for request in server.requests])


@pytest.mark.parametrize(
    "body",
    [
        {"choices": [], "usage": {"prompt_tokens": 5}},
        {"prompt_logprobs": None},
        {"prompt_logprobs": [None, None, None, None]},
        {"prompt_logprobs": [None, {}, {}, {}, {}]},
        {"prompt_logprobs": [None]},
        {"prompt_logprobs": "yes"},
        [],
    ],
)
def test_that_a_server_without_logprobs_of_prompts_ends_the_run_and_the_cure_is_named(folder: Path, body: object):
    with pytest.raises(LLMResponseError, match=r"`prompt_logprobs`.*serve the model with vLLM"):
        run(folder, answers(body), answers({"usage": {"prompt_tokens": PROMPT}}))


def test_that_a_server_that_does_not_count_tokens_ends_the_run(folder: Path):
    with pytest.raises(LLMResponseError, match=r"`usage\.prompt_tokens`"):
        run(folder, answers(whole(SINCE)), answers({"choices": []}))


def test_that_thoughts_of_a_template_are_not_taken_for_the_reference(folder: Path):
    with pytest.raises(LLMResponseError, match=r"is not the reference.*enable_thinking"):
        run(folder, *scores({"<think>": -0.1, "</think>": -0.1} | SINCE))


def test_that_letters_of_several_tokens_do_not_hide_the_reference(tmp_path: Path):
    talks = [support(f"talk {n}", "The roof leaks.", ("Oh, the café\u2019s?", "Question")) for n in range(2)]
    write_sets(tmp_path, {"esconv/valid.jsonl": talks})
    parts = {"Oh,": -1.0, "the caf": -1.0, "\ufffd": -1.0, "\ufffd ": -1.0, "\u2019s": -1.0, "?": -1.0}
    result, _ = run(tmp_path, *scores(parts), *scores(parts))
    assert result.metrics["perplexity"]["value"] == pytest.approx(math.e, abs=1e-6)


def test_that_no_figure_at_all_is_an_error_that_says_what_the_server_must_take(folder: Path):
    with pytest.raises(DataError, match=r"None of 3 references was scored by 'm'.*`continue_final_message`"):
        run(folder, *[fails(400)] * 3)


def test_that_without_an_llm_the_cure_is_named(folder: Path):
    kit = EncoderKit(load_settings(), progress=False)
    with pytest.raises(SettingsError, match="Give `--llm URL` or HEARTLINE_LLM_URL"):
        evaluate(Perplexity(), folder, "valid", kit=kit, systems=["llm"])
