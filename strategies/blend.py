"""The blend planner: what supporters would do and what the rules advise, weighed against each other.

A log-linear pool: each strategy's two probabilities, raised to their weights and multiplied. So a strategy
must be tolerable to both. Advice that the rules all but rule out, since it comes too early or unasked, stays
held back unless the reading is sure of it, however little the rules weigh.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.decisions import Ground, Plan, Taxonomy
from agent.turn import Turn
from strategies.balance import check_share
from strategies.predicted import UNREAD, apart, likely, supporters
from strategies.rules import Known, RulePlanner, aim, reranked, standing_in
from strategies.taxonomy import esconv

__all__ = ["BlendPlanner", "create", "foreseen", "pooled"]

_FLOOR = 0.01  # share of the reading that is made flat, so that what it holds impossible is only unlikely
_ADVICE = frozenset({"suggestions", "information"})
_RULED_OUT = 0.03  # a fifth of what the rules give suggestions on average; 7 of 2,722 choices on valid
_SURE = 0.5
_HELD_BACK = 0.01  # factor
_LIFTED = 0.1  # of valence, that doubles a strategy's probability


@dataclass(frozen=True)
class BlendPlanner:
    """Pools the strategy reading with the rules. Pure: the same turn gives the same plan.

    On an escalated turn, and where nothing usable was read, the rules plan alone; the reason says which. The
    stage is always theirs.

    Args:
        weight: Of the reading, in [0, 1]; the rules have the rest. The default agrees best with the supporters
            of ESConv valid: macro-F1 27.8 at a bias of 0.29, against 27.3 / 0.25 of the reading alone, 21.7 / 0.83
            of half and half, and 15.4 / 1.25 of the rules (`heartline eval curve --of blend`). Less keeps more of
            the rules' caution.
        counterweight: How much of ESConv's prior is taken out of the reading, in [0, 1]. 0 by default: the
            shipped weights carry offsets of their own against it, and a second correction overshoots.
        foresight: How much the tracker's forecast counts, in [0, 1]: at 1 a strategy after which the next message
            is expected to sound better by 0.1 in valence is twice as probable as one of the mean. 0 by default: on
            ESConv valid the forecast agrees no better with supporters, and says next to nothing of what helps
            (`heartline eval curve --of foresight`, docs/emotion-over-turns.md).

    Raises:
        WiringError: `weight`, `counterweight` or `foresight` is not in [0, 1].

    Example:
        Mostly the rules:

        >>> planner = BlendPlanner(weight=0.3)
    """

    weight: float = 0.9
    counterweight: float = 0.0
    foresight: float = 0.0
    name: str = "blend"
    reads: frozenset[str] = frozenset({"text", "history", "likely_strategies"})
    taxonomy: Taxonomy = field(default_factory=esconv, init=False)

    def __post_init__(self) -> None:
        check_share("weight", self.weight)
        check_share("counterweight", self.counterweight)
        check_share("foresight", self.foresight)

    async def plan(self, turn: Turn) -> Plan:
        """The plan for this turn; there is always one."""
        ruled = RulePlanner(name=self.name).choose(turn)
        if turn.escalated:
            return ruled
        probabilities = likely(turn, counterweight=self.counterweight)
        if probabilities is None:
            return standing_in(ruled, because=UNREAD, ground="unread")
        scores = {ranked.strategy: ranked.probability for ranked in ruled.ranked}
        pool = pooled(probabilities, scores, weight=self.weight)
        lift = turn.state.lift if turn.state is not None else {}
        hopeful = foreseen(pool, lift, weight=self.foresight)
        if _best(hopeful) != _best(pool):
            chosen = _best(hopeful)
            name = self.taxonomy[chosen].name
            reason = f"The forecast expects the person to feel better after {name}, so {aim(chosen)}."
            return reranked(ruled, hopeful, reason=reason, grounds=[Ground("forecast", (chosen,))])
        reason, grounds = self._reason(ruled, read=_best(probabilities), chosen=_best(pool))
        return reranked(ruled, hopeful, reason=reason, grounds=[*grounds, *apart(self.counterweight)])

    def _reason(self, ruled: Plan, *, read: str, chosen: str) -> tuple[str, tuple[Ground, ...]]:
        """Who wanted what, and who prevails."""
        who, theirs = supporters(self.counterweight), self.taxonomy[read].name
        if read == chosen == ruled.chosen.id:
            reason = f"{who} would choose as the rules do: {ruled.reason[0].lower()}{ruled.reason[1:]}"
            return reason, (Ground("as_rules"), *ruled.grounds)
        prevails: Known
        if chosen == read:
            prevails, outcome = "supporters_weigh", "the supporters' way weighs more here"
        elif chosen == ruled.chosen.id:
            prevails, outcome = "rules_weigh", "the rules weigh more here"
        else:
            prevails, outcome = "suits_both", f"{self.taxonomy[chosen].name} suits both"
        reason = f"{who} would choose {theirs} and the rules {ruled.chosen.name}; {outcome}, so {aim(chosen)}."
        return reason, (Ground(prevails, (read, ruled.chosen.id, chosen)),)


def pooled(read: Mapping[str, float], ruled: Mapping[str, float], *, weight: float) -> dict[str, float]:
    """The log-linear pool of two distributions over the same strategies; sums to 1.

    Args:
        read: Strategy to probability. Those of 0 count as very unlikely, not as impossible.
        ruled: Strategy to probability, each above 0.
        weight: Of `read`, in [0, 1]: at 0 the pool is `ruled`, at 1 it is ranked as `read` is; in between advice
            that `ruled` all but rules out is held back unless `read` gives it half.
    """
    logs = {
        strategy: weight * math.log((1 - _FLOOR) * p + _FLOOR / len(read))
        + (1 - weight) * math.log(ruled[strategy])
        for strategy, p in read.items()
    }
    if 0 < weight < 1:
        for strategy in _ADVICE & read.keys():
            if ruled[strategy] < _RULED_OUT and read[strategy] < _SURE:
                logs[strategy] += math.log(_HELD_BACK)
    highest = max(logs.values())
    weights = {strategy: math.exp(log - highest) for strategy, log in logs.items()}
    total = sum(weights.values())
    return {strategy: value / total for strategy, value in weights.items()}


def foreseen(pool: Mapping[str, float], lift: Mapping[str, float], *, weight: float) -> dict[str, float]:
    """A ranking with what is expected of each strategy; sums to 1.

    Args:
        pool: Strategy to probability.
        lift: Strategy to how much better than on average the next message is expected to sound, in valence; those
            that are not in it count as average.
        weight: In [0, 1]; at 0 the pool stays as it is.
    """
    scores = {name: p * 2 ** (weight * lift.get(name, 0.0) / _LIFTED) for name, p in pool.items()}
    total = sum(scores.values())
    return {name: score / total for name, score in scores.items()}


def _best(probabilities: Mapping[str, float]) -> str:
    return max(probabilities, key=lambda strategy: probabilities[strategy])


def create(settings: object | None = None) -> BlendPlanner:
    """Entry point `blend`."""
    return BlendPlanner(counterweight=getattr(settings, "counterweight", 0.0))
