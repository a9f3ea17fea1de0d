"""The rule planner: a scored choice among ESConv's strategies that can say why.

Each strategy starts from its weight in the present stage. Facts about the turn multiply it
(`rules.toml` has every factor with its reason), and what was used before is damped. The scores,
scaled to sum to 1, are the ranking.
"""

from __future__ import annotations

import math
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from agent.decisions import Ground, Plan, RankedStrategy, Stage, Taxonomy
from agent.turn import Turn
from strategies.facts import Fact, find_facts
from strategies.sequence import follows
from strategies.stages import STAGES, position, stage_mixture
from strategies.taxonomy import esconv, strategy_id

__all__ = ["Known", "RulePlanner", "aim", "create", "reranked", "standing_in"]

_Other = Literal[
    "as_rules",
    "care",
    "forecast",
    "habits_apart",
    "likeliest",
    "no_ranking",
    "ranked",
    "ranked_first",
    "repetition",
    "rules_weigh",
    "suits_both",
    "supporters_weigh",
    "unanswered",
    "unread",
]
Known = Stage | Fact | _Other
"""Ids of the grounds that the planners here give."""

_FILE = Path(__file__).with_name("rules.toml")
_SPOKEN_FACTS = 2  # a reason with more is no longer read
_SPOKEN_PULL = 0.15  # a fact that moves the choice by less than this (in nats) did not decide it

_QUESTION_MARKS = ("?", "\N{FULLWIDTH QUESTION MARK}", "\N{ARABIC QUESTION MARK}")


@dataclass(frozen=True, slots=True)
class _Pull:
    """What one fact does to every strategy, as factors, and how the reason puts it."""

    ground: Known
    says: str
    factors: Mapping[str, float]

    def on(self, chosen: str) -> float:
        """How far the fact moves `chosen` against the average strategy, in nats."""
        logs = [math.log(factor) for factor in self.factors.values()]
        return math.log(self.factors.get(chosen, 1.0)) - sum(logs) / len(esconv().strategies)


@dataclass(frozen=True)
class RulePlanner:
    """Plans by stage, facts and what was tried. Pure: the same turn gives the same plan.

    Needs nothing but the text and the history; readings sharpen it where they are present. Its
    probabilities rank; they are not calibrated.
    """

    name: str = "rules"
    reads: frozenset[str] = frozenset({"text", "history"})
    taxonomy: Taxonomy = field(default_factory=esconv, init=False)

    async def plan(self, turn: Turn) -> Plan:
        """The plan for this turn, with what follows the strategy in the same reply.

        On an escalated turn the choice is affirmation or question, whatever else holds, and nothing follows.
        """
        alone = self.choose(turn)
        return alone if turn.escalated else _followed(alone)

    def choose(self, turn: Turn) -> Plan:
        """The same before anything follows, for planners that start from it."""
        strategies = self._used(turn)
        facts = find_facts(turn, strategies=strategies)
        mixture = stage_mixture(position(turn, strategies=strategies, facts=facts))
        stage = max(STAGES, key=mixture.__getitem__)
        pulls = [_repetition(strategies), *_pulls(turn, facts)]
        scores = {
            strategy.id: sum(mixture[stage] * strategy.stages[stage] for stage in STAGES)
            * math.prod(pull.factors.get(strategy.id, 1.0) for pull in pulls)
            for strategy in self.taxonomy.strategies
        }
        ranked = _ranked(scores)
        chosen = self.taxonomy[ranked[0].strategy]
        spoken = _spoken(pulls, chosen.id)
        return Plan(
            taxonomy=self.taxonomy.id,
            ranked=ranked,
            chosen=chosen,
            stage=stage,
            reason=_reason(turn, stage, chosen=chosen.id, spoken=spoken),
            planner=self.name,
            grounds=tuple(map(Ground, ["care"] if turn.escalated else [stage, *(pull.ground for pull in spoken)])),
        )

    def _used(self, turn: Turn) -> tuple[str | None, ...]:
        """What each supporter message of the history did; None where nobody can say.

        A message without a strategy that ends with a question mark was a question.
        """
        used = []
        for message in turn.history:
            if message.role == "supporter":
                known = strategy_id(self.taxonomy, message.strategy)
                asks = message.strategy is None and message.text.rstrip().endswith(_QUESTION_MARKS)
                used.append("question" if asks else known)
        return tuple(used)


