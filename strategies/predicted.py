"""The predicted planner: does what the strategy reading says that supporters would do next.

It follows ESConv's supporters, with their habits: it may repeat itself, and advise as early as they did. For
care use `rules` or `blend`; this one is what they are compared with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.decisions import Ground, Plan, Taxonomy
from agent.errors import ReadingError
from agent.turn import Turn
from strategies.balance import check_share, counterweighted, esconv_prior
from strategies.rules import RulePlanner, aim, reranked, standing_in
from strategies.taxonomy import convert, esconv

__all__ = ["UNREAD", "PredictedPlanner", "apart", "create", "likely", "supporters"]

UNREAD = "The next strategy could not be read"
"""Why a planner that needs the reading leaves the turn to the rules."""


@dataclass(frozen=True)
class PredictedPlanner:
    """Ranks by `turn.likely_strategies`. Pure: the same turn gives the same plan.

    On an escalated turn, and where nothing usable was read, the rules plan; the reason says which. The stage
    is always theirs.

    Args:
        counterweight: How much of ESConv's prior is taken out of the reading, in [0, 1]. 0 by default: the
            shipped weights carry offsets of their own against it, and a second correction overshoots.

    Raises:
        WiringError: `counterweight` is not in [0, 1].

    Example:
        >>> planner = PredictedPlanner(counterweight=0.5)
    """

    counterweight: float = 0.0
    name: str = "predicted"
    reads: frozenset[str] = frozenset({"text", "history", "likely_strategies"})
    taxonomy: Taxonomy = field(default_factory=esconv, init=False)

    def __post_init__(self) -> None:
        check_share("counterweight", self.counterweight)

    async def plan(self, turn: Turn) -> Plan:
        """The plan for this turn; there is always one."""
        ruled = RulePlanner(name=self.name).choose(turn)
        if turn.escalated:
            return ruled
        probabilities = likely(turn, counterweight=self.counterweight)
        if probabilities is None:
            return standing_in(ruled, because=UNREAD, ground="unread")
        first, second, *_ = sorted(probabilities, key=lambda strategy: -probabilities[strategy])
        reason = (
            f"{supporters(self.counterweight)} would most likely choose {self.taxonomy[first].name} here, "
            f"or else {self.taxonomy[second].name}, so {aim(first)}."
        )
        grounds = [Ground("likeliest", (first, second)), *apart(self.counterweight)]
        return reranked(ruled, probabilities, reason=reason, grounds=grounds)


def likely(turn: Turn, *, counterweight: float) -> Mapping[str, float] | None:
    """The turn's strategy reading over ESConv's strategies, whatever known taxonomy it was read in.

    Args:
        turn: The turn.
        counterweight: How much of ESConv's prior is taken out (see `strategies.balance`).

    Returns:
        Every strategy of ESConv with its probability; None where nothing was read, or in strategies that
        cannot be converted.
    """
    reading = turn.likely_strategies
    if reading is None:
        return None
    try:
        converted = convert(reading.probabilities, source=reading.taxonomy, target=esconv().id)
    except ReadingError:  # a stranger's plugin may read what no map leads away from
        return None
    return counterweighted(converted, prior=esconv_prior(), strength=counterweight)


def supporters(counterweight: float) -> str:
    """Who a reason says would choose so: the supporters as they are, or as they would be without their habits."""
    return "Supporters, their habits apart," if counterweight else "Supporters"


def apart(counterweight: float) -> tuple[Ground, ...]:
    """The same as a ground; none where they are as they are."""
    return (Ground("habits_apart"),) if counterweight else ()


def create(settings: object | None = None) -> PredictedPlanner:
    """Entry point `predicted`."""
    return PredictedPlanner(counterweight=getattr(settings, "counterweight", 0.0))
