"""Several strategies in one turn: what people do next before the other answers.

ESConv's supporters may write twice before the seeker does: a feeling is reflected, then a question asked. The
table (`sequence.toml`) is a Markov chain counted on train: after the first and the second strategy of an answer,
how often they stop there and what follows where they do not. Of train's answers 85.3% hold one strategy, 13.5%
two, 1.2% more.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from agent.errors import ReadingError
from strategies.balance import check_share, esconv_prior
from strategies.taxonomy import esconv

__all__ = ["MOST", "STOP", "THRESHOLD", "follows", "going_on", "next_counts"]

Counts = Mapping[str, int]

MOST = 3
"""Strategies in one reply."""

STOP = "stop"
"""Stands in the table for an answer that ends there."""

THRESHOLD = 0.2
"""Share of supporters who go on, from which a plan does too.

On the 2,015 answers of valid (84% with one strategy), the strategy head's best label first, in percent
(`heartline eval curve --of sequences`):

| threshold | exact match | set F1 | edit similarity | right length | sequences planned |
| --------- | ----------- | ------ | --------------- | ------------ | ----------------- |
| 0.10      | 8.9         | 35.4   | 27.3            | 26.4         | 84                |
| 0.15      | 20.4        | 34.1   | 30.4            | 58.3         | 37                |
| 0.20      | 22.5        | 32.4   | 29.7            | 69.3         | 22                |
| none      | 25.6        | 30.4   | 29.1            | 84.0         | 0                 |

After no strategy do more than 24% go on, so a sequence never beats the single strategy in exact match. Set F1 pays
for sequences, but also for a second guess beside a doubtful first one: its best threshold would plan them in 84 of
100 replies, where people write 16. So 0.2 is held for set F1, at the number of sequences nearest to people's, and
costs 3 points of exact match. With it only reflection and self-disclosure are followed, by one strategy each.
Chosen on the rows that it is shown for.
"""

_LEAST = 0.5  # of its usual share: our judgement
_PLACES = ("first", "second")


def next_counts(strategy: str, *, place: int) -> Counts:
    """What came after a strategy in the answers of ESConv's training dialogues.

    Args:
        strategy: Id of one of ESConv's strategies.
        place: Of the strategy in its answer: 0 for the first, 1 for the second.

    Returns:
        `STOP` and every other strategy with how often it came next.

    Raises:
        ReadingError: There is no such strategy, or nothing was counted for that place.
    """
    _ = esconv()[strategy]  # raises with the choices
    if place not in range(len(_PLACES)):
        raise ReadingError(f"No counts for place {place!r} of an answer. Choose one of: 0, 1.")
    return _table()[_PLACES[place]][strategy]


def going_on(strategy: str, *, place: int) -> float:
    """Share of supporters who go on after this strategy in the same answer, in [0, 1].

    Raises:
        ReadingError: As `next_counts`.
    """
    counts = next_counts(strategy, place=place)
    return 1 - counts[STOP] / sum(counts.values())


def follows(chosen: str, ranked: Mapping[str, float], *, threshold: float = THRESHOLD) -> tuple[str, ...]:
    """What follows the chosen strategy in the same reply, in order; mostly nothing.

    A strategy follows where at least `threshold` of the supporters go on: the one that most of them go on with, of
    those that this turn does not speak against. That it does where it makes a strategy less than half as likely as
    it is anyway. So where one strategy is nearly sure, it stays alone.

    Args:
        chosen: Id of one of ESConv's strategies.
        ranked: Strategy to the probability that it is the one to use now; one left out counts as 0.
        threshold: In [0, 1]; above what `going_on` gives for any strategy, nothing follows.

    Returns:
        Ids, at most two; none comes twice or is the chosen one.

    Raises:
        ReadingError: There is no such strategy.
        WiringError: `threshold` is not in [0, 1].

    Example:
        >>> follows("reflection", {"reflection": 0.5, "question": 0.3, "suggestions": 0.2})
        ('question',)
        >>> follows("question", {"reflection": 0.3, "question": 0.5, "suggestions": 0.2})
        ()
    """
    check_share("threshold", threshold)
    prior = esconv_prior()
    fitting = {strategy for strategy, p in ranked.items() if p >= _LEAST * prior[esconv()[strategy].id]}
    taken = [chosen]
    while len(taken) < MOST and going_on(taken[-1], place=len(taken) - 1) >= threshold:
        counts = next_counts(taken[-1], place=len(taken) - 1)
        open_ = {strategy: n for strategy, n in counts.items() if strategy in fitting - {*taken} and n > 0}
        if not open_:
            break
        taken.append(max(open_, key=open_.__getitem__))
    return tuple(taken[1:])


@cache
def _table() -> Mapping[str, Mapping[str, Counts]]:
    content = tomllib.loads(Path(__file__).with_name("sequence.toml").read_text(encoding="utf-8"))
    return MappingProxyType(content)
