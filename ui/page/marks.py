"""Words of a message that are marked: what a reading names in them, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from agent.settings import Settings
from agent.turn import Turn
from sem_plugins.attribution import Attribution, strongest

__all__ = ["marked", "resting_on", "words_behind"]


def marked(turn: Turn, *, operator: bool = False) -> Iterator[tuple[str, str, float]]:
    """The message in pieces: the words, what they are marked as (empty: nothing), and how surely.

    Args:
        turn: With whatever was read.
        operator: Mark the words that stand for risk, too.
    """
    here, length = len(turn.history), len(turn.text)
    spans: list[tuple[int, int, str, float]] = []
    if turn.cause is not None:
        spans += [(one.start, one.end, "cause", one.score) for one in turn.cause.spans if one.utterance == here]
    if turn.undertone is not None:
        sure = max(turn.undertone.masked, turn.undertone.ambivalent)
        spans += [(start, end, "undertone", sure) for start, end in turn.undertone.evidence]
    if operator and turn.risk is not None and turn.risk.level != "none":
        spans += [(start, end, "risk", 1.0) for start, end in turn.risk.evidence]
    edges = {0, length} | {min(edge, length) for start, end, *_ in spans for edge in (start, end)}
    places = sorted(edges)
    for start, end in pairwise(places):
        # The last kind counts where several meet: risk before undertone before cause.
        kind, sure = next(((k, s) for a, b, k, s in reversed(spans) if a <= start and end <= b), ("", 0.0))
        yield turn.text[start:end], kind, sure


def resting_on(turn: Turn, found: Sequence[Attribution]) -> list[tuple[str, float]]:
    """The message in pieces, each with how much the reading rests on it: 1 for the strongest words, 0 for none.

    Args:
        turn: Whose message it is.
        found: As `sem_plugins.attribution.strongest` gives them.
    """
    most = max((one.weight for one in found), default=1.0)
    edges = sorted({0, len(turn.text)} | {edge for one in found for edge in (one.start, one.end)})
    return [
        (
            turn.text[start:end],
            next((one.weight / most for one in found if one.start <= start and end <= one.end), 0.0),
        )
        for start, end in pairwise(edges)
    ]


def words_behind(turn: Turn, settings: Settings) -> tuple[Attribution, ...]:
    """The words that the likeliest emotion rests on. It takes a pass for each word, and so is done when asked for.

    Raises:
        HeartlineError: The models that read are not there.
    """
    from sem_plugins.why import explainer

    return strongest(turn.text, explainer(settings)(turn, "emotion"))
