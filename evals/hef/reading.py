"""Turns with their readings, and questions about them, for the tasks of the grid."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from agent.asking import Asker
from agent.binding import WAYS
from agent.build import build_perception
from agent.errors import DataError, GenerationError, SettingsError
from agent.presets import PRESETS, ways_of
from agent.probe import LLMServer
from agent.turn import Turn
from evals.ask import with_model
from evals.hef.arms import Arm, exchanged
from evals.hef.cost import count, metered
from evals.once import AnswerCache, Bar, key_of, once
from evals.task import Answer, Answers, Kit, Sample
from sem_plugins.training.measure.reading import on_every_core

__all__ = ["Readings", "ask_arm"]

_PLUGINS = ("emotion", "expression", "affect", "cause", "strategy", "risk", "felt")


class Readings:
    """Turns with their readings, each sample read once for all arms. One per task, since it goes by ids."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, bool], Turn] = {}

    def __call__(self, samples: Sequence[Sample], kit: Kit, *, arm: Arm) -> list[Turn]:
        """One turn a sample, with the readings that the arm gives to the LLM.

        Raises:
            SettingsError: The arm wants examples, and no file of them is named.
            DataError: An example is one of the samples: the file was built from the part that is measured.
        """
        with_examples = "exemplars" in arm.parts
        if with_examples and kit.settings.exemplars is None:
            raise SettingsError(
                f"Arm {arm.name!r} needs a file of examples: `heartline exemplars build` makes one out of train, "
                "and HEARTLINE_EXEMPLARS names it."
            )
        missing = [sample for sample in samples if (sample.id, with_examples) not in self._read]
        if missing:
            changed: dict[str, Any] = {"plugins": _PLUGINS, "threads": 1}
            changed |= {} if with_examples else {"exemplars": None}
            perception = build_perception(kit.settings.model_copy(update=changed))
            read = on_every_core(
                lambda sample: perception.read([_turn(sample)])[0], missing, name="samples", progress=kit.progress
            )
            self._read |= {(turn.id, with_examples): turn for turn in read}
        turns = [self._read[sample.id, with_examples] for sample in samples]
        _refuse_own(samples, turns, kit)
        return exchanged(turns) if arm.control == "shuffled" else turns


def _turn(sample: Sample) -> Turn:
    *before, last = sample.messages
    said = sum(message.role == "seeker" for message in before)
    return Turn(sample.id, sample.id, said, last.text, tuple(before))


def _refuse_own(samples: Sequence[Sample], turns: Sequence[Turn], kit: Kit) -> None:
    own = {message.text.strip().lower() for sample in samples for message in sample.messages}
    for turn in turns:
        for example in turn.exemplars.exemplars if turn.exemplars is not None else ():
            if example.text.lower() in own:
                raise DataError(
                    f"The examples in {str(kit.settings.exemplars)!r} hold messages that are to be answered here. "
                    "Build the file from train."
                )


def ask_arm(
    name: str,
    asked: Callable[[Asker, Turn], Awaitable[Mapping[str, Any]]],
    samples: Sequence[Sample],
    turns: Sequence[Turn],
    kit: Kit,
    *,
    arm: Arm,
    decides: Callable[[Turn], Any],
) -> Answers:
    """What the LLM answers to each sample, with the cost; None where it failed.

    Args:
        name: Of the task, for the cache.
        asked: Puts the question.
        samples: In the order of the answers.
        turns: One a sample.
        kit: With the LLM.
        arm: Which.
        decides: What, beside the conversation, decides the answer: part of the key of the cache.

    Raises:
        DataError: No question at all was answered.
    """
    settings = with_model(kit.settings)
    # Nobody waits, and many are asked at once: as long as for a whole reply.
    seconds = settings.llm_deadline
    ways = ways_of(PRESETS[settings.llm_preset].features) if settings.llm_preset else WAYS
    server, model = LLMServer.from_settings(settings), settings.llm_model
    asker = Asker(server, model=model, seconds=seconds, ways=ways, counted=count)
    failed: list[GenerationError] = []
    by_id = dict(zip((sample.id for sample in samples), turns, strict=True))

    async def answer(sample: Sample) -> Answer:
        with metered() as cost:
            try:
                found = await asked(asker, by_id[sample.id])
            except GenerationError as error:
                failed.append(error)
                return None
        return {**found, "speaker": settings.llm_model, **cost.as_answer()}

    keys = [
        key_of({"task": name, "arm": arm.name, "llm": settings.llm_model, "asked": decides(turn)}, sample)
        for sample, turn in zip(samples, turns, strict=True)
    ]
    cache = AnswerCache(kit.cache / f"{name.replace('/', '-')}.jsonl" if kit.cache else None)
    bar = Bar(f"{name}, {arm.title}", shown=kit.progress)
    heard = asyncio.run(once(answer, samples, keys=keys, cache=cache, parallel=kit.parallel, bar=bar))
    if all(one is None for one in heard):
        raise DataError(f"The LLM answered none of {len(samples)} questions. {failed[-1]}")
    return heard
