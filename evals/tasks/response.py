"""ESConv: what the agent says, beside what the supporter said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from agent.build import build_agent
from agent.decisions import Plan
from agent.errors import DataError, SettingsError
from agent.settings import Settings
from agent.turn import Turn
from evals.ask import LLM, sampling, with_model
from evals.once import AnswerCache, Bar, key_of, once
from evals.speak import SampleStore, speak
from evals.task import Answers, Kit, Measures, Sample, scored
from evals.text.metrics import METRICS, WITHOUT_REFERENCES, Metric, measures
from evals.text.reader import read_measures
from evals.text.replies import words
from sem_plugins.labels import ESCONV
from sem_plugins.language import in_other_language
from sem_plugins.training.intervals import Measure
from sem_plugins.training.sets.esconv import supporter_turns
from sem_plugins.weights import MODEL
from strategies.rules import RulePlanner, reranked
from strategies.taxonomy import esconv

__all__ = ["GoldPlanner", "Response"]

_FIXED = "I am sorry to hear that. It sounds hard. What would help you most right now?"
_GOLD = "+gold"


class Response:
    """The agent's reply where a supporter of ESConv replied to a message of the seeker.

    An item (made up): the seeker wrote "They gave my desk to the new one."; the supporter's turn "That must have
    felt like being pushed out." (reflection) is the reference, truth: `{"strategy": "reflection"}`.

    Protocol: every supporter turn that follows a message of the seeker; what was really said before is the
    history, so that a bad reply does not spoil the next one. Systems: `offline` (no LLM) and `llm`
    (HEARTLINE_LLM_URL) with the agent's own planner, and the same with `+gold`, which are told the supporter's
    strategy. The emotional state starts anew in each turn. Metrics of `evals.text`, each with its signature;
    `strategy_accuracy` of the agent's own plan.

    Traps: BLEU, ROUGE and Distinct of ESConv papers come from four code bases that disagree by more than the
    papers differ; distinct n-grams fall with the number of replies. A reply may be better than the reference and
    share no word with it. With the gold strategy figures rise; tables often do not say which was used.
    """

    name = "esconv/response"
    data = "esconv"
    systems: tuple[str, ...] = ("offline", "offline+gold")
    asking: tuple[str, ...] = (LLM, f"{LLM}{_GOLD}")
    extra = "evals"
    version = 1
    metrics: Mapping[str, Metric] = METRICS

    def samples(self, folder: Path, split: str) -> list[Sample]:
        """Truth: the supporter's strategy; reference: what the supporter said."""
        return [
            Sample(
                f"{turn.group}#{place}",
                turn.group,
                turn.messages,
                {"strategy": ESCONV.labels[turn.targets["strategy"]]},
                turn.targets["reply"],
            )
            for place, turn in enumerate(supporter_turns(folder, split))
            if turn.messages[-1].role == "seeker"
            and turn.messages[-1].text.strip()
            and turn.targets["reply"].strip()
        ]

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:
        """What the agent says, with its strategy and who spoke; None where the LLM failed."""
        base = system.removesuffix(_GOLD)
        if base not in {"offline", LLM}:
            raise SettingsError(f"No system {system!r}. Systems: offline, llm, each also with `{_GOLD}`.")
        settings = with_model(kit.settings) if base == LLM else kit.settings.model_copy(update={"llm_url": None})
        agent = build_agent(settings.model_copy(update={"store": "memory"}))
        agent.store = SampleStore(samples)
        if system.endswith(_GOLD):
            agent.planner = GoldPlanner({sample.id: sample.truth["strategy"] for sample in samples})
        decides = _decides(system, settings, kit)
        keys = [key_of(decides | {"told": _told(system, sample)}, sample) for sample in samples]
        cache = AnswerCache(kit.cache / "esconv-response.jsonl" if kit.cache else None)
        bar = Bar("replies", None if system.endswith(_GOLD) else _planned, shown=kit.progress)
        said = asyncio.run(
            once(partial(speak, agent), samples, keys=keys, cache=cache, parallel=kit.parallel, bar=bar)
        )
        further: dict[str, Any] = {"sampling": sampling(settings)} if base == LLM else {}
        if system.endswith(_GOLD):
            further["strategy"] = None  # a plan that was told is no guess to be scored
        return [answer and {**answer, **further} for answer in said]

    def measures(self, samples: Sequence[Sample], answers: Answers) -> Measures:
        """Metrics of `evals.text.metrics`, length, shares of empty replies and of those in another language, the
        plan's accuracy where it was the agent's, and what the encoder says where they have been read
        (`evals.read_replies`). Replies that are the references are compared with nothing.
        """
        kept, given = scored(samples, answers)
        if not kept:
            raise DataError(
                f"None of {len(samples)} samples has a reply. Look at the LLM with `heartline doctor`."
            )
        replies, references = [answer["reply"] for answer in given], [sample.reference for sample in kept]
        chosen = WITHOUT_REFERENCES if replies == references else self.metrics
        dialogues = [sample.group for sample in kept]
        groups = np.array(dialogues)
        found = measures(replies, references, dialogues=dialogues, metrics=chosen)
        for name, rows in {
            "words_per_reply": [len(words(reply)) for reply in replies],
            "empty_replies": [not reply.strip() for reply in replies],
            "other_language": [
                in_other_language(sample.messages[-1].text, reply)
                for sample, reply in zip(kept, replies, strict=True)
            ],
        }.items():
            found[name] = Measure(np.mean, groups, (np.array(rows),))
        if all(answer.get("strategy") for answer in given):
            right = np.array([a["strategy"] == s.truth["strategy"] for s, a in zip(kept, given, strict=True)])
            found["strategy_accuracy"] = Measure(np.mean, groups, (right,))
        if all("read" in answer for answer in given):
            found |= read_measures([answer["read"] for answer in given], dialogues)
        return found

    def floors(self, samples: Sequence[Sample], folder: Path) -> Mapping[str, Callable[[], Answers]]:  # noqa: ARG002
        """What people replied, one reply to everything, and the seeker's own message said back."""
        return {
            "people": lambda: [{"reply": sample.reference} for sample in samples],
            "fixed reply": lambda: [{"reply": _FIXED}] * len(samples),
            "echo": lambda: [{"reply": sample.messages[-1].text} for sample in samples],
        }


