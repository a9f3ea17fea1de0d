"""EmoryNLP (Zahiri and Choi 2018): scenes of «Friends», every utterance with one of seven other emotions.

    {"dialogue_id": "...", "turns": [{"speaker": "Ana & Bo", "text": "...", "emotion": "joyful"}]}

People who speak together, joined by `&`, count as a speaker of that name.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from sem_plugins.ontology import EMORY_NLP
from sem_plugins.training.sets.records import Part, read
from sem_plugins.training.sets.utterances import Dialogue, dialogue_of

__all__ = ["dialogues"]


def dialogues(folder: Path, part: Part) -> list[Dialogue]:
    """Every scene, with emotions of `emorynlp-7`.

    Raises:
        DataError: The file is missing or malformed.
    """
    return read(folder / "emorynlp" / f"{part}.jsonl", partial(dialogue_of, labels=EMORY_NLP))
