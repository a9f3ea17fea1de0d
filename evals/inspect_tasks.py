"""Heartline's questions for an LLM as a task of Inspect AI, with Inspect's models, logs and viewer.

    pip install 'heartline[inspect]'
    inspect eval evals/ask -T task=emobench -T split=dev --model openai-api/local/my-model
    inspect eval evals/inspect_tasks.py@ask -T task=esconv/next-strategy --model ...    # from a checkout

The questions, what counts as an answer, and the figures are those of `heartline eval TASK --system llm`; what is
invalid is wrong. Inspect keeps prompts and answers in its logs, so words of the data set are in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, GenerateConfig
from inspect_ai.scorer import (
    CORRECT,
    INCORRECT,
    Metric,
    SampleScore,
    Score,
    Scorer,
    Target,
    accuracy,
    metric,
    scorer,
    stderr,
)
from inspect_ai.solver import TaskState, generate

from agent.errors import DataError, SettingsError
from agent.registry import load, names
from evals.ask import LLM, Askable
from evals.task import Answers
from evals.task import Sample as OurSample
from sem_plugins.training.sets.records import data_folder

__all__ = ["ask"]


@task
def ask(
    task: str = "esconv/next-strategy", split: str = "valid", data: str | None = None, limit: int | None = None
) -> Task:
    """A question of Heartline's, put to a model of Inspect's.

    Args:
        task: Name of a task that has a system `llm`.
        split: Reads DATA/<set>/<split>.jsonl.
        data: Folder of prepared sets; None takes HEARTLINE_DATA.
        limit: Only the first samples.

    Raises:
        SettingsError: No such task can be put to an LLM.
        DataError: The file is missing or malformed.
    """
    asked = _askable(task)
    samples = []
    for sample in islice(_samples(task, split, data).values(), limit):
        question = asked.question(sample)
        messages = [ChatMessageSystem(content=question.instruction), ChatMessageUser(content=question.text)]
        samples.append(Sample(input=messages, target=str(sample.truth), id=sample.id))
    arguments = {"task": task, "split": split, "data": data}
    return Task(
        dataset=MemoryDataset(samples, name=f"{task} {split}"),
        solver=generate(),
        scorer=answered(**arguments),
        metrics=[accuracy(), stderr(), figures(**arguments)],
        config=GenerateConfig(temperature=0.0),
        version=asked.version,
    )


@scorer(metrics=[accuracy(), stderr()])
def answered(task: str, split: str, data: str | None = None) -> Scorer:
    """Correct where the whole answer is right; the metadata hold it as the task understood it."""
    asked, by_id = _askable(task), _samples(task, split, data)

    async def score(state: TaskState, target: Target) -> Score:
        sample = by_id[str(state.sample_id)]
        found = asked.understood(sample, state.output.completion)
        right = asked.right(sample, found) == 1
        return Score(
            value=CORRECT if right else INCORRECT,
            answer=state.output.completion,
            metadata={"understood": dict(found), "truth": target.text},
        )

    return score


@metric
def figures(task: str, split: str, data: str | None = None) -> Metric:
    """The task's own figures, as `heartline eval` prints them; what is not defined is left out."""
    asked, by_id = _askable(task), _samples(task, split, data)

    def measured(scores: list[SampleScore]) -> dict[str, float]:
        answers: Answers = [{**(one.score.metadata or {})["understood"], "prompt": "inspect"} for one in scores]
        if not scores:
            return {}
        found: dict[str, float] = {}
        for name, measure in asked.measures([by_id[str(one.sample_id)] for one in scores], answers).items():
            try:
                found[name] = measure.value()
            except DataError:
                continue
        return found

    return measured


@cache  # task, scorer and metric each want them
def _samples(task: str, split: str, data: str | None) -> Mapping[str, OurSample]:
    found = _askable(task).samples(data_folder(Path(data) if data else None), split)
    return {sample.id: sample for sample in found}


def _askable(name: str) -> Askable:
    made: Any = load("tasks", name)()
    if not hasattr(made, "question"):
        able = [each for each in names("tasks") if hasattr(load("tasks", each), "question")]
        raise SettingsError(f"Task {name!r} has no system `{LLM}`. Choose one of: {', '.join(able)}.")
    asked: Askable = made
    return asked
