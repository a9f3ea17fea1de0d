"""`esconv/response`: an agent speaks where a supporter spoke, once per sample, also after a kill."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path

import pytest

from agent.decisions import Reply
from agent.errors import DataError, GenerationError, SettingsError
from agent.loop import Agent
from agent.settings import load_settings
from agent.turn import Message, Turn
from evals.once import AnswerCache, Bar, key_of, once
from evals.result import write_result
from evals.run import EncoderKit, evaluate
from evals.speak import SampleStore, speak
from evals.task import Answers, Sample
from tests.evals.small_sets import small_sets, task
from tests.fake_llm_server import FakeLLMServer, says

pytestmark = pytest.mark.usefixtures("few_draws")

for library in ("sacrebleu", "rouge_score", "nltk"):
    pytest.importorskip(library, reason="metrics of replies need the `evals` extra")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_sets(tmp_path_factory.mktemp("sets"))


def kit(**options: object) -> EncoderKit:
    settings = {name: options.pop(name) for name in ("llm_url", "llm_model") if name in options}
    settings |= {"llm_retries": 0, "llm_context": 8192, "two_stage": "inline"}  # one request a reply
    return EncoderKit(load_settings(**settings), progress=False, **options)


def samples(count: int) -> list[Sample]:
    return [
        Sample(
            f"talk {n}",
            f"talk {n}",
            (
                Message("seeker", "The roof leaks."),
                Message("supporter", "Oh."),
                Message("seeker", f"Since day {n}."),
            ),
            {"strategy": "question"},
            "Since when?",
        )
        for n in range(count)
    ]


class Parrot:
    """Says what was said, and counts how often it was asked; fails on the days it is told to."""

    name, reads = "parrot", frozenset({"text"})

    def __init__(self, *failing: str) -> None:
        self.asked: list[Turn] = []
        self.failing = failing
        self.at_once = self.most_at_once = 0

    async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
        self.asked.append(turn)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if any(day in turn.text for day in self.failing):
            raise GenerationError("It fails on purpose.")
        yield Reply(f"You said: {turn.text}", speaker=self.name)


def said(parrot: Parrot, found: list[Sample], cache: AnswerCache, parallel: int = 4) -> Answers:
    agent = Agent(plugins=(), generator=parrot, store=SampleStore(found))
    keys = [key_of({"system": "parrot"}, sample) for sample in found]
    return asyncio.run(
        once(
            partial(speak, agent),
            found,
            keys=keys,
            cache=cache,
            parallel=parallel,
            bar=Bar("replies", shown=False),
        )
    )


# Speaking


def test_that_each_sample_is_answered_after_what_was_said_before():
    parrot = Parrot()
    answers = said(parrot, samples(3), AnswerCache(None))
    assert [(answer or {})["reply"] for answer in answers] == [f"You said: Since day {n}." for n in range(3)]
    assert [message.text for message in parrot.asked[0].history] == ["The roof leaks.", "Oh."]


def test_that_a_reply_is_asked_for_once_also_by_the_next_run(tmp_path: Path):
    parrot = Parrot()
    first = said(parrot, samples(5), AnswerCache(tmp_path / "replies.jsonl"))
    again = said(Parrot(), samples(5), AnswerCache(tmp_path / "replies.jsonl"))
    assert again == first
    assert len(parrot.asked) == 5
    later = Parrot()
    said(later, samples(7), AnswerCache(tmp_path / "replies.jsonl"))
    assert len(later.asked) == 2


def test_that_a_line_cut_off_by_a_kill_is_asked_for_again(tmp_path: Path):
    path = tmp_path / "replies.jsonl"
    first = said(Parrot(), samples(3), AnswerCache(path))
    path.write_text(path.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    parrot = Parrot()
    assert said(parrot, samples(3), AnswerCache(path)) == first
    assert len(parrot.asked) == 1
    # What is added after the broken line is read next time.
    third = Parrot()
    assert said(third, samples(3), AnswerCache(path)) == first
    assert not third.asked


def test_that_a_cache_of_another_version_is_not_read(tmp_path: Path):
    path = tmp_path / "replies.jsonl"
    said(Parrot(), samples(2), AnswerCache(path))
    rows = [json.loads(line) | {"format": 0} for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    parrot = Parrot()
    said(parrot, samples(2), AnswerCache(path))
    assert len(parrot.asked) == 2


def test_that_where_the_speaker_fails_there_is_no_answer_and_nothing_is_kept(tmp_path: Path):
    cache = AnswerCache(tmp_path / "replies.jsonl")
    answers = said(Parrot("day 1"), samples(3), cache)
    assert [answer is None for answer in answers] == [False, True, False]
    later = Parrot()
    assert None not in said(later, samples(3), cache)
    assert [turn.text for turn in later.asked] == ["Since day 1."]


@pytest.mark.parametrize("parallel", [1, 3])
def test_that_no_more_than_asked_for_speak_at_once(parallel: int):
    parrot = Parrot()
    said(parrot, samples(9), AnswerCache(None), parallel=parallel)
    assert parrot.most_at_once <= parallel


def test_that_a_reply_to_another_history_or_of_another_system_has_another_key():
    one, other = samples(2)
    assert key_of({"system": "a"}, one) != key_of({"system": "a"}, other)
    assert key_of({"system": "a"}, one) != key_of({"system": "b"}, one)
    assert key_of({"system": "a"}, one) == key_of({"system": "a"}, samples(1)[0])


# The task


def test_that_the_offline_responder_answers_the_whole_split(folder: Path, tmp_path: Path):
    found = task("esconv/response")
    [result] = evaluate(found, folder, "valid", kit=kit(), systems=["offline"])
    # Each talk has two supporter turns after the seeker; the third follows another supporter turn.
    assert result.signature["n"] == 16
    assert {"bleu_2", "rouge_l", "distinct_1", "words_per_reply", "strategy_accuracy"} <= set(result.metrics)
    assert 0 <= result.metrics["bleu_2"]["value"] <= 1
    assert set(result.floors) == {"people", "fixed reply", "echo"}
    assert {"distinct_1", "words_per_reply", "other_language"} <= set(result.floors["people"])
    assert not {"bleu_2", "cider"} & set(result.floors["people"])
    assert "version:" in result.signature["metric_versions"]["bleu_2"]
    write_result(tmp_path / "run.json", result)
    text = (tmp_path / "run.json").read_text(encoding="utf-8")
    assert "That is a lot." not in text
    assert '"reply"' in text


def test_that_empty_replies_and_those_in_another_language_are_counted(folder: Path):
    found = task("esconv/response")
    asked = found.samples(folder, "valid")[:4]
    replies = ["I hear you, that sounds hard.", "", "Das tut mir sehr leid, ich höre dir gerne zu.", "Since when?"]
    measured = found.measures(asked, [{"reply": reply} for reply in replies])
    assert measured["empty_replies"].value() == 1 / 4
    assert measured["other_language"].value() == 1 / 4


def test_that_a_told_strategy_is_followed_and_not_scored_as_a_guess(folder: Path):
    [result] = evaluate(task("esconv/response"), folder, "valid", kit=kit(), systems=["offline+gold"])
    assert "strategy_accuracy" not in result.metrics
    assert all(row["answer"]["strategy"] is None for row in result.samples)


def test_that_an_openai_compatible_server_is_asked_and_paid_once(folder: Path, tmp_path: Path):
    found = task("esconv/response")
    with FakeLLMServer(*[says("I ", "hear you.") for _ in range(6)]) as server:
        [first] = evaluate(
            found,
            folder,
            "valid",
            kit=kit(llm_url=server.url, llm_model="m", cache=tmp_path),
            systems=["llm"],
            limit=6,
        )
        [again] = evaluate(
            found,
            folder,
            "valid",
            kit=kit(llm_url=server.url, llm_model="m", cache=tmp_path),
            systems=["llm"],
            limit=6,
        )
        assert len(server.requests) == 6
    assert again == first
    assert all(row["answer"]["prompt"] for row in first.samples)


def test_that_an_llm_that_is_gone_leaves_nothing_scored_and_an_error_that_says_so(folder: Path):
    with pytest.raises(DataError, match=r"None of 4 samples has a reply\. Look at the LLM"):
        evaluate(
            task("esconv/response"),
            folder,
            "valid",
            kit=kit(llm_url="http://127.0.0.1:9/v1", llm_model="m"),
            systems=["llm"],
            limit=4,
        )


@pytest.mark.parametrize(("system", "said_"), [("llm", "No LLM is named"), ("oracle", "Systems: offline, llm")])
def test_that_a_system_that_cannot_answer_is_an_error_that_says_what_to_do(folder: Path, system: str, said_: str):
    with pytest.raises(SettingsError, match=said_):
        evaluate(task("esconv/response"), folder, "valid", kit=kit(), systems=[system])
