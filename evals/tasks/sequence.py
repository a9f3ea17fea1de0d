"""ESConv (Liu et al. 2021): which strategies the supporter takes one after the other before the seeker answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from agent.decisions import Plan
from agent.errors import DataError
from evals.task import Answer, Answers, Kit, Measures, Sample, scored
from evals.tasks.esconv import distributions, planned
from sem_plugins.labels import ESCONV
from sem_plugins.training.intervals import Measure
from sem_plugins.training.positional import prior_sampling
from sem_plugins.training.sets import esconv
from strategies.sequence import follows

__all__ = ["StrategySequence", "distance"]

_SEED = 13  # of draws from the prior
_HEADS = ("sem", "single")


class StrategySequence:
    """The strategies of a whole answer, in order, from everything before it.

    An item (made up): the seeker wrote "They gave my desk to the new one.", and the supporter answered in three
    messages, "That hurts." (reflection), "After nine years!" (reflection), "Who told you?" (question); truth:
    `["reflection", "question"]`.

    Protocol: an answer is all that a supporter says between two turns of the seeker; what opens a dialogue answers
    nobody, and what ends it may have been broken off: neither counts. Immediate repetitions of a strategy are
    merged. `exact_match` wants the same list, `set_f1` compares the sets, `edit_similarity` is 1 less the
    Levenshtein distance over the longer length; each is a mean over answers. `first_accuracy` is of the first
    strategy, `length_accuracy` of how many there are; `several` is the share of answers that hold more than one.

    Traps: of valid's answers 84% hold one strategy (of train's 85%), so that exact match and length favour whoever
    never goes on. Set F1 favours whoever does: a second strategy is a second guess at the first. Read both, beside
    `single`, which takes the head's best label alone.
    """

    name = "esconv/strategy-sequence"
    data = "esconv"
    systems: tuple[str, ...] = (*_HEADS, "rules", "blend")
    version = 1

    def samples(self, folder: Path, split: str) -> list[Sample]:
        """Truth: ids of strategies of `esconv-8`, in order."""
        return [
            Sample(f"{answer.group}#{place}", answer.group, answer.messages, answer.targets["strategies"])
            for place, answer in enumerate(esconv.answers(folder, split))
        ]

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:
        """`sem`: the strategy head's best label and what `strategies.sequence` adds; `single`: the label alone;
        any other name: the planner of that name, with the head's distribution as its only reading."""
        rows = distributions(samples, kit)
        if system not in _HEADS:
            return planned(system, samples, rows, kit=kit, others=_HEADS, task=self.name, answer=_as_answer)
        best = [ESCONV.labels[place] for place in rows.argmax(axis=1)]
        if system == "single":
            return [{"strategies": [first]} for first in best]
        return [
            {"strategies": [first, *follows(first, dict(zip(ESCONV.labels, row.tolist(), strict=True)))]}
            for first, row in zip(best, rows, strict=True)
        ]

    def measures(self, samples: Sequence[Sample], answers: Answers) -> Measures:
        """Means over answers, each in [0, 1].

        Raises:
            DataError: An answer holds no strategy, or one that is none of the set.
        """
        kept, given = scored(samples, answers)
        pairs = [
            (sample.truth, _checked(sample, answer["strategies"]))
            for sample, answer in zip(kept, given, strict=True)
        ]
        groups = np.array([sample.group for sample in kept])
        scores = {
            "exact_match": [said == truth for truth, said in pairs],
            "set_f1": [2 * len({*truth} & {*said}) / (len({*truth}) + len({*said})) for truth, said in pairs],
            "edit_similarity": [1 - distance(truth, said) / max(len(truth), len(said)) for truth, said in pairs],
            "first_accuracy": [said[0] == truth[0] for truth, said in pairs],
            "length_accuracy": [len(said) == len(truth) for truth, said in pairs],
            "several": [len(said) > 1 for _, said in pairs],
        }
        return {name: Measure(np.mean, groups, (np.array(each, np.float64),)) for name, each in scores.items()}

    def floors(self, samples: Sequence[Sample], folder: Path) -> Mapping[str, Callable[[], Answers]]:
        """Train's commonest sequence, and single strategies drawn as often as train's answers begin with them."""

        def commonest() -> Answers:
            counted = Counter(tuple(sample.truth) for sample in self.samples(folder, "train"))
            return [{"strategies": list(counted.most_common(1)[0][0])}] * len(samples)

        def drawn() -> Answers:
            counted = Counter(sample.truth[0] for sample in self.samples(folder, "train"))
            chosen = prior_sampling([counted[label] for label in ESCONV.labels], len(samples), _SEED)
            return [{"strategies": [ESCONV.labels[place]]} for place in chosen]

        return {"commonest": commonest, "prior sampling": drawn}


def distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Levenshtein's: the fewest insertions, deletions and replacements that make `one` into `other`."""
    before = list(range(len(other) + 1))
    for row, left in enumerate(one, start=1):
        now = [row]
        for column, right in enumerate(other, start=1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (left != right)))
        before = now
    return before[-1]


def _as_answer(plan: Plan) -> Answer:
    if plan.stands_in:  # no strategy of its own to compare
        return None
    return {"strategies": [plan.chosen.id, *(each.id for each in plan.then)]}


def _checked(sample: Sample, strategies: Sequence[str]) -> list[str]:
    unknown = [strategy for strategy in strategies if strategy not in ESCONV.labels]
    if unknown or not strategies:
        fault = f"{unknown[0]!r} is no strategy" if unknown else "the answer holds no strategy"
        raise DataError(f"Sample {sample.id!r}: {fault}. Strategies: {', '.join(ESCONV.labels)}.")
    return list(strategies)
