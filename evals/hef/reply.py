"""HEF as a whole: what the agent says when its LLM is told more and more of what was understood."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from agent.build import build_agent
from agent.decisions import Reply
from agent.errors import DataError
from agent.loop import Agent
from agent.perception import Perception
from agent.turn import READING_FIELDS, Turn
from evals.ask import sampling, with_model
from evals.hef.arms import ARMS, Arm, arm_of
from evals.hef.cost import cost_measures, metered
from evals.hef.reading import Readings
from evals.once import AnswerCache, Bar, key_of, once
from evals.speak import SampleStore, replied
from evals.task import Answer, Answers, Kit, Measures, Sample, scored
from evals.tasks.response import GoldPlanner, Response
from evals.text.metrics import METRICS
from evals.text.reader import ReplyReader, exchanges
from sem_plugins.encoder import VECTORS, Encoder
from sem_plugins.training.intervals import Measure
from sem_plugins.training.measure.reading import on_every_core
from sem_plugins.vectors import mean_vector
from sem_plugins.verify.recogniser import features_of, load_recogniser
from sem_plugins.weights import MODEL

__all__ = ["HefReply"]

_DECIDE = ("llm_temperature", "llm_max_tokens", "planner", "tracker", "composer", "persona", "history_turns")


class HefReply(Response):
    """The reply of the agent to a message of ESConv, under each prompt of the grid.

    An item (made up): the seeker wrote "They gave my desk to the new one."; the supporter's turn "That must have
    felt like being pushed out." (reflection) is the reference, truth: `{"strategy": "reflection"}`.

    Protocol: that of `esconv/response`, with the readings made beforehand, so that all arms have the same.
    `oracle` follows the supporter's own strategy; `verified` has drafts looked at. Beside BLEU-2, ROUGE-L,
    Distinct-2 and lengths as in `esconv/response`: `adherence`, the share of replies whose recognised strategy is
    one of the planned ones (in `plain` and other arms without a plan in the prompt: by chance); EPITOME's three
    levels, and `empathy`, their sum from 0 to 6; `objected`, the share of turns with a draft that was set aside,
    and `verify_ms`, what looking cost; `calls`, tokens and seconds. The emotion is not adjudicated here: that is
    `hef/emotion`.

    Traps: readers of replies are Heartline's own, so that figures compare arms of one run and no papers. An LLM
    that is told to follow a strategy may follow its definition's wording; look at replies, too.
    """

    name = "hef/reply"
    systems: tuple[str, ...] = tuple(arm.name for arm in ARMS)
    asking = systems
    version = 2
    # The rest of `esconv/response` costs minutes for every arm, and says the same.
    metrics = MappingProxyType({name: METRICS[name] for name in ("bleu_2", "rouge_l", "distinct_2")})

    def __init__(self) -> None:
        self._readings = Readings()

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:
        """The reply, the plan, the recognised strategy, EPITOME's levels and the cost; None where the LLM failed.

        Raises:
            DataError: The LLM gave no reply at all.
        """
        arm = arm_of(system)
        settings = with_model(kit.settings).model_copy(
            update={
                "store": "memory",
                "second_reader": None,
                "variant": arm.variant,
                "stimulus": arm.stimulus,
                "verifier": "checks" if arm.verified else None,
                "exemplars": None,  # what is found in it is given
            }
        )
        turns = self._readings(samples, kit, arm=arm)
        agent = build_agent(settings)
        agent.store = SampleStore(samples)
        agent.perception = _Read(turns)
        told = {sample.id: sample.truth["strategy"] for sample in samples} if arm.control == "oracle" else {}
        if told:
            agent.planner = GoldPlanner(told)

        async def say(sample: Sample) -> Answer:
            return await _reply(agent, sample)

        decides = {"arm": arm.name, "weights": kit.manifest.sha256[MODEL], "llm": settings.llm_model}
        decides |= {name: getattr(settings, name) for name in _DECIDE}
        keys = [key_of(decides | {"told": told.get(sample.id)}, sample) for sample in samples]
        cache = AnswerCache(kit.cache / "hef-reply.jsonl" if kit.cache else None)
        bar = Bar(f"{self.name}, {arm.title}", shown=kit.progress)
        said = asyncio.run(once(say, samples, keys=keys, cache=cache, parallel=kit.parallel, bar=bar))
        if all(one is None for one in said):
            raise DataError(f"The LLM gave none of {len(samples)} replies. Look at it with `heartline doctor`.")
        return self._read(samples, said, arm, kit, by=sampling(settings))

    def measures(self, samples: Sequence[Sample], answers: Answers) -> Measures:
        """Some of `esconv/response`, and of what the arm did."""
        found = super().measures(samples, answers)
        kept, given = scored(samples, answers)
        dialogues = [sample.group for sample in kept]
        groups = np.array(dialogues)
        if all("recognised" in answer for answer in given):
            follows = [answer["recognised"] in answer["planned"] for answer in given]
            found["adherence"] = Measure(np.mean, groups, (np.array(follows),))
            levels = [[answer["read"].get(name, np.nan) for name in _EMPATHY] for answer in given]
            found["empathy"] = Measure(_mean, groups, (np.array(levels, float).sum(axis=1),))
        if all("objections" in answer for answer in given):
            found["objected"] = Measure(np.mean, groups, (np.array([bool(a["objections"]) for a in given]),))
            found["verify_ms"] = Measure(np.mean, groups, (np.array([a["verify_ms"] for a in given]),))
        return found | cost_measures(given, dialogues)

    def _read(self, samples: Sequence[Sample], said: Answers, arm: Arm, kit: Kit, *, by: str) -> Answers:
        """The answers with what the encoder reads in the replies."""
        encoder = Encoder(kit.manifest, threads=1, inner=[VECTORS])
        reader, recogniser = ReplyReader(encoder), load_recogniser(kit.manifest)

        def read(item: tuple[Any, Answer]) -> Answer:
            exchange, answer = item
            if answer is None:
                return None
            vector = mean_vector(encoder.read_turn(Turn("", "", 0, answer["reply"])))
            likely = {} if vector is None else recogniser.probabilities(features_of(vector, answer["reply"]))
            return {
                **answer,
                "read": dict(reader(exchange, answer["reply"], compared=True)),
                "recognised": max(likely, key=lambda one: likely[one]) if likely else "",
                "sampling": by,
                # A plan that stands in no prompt is no guess of the LLM's; a told one is none of the planner's.
                "strategy": None if arm.control == "oracle" else answer["strategy"],
            }

        return on_every_core(
            read, list(zip(exchanges(samples), said, strict=True)), name="replies", progress=kit.progress
        )


_EMPATHY = ("empathy_emotional_reactions", "empathy_interpretations", "empathy_explorations")


class _Read(Perception):
    """The readings were made before.

    Args:
        turns: With readings; conversations have the ids of their samples.
    """

    def __init__(self, turns: Sequence[Turn]) -> None:
        super().__init__(())
        self.writes = READING_FIELDS
        self._turns = {turn.conversation_id: turn for turn in turns}

    async def perceive(self, turn: Turn) -> Turn:
        """The turn with the readings of its sample."""
        read = self._turns[turn.conversation_id]
        return replace(turn, **{name: getattr(read, name) for name in READING_FIELDS}).note(*read.failures)


async def _reply(agent: Agent, sample: Sample) -> Answer:
    """What the agent says, and what it cost."""
    with metered() as cost:
        turn = await replied(agent, sample)
    if turn is None or turn.reply is None:
        return None
    if not turn.escalated:
        for _ in range(_drafts(turn, turn.reply)):
            cost.add(turn.reply.usage)
    planned = [] if turn.plan is None else [turn.plan.chosen.id, *(strategy.id for strategy in turn.plan.then)]
    return {
        "reply": turn.reply.text,
        "strategy": planned[0] if planned else None,
        "planned": planned,
        "speaker": turn.reply.speaker,
        "prompt": turn.prompt.sha256 if turn.prompt is not None else None,
        "objections": [each.check for each in turn.objections if not each.blocked],
        "verify_ms": sum(timing.milliseconds for timing in turn.timings if timing.stage == "verify"),
        **cost.as_answer(),
    }


def _drafts(turn: Turn, reply: Reply) -> int:
    """How many replies the LLM was asked for: a second one where the verifier set the first aside unseen."""
    if all(each.blocked for each in turn.objections):
        return 1
    ended_early = reply.finish_reason == "cut" and len(turn.objections) == 1  # behind what was shown already
    return 1 if ended_early else 2


def _mean(rows: Any) -> float:
    """Of the rows that were read; NaN where none was."""
    return float(np.nanmean(rows)) if np.isfinite(rows).any() else float("nan")
