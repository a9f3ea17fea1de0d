"""PELD (Wen et al. 2021): which emotion somebody of that personality answers with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from evals.task import Answer, Answers, Kit, Sample
from evals.tasks.forecast import ABLATIONS, Forecast
from sem_plugins.ontology import MELD
from sem_plugins.tracker.own import PLACES, mehrabian
from sem_plugins.training.sets import peld

__all__ = ["AgentEmotion", "arithmetic"]


class AgentEmotion(Forecast):
    """The emotion of an answer, from the two utterances before it and the personality of who answers.

    An item (made up): Ana "I found a flat!" (joy), Bo "So you move out." (sadness), and now Ana answers; truth:
    `{"emotion": "sadness", "before": ["joy", "sadness"], "speakers": [0, 1, 0], "table": 0.07}` with the
    traits, each in [0, 1], under `personality`.

    Protocol: one sample per triple, all figures and floors as `meld/next-emotion`; `told` is the tracker's
    dynamics, learned on train, which know no personality; `arithmetic` moves Ana's own point in valence, arousal
    and dominance towards Bo's, each dimension as far as her personality says, and takes the nearest label. It
    gives no probabilities: of its figures read accuracy and macro-F1. Triples overlap; intervals are over scenes.

    Traps: 42% of the triples repeat the first emotion. The split is by scene: no triple of valid stands in
    train, though 54 of 659 share a line of 20 letters with it. The paper's is random over triples, so that
    three of four of its test triples share a line with train: its figures cannot be compared. The personalities
    are six vectors, one a character, so that the traits are names.
    """

    name = "peld/agent-emotion"
    data = "peld"
    systems = ("told", "arithmetic", *ABLATIONS)
    labels = MELD
    learned_on = "peld"

    def untabled(self, folder: Path, split: str) -> list[Sample]:
        """Truth also holds the `personality`."""
        return [_sample(triple) for triple in peld.triples(folder, split)]

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:
        """`arithmetic`: see above; the others: as `Forecast`."""
        if system == "arithmetic":
            return [_nearest(sample) for sample in samples]
        return super().answers(system, samples, kit)


def arithmetic(own: str, other: str, personality: Mapping[str, float]) -> str:
    """The label of `meld-7` that lies nearest to where the person is moved; of equally near ones the first."""
    points = np.array([PLACES[label].point for label in MELD.labels])
    start, end = points[MELD.index(own)], points[MELD.index(other)]
    moved = start + np.array(mehrabian(personality)) * (end - start)
    return MELD.labels[int(np.linalg.norm(points - moved, axis=1).argmin())]


def _nearest(sample: Sample) -> Answer:
    own, other = sample.truth["before"]
    return {"label": arithmetic(own, other, sample.truth["personality"])}


def _sample(triple: peld.Triple) -> Sample:
    first, second, third = triple.dialogue.utterances
    return Sample(
        triple.dialogue.id,
        triple.scene,
        triple.dialogue.heard_by(third.speaker, 2),
        {
            "emotion": third.emotion,
            "before": [first.emotion, second.emotion],
            "speakers": [0, 1, 0],
            "personality": dict(triple.personality),
        },
    )
