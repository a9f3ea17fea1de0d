"""ESConv (Liu et al. 2021): which strategy the supporter takes next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.decisions import Plan
from agent.errors import SettingsError
from agent.readings import StrategyReading
from agent.registry import make, names
from agent.settings import load_settings
from agent.turn import Message, Turn
from evals.task import Answer, Answers, Kit, Measures, Sample, scored
from evals.tasks.one_label import always, as_answer, labels_of, measured
from sem_plugins.labels import ESCONV
from sem_plugins.training import figures
from sem_plugins.training.positional import prior_sampling
from sem_plugins.training.sets import esconv

__all__ = ["NextStrategy", "distributions", "planned"]

_SEED = 13  # of draws from the prior


class NextStrategy:
    """The strategy of every supporter turn, from everything before it.

    An item (made up): the seeker wrote "They gave my desk to the new one.", the supporter asked "When was
    that?" (question), the seeker wrote "On Monday. I found out from the seating plan."; truth: `"reflection"`.

    Protocol: every supporter turn counts, those that follow another supporter turn and those that open the
    dialogue too; the situation, the survey and the emotion of the dialogue are not shown, since a running agent
    has none; eight labels, `others` among them. Of an answer of several turns in a row each is a sample.

    Traps: papers cut the dialogues in ways of their own (other splits, windows of five utterances, no
    `others`, several turns merged), so their figures are neighbours and no ranking. Macro-F1 (Q) without the
    preference bias (B) rewards one favourite; B without Q is won by drawing from the prior: read both, beside
    the floors. The bias is undefined where one strategy wins every confusion, as for *always question*.
    """

    name = "esconv/next-strategy"
    data = "esconv"
    systems = ("sem", "rules", "blend")
    version = 1

    def samples(self, folder: Path, split: str) -> list[Sample]:
        """Truth: the id of a strategy of `esconv-8`."""
        turns = esconv.supporter_turns(folder, split)
        return [
            Sample(f"{turn.group}#{place}", turn.group, turn.messages, ESCONV.labels[turn.targets["strategy"]])
            for place, turn in enumerate(turns)
        ]

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:
        """`sem`: the strategy head; any other name: the planner of that name, as in `planned`."""
        rows = distributions(samples, kit)
        if system == "sem":
            return [as_answer(ESCONV, row) for row in rows]
        answers: list[Answer] = []
        for plan in planned(system, samples, rows, others=("sem",)):
            ranked = {one.strategy: round(one.probability, 4) for one in plan.ranked}
            answers.append({"label": plan.chosen.id, "probabilities": ranked})
        return answers

    def measures(self, samples: Sequence[Sample], answers: Answers) -> Measures:
        """Accuracy, macro- (Q) and weighted F1, preference bias (B), `top3`, `ece`, and F1 per strategy."""
        kept, given = scored(samples, answers)
        return measured(ESCONV, kept, given, count=_counted)

    def floors(self, samples: Sequence[Sample], folder: Path) -> Mapping[str, Callable[[], Answers]]:
        """Draws from train's shares, even draws, and its commonest strategy."""

        def shares() -> list[int]:
            counted = labels_of(self.samples(folder, "train"))
            return [counted[label] for label in ESCONV.labels]

        def drawn(weights: Sequence[int]) -> Answers:
            chosen = prior_sampling(weights, len(samples), _SEED)
            return [{"label": ESCONV.labels[place]} for place in chosen]

        return {
            "prior sampling": lambda: drawn(shares()),
            "uniform": lambda: drawn([1] * len(ESCONV)),
            "majority": lambda: always(ESCONV.labels[int(np.argmax(shares()))], samples),
        }


def distributions(samples: Sequence[Sample], kit: Kit) -> NDArray[np.floating[Any]]:
    """What the strategy head says of each sample, (samples, strategies)."""
    outputs = np.stack([encoded.outputs["strategy"] for encoded in kit.read(samples)])
    return kit.manifest.heads["strategy"].distribution(outputs.astype(np.float64))


def planned(
    system: str, samples: Sequence[Sample], rows: NDArray[np.floating[Any]], *, others: Sequence[str]
) -> list[Plan]:
    """One plan per sample, by the planner of that name.

    Args:
        system: Name of the planner.
        samples: Whose messages it is given.
        rows: The head's distributions, (samples, strategies): its only reading.
        others: Systems of the task that are no planners, for the error.

    Raises:
        SettingsError: There is no such planner.
    """
    if system not in names("planners"):
        raise SettingsError(f"No planner {system!r}. Systems: {', '.join((*others, *names('planners')))}.")
    planner = make("planners", system, load_settings())

    async def plan_all() -> list[Plan]:
        plans = []
        for sample, row in zip(samples, rows, strict=True):
            reading = StrategyReading(ESCONV.id, dict(zip(ESCONV.labels, row.tolist(), strict=True)))
            plans.append(await planner.plan(_turn(sample.messages).fill(likely_strategies=reading)))
        return plans

    return asyncio.run(plan_all())


def _counted(rows: NDArray[np.float64], truth: NDArray[np.intp], groups: NDArray[np.str_]) -> Measures:
    one_hot = np.eye(len(ESCONV), dtype=bool)
    each = figures.f1_of_each(one_hot[rows.argmax(axis=1)], one_hot[truth], groups, ESCONV.labels)
    return figures.strategies(rows, truth, groups) | each


def _turn(messages: Sequence[Message]) -> Turn:
    """The turn to plan for. Where the supporter spoke last, the seeker has said nothing new."""
    if messages[-1].role == "seeker":
        return Turn("", "", 0, messages[-1].text, tuple(messages[:-1]))
    return Turn("", "", 0, "", tuple(messages))
