"""RECCON (Poria et al. 2021): which utterances caused an emotion, and which words in them.

    {"dialogue_id": "dailydialog:1", "turns": [{"speaker": "A", "text": "...", "emotion": "happiness",
     "causes": [{"turn": 0, "span": "...", "start": 16, "end": 38}], "cause_types": ["no-context"]}]}

History protocol: one pair per target and earlier or same utterance. A cause that is not in the
dialogue (`turn` null) makes no pair positive. Every utterance has an emotion, in DailyDialog's words.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from agent.turn import Message
from sem_plugins.labels import CAUSE_TYPES
from sem_plugins.ontology import DAILY_DIALOG
from sem_plugins.training.examples import Example
from sem_plugins.training.sets.records import Part, index_of, read, text_of
from sem_plugins.training.sets.utterances import Dialogue, dialogue_of

__all__ = ["dialogues", "targets"]


def dialogues(folder: Path, part: Part) -> list[Dialogue]:
    """Every dialogue, with emotions of `dailydialog-7`.

    Raises:
        DataError: The file is missing or malformed.
    """
    return read(folder / "reccon" / f"{part}.jsonl", partial(dialogue_of, labels=DAILY_DIALOG))


def targets(folder: Path, part: Part) -> list[Example]:
    """One example per utterance that is not neutral: the dialogue up to it, seen from its speaker.

    Raises:
        DataError: The file is missing or malformed.
    """
    found = read(folder / "reccon" / f"{part}.jsonl", _targets)
    return [example for examples in found for example in examples]


def _targets(row: dict[str, Any]) -> list[Example]:
    turns = row["turns"]
    out = []
    for place, turn in enumerate(turns):
        if "causes" not in turn:
            continue
        messages = tuple(
            Message("seeker" if earlier["speaker"] == turn["speaker"] else "supporter", text_of(earlier, "text"))
            for earlier in turns[: place + 1]
        )
        causes = [cause for cause in turn["causes"] if cause["turn"] is not None and cause["turn"] <= place]
        holds = np.zeros(place + 1)
        spans: dict[int, tuple[int, int]] = {}
        for cause in causes:
            holds[cause["turn"]] = 1
            found = (cause["start"], cause["end"])
            if cause["turn"] not in spans or _length(found) > _length(spans[cause["turn"]]):
                spans[cause["turn"]] = found  # of several in one utterance, the longest
        types = np.zeros(len(CAUSE_TYPES))
        types[[index_of(CAUSE_TYPES, kind) for kind in turn.get("cause_types", ())]] = 1
        out.append(Example(messages, {"cause": holds, "span": spans, "cause_type": types}, row["dialogue_id"]))
    return out


def _length(span: tuple[int, int]) -> int:
    return span[1] - span[0]
