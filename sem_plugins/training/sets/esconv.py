"""ESConv (Liu et al. 2021): the strategy of every supporter turn.

    {"dialogue_id": "esconv-0001", "turns": [{"speaker": "seeker", "text": "..."},
     {"speaker": "supporter", "text": "...", "strategy": "Question"}]}

The situation and the emotion of the dialogue are not used: a running agent has none. The survey is what
`outcomes` are measured by.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from agent.turn import Message
from sem_plugins.labels import ESCONV, ESCONV_NAMES
from sem_plugins.training.examples import Example
from sem_plugins.training.sets.records import Part, message_of, read

__all__ = ["answers", "outcomes", "seekers", "supporter_turns", "without_supporters"]

_IDS = {name: strategy for strategy, name in ESCONV_NAMES.items()}


def supporter_turns(folder: Path, part: Part) -> list[Example]:
    """One example per supporter turn: everything before it, the strategy that was taken, and what was said.

    Where the supporter speaks first, the window holds an empty message of the seeker.

    Raises:
        DataError: The file is missing or malformed.
    """
    found = read(folder / "esconv" / f"{part}.jsonl", _turns)
    return [example for examples in found for example in examples]


def answers(folder: Path, part: Part) -> list[Example]:
    """One example per answer: the supporter's turns between two turns of the seeker, which may be several.

    The messages are everything before the answer; the target `strategies` is a list of ids in the order in which
    they were taken, one that follows itself counted once. What opens a dialogue answers nobody, and what ends it
    may have been broken off: neither is among them.

    Raises:
        DataError: The file is missing or malformed.
    """
    found = read(folder / "esconv" / f"{part}.jsonl", _answers)
    return [example for examples in found for example in examples]


def without_supporters(example: Example) -> Example:
    """The same with everything that supporters said taken out, down to the marks of their strategies."""
    said = tuple(message for message in example.messages if message.role == "seeker")
    return replace(example, messages=said or (Message("seeker", ""),))


def outcomes(folder: Path, part: Part, *, failed: bool = False) -> list[Example]:
    """Whole dialogues; the target `fall`: how many of five levels the bad feeling's intensity is lower at the end,
    in [-4, 4], or None where the seeker did not fill in the survey.

    Args:
        folder: The data folder.
        part: Which file.
        failed: Of `esconv_failed`, the dialogues that the authors dropped since they did not help.

    Raises:
        DataError: The file is missing or malformed.
    """
    return read(folder / ("esconv_failed" if failed else "esconv") / f"{part}.jsonl", _outcome)


def seekers(folder: Path, part: Part) -> list[str]:
    """Everything that seekers said, message by message.

    Raises:
        DataError: The file is missing or malformed.
    """
    found = read(folder / "esconv" / f"{part}.jsonl", lambda row: [message_of(turn) for turn in row["turns"]])
    return [message.text for messages in found for message in messages if message.role == "seeker"]


def _outcome(row: dict[str, Any]) -> Example:
    survey = row.get("survey_score", {}).get("seeker", {})
    fall = None
    if "final_emotion_intensity" in survey:
        fall = int(survey["initial_emotion_intensity"]) - int(survey["final_emotion_intensity"])
    messages = tuple(message_of(turn, _strategy(turn)) for turn in row["turns"])
    return Example(messages, {"fall": fall}, row["dialogue_id"])


def _turns(row: dict[str, Any]) -> list[Example]:
    messages = tuple(message_of(turn, _strategy(turn)) for turn in row["turns"])
    return [
        Example(
            messages[:place] or (Message("seeker", ""),),
            {"strategy": ESCONV.index(str(message.strategy)), "reply": message.text},
            row["dialogue_id"],
        )
        for place, message in enumerate(messages)
        if message.role == "supporter"
    ]


def _answers(row: dict[str, Any]) -> list[Example]:
    messages = tuple(message_of(turn, _strategy(turn)) for turn in row["turns"])
    found = []
    start = 0
    for role, run in groupby(messages, key=lambda message: message.role):
        answer = tuple(run)
        end = start + len(answer)
        if role == "supporter" and start > 0 and end < len(messages):
            strategies = [strategy for strategy, _ in groupby(message.strategy for message in answer)]
            found.append(Example(messages[:start], {"strategies": strategies}, row["dialogue_id"]))
        start = end
    return found


def _strategy(turn: dict[str, Any]) -> str | None:
    name = turn.get("strategy")
    if turn["speaker"] == "seeker" and name is None:
        return None
    if name not in _IDS:
        raise ValueError(f"strategy {name!r}, expected one of: {', '.join(_IDS)}")
    return _IDS[name]
