"""ESConv (Liu et al. 2021): the strategy of every supporter turn.

    {"dialogue_id": "esconv-0001", "turns": [{"speaker": "seeker", "text": "..."},
     {"speaker": "supporter", "text": "...", "strategy": "Question"}]}

The situation, the survey and the emotion of the dialogue are not used: a running agent has none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent.turn import Message
from sem_plugins.labels import ESCONV, ESCONV_NAMES
from sem_plugins.training.examples import Example
from sem_plugins.training.sets.records import Part, message_of, read

__all__ = ["seekers", "supporter_turns"]

_IDS = {name: strategy for strategy, name in ESCONV_NAMES.items()}


def supporter_turns(folder: Path, part: Part) -> list[Example]:
    """One example per supporter turn: everything before it, and the strategy that was taken.

    Where the supporter speaks first, the window holds an empty message of the seeker.

    Raises:
        DataError: The file is missing or malformed.
    """
    found = read(folder / "esconv" / f"{part}.jsonl", _turns)
    return [example for examples in found for example in examples]


def seekers(folder: Path, part: Part) -> list[str]:
    """Everything that seekers said, message by message.

    Raises:
        DataError: The file is missing or malformed.
    """
    found = read(folder / "esconv" / f"{part}.jsonl", lambda row: [message_of(turn) for turn in row["turns"]])
    return [message.text for messages in found for message in messages if message.role == "seeker"]


def _turns(row: dict[str, Any]) -> list[Example]:
    messages = tuple(message_of(turn, _strategy(turn)) for turn in row["turns"])
    return [
        Example(
            messages[:place] or (Message("seeker", ""),),
            {"strategy": ESCONV.index(str(message.strategy))},
            row["dialogue_id"],
        )
        for place, message in enumerate(messages)
        if message.role == "supporter"
    ]


def _strategy(turn: dict[str, Any]) -> str | None:
    name = turn.get("strategy")
    if turn["speaker"] == "seeker" and name is None:
        return None
    if name not in _IDS:
        raise ValueError(f"strategy {name!r}, expected one of: {', '.join(_IDS)}")
    return _IDS[name]
