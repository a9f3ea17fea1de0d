"""An LLM that is asked a task's question: what it says, what it does not say, and what is asked for once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.errors import DataError, LLMUnreachableError, SettingsError
from agent.settings import load_settings
from agent.turn import Message
from evals.ask import chosen, instruction
from evals.command import app
from evals.result import Result
from evals.run import EncoderKit, evaluate
from evals.task import Sample
from sem_plugins.labels import ESCONV
from tests.evals.small_sets import small_sets, task
from tests.fake_llm_server import WAIT, FakeLLMServer, fails, lists, says

pytestmark = pytest.mark.usefixtures("few_draws")

LABELS = {"sad": "sad", "Reflection of feelings": "reflection", "Self-disclosure": "self_disclosure"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_sets(tmp_path_factory.mktemp("sets"))


def asked(
    name: str, folder: Path, *said: str, limit: int, model: str | None = "m", cache: Path | None = None
) -> tuple[Result, FakeLLMServer]:
    """The result of an LLM that says these things one after the other, and the server."""
    with FakeLLMServer(*[says(one) if isinstance(one, str) else one for one in said]) as server:
        settings = load_settings(llm_url=server.url, llm_model=model, llm_retries=0)
        kit = EncoderKit(settings, cache=cache, parallel=1, progress=False)
        [result] = evaluate(task(name), folder, "valid", kit=kit, systems=["llm"], limit=limit)
    return result, server


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ("sad", "sad"),
        ("Sad.", "sad"),
        ("**sad**", "sad"),
        ("Label: sad", "sad"),
        ("The answer is `sad`.", "sad"),
        ("reflection", "reflection"),
        ("Reflection of Feelings", "reflection"),
        ("self disclosure", "self_disclosure"),
        ("self-disclosure\n", "self_disclosure"),
        ("not sad", None),
        ("sad, reflection", None),
        ("I think that it is sad", None),
        ("triste", None),
        ("Others", None),
        ("", None),
        ("label:", None),
    ],
)
def test_that_a_name_alone_is_an_answer_and_nothing_else_is(said: str, label: str | None):
    assert chosen(said, LABELS) == label


def test_that_words_of_the_data_are_in_the_user_message_alone(folder: Path):
    result, server = asked("esconv/next-strategy", folder, *["question"] * 4, limit=4)
    first, second, *_ = (request.body["messages"] for request in server.requests)
    assert [message["role"] for message in first] == ["system", "user"]
    assert first[0] == second[0]
    assert "The roof leaks since day 0." in first[1]["content"]
    assert "roof" not in first[0]["content"]
    assert all(label in first[0]["content"] for label in ESCONV.labels)
    assert server.requests[0].body["temperature"] == 0.0
    assert len(result.signature["prompts_sha256"]) == 1
    assert result.signature["speakers"] == ["m"]
    assert result.signature["sampling"] == ["temperature 0, max_tokens 400"]


def test_that_an_answer_that_is_no_label_is_wrong_and_counted_and_no_label_gets_it(folder: Path):
    truth = [sample.truth for sample in task("esconv/next-strategy").samples(folder, "valid")[:6]]
    said = [*truth[:4], "I would hug them.", ""]
    result, _ = asked("esconv/next-strategy", folder, *said, limit=6)
    assert result.metrics["accuracy"]["value"] == pytest.approx(4 / 6)
    assert result.metrics["invalid"]["value"] == pytest.approx(2 / 6)
    assert result.metrics["accuracy"]["unscored"] == 0
    assert [row["answer"]["label"] for row in result.samples] == [*truth[:4], None, None]
    assert result.samples[4]["answer"]["said"] == "I would hug them."
    # Every strategy that was said was right each time, so that what is lost is the recall of the two.
    surely_right = set(truth[:4]) - set(truth[4:])
    assert surely_right
    for label in surely_right:
        assert result.metrics[f"f1_{label}"]["value"] == 1


def test_that_what_the_llm_failed_at_is_unscored_and_asked_for_again(folder: Path, tmp_path: Path):
    said = ("sad", fails(503), "angry")
    result, _ = asked("empathetic-dialogues/situation", folder, *said, limit=3, cache=tmp_path)
    assert result.metrics["accuracy"]["unscored"] == 1
    assert [row["answer"] and row["answer"]["label"] for row in result.samples] == ["sad", None, "angry"]
    again, server = asked("empathetic-dialogues/situation", folder, "proud", limit=3, cache=tmp_path)
    assert len(server.requests) == 1
    assert [row["answer"]["label"] for row in again.samples] == ["sad", "proud", "angry"]


def test_that_a_run_that_was_killed_and_goes_on_leaves_the_file_of_one_that_was_not(folder: Path, tmp_path: Path):
    count = len(task("esconv/next-strategy").samples(folder, "valid"))
    said = [list(ESCONV.labels)[place % 3] for place in range(count)]

    def words(server: FakeLLMServer, cache: str, out: str) -> list[str]:
        names = ("--data", str(folder), "--cache", str(tmp_path / cache), "--out", str(tmp_path / out))
        run = ("esconv/next-strategy", "--system", "llm", "--llm", server.url, "--model", "m")
        return [*run, "--parallel", "1", *names]

    with FakeLLMServer(*map(says, said)) as server:
        assert CliRunner().invoke(app, words(server, "whole", "whole.json")).exit_code == 0
    with FakeLLMServer(*map(says, said[:5]), says(WAIT, said[5])) as server:
        command = [sys.executable, "-m", "ui.cli", "eval", *words(server, "cut", "cut.json")]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while len(server.requests) < 6:
            assert server.asked.wait(timeout=60)
            server.asked.clear()
        process.kill()
        process.wait(timeout=10)
    assert not (tmp_path / "cut.json").exists()
    with FakeLLMServer(*map(says, said[5:])) as server:
        assert CliRunner().invoke(app, words(server, "cut", "cut.json")).exit_code == 0
        assert len(server.requests) == count - 5
    assert (tmp_path / "cut.json").read_bytes() == (tmp_path / "whole.json").read_bytes()


def test_that_a_model_without_a_name_is_asked_for_it_so_that_no_cache_mixes_two(folder: Path, tmp_path: Path):
    for model in ("one", "two"):
        result, server = asked(
            "empathetic-dialogues/dialogue",
            folder,
            *(lists(model), "sad", "sad"),
            limit=2,
            model=None,
            cache=tmp_path,
        )
        assert len(server.requests) == 3
        assert result.signature["speakers"] == [model]


def test_that_a_server_that_is_not_there_ends_the_run(folder: Path):
    kit = EncoderKit(load_settings(llm_url="http://127.0.0.1:9/v1", llm_retries=0), progress=False)
    with pytest.raises(LLMUnreachableError, match="cannot be reached"):
        evaluate(task("esconv/next-strategy"), folder, "valid", kit=kit, systems=["llm"])


def test_that_no_answer_at_all_is_an_error_that_says_so(folder: Path):
    with pytest.raises(DataError, match=r"answered none of 4 questions\. Look at it with `heartline doctor`"):
        asked("esconv/next-strategy", folder, *[fails(503)] * 4, limit=4)


def test_that_without_an_llm_the_cure_is_named(folder: Path):
    kit = EncoderKit(load_settings(), progress=False)
    with pytest.raises(SettingsError, match="Give `--llm URL` or HEARTLINE_LLM_URL"):
        evaluate(task("emobench"), folder, "valid", kit=kit, systems=["llm"])


def test_that_a_planner_s_stand_in_is_not_scored_as_the_planner(folder: Path):
    with FakeLLMServer(says("question"), says("Let us hug."), fails(503), says("others")) as server:
        settings = load_settings(llm_url=server.url, llm_model="m", llm_retries=0)
        kit = EncoderKit(settings, parallel=1, progress=False)
        [result] = evaluate(
            task("esconv/next-strategy"), folder, "valid", kit=kit, systems=["deliberate"], limit=4
        )
    answers = [row["answer"] for row in result.samples]
    assert [answer and answer["label"] for answer in answers] == ["question", None, None, "others"]
    assert answers[2] is None
    assert result.metrics["accuracy"]["unscored"] == 1


def test_that_emobench_shows_its_choices_in_an_order_of_their_own_and_finds_the_right_ones(folder: Path):
    found = task("emobench")
    samples = found.samples(folder, "valid")
    for sample in samples:
        lines = sample.messages[0].text.splitlines()
        letters = [line[0] for right in texts_of(sample) for line in lines if line[1:] == f") {right}"]
        answer = found.understood(sample, ", ".join(letters))
        assert answer == {"choices": sample.truth["choices"]}, sample.messages[0].text
    shown = {tuple(line for line in s.messages[0].text.splitlines() if line[1:2] == ")") for s in samples}
    assert len(shown) > 2


@pytest.mark.parametrize("said", ["", "A", "A, H", "A B C", "Pride", "The first one", "AB"])
def test_that_emobench_takes_letters_only(folder: Path, said: str):
    found = task("emobench")
    understanding = next(s for s in found.samples(folder, "valid") if s.truth["kind"] == "EU")
    assert found.understood(understanding, said) == {"choices": None}


def test_that_emobench_counts_an_understanding_as_right_with_both_parts(folder: Path):
    found = task("emobench")
    samples = found.samples(folder, "valid")
    first = next(s for s in samples if s.truth["kind"] == "EU")
    emotion, cause = first.truth["choices"]
    answers = [{"choices": s.truth["choices"], "prompt": "p"} for s in samples]
    answers[samples.index(first)] = {"choices": [emotion, 1 - cause], "prompt": "p"}
    answers[-1] = {"choices": None, "prompt": "p"}
    figures = {name: measure.value() for name, measure in found.measures(samples, answers).items()}
    assert figures["understanding_accuracy"] == pytest.approx(2 / 3)
    assert figures["understanding_emotion_accuracy"] == 1
    assert figures["understanding_cause_accuracy"] == pytest.approx(2 / 3)
    assert figures["application_accuracy"] == pytest.approx(2 / 3)
    assert figures["accuracy"] == pytest.approx(4 / 6)
    assert figures["invalid"] == pytest.approx(1 / 6)
    assert "accuracy_zh" not in figures


def test_that_an_instruction_lists_labels_with_what_they_mean():
    text = instruction("Tell which.", {"sad": "low", "glad": ""}, answer="One word.")
    assert text.splitlines()[-4:] == ["- sad: low", "- glad", "", "One word."]


def texts_of(sample: Sample) -> list[str]:
    """The right choices of the small set's questions, in words."""
    assert isinstance(sample.messages[0], Message)
    if sample.truth["kind"] == "EA":
        return [["Bake it again", "Cry", "Say so"][sample.truth["choices"][0]]]
    emotion, cause = sample.truth["choices"]
    return [["Pride", "Relief", "Anger"][emotion], ["The cake rose", "The oven is cold"][cause]]
