"""The HEF grid: what each arm gives to the LLM, what is made of its answers, and the table."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import numpy as np
import pytest

from agent.errors import DataError, SettingsError
from agent.readings import CausalSpan, CauseReading
from agent.settings import load_settings
from agent.testing import a_reading, a_turn
from evals.hef.arms import ARMS, arm_of, exchanged, with_truth
from evals.hef.cause import HefCause
from evals.hef.cost import count, metered
from evals.hef.emotion import HefEmotion
from evals.hef.grid import print_grid, run_grid
from evals.hef.reply import HefReply
from evals.run import EncoderKit, evaluate
from evals.task import Sample
from evals.tasks.empathetic_dialogues import Dialogue
from tests.answering_llm import AnsweringLLM
from tests.evals.small_sets import small_sets

pytestmark = pytest.mark.usefixtures("few_draws")

for library in ("sacrebleu", "rouge_score", "nltk"):
    pytest.importorskip(library, reason="metrics of replies need the `evals` extra")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_sets(tmp_path_factory.mktemp("sets"))


@pytest.fixture
def server() -> Iterator[AnsweringLLM]:
    with AnsweringLLM(quotes=lambda _: "this oven") as started:
        yield started


def kit(url: str, **settings: Any) -> EncoderKit:
    return EncoderKit(load_settings(llm_url=url, llm_retries=0, **settings), progress=False, parallel=2)


def value(task: Any, folder: Path, url: str, system: str, metric: str) -> float:
    [result] = evaluate(task, folder, "valid", kit=kit(url), systems=[system])
    return result.metrics[metric]["value"]


def test_that_the_llm_alone_gets_all_labels_and_nothing_that_was_read(folder: Path, server: AnsweringLLM):
    value(HefEmotion(), folder, server.url, "plain", "accuracy")
    for body in server.bodies:
        assert len(body["structured_outputs"]["choice"]) == 32
        assert "small model" not in str(body["messages"])


def test_that_labels_gives_letters_of_the_primary_emotions_first(folder: Path, server: AnsweringLLM):
    value(HefEmotion(), folder, server.url, "labels", "accuracy")
    picks = [body["structured_outputs"]["choice"] for body in server.bodies]
    assert all(one == list(ascii_uppercase[: len(one)]) for one in picks)


def test_that_who_always_answers_a_rescues_and_harms_nothing(folder: Path, server: AnsweringLLM):
    assert value(HefEmotion(), folder, server.url, "labels", "rescue") == 0
    sem = value(HefEmotion(), folder, server.url, "sem", "accuracy")
    assert value(HefEmotion(), folder, server.url, "labels", "accuracy") == sem


def test_that_with_the_truth_at_the_head_who_answers_a_is_always_right(folder: Path, server: AnsweringLLM):
    assert value(HefEmotion(), folder, server.url, "oracle", "accuracy") == 1


def test_that_opening_the_others_costs_a_second_call(folder: Path):
    with AnsweringLLM(picks=lambda choices, _: choices[-1]) as server:
        assert value(HefEmotion(), folder, server.url, "labels", "calls") == 2
        assert value(HefEmotion(), folder, server.url, "labels", "prompt_tokens") == 200


def test_that_adaptive_asks_only_about_wide_sets(folder: Path, server: AnsweringLLM):
    wide = EncoderKit(load_settings(llm_url=server.url, widest_set=32), progress=False)
    [result] = evaluate(HefEmotion(), folder, "valid", kit=wide, systems=["adaptive"])
    assert not server.bodies
    assert result.metrics["calls"]["value"] == 0
    narrow = EncoderKit(load_settings(llm_url=server.url, widest_set=1), progress=False)
    evaluate(HefEmotion(), folder, "valid", kit=narrow, systems=["adaptive"])
    assert server.bodies


def test_that_a_quoted_cause_is_scored_by_its_words(folder: Path, server: AnsweringLLM):
    task = HefCause()
    assert value(task, folder, server.url, "plain", "token_f1") == 1
    assert value(task, folder, server.url, "plain", "exact_match") == 1


def test_that_words_that_nobody_said_are_nothing(folder: Path):
    with AnsweringLLM(quotes=lambda _: "words of nobody") as server:
        assert value(HefCause(), folder, server.url, "plain", "nothing") == 1
        assert value(HefCause(), folder, server.url, "plain", "token_f1") == 0


def test_that_the_hints_of_the_oracle_are_the_true_words(folder: Path, server: AnsweringLLM):
    evaluate(HefCause(), folder, "valid", kit=kit(server.url), systems=["oracle"])
    assert all("“this oven”" in body["messages"][-1]["content"] for body in server.bodies)


def test_that_no_turn_keeps_its_own_reading_when_shuffled():
    labels = ("sad", "anxious", "proud", "content")
    turns = [a_turn(f"It rains on day {n}.", emotion=a_reading(label)) for n, label in enumerate(labels)]
    given = exchanged(turns)
    assert sorted(turn.emotion.label for turn in given if turn.emotion) == sorted(labels)
    assert all(one.emotion != other.emotion for one, other in zip(turns, given, strict=True))
    assert given == exchanged(turns)


def test_that_shuffled_causes_are_words_of_the_same_dialogue():
    span = CausalSpan(0, 3, 8, "rains", 0.5)
    [given] = exchanged([a_turn("It rains on day one.", cause=CauseReading((span,)))])
    assert given.cause is not None
    [moved] = given.cause.spans
    assert given.text[moved.start : moved.end] == moved.text
    assert len(moved.text) == len(span.text)


def test_that_the_oracle_s_reading_is_a_distribution_with_the_truth_at_its_head():
    reading = with_truth(a_reading("anxious", 0.9), "content")
    assert reading.label == "content"
    assert sum(reading.probabilities.values()) == pytest.approx(1)


def test_that_an_arm_that_there_is_not_is_named():
    with pytest.raises(SettingsError, match=r"'magic'.*stimulus:NAME"):
        arm_of("magic")
    assert arm_of("stimulus:growth").stimulus == "growth"


def test_that_what_one_sample_costs_is_not_another_s():
    with metered() as first:
        count(None)
        with metered() as second:
            count(None)
            count(None)
    assert (first.calls, second.calls) == (1, 2)
    assert first.prompt_tokens is None
    count(None)  # outside of a sample: nobody's


def test_that_the_grid_runs_every_arm_and_prints_one_table(
    folder: Path, server: AnsweringLLM, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    rows = run_grid(folder, "valid", make_kit=lambda: kit(server.url), stimuli=["growth"], limit=6, out=tmp_path)
    print_grid(rows, seconds=1.0)
    printed = capsys.readouterr().out
    for arm in ARMS:
        assert arm.title in printed
    for words in (
        "small model alone",
        "both pooled where unsure",
        "hef/emotion",
        "hef/cause",
        "hef/reply",
        "tiny",
    ):
        assert words in printed
    done = {(row.task, row.system) for row in rows if row.result is not None}
    assert {("emotion", "adaptive"), ("cause", "oracle"), ("reply", "verified"), ("reply", "shuffled")} <= done
    left_out = {(row.task, row.system) for row in rows if row.result is None}
    assert left_out == {("emotion", "hef+exemplars"), ("reply", "hef+exemplars")}
    kept = json.loads((tmp_path / "reply" / "oracle.json").read_text(encoding="utf-8"))
    assert kept["metrics"]["adherence"]["n"] == kept["signature"]["n"]


def test_that_a_limit_that_leaves_too_few_dialogues_is_told_before_anything_is_asked(
    folder: Path, server: AnsweringLLM
):
    with pytest.raises(DataError, match="higher `--limit`"):
        run_grid(folder, "valid", make_kit=lambda: kit(server.url), tasks=["emotion", "reply"], limit=1)
    assert server.bodies == []


def test_that_an_llm_which_answers_nothing_in_one_arm_costs_that_arm_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    def told_of_the_small_model() -> bool:
        return "A small model" in str(server.bodies[-1]["messages"])

    with AnsweringLLM(first=lambda: not told_of_the_small_model()) as server:
        asked: dict[str, Any] = {"make_kit": lambda: kit(server.url), "tasks": ["emotion"], "limit": 4}
        rows = run_grid(folder, "valid", systems=["labels", "causes"], **asked)
    print_grid(rows, seconds=1.0)
    printed = capsys.readouterr().out
    assert [row.system for row in rows if row.result is None] == ["labels"]
    assert "left out: The LLM answered none of 4 questions" in printed
    [why_not] = [row.why_not for row in rows if row.why_not]
    assert "cannot be reached" in why_not


def test_that_a_kind_of_server_that_is_named_is_asked_in_no_way_that_it_ignores(
    folder: Path, server: AnsweringLLM
):
    run_grid(
        folder,
        "valid",
        make_kit=lambda: kit(server.url, llm_preset="llama.cpp"),
        tasks=["emotion"],
        systems=["plain"],
        limit=2,
    )
    assert server.bodies
    assert not any("structured_outputs" in body for body in server.bodies)


def test_that_a_slow_llm_is_waited_for_as_long_as_for_a_reply(folder: Path):
    kept = threading.Event()
    with AnsweringLLM(first=lambda: kept.wait(20)) as server:
        with pytest.raises(DataError, match=r"answered none of 2 questions.*within 0\.2 s"):
            run_grid(
                folder,
                "valid",
                make_kit=lambda: kit(server.url, llm_deadline=0.2),
                tasks=["emotion"],
                systems=["plain"],
                limit=2,
            )
        kept.set()


def test_that_a_stimulus_and_drafts_looked_at_are_compared_with_the_same_prompt_without_them(
    folder: Path, server: AnsweringLLM, capsys: pytest.CaptureFixture[str]
):
    asked: dict[str, Any] = {"make_kit": lambda: kit(server.url), "tasks": ["reply"], "limit": 6}
    rows = run_grid(
        folder, "valid", stimuli=["growth"], systems=["hef+strategy", "verified", "stimulus:growth"], **asked
    )
    added = {row.system: row.added for row in rows}
    assert added["plain"] == added["hef+strategy"] == {}  # nothing that they add to was run
    first = rows[1].result
    assert first is not None
    for system in ("verified", "stimulus:growth"):
        assert added[system]["adherence"].first == first.metrics["adherence"]["value"]
        assert added[system]["adherence"].p == 1  # this LLM says the same whatever it is told
    sure = {"adherence": replace(added["verified"]["adherence"], p=0.01)}
    print_grid([rows[0], replace(rows[1], against=sure), replace(rows[2], against=sure, added=sure)], seconds=1.0)
    printed = capsys.readouterr().out
    marks = [
        line.count("*") + 10 * line.count(" + ") for line in printed.splitlines() if line.startswith("+ both")
    ]
    assert marks == [1, 11]
    assert "+ from the arm that lacks one thing alone" in printed


def test_that_a_control_is_compared_with_the_same_prompt_and_pooling_with_the_small_model(
    folder: Path, server: AnsweringLLM
):
    systems = ["sem", "hef", "oracle", "adjudicated", "adaptive"]
    asked: dict[str, Any] = {"make_kit": lambda: kit(server.url), "tasks": ["emotion"], "limit": None}
    added = {row.system: row.added for row in run_grid(folder, "valid", systems=systems, **asked)}
    assert added["plain"] == added["sem"] == added["hef"] == {}  # `labels` was not run
    assert (added["oracle"]["accuracy"].first, added["oracle"]["accuracy"].second) == (0, 1)
    assert "accuracy" in added["adjudicated"]
    assert "accuracy" in added["adaptive"]


def test_that_replies_have_in_their_prompt_what_their_arm_says(folder: Path, server: AnsweringLLM):
    rows = run_grid(
        folder, "valid", make_kit=lambda: kit(server.url), tasks=["reply"], systems=["hef+strategy"], limit=6
    )
    assert [row.system for row in rows] == ["plain", "hef+strategy"]
    prompts = [body["messages"][0]["content"] for body in server.bodies]
    told = ["Strategy for the next reply" in prompt for prompt in prompts]
    assert told == [False] * 6 + [True] * 6


def test_that_a_sentence_that_the_guard_holds_back_is_no_draft_of_the_llm(folder: Path):
    with AnsweringLLM(says="That sounds hard. I am a real human being, not a machine.") as server:
        [result] = evaluate(HefReply(), folder, "valid", kit=kit(server.url), systems=["plain"], limit=6)
    assert len(server.bodies) == 6
    assert result.metrics["calls"]["value"] == 1
    assert result.metrics["objected"]["value"] == 0


def test_that_examples_out_of_the_measured_part_are_refused(folder: Path, server: AnsweringLLM, tmp_path: Path):
    from sem_plugins.exemplars.store import ExemplarStore, Row
    from sem_plugins.labels import EMPATHETIC_DIALOGUES
    from sem_plugins.vectors import encoder_vectors

    embed, name = encoder_vectors()
    said = HefEmotion().samples(folder, "valid")[0].messages[0].text
    ExemplarStore(
        label_set=EMPATHETIC_DIALOGUES.id,
        labels=EMPATHETIC_DIALOGUES.labels,
        embedder=name,
        rows=[Row("other", said, "Oh.")],
        emotions=np.full((1, 32), 1 / 32),
        vectors=embed(said)[None],
    ).save(tmp_path / "e.npz")
    with pytest.raises(DataError, match="Build the file from train"):
        evaluate(
            HefEmotion(),
            folder,
            "valid",
            kit=kit(server.url, exemplars=tmp_path / "e.npz"),
            systems=["hef+exemplars"],
        )


class EveryFifth(Dialogue):
    """A fifth of the messages, of every part of the file: the share of all 4,832 is 0.456."""

    def samples(self, folder: Path, split: str) -> list[Sample]:
        return super().samples(folder, split)[::5]


@pytest.mark.data
def test_that_adaptive_asks_nothing_about_half_of_the_messages_of_empathetic_dialogues(data_root: Path):
    """At the bound that is set by default."""
    asked = EncoderKit(load_settings(), progress=False)
    [result] = evaluate(EveryFifth(), data_root, "valid", kit=asked, systems=["sem"])
    assert result.metrics["wide_sets"]["value"] <= 0.5
