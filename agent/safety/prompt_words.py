"""Whether a sentence gives the prompt away: small LLMs recite what they were told instead of doing it.

    Question. Ask one open question that helps the person say more about what happened.

It is found by words in a row that stand in a system message or in an example (which is another person's story),
and by readings as the notes write them. What the person said themselves may be said back.
"""

from __future__ import annotations

import re
from functools import lru_cache

from agent.repetition import words_of
from agent.turn import Turn

__all__ = ["gives_prompt_away"]

_IN_A_ROW = 7
"""Words. Six in a row from the rules and strategies come about by chance in what supporters say, seven hardly."""

_HELP = frozenset({"emergency", "crisis", "number", "line"})  # the rules name help, and so may a reply

_READING = re.compile(r"\b[a-z]+ \(0\.\d\d\)|\b(?:valence|arousal|dominance) [+-]?\d\.\d|[⟦⟧]", re.IGNORECASE)


def gives_prompt_away(turn: Turn, sentence: str) -> bool:
    """Whether a sentence of a reply recites the prompt of the turn.

    Args:
        turn: With its prompt; without one nothing can be recited.
        sentence: What is about to be shown.
    """
    if turn.prompt is None:
        return False
    if _READING.search(sentence) and not _READING.search(turn.text):
        return True
    told = "\n".join(message.content for message in turn.prompt.messages if message.role == "system")
    found = _runs(sentence) & (_known(told) | _examples(turn))
    return bool(found) and not found <= _runs("\n".join((turn.text, *turn.said_by("seeker"))))


def _examples(turn: Turn) -> frozenset[tuple[str, ...]]:
    given = () if turn.exemplars is None else turn.exemplars.exemplars
    return frozenset[tuple[str, ...]]().union(*(_known(f"{one.text}\n{one.reply}") for one in given))


@lru_cache(maxsize=64)
def _known(text: str) -> frozenset[tuple[str, ...]]:
    return frozenset(run for run in _runs(text) if not _HELP & set(run))


def _runs(text: str) -> frozenset[tuple[str, ...]]:
    words = words_of(text)
    return frozenset(tuple(words[place : place + _IN_A_ROW]) for place in range(len(words) - _IN_A_ROW + 1))
