"""RECCON: is the explanation right, whatever the label, and does the label rest on the words that are named?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from agent.rationale import Observation, rationale_of
from agent.turn import Message, Turn
from evals.hef.arms import BASE, arm_of
from evals.hef.cause import HefCause, overlap
from evals.hef.reading import Readings
from evals.task import Answer, Answers, Kit, Measures, Sample, scored
from sem_plugins.ontology import DAILY_DIALOG, ontology
from sem_plugins.training.intervals import Measure
from sem_plugins.training.sets import reccon

__all__ = ["RationaleTask"]

_SEED = 13
_GOOD = 0.5  # token F1 of words that name the cause
_FEWEST = 2  # words that must be left of a message for the emotion to be read again


class RationaleTask:
    """The rationale of a turn, scored in its parts: label, words, and whether the label rests on the words.

    An item (made up): "The soup is burnt and the guests are here!"; truth: `{"label": "anger", "spans":
    [{"utterance": 0, "start": 0, "end": 17}]}`.

    Protocol: the utterances of `hef/cause`. The label is the emotion reading in DailyDialog's seven, by the
    ontology; the words are the surest cause among the rationale's observations. `token_f1` of the words as in
    `hef/cause`, for all and apart for right and wrong labels; `right_for_the_reason`: label right and F1 at least
    0.5; `right_without`: label right and F1 below. `comprehensiveness`: how much probability the label loses when
    the named words are taken out of the message, and `comprehensiveness_random` when as many other words are
    (DeYoung et al. 2020, ERASER); both where the words stand in the last message and two words are left.

    Traps: the emotion head was trained on other data and labels, so the label's accuracy is no figure of RECCON's
    papers. A label may rest on words that are no cause: comprehensiveness is about the model, token F1 about
    people.
    """

    name = "reccon/rationale"
    data = "reccon"
    systems: tuple[str, ...] = ("sem",)
    version = 1

    def __init__(self) -> None:
        self._readings = Readings()

    def samples(self, folder: Path, split: str) -> list[Sample]:
        """Truth: the emotion, and the spans of its causes in the seeker's own words."""
        labels = {
            (dialogue.id, place): utterance.emotion
            for dialogue in reccon.dialogues(folder, split)
            for place, utterance in enumerate(dialogue.utterances)
        }
        return [
            Sample(
                sample.id,
                sample.group,
                sample.messages,
                {"label": labels[sample.group, len(sample.messages) - 1], "spans": sample.truth},
            )
            for sample in HefCause().samples(folder, split)
        ]

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:  # noqa: ARG002 - there is one
        """`{"label", "span", "without", "without_random"}`; None where no emotion was read."""
        rng = np.random.default_rng(_SEED)
        turns = self._readings(samples, kit, arm=arm_of(BASE))
        named = [_surest(turn) for turn in turns]
        apart: list[Sample] = []
        for sample, turn, words in zip(samples, turns, named, strict=True):
            for name, text in _without(turn, words, rng).items():
                messages = (*sample.messages[:-1], Message("seeker", text))
                apart.append(Sample(f"{sample.id} {name}", sample.group, messages, None))
        read_again = {turn.id: _distribution(turn) for turn in self._readings(apart, kit, arm=arm_of(BASE))}
        return [_answer(turn, words, read_again) for turn, words in zip(turns, named, strict=True)]

    def measures(self, samples: Sequence[Sample], answers: Answers) -> Measures:
        """See the docstring of the task."""
        kept, given = scored(samples, answers)
        groups = np.array([sample.group for sample in kept])
        right = np.array([answer["label"] == s.truth["label"] for s, answer in zip(kept, given, strict=True)])
        words = np.array(
            [overlap(s, answer["span"], s.truth["spans"]) for s, answer in zip(kept, given, strict=True)]
        )
        found = {
            name: Measure(np.mean, groups, (row,))
            for name, row in {
                "accuracy": right,
                "token_f1": words,
                "right_for_the_reason": right & (words >= _GOOD),
                "right_without": right & (words < _GOOD),
            }.items()
        }
        for name, rows in (("token_f1_of_right", right), ("token_f1_of_wrong", ~right)):
            if rows.any():
                found[name] = Measure(np.mean, groups[rows], (words[rows],))
        for name, key in (("comprehensiveness", "without"), ("comprehensiveness_random", "without_random")):
            lost = np.array([answer[key] if answer[key] is not None else np.nan for answer in given], float)
            known = ~np.isnan(lost)
            if known.any():
                found[name] = Measure(np.mean, groups[known], (lost[known],))
        return found

    def floors(self, samples: Sequence[Sample], folder: Path) -> Mapping[str, Callable[[], Answers]]:  # noqa: ARG002
        """The commonest emotion with the whole message as its explanation."""

        def whole() -> Answers:
            return [
                {
                    "label": "happiness",
                    "span": {"utterance": len(s.messages) - 1, "start": 0, "end": len(s.messages[-1].text)},
                    "without": None,
                    "without_random": None,
                }
                for s in samples
            ]

        return {"happiness, whole message": whole}


def _surest(turn: Turn) -> Observation | None:
    causes = [one for one in rationale_of(turn).observations if one.kind == "cause"]
    return max(causes, key=lambda one: one.probability or 0.0, default=None)


def _without(turn: Turn, words: Observation | None, rng: np.random.Generator) -> dict[str, str]:
    """The message without the named words, and without as many others in a row."""
    if words is None or words.utterance != len(turn.history):
        return {}
    left = f"{turn.text[: words.start]} {turn.text[words.end :]}".split()
    all_words = turn.text.split()
    gone = len(all_words) - len(left)
    if len(left) < _FEWEST or gone < 1:
        return {}
    start = int(rng.integers(0, len(all_words) - gone + 1))
    return {"without": " ".join(left), "without_random": " ".join(all_words[:start] + all_words[start + gone :])}


def _distribution(turn: Turn) -> Mapping[str, float] | None:
    if turn.emotion is None:
        return None
    return ontology().convert(turn.emotion.probabilities, source=turn.emotion.label_set, target=DAILY_DIALOG.id)


def _answer(turn: Turn, words: Observation | None, again: Mapping[str, Mapping[str, float] | None]) -> Answer:
    read = _distribution(turn)
    if read is None:
        return None
    label = max(read, key=lambda one: read[one])

    def lost(name: str) -> float | None:
        other = again.get(f"{turn.id} {name}")
        return None if other is None else round(read[label] - other[label], 6)

    span = None if words is None else {"utterance": words.utterance, "start": words.start, "end": words.end}
    return {"label": label, "span": span, "without": lost("without"), "without_random": lost("without_random")}
