"""Tasks over single texts: GoEmotions, developers' emotions, EmoBank, Empathic Reactions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from agent.readings import LabelSet
from evals.task import Answers, Kit, Measures, Sample, scored
from sem_plugins.labels import AFFECT, FELT, GO_EMOTIONS
from sem_plugins.ontology import SE_EMOTIONS
from sem_plugins.training import figures
from sem_plugins.training.examples import Example
from sem_plugins.training.sets import emobank, empathic_reactions, goemotions, se_emotions

__all__ = ["EmoBank", "EmpathicReactions", "GoEmotions", "SEEmotions"]


class _Several(ABC):
    """Several labels may hold; truth and answers are lists of labels."""

    name, data = "", ""
    systems = ("sem",)
    version = 1
    labels: LabelSet = GO_EMOTIONS
    target = "expression"

    @abstractmethod
    def examples(self, folder: Path, split: str) -> list[Example]:
        """Texts with a target of ones and zeros."""

    def samples(self, folder: Path, split: str) -> list[Sample]:
        """Truth: the labels that hold, in the order of the label set."""
        return [
            Sample(
                example.group,
                example.group,
                example.messages,
                [
                    label
                    for label, holds in zip(self.labels.labels, example.targets[self.target], strict=True)
                    if holds
                ],
            )
            for example in self.examples(folder, split)
        ]

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:  # noqa: ARG002
        """What the expression head takes for present."""
        head = kit.manifest.heads["expression"]
        outputs = np.stack([encoded.outputs["expression"] for encoded in kit.read(samples)])
        present = head.each(outputs.astype(np.float64)) >= np.array(head.thresholds)
        return [
            {"labels": [label for label, p in zip(GO_EMOTIONS.labels, row, strict=True) if p]} for row in present
        ]

    def measures(self, samples: Sequence[Sample], answers: Answers) -> Measures:
        """Mean F1 of the labels, and each label's."""
        kept, given = scored(samples, answers)
        truth = self._table([sample.truth for sample in kept])
        said = self._table([answer["labels"] for answer in given])
        groups = np.array([sample.group for sample in kept])
        return figures.several(said, truth, groups) | figures.f1_of_each(said, truth, groups, self.labels.labels)

    def _table(self, rows: Sequence[Sequence[str]]) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        return np.array([[label in row for label in self.labels.labels] for row in rows], bool)


class GoEmotions(_Several):
    """Emotions that a comment on Reddit shows: 27 and neutral.

    An item (made up): "Oh wow, you fixed it! Thanks a lot."; truth: `["gratitude", "surprise"]`.

    Protocol: official filtered split, several labels may hold, macro-F1 over all 28; thresholds were chosen on a
    tenth of train.

    Traps: about 2% of valid and test texts also occur in train; ours are left out of training. Some papers count
    accuracy of the set or leave out neutral. Rare labels (grief, relief) rest on a handful of texts.
    """

    name = "goemotions"
    data = "goemotions"

    def examples(self, folder: Path, split: str) -> list[Example]:
        """Comments."""
        return goemotions.comments(folder, split)

    def floors(self, samples: Sequence[Sample], folder: Path) -> Mapping[str, Callable[[], Answers]]:  # noqa: ARG002
        """Neutral for everything."""
        return {"always neutral": lambda: [{"labels": ["neutral"]}] * len(samples)}


class SEEmotions(_Several):
    """Six emotions in developers' comments (Imran et al. 2022; Novielli et al. 2018), zero-shot.

    An item (made up): "This build fails again!"; truth: `["anger"]`.

    Protocol: a GoEmotions label that is present counts as the primary emotion that most of it belongs to; a
    comment may show none. Macro-F1 over six.

    Traps: developers swear at code without anger and thank without joy; two label schemes were merged in the data.
    """

    name = "se-emotions"
    data = "se_emotions"
    labels = SE_EMOTIONS
    target = "se_emotion"

    def examples(self, folder: Path, split: str) -> list[Example]:
        """Comments."""
        return se_emotions.comments(folder, split)

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:
        """The primaries of what the expression head takes for present."""
        primary = dict(zip(GO_EMOTIONS.labels, se_emotions.primaries_of_expression(), strict=True))
        found: Answers = []
        for answer in super().answers(system, samples, kit):
            named = {primary[label] for label in (answer or {})["labels"]}
            found.append({"labels": [label for label in SE_EMOTIONS.labels if label in named]})
        return found

    def floors(self, samples: Sequence[Sample], folder: Path) -> Mapping[str, Callable[[], Answers]]:  # noqa: ARG002
        """All six for everything."""
        return {"all of them": lambda: [{"labels": list(SE_EMOTIONS.labels)}] * len(samples)}


class _Numbers(ABC):
    """Truth and answers are numbers by name."""

    name, data = "", ""
    systems = ("sem",)
    version = 1
    head = ""
    names: tuple[str, ...] = ()

    @abstractmethod
    def examples(self, folder: Path, split: str) -> list[Example]:
        """Texts with a target of numbers."""

    def samples(self, folder: Path, split: str) -> list[Sample]:
        """Truth: name to number."""
        return [
            Sample(
                f"{example.group}#{place}",
                example.group,
                example.messages,
                dict(zip(self.names, example.targets[self.head].tolist(), strict=True)),
            )
            for place, example in enumerate(self.examples(folder, split))
        ]

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:  # noqa: ARG002
        """The head's numbers."""
        return [
            dict(zip(self.names, encoded.outputs[self.head].astype(float).round(4).tolist(), strict=True))
            for encoded in kit.read(samples)
        ]

    def measures(self, samples: Sequence[Sample], answers: Answers) -> Measures:
        """Pearson's r and mean absolute error of each number."""
        kept, given = scored(samples, answers)
        truth = np.array([[sample.truth[name] for name in self.names] for sample in kept])
        said = np.array([[answer[name] for name in self.names] for answer in given])
        return figures.correlations(said, truth, np.array([sample.group for sample in kept]), self.names)

    def floors(self, samples: Sequence[Sample], folder: Path) -> Mapping[str, Callable[[], Answers]]:  # noqa: ARG002
        """None: a constant has no correlation. The model card has one of TF-IDF."""
        return {}


class EmoBank(_Numbers):
    """Valence, arousal and dominance of sentences (Buechel & Hahn 2017).

    An item (made up): "The ferry left without us."; truth: `{"valence": -0.3, "arousal": 0.1, "dominance": -0.2}`.

    Protocol: the readers' and writers' mean of 1 to 5, moved to -1 to 1. Traps: nearly all sentences lie close to
    the middle, so the mean absolute error flatters everybody; dominance is hardly learned by anybody.
    """

    name = "emobank"
    data = "emobank"
    head = "affect"
    names = AFFECT.labels

    def examples(self, folder: Path, split: str) -> list[Example]:
        """Sentences."""
        return emobank.sentences(folder, split)


class EmpathicReactions(_Numbers):
    """Distress and empathic concern that writers felt at news articles (Buechel et al. 2018).

    An item (made up): "I keep thinking of the horses that stood in the flood."; truth: `{"distress": 0.6,
    "concern": 0.8}`.

    Protocol: ratings of 1 to 7, moved to 0 to 1. Traps: writers rated themselves, several texts are of one writer.
    """

    name = "empathic-reactions"
    data = "empathic_reactions"
    head = "felt"
    names = FELT.labels

    def examples(self, folder: Path, split: str) -> list[Example]:
        """Messages."""
        return empathic_reactions.reactions(folder, split)
