"""EmoBench (Sabour et al. 2024): questions on emotional intelligence, for the agent's LLM."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agent.errors import SettingsError
from agent.turn import Message
from evals.ask import LLM, Question, ask, instruction
from evals.task import Answers, Kit, Measures, Sample, scored
from sem_plugins.training.intervals import Measure
from sem_plugins.training.sets import emobench

__all__ = ["EmoBench"]

_SEED = 13  # of the floor's draws
_LETTERS = "ABCDEFGH"
_WHAT = "Read the story and the question, and choose the answer that a person with fine judgement would choose."
_ANSWER = (
    "Give the letter of your choice for each numbered question, in order and with a comma between, and nothing "
    'else: "B" where there is one question, "B, D" where there are two.'
)
_ASKED = {
    "EU": ("1. Which emotion would {subject} feel in the end?", "2. Why would {subject} feel so?"),
    "words": ("1. What would be the best for {subject} to hear or to say here?",),
    "action": ("1. What would be the best thing for {subject} to do here?",),
}


class EmoBench:
    """Which emotion somebody in a story feels and why (EU), and what is best to say or do (EA).

    An item (made up): "Ana burnt the cake, and her son said that it tastes like grandma's." 1. Which emotion would
    Ana feel in the end? (six choices) 2. Why would Ana feel so? (four); truth: `{"kind": "EU", "language": "en",
    "choices": [3, 0]}`.

    Protocol: English and Chinese, both languages of a question drawn together for intervals. An understanding
    question is right when both its parts are. Choices are shuffled by the question's id: in the file the right
    cause is the first of them nearly every second time. An answer in another form is invalid, and wrong.

    Traps: few questions, so see the intervals. Figures in papers are of a prompt in each question's language, some
    with reasoning aloud; here there is one prompt and the bare answer. It asks what is wise to say, not whether
    the LLM says so when somebody needs it.
    """

    name = "emobench"
    data = "emobench"
    systems: tuple[str, ...] = (LLM,)
    version = 1

    def samples(self, folder: Path, split: str) -> list[Sample]:
        """Truth: kind, language, the right places in the lists as they are in the file, and how long these are."""
        return [
            Sample(
                item.id,
                item.question,
                (Message("seeker", _worded(item)),),
                {
                    "kind": item.kind,
                    "language": item.language,
                    "choices": list(item.answers),
                    "sizes": [len(listed) for listed in item.choices],
                },
            )
            for item in emobench.questions(folder, split)
        ]

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:
        """`{"choices"}`: places in the lists of the file; None where the answer is invalid."""
        if system != LLM:
            raise SettingsError(f"No system {system!r}. Systems: {LLM}.")
        return ask(self, samples, kit)

    def question(self, sample: Sample) -> Question:
        """The story, what is asked, and the choices in the order of letters."""
        return Question(instruction(_WHAT, (), answer=_ANSWER), sample.messages[0].text)

    def understood(self, sample: Sample, said: str) -> Mapping[str, Any]:
        """Letters, and nothing but letters, as places in the file's lists."""
        sizes = sample.truth["sizes"]
        letters = re.fullmatch(r"[\W\d_]*" + r"[\W\d_]+".join([r"([a-hA-H])"] * len(sizes)) + r"[\W\d_]*", said)
        if letters is None:
            return {"choices": None}
        shown = [_LETTERS.index(letter.upper()) for letter in letters.groups()]
        if any(place >= size for place, size in zip(shown, sizes, strict=True)):
            return {"choices": None}
        orders = _orders(sample.id, sizes)
        return {"choices": [order[place] for order, place in zip(orders, shown, strict=True)]}

    def right(self, sample: Sample, answer: Mapping[str, Any]) -> float:
        """1 where all parts are right."""
        return float(answer["choices"] == sample.truth["choices"])

    def measures(self, samples: Sequence[Sample], answers: Answers) -> Measures:
        """`accuracy`, of either kind and language too, and of each part of understanding; `invalid`."""
        kept, given = scored(samples, answers)
        groups = np.array([sample.group for sample in kept])
        kinds, languages = (np.array([sample.truth[key] for sample in kept]) for key in ("kind", "language"))
        right = np.array([self.right(sample, answer) for sample, answer in zip(kept, given, strict=True)])
        parts = np.array(
            [
                [0.0, 0.0]
                if answer["choices"] is None or len(answer["choices"]) == 1
                else np.equal(answer["choices"], sample.truth["choices"])
                for sample, answer in zip(kept, given, strict=True)
            ]
        )
        understanding = kinds == "EU"
        rows = {
            "accuracy": (right, np.ones(len(kept), bool)),
            "understanding_accuracy": (right, understanding),
            "understanding_emotion_accuracy": (parts[:, 0], understanding),
            "understanding_cause_accuracy": (parts[:, 1], understanding),
            "application_accuracy": (right, kinds == "EA"),
            "accuracy_en": (right, languages == "en"),
            "accuracy_zh": (right, languages == "zh"),
        }
        found = {
            name: Measure(np.mean, groups[chosen], (numbers[chosen],))
            for name, (numbers, chosen) in rows.items()
            if chosen.any()
        }
        if all("prompt" in answer for answer in given):
            invalid = np.array([answer["choices"] is None for answer in given])
            found["invalid"] = Measure(np.mean, groups, (invalid,))
        return found

    def floors(self, samples: Sequence[Sample], folder: Path) -> Mapping[str, Callable[[], Answers]]:  # noqa: ARG002
        """A choice at random, and the one that the file lists first."""

        def drawn() -> Answers:
            rng = random.Random(_SEED)
            return [{"choices": [rng.randrange(size) for size in sample.truth["sizes"]]} for sample in samples]

        return {
            "random choice": drawn,
            "first in the file": lambda: [{"choices": [0] * len(sample.truth["sizes"])} for sample in samples],
        }


def _worded(item: emobench.Item) -> str:
    asked = _ASKED[item.kind if item.kind == "EU" else "action" if item.action else "words"]
    orders = _orders(item.id, [len(listed) for listed in item.choices])
    lines = [item.scenario]
    for question, listed, order in zip(asked, item.choices, orders, strict=True):
        lines += ["", question.format(subject=item.subject)]
        lines += [f"{letter}) {listed[place]}" for letter, place in zip(_LETTERS, order, strict=False)]
    return "\n".join(lines)


def _orders(name: str, sizes: Sequence[int]) -> list[list[int]]:
    """In which order each list is shown: by the question's id, the same on every machine."""
    return [random.Random(f"{name}-{number}").sample(range(size), size) for number, size in enumerate(sizes)]
