"""Ordered levels: EPITOME's mechanisms of empathy, and C-SSRS's of suicide risk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from evals.task import Answers, Kit, Measures, Sample, scored
from sem_plugins.empathy.reader import likeliest_levels
from sem_plugins.encoder import Encoder
from sem_plugins.labels import EMPATHY
from sem_plugins.risk.branch import load_branch
from sem_plugins.risk.plugin import RiskPlugin
from sem_plugins.risk.rules import LADDER
from sem_plugins.training import figures
from sem_plugins.training.measure.reading import on_every_core
from sem_plugins.training.sets import cssrs, epitome

__all__ = ["Cssrs", "Epitome"]


class Epitome:
    """How far a reply shows emotional reactions, interpretations and explorations, 0 to 2 each (Sharma et al.
    2020).

    An item (made up): post "My cat is at the vet since Monday.", reply "Oh no. What do they say?"; truth:
    `{"emotional_reactions": 1, "interpretations": 0, "explorations": 2}`.

    Protocol: macro-F1 over three levels per mechanism; n is small, so see the intervals. Traps: level 1 of
    interpretations is 4% of train; papers report accuracy, which "none" for everything nearly reaches.
    """

    name = "epitome"
    data = "epitome"
    systems = ("sem",)
    version = 1

    def samples(self, folder: Path, split: str) -> list[Sample]:
        """Truth: mechanism to level."""
        return [
            Sample(
                f"{pair.group}#{place}",
                pair.group,
                pair.messages,
                dict(zip(EMPATHY.labels, pair.targets["empathy"], strict=True)),
            )
            for place, pair in enumerate(epitome.pairs(folder, split))
        ]

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:  # noqa: ARG002
        """Each mechanism's likeliest level."""
        return [likeliest_levels(encoded) for encoded in kit.read(samples)]

    def measures(self, samples: Sequence[Sample], answers: Answers) -> Measures:
        """Macro-F1 and accuracy per mechanism."""
        kept, given = scored(samples, answers)
        truth, said = (
            np.array([[row[name] for name in EMPATHY.labels] for row in rows], np.intp)
            for rows in ([sample.truth for sample in kept], given)
        )
        return figures.mechanisms(said, truth, np.array([sample.group for sample in kept]), EMPATHY.labels)

    def floors(self, samples: Sequence[Sample], folder: Path) -> Mapping[str, Callable[[], Answers]]:
        """Train's commonest level of each mechanism."""

        def commonest() -> Answers:
            train = self.samples(folder, "train")
            levels = {name: Counter(s.truth[name] for s in train).most_common(1)[0][0] for name in EMPATHY.labels}
            return [levels] * len(samples)

        return {"majority": commonest}


class Cssrs:
    """Suicide risk of Reddit users in five ordered levels, by psychiatrists (Gaur et al. 2019).

    An item (made up): a user's posts in pieces of a hundred words; truth: `"ideation"`.

    Protocol: the highest level read in any piece, rules and head together, against the user's; quadratic kappa,
    mean distance, recall of users at ideation or above, alarms for users who only support others.

    Traps: a user's level is not each post's; the psychiatrists' ladder (supportive, indicator, ideation,
    behaviour, attempt) speaks of the past too, ours of now. Words were replaced by medical terms by the authors.
    For checking only.
    """

    name = "cssrs"
    data = "cssrs_reddit"
    systems = ("sem",)
    version = 1

    def samples(self, folder: Path, split: str) -> list[Sample]:
        """One sample per piece; truth: the level of its user."""
        levels = list(cssrs.LEVELS)
        return [
            Sample(f"{piece.group}#{place}", piece.group, piece.messages, levels[piece.targets["level"]])
            for place, piece in enumerate(cssrs.pieces(folder, split))
        ]

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:  # noqa: ARG002
        """The risk plugin's level of each piece."""
        plugin = RiskPlugin(Encoder(kit.manifest, threads=1), load_branch(kit.manifest, threads=1))
        texts = [sample.messages[-1].text for sample in samples]
        return [
            {"level": found.level} for found in on_every_core(plugin.judge, texts, name=self.name, progress=False)
        ]

    def measures(self, samples: Sequence[Sample], answers: Answers) -> Measures:
        """Per user."""
        kept, given = scored(samples, answers)
        said: dict[str, int] = {}
        true: dict[str, int] = {}
        for sample, answer in zip(kept, given, strict=True):
            said[sample.group] = max(said.get(sample.group, 0), LADDER.index(answer["level"]))
            true[sample.group] = cssrs.LEVELS[sample.truth]
        return figures.levels_of_users(
            np.array(list(said.values())), np.array(list(true.values())), danger=LADDER.index("ideation")
        )

    def floors(self, samples: Sequence[Sample], folder: Path) -> Mapping[str, Callable[[], Answers]]:  # noqa: ARG002
        """Ideation for everybody."""
        return {"always ideation": lambda: [{"level": "ideation"}] * len(samples)}
