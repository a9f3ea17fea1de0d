"""RECCON (Poria et al. 2021): which utterances cause an emotion, and which words in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from evals.task import Answer, Answers, Kit, Measures, Sample, scored
from sem_plugins.spans import best_span, whole_words
from sem_plugins.training import figures
from sem_plugins.training.examples import Example
from sem_plugins.training.positional import RULES, positional_causes
from sem_plugins.training.sets import reccon, se_emotions

__all__ = ["CauseSpan", "CausesOfDevelopers", "Entailment"]


class Entailment:
    """Which of the utterances up to the emotional one are its causes.

    An item (made up): A: "The soup is burnt." B: "And the guests are here!" (truth: `[true, true]`, for both
    utterances cause B's surprise); each utterance of such a list is one pair.

    Protocol: every utterance that is not neutral, with every earlier one and itself (history pairs of fold 1). A
    cause that is not in the dialogue makes no pair positive. `positive_f1` is of the pairs that hold, `macro_f1`
    the mean with that of those that do not.

    Traps: the rule "target + previous" reaches what the authors' RoBERTa reaches. Official valid and test parts
    repeat dialogues of train. Our distances' offsets were fitted on valid; see the card for cross-fitted figures.
    """

    name = "reccon/entailment"
    data = "reccon"
    systems = ("sem",)
    version = 1

    def samples(self, folder: Path, split: str) -> list[Sample]:
        """Truth: per utterance, oldest first, whether it is a cause."""
        return [
            Sample(
                f"{example.group}#{place}",
                example.group,
                example.messages,
                (example.targets["cause"] > 0).tolist(),
            )
            for place, example in enumerate(reccon.targets(folder, split))
        ]

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:  # noqa: ARG002
        """The cause head with its offsets; what did not fit into the window is no cause."""
        head = kit.manifest.heads["cause"]
        found: list[Answer] = []
        for sample, encoded in zip(samples, kit.read(samples), strict=True):
            places = np.array(sorted(encoded.window.marks))
            marks = [encoded.window.marks[place] for place in places]
            last = len(sample.messages) - 1
            row = np.zeros(last + 1)
            row[places] = head.at_distances(encoded.outputs["cause"][marks, 0].astype(np.float64), last - places)
            holds = row >= head.thresholds[0]
            found.append({"holds": holds.tolist(), "probabilities": row.round(4).tolist()})
        return found

    def measures(self, samples: Sequence[Sample], answers: Answers) -> Measures:
        """Over all pairs."""
        kept, given = scored(samples, answers)
        truth = np.concatenate([np.array(sample.truth, bool) for sample in kept])
        said = np.concatenate([np.array(answer["holds"], bool) for answer in given])
        groups = np.concatenate([np.full(len(sample.truth), sample.group) for sample in kept])
        return figures.pairs(said, truth, groups)

    def floors(self, samples: Sequence[Sample], folder: Path) -> Mapping[str, Callable[[], Answers]]:  # noqa: ARG002
        """Rules that look at nothing but the position."""

        def by(rule: str) -> Answers:
            return [
                {"holds": positional_causes(np.arange(len(s.truth))[::-1], rule=rule).tolist()} for s in samples
            ]

        return {rule: lambda rule=rule: by(rule) for rule in RULES}  # type: ignore[misc]


class CauseSpan:
    """Which words of an utterance that is a cause are the cause.

    An item (made up): "They gave my desk to the new one." in a dialogue; truth: the characters of `"gave my desk
    to the new one"` as `{"utterance": 0, "start": 5, "end": 32}`.

    Protocol: the evidence is given, so every sample has a span; `exact_match` and `token_f1` count as SQuAD does
    (without case, articles and punctuation). Of several spans in one utterance the longest counts.

    Traps: the authors' figures include pairs without a cause, where "nothing" is the answer: another protocol. The
    whole utterance as answer reaches a token F1 that trained models hardly beat.
    """

    name = "reccon/span"
    data = "reccon"
    systems = ("sem",)
    version = 1

    def examples(self, folder: Path, split: str) -> list[Example]:
        """Those whose `span` targets are asked for."""
        return reccon.targets(folder, split)

    def samples(self, folder: Path, split: str) -> list[Sample]:
        """Truth: utterance, and characters of the span."""
        return [
            Sample(
                f"{example.group}#{place}.{utterance}",
                example.group,
                example.messages,
                {"utterance": utterance, "start": start, "end": end},
            )
            for place, example in enumerate(self.examples(folder, split))
            for utterance, (start, end) in example.targets["span"].items()
        ]

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:  # noqa: ARG002
        """The span head's best span of whole words; an empty one where the utterance fell out of the window."""
        found: list[Answer] = []
        for sample, encoded in zip(samples, kit.read(samples), strict=True):
            utterance = sample.truth["utterance"]
            span = best_span(encoded.outputs["span"], encoded.window, utterance)
            start, end = whole_words(sample.messages[utterance].text, span) if span else (0, 0)
            found.append({"start": start, "end": end})
        return found

    def measures(self, samples: Sequence[Sample], answers: Answers) -> Measures:
        """Of the words of both spans."""
        kept, given = scored(samples, answers)
        texts = [sample.messages[sample.truth["utterance"]].text for sample in kept]
        said = [text[answer["start"] : answer["end"]] for text, answer in zip(texts, given, strict=True)]
        true = [text[s.truth["start"] : s.truth["end"]] for text, s in zip(texts, kept, strict=True)]
        return figures.spans(said, true, [sample.group for sample in kept])

    def floors(self, samples: Sequence[Sample], folder: Path) -> Mapping[str, Callable[[], Answers]]:  # noqa: ARG002
        """The whole utterance."""
        return {
            "whole utterance": lambda: [
                {"start": 0, "end": len(sample.messages[sample.truth["utterance"]].text)} for sample in samples
            ]
        }


class CausesOfDevelopers(CauseSpan):
    """The same in developers' comments (Imran et al. 2024), on which nothing was trained.

    An item (made up): "The flaky test drives me mad."; truth: the characters of `"flaky test"`.

    Protocol: comments whose cause was found in them word for word. Traps: one sentence without a dialogue, whose
    cause is often a noun phrase, where RECCON's are clauses.
    """

    name = "se-emotion-causes"
    data = "se_emotion_causes"

    def examples(self, folder: Path, split: str) -> list[Example]:
        """Comments."""
        return se_emotions.causes(folder, split)
