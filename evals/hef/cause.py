"""HEF's second half: does an LLM quote the cause better when it is shown the words that the small model found?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from agent.asking import Asker
from agent.errors import SettingsError
from agent.readings import CausalSpan, CauseReading
from agent.turn import Turn
from evals.hef.arms import BASE, arm_of
from evals.hef.cost import cost_measures
from evals.hef.emotion import SEM
from evals.hef.reading import Readings, ask_arm
from evals.task import Answers, Kit, Measures, Sample, scored
from sem_plugins.second.pooling import primary_of
from sem_plugins.second.questions import cause_question
from sem_plugins.second.reader import quoted
from sem_plugins.training.intervals import Measure
from sem_plugins.training.scores import span_matches
from sem_plugins.training.sets import reccon

__all__ = ["HefCause", "overlap"]

_TOLD = 3  # emotions
_ARMS = (BASE, "labels", "causes", "hef", "shuffled", "oracle")


class HefCause:
    """Which words of the seeker tell the cause of their emotion, by an LLM and by the small model.

    An item (made up): A: "The soup is burnt and the guests are here!"; truth: the characters of `"The soup is
    burnt"` as `[{"utterance": 0, "start": 0, "end": 17}]`.

    Protocol: utterances of RECCON with an emotion of which a cause stands in words of the same speaker; nobody is
    told which utterance holds it. An answer counts by its best token F1 with any of the true spans (words as SQuAD
    counts them); `found`: the quoted words stand in an utterance that holds a cause; `nothing`: no words, or words
    that nobody said. `labels` tells the three likeliest emotions, `causes` quotes the small model's spans,
    `shuffled` as many words elsewhere, `oracle` the true spans.

    Traps: causes that the other one spoke are left out, for an agent looks at the seeker's own words. Quoting the
    whole message reaches a fair F1: see the floor.
    """

    name = "hef/cause"
    data = "reccon"
    systems: tuple[str, ...] = (SEM, *_ARMS)
    asking = _ARMS
    version = 1

    def __init__(self) -> None:
        self._readings = Readings()

    def samples(self, folder: Path, split: str) -> list[Sample]:
        """Truth: the spans in the seeker's utterances."""
        found = []
        for place, example in enumerate(reccon.targets(folder, split)):
            spans = [
                {"utterance": utterance, "start": start, "end": end}
                for utterance, (start, end) in sorted(example.targets["span"].items())
                if example.messages[utterance].role == "seeker"
            ]
            if spans:
                found.append(Sample(f"{example.group}#{place}", example.group, example.messages, spans))
        return found

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:
        """`{"span": {"utterance", "start", "end"}}`, None in it where nothing usable was quoted; with the cost."""
        if system not in self.systems:
            raise SettingsError(f"No system {system!r}. Systems: {', '.join(self.systems)}.")
        arm = arm_of(BASE if system == SEM else system)
        arm = replace(arm, variant="hef" if arm.control else arm.variant)
        turns = self._readings(samples, kit, arm=arm)
        if system == SEM:
            return [{"span": _as_answer(_likeliest(turn))} for turn in turns]
        if arm.control == "oracle":
            turns = [replace(turn, cause=_true(turn, sample)) for turn, sample in zip(turns, samples, strict=True)]
        asked, decides = partial(_asked, parts=arm.parts), partial(_shown, parts=arm.parts)
        return ask_arm(self.name, asked, samples, turns, kit, arm=arm, decides=decides)

    def measures(self, samples: Sequence[Sample], answers: Answers) -> Measures:
        """`token_f1`, `exact_match`, `found`, `nothing`, and what it cost."""
        kept, given = scored(samples, answers)
        groups = np.array([sample.group for sample in kept])
        overlaps = [
            overlap(sample, answer["span"], sample.truth) for sample, answer in zip(kept, given, strict=True)
        ]
        hit = [
            answer["span"] is not None
            and answer["span"]["utterance"] in {true["utterance"] for true in sample.truth}
            for sample, answer in zip(kept, given, strict=True)
        ]
        rows = {
            "token_f1": overlaps,
            "exact_match": [overlap == 1 for overlap in overlaps],
            "found": hit,
            "nothing": [answer["span"] is None for answer in given],
        }
        found = {name: Measure(np.mean, groups, (np.array(row, float),)) for name, row in rows.items()}
        return found | cost_measures(given, [sample.group for sample in kept])

    def floors(self, samples: Sequence[Sample], folder: Path) -> Mapping[str, Callable[[], Answers]]:  # noqa: ARG002
        """The whole message."""

        def whole() -> Answers:
            ends = [(len(sample.messages) - 1, len(sample.messages[-1].text)) for sample in samples]
            return [{"span": {"utterance": place, "start": 0, "end": end}} for place, end in ends]

        return {"whole message": whole}


async def _asked(asker: Asker, turn: Turn, *, parts: frozenset[Any]) -> Mapping[str, Any]:
    answer = await asker.fill(*_question(turn, parts))
    return {"span": _as_answer(quoted(turn, str(answer["quote"])) if answer else None)}


def _question(turn: Turn, parts: frozenset[Any]) -> tuple[list[Any], Mapping[str, Any]]:
    told = primary_of(turn.emotion)[:_TOLD] if turn.emotion is not None and "labels" in parts else ()
    return cause_question(turn, parts, told)


def _shown(turn: Turn, *, parts: frozenset[Any]) -> list[str]:
    return [message.content for message in _question(turn, parts)[0]]


def _true(turn: Turn, sample: Sample) -> CauseReading:
    spans = []
    for true in sample.truth:
        place, start, end = true["utterance"], true["start"], true["end"]
        spans.append(CausalSpan(place, start, end, turn.dialogue[place].text[start:end], 1.0))
    return CauseReading(tuple(spans))


def _likeliest(turn: Turn) -> CausalSpan | None:
    return turn.cause.spans[0] if turn.cause is not None and turn.cause.spans else None


def _as_answer(span: CausalSpan | None) -> dict[str, int] | None:
    return None if span is None else {"utterance": span.utterance, "start": span.start, "end": span.end}


def overlap(sample: Sample, span: Mapping[str, int] | None, true_spans: Sequence[Mapping[str, int]]) -> float:
    """The best token F1 of a span with a true one, in [0, 1]; 0 where nothing was said."""
    if span is None:
        return 0.0
    texts = [message.text for message in sample.messages]
    said = texts[span["utterance"]][span["start"] : span["end"]]
    true = [texts[one["utterance"]][one["start"] : one["end"]] for one in true_spans]
    return float(span_matches([said] * len(true), true)[:, 1].max())