def aim(strategy: str) -> str:
    """What a strategy of ESConv is for, as a reason ends: "ask before advising"."""
    aims: Mapping[str, str] = _rules()["aims"]
    return aims[strategy]


def reranked(plan: Plan, scores: Mapping[str, float], *, reason: str, grounds: Sequence[Ground] = ()) -> Plan:
    """What the rules choose with another ranking, for planners that start from them.

    Args:
        plan: Its stage and planner stay.
        scores: Every strategy of ESConv with a score from 0 up; equals keep their order. Scaled to sum to 1.
        reason: Why, in one sentence; what follows in the same reply is added to it.
        grounds: What it rests on; nothing where the sentence is all there is.
    """
    ranked = _ranked(scores)
    chosen = esconv()[ranked[0].strategy]
    return _followed(replace(plan, ranked=ranked, chosen=chosen, reason=reason, grounds=tuple(grounds)))


def standing_in(plan: Plan, *, because: str, ground: Known) -> Plan:
    """What the rules choose, for a planner that cannot plan this turn, with a reason that begins with why."""
    reason = f"{because}, so the rules decide: {plan.reason[0].lower()}{plan.reason[1:]}"
    return _followed(replace(plan, reason=reason, stands_in=because, grounds=(Ground(ground), *plan.grounds)))


def _followed(plan: Plan) -> Plan:
    """The plan with what people do next in the same turn, in `then` and at the end of the reason."""
    ranked = {each.strategy: each.probability for each in plan.ranked}
    after = follows(plan.chosen.id, ranked)
    reason = ", then ".join([plan.reason.removesuffix("."), *map(aim, after)])
    return replace(plan, then=tuple(map(esconv().__getitem__, after)), reason=f"{reason}.")


def _ranked(scores: Mapping[str, float]) -> tuple[RankedStrategy, ...]:
    total = sum(scores.values())
    ranking = sorted(scores, key=lambda strategy: -scores[strategy])
    return tuple(RankedStrategy(strategy, scores[strategy] / total) for strategy in ranking)


@cache
def _rules() -> Mapping[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def _pulls(turn: Turn, facts: Mapping[Fact, float]) -> list[_Pull]:
    """The effect of each fact that holds; a fact of strength s counts with factor ** s."""
    if turn.escalated:
        return [_Pull("care", _rules()["escalated"]["says"], _rules()["escalated"]["factors"])]
    return [
        _Pull(
            effect["fact"],
            effect["says"],
            {strategy: factor ** facts[effect["fact"]] for strategy, factor in effect["factors"].items()},
        )
        for effect in _rules()["effects"]
        if effect["fact"] in facts
    ]


def _repetition(strategies: Sequence[str | None]) -> _Pull:
    """Damps what was used last, the time before, and often."""
    rule = _rules()["repetition"]
    uses = Counter(strategy for strategy in strategies if strategy)
    factors = {strategy: 1 / (1 + rule["often"] * count) for strategy, count in uses.items()}
    for strategy, factor in zip(reversed(strategies), rule["recent"], strict=False):
        if strategy:
            factors[strategy] *= factor
    return _Pull("repetition", rule["says"], factors)


def _spoken(pulls: Sequence[_Pull], chosen: str) -> list[_Pull]:
    """Those that pulled hardest to the strategy that was chosen, and are told."""
    pulling = sorted(pulls, key=lambda pull: -pull.on(chosen))
    return [pull for pull in pulling[:_SPOKEN_FACTS] if pull.on(chosen) > _SPOKEN_PULL]


def _reason(turn: Turn, stage: Stage, *, chosen: str, spoken: Sequence[_Pull]) -> str:
    """One sentence of fixed phrases: the stage, the facts that pulled hardest, the aim."""
    rules = _rules()
    if turn.escalated:
        return f"{rules['escalated']['says']}, so {rules['escalated'][chosen]}."
    facts = f"; {' and '.join(pull.says for pull in spoken)}" if spoken else ""
    return f"{rules['stages'][stage]}{facts}, so {rules['aims'][chosen]}."


def create(settings: object | None = None) -> RulePlanner:  # noqa: ARG001 - every part is made with the settings
    """Entry point `rules`."""
    return RulePlanner()
