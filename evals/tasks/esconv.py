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
from agent.protocols import Planner
from agent.readings import StrategyReading
from agent.registry import make, names
from agent.transcript import transcript
from agent.turn import Message, Turn
from evals.ask import LLM, Question, ask, chosen, instruction, with_model
from evals.once import AnswerCache, Bar, key_of, once
from evals.task import Answer, Answers, Kit, Measures, Sample, scored
from evals.tasks.one_label import always, as_answer, labels_of, measured
from sem_plugins.labels import ESCONV
from sem_plugins.training import figures
from sem_plugins.training.positional import prior_sampling
from sem_plugins.training.sets import esconv
from sem_plugins.weights import MODEL
from strategies.deliberate import NO_RANKING
from strategies.taxonomy import esconv as esconv_taxonomy

__all__ = ["NextStrategy", "distributions", "planned"]

_SEED = 13  # of draws from the prior
_MESSAGES = 9  # shown to an LLM
_DRAWS = 300  # for the interval of each strategy's F1


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
    systems: tuple[str, ...] = ("sem", "rules", "blend")
    version = 2
    _instruction = instruction(
        "You read a conversation between a seeker and a supporter, and tell what kind of turn the supporter takes "
        "next.",
        {strategy.id: f"{strategy.name}. {strategy.definition}" for strategy in esconv_taxonomy().strategies},
        answer="Answer with one id of the list and nothing else.",
    )

    def samples(self, folder: Path, split: str) -> list[Sample]:
        """Truth: the id of a strategy of `esconv-8`."""
        turns = esconv.supporter_turns(folder, split)
        return [
            Sample(f"{turn.group}#{place}", turn.group, turn.messages, ESCONV.labels[turn.targets["strategy"]])
            for place, turn in enumerate(turns)
        ]

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:
        """`sem`: the strategy head; `llm`: an LLM, asked for one id; any other name: the planner of that name, as
        in `planned`. Where the rules stood in for it, the answer is invalid or unscored, not theirs.
        """
        if system == LLM:
            return ask(self, samples, kit)
        rows = distributions(samples, kit)
        if system == "sem":
            return [as_answer(ESCONV, row) for row in rows]
        return planned(system, samples, rows, kit=kit, others=("sem", LLM), task=self.name, answer=_as_answer)

    def question(self, sample: Sample) -> Question:
        """The conversation's last messages, and the eight strategies with what they mean."""
        return Question(self._instruction, transcript(sample.messages[-_MESSAGES:]))

    def understood(self, sample: Sample, said: str) -> Mapping[str, Any]:  # noqa: ARG002
        """The strategy of that id or name."""
        return {"label": chosen(said, {strategy.name: strategy.id for strategy in esconv_taxonomy().strategies})}

    def right(self, sample: Sample, answer: Mapping[str, Any]) -> float:
        """1 for the supporter's strategy."""
        return float(answer["label"] == sample.truth)

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
    system: str,
    samples: Sequence[Sample],
    rows: NDArray[np.floating[Any]],
    *,
    kit: Kit,
    others: Sequence[str],
    task: str,
    answer: Callable[[Plan], Answer],
) -> Answers:
    """One answer per sample, of the planner of that name.

    What planners with an LLM say is kept in the kit's cache, and several are asked for at once.

    Args:
        system: Name of the planner.
        samples: Whose messages it is given.
        rows: The head's distributions, (samples, strategies): its only reading.
        kit: With the settings of the planner.
        others: Systems of the task that are no planners, for the error.
        task: Name of the task, whose answers have a form of their own.
        answer: What of a plan is the answer; None leaves the sample unscored.

    Raises:
        SettingsError: There is no such planner.
    """
    from heartline import __version__

    if system not in names("planners"):
        raise SettingsError(f"No planner {system!r}. Systems: {', '.join((*others, *names('planners')))}.")
    settings = with_model(kit.settings) if kit.settings.llm_url else kit.settings
    planner: Planner = make("planners", system, settings)
    readings = {
        sample.id: StrategyReading(ESCONV.id, dict(zip(ESCONV.labels, row.tolist(), strict=True)))
        for sample, row in zip(samples, rows, strict=True)
    }
    decides = {
        "heartline": __version__,
        "task": task,
        "planner": system,
        "weights": kit.manifest.sha256[MODEL],
        **{name: getattr(settings, name) for name in ("llm_model", "llm_temperature", "llm_max_tokens")},
    }

    async def plan(sample: Sample) -> Answer:
        turn = _turn(sample.messages).fill(likely_strategies=readings[sample.id])
        return answer(await planner.plan(turn))

    # Without an LLM a plan costs less than looking it up, and no name says which version of the rules made it.
    file = kit.cache / f"planner-{system}.jsonl" if kit.cache and settings.llm_url else None
    return asyncio.run(
        once(
            plan,
            samples,
            keys=[key_of(decides, sample) for sample in samples],
            cache=AnswerCache(file),
            parallel=kit.parallel,
            bar=Bar("plans", shown=kit.progress),
        )
    )


def _as_answer(plan: Plan) -> Answer:
    if plan.stands_in:
        return {"label": None} if plan.stands_in == NO_RANKING else None
    ranked = {one.strategy: round(one.probability, 4) for one in plan.ranked}
    return {"label": plan.chosen.id, "probabilities": ranked}


def _counted(rows: NDArray[np.float64], truth: NDArray[np.intp], groups: NDArray[np.str_]) -> Measures:
    size = len(ESCONV)
    one_hot = np.eye(rows.shape[1], size, dtype=bool)
    each = figures.f1_of_each(one_hot[rows.argmax(axis=1)], one_hot[truth], groups, ESCONV.labels, draws=_DRAWS)
    return figures.strategies(rows, truth, groups, names=ESCONV.labels) | each


def _turn(messages: Sequence[Message]) -> Turn:
    """The turn to plan for. Where the supporter spoke last, the seeker has said nothing new."""
    if messages[-1].role == "seeker":
        return Turn("", "", 0, messages[-1].text, tuple(messages[:-1]))
    return Turn("", "", 0, "", tuple(messages))