class GoldPlanner:
    """Plans what the supporter did; on an escalated turn what the rules say.

    Args:
        strategies: Sample to strategy.
    """

    name = "gold"
    reads = frozenset({"text", "history"})

    def __init__(self, strategies: Mapping[str, str]) -> None:
        self.taxonomy = esconv()
        self._strategies = strategies

    async def plan(self, turn: Turn) -> Plan:
        """The plan of the sample that the conversation is called after."""
        ruled = RulePlanner(name=self.name).choose(turn)
        if turn.escalated:
            return ruled
        told = self._strategies[turn.conversation_id]
        scores = {ranked.strategy: float(ranked.strategy == told) for ranked in ruled.ranked}
        return reranked(ruled, scores, reason="It is what the supporter did.")


def _planned(sample: Sample, answer: Mapping[str, Any]) -> float | None:
    planned = answer["strategy"]
    return None if planned is None else float(planned == sample.truth["strategy"])


def _told(system: str, sample: Sample) -> str | None:
    return sample.truth["strategy"] if system.endswith(_GOLD) else None


def _decides(system: str, settings: Settings, kit: Kit) -> dict[str, Any]:
    """What decides replies besides the dialogue. The address of a server does not; its model does."""
    from heartline import __version__

    named = (
        *("llm_model", "llm_temperature", "llm_max_tokens", "planner", "tracker", "composer", "persona"),
        *("history_turns", "second_reader", "two_stage", "widest_set", "variant", "stimulus", "verifier"),
    )
    return {
        "heartline": __version__,
        "system": system,
        "weights": kit.manifest.sha256[MODEL],
        **{name: getattr(settings, name) for name in named},
    }
