"""Inspect AI puts our questions to a model of its own, a real client of a scripted server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.errors import SettingsError
from tests.evals.small_sets import small_sets, task
from tests.fake_llm_server import FakeLLMServer, Step, answers

inspect_ai: Any = pytest.importorskip(
    "inspect_ai", reason="needs the `inspect` extra, in an environment of its own: make test-inspect"
)

# Warnings are errors here; these are of Inspect and what it stands on.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small_sets(tmp_path)


def completes(text: str) -> Step:
    """A chat completion that is not streamed."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    usage = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
    head = {"id": "one", "object": "chat.completion", "created": 0, "model": "m"}
    return answers(head | {"choices": [choice], "usage": usage})


def run(asked: Any, *said: str, logs: Path) -> tuple[Any, FakeLLMServer]:
    with FakeLLMServer(*map(completes, said)) as server:
        model = inspect_ai.model.get_model(
            "openai-api/scripted/m", base_url=server.url, api_key="none", memoize=False
        )
        [log] = inspect_ai.eval(
            asked,
            model=model,
            display="none",
            log_dir=str(logs),
            max_connections=1,
            max_samples=1,
            max_retries=0,
        )
        assert log.status == "success", log.error
    return log, server


def figures(log: Any) -> dict[str, float]:
    return {name: found.value for score in log.results.scores for name, found in score.metrics.items()}


def test_that_a_model_of_inspect_is_asked_and_scored_as_ours_are(folder: Path, tmp_path: Path):
    from evals.inspect_tasks import ask

    ours = task("esconv/next-strategy")
    samples = ours.samples(folder, "valid")[:6]
    said = [*(sample.truth for sample in samples[:4]), "I would hug them.", ""]
    asked = ask("esconv/next-strategy", data=str(folder), limit=6)
    log, server = run(asked, *said, logs=tmp_path / "logs")
    found = figures(log)
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["invalid"] == pytest.approx(2 / 6)
    understood = [{**ours.understood(s, one), "prompt": "p"} for s, one in zip(samples, said, strict=True)]
    assert found["macro_f1"] == pytest.approx(ours.measures(samples, understood)["macro_f1"].value())
    question = ours.question(samples[0])
    assert [message["content"] for message in server.requests[0].body["messages"]] == [
        question.instruction,
        question.text,
    ]


def test_that_emobench_runs_in_inspect(folder: Path, tmp_path: Path):
    from evals.inspect_tasks import ask

    asked = ask("emobench", data=str(folder))
    log, _ = run(asked, *["A, A"] * 6, logs=tmp_path / "logs")
    assert {"accuracy", "understanding_accuracy", "application_accuracy", "invalid"} <= set(figures(log))
    assert figures(log)["invalid"] == pytest.approx(1 / 2)  # those with one question have no second letter


def test_that_a_task_without_a_question_is_refused_with_the_choices():
    from evals.inspect_tasks import ask

    with pytest.raises(SettingsError, match=r"'emobank' has no system `llm`\. Choose one of: .*emobench"):
        ask("emobank")
