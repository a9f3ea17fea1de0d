"""What Heartline's own encoder says of replies: empathy, positive emotion, coherence, likeness to the reference.

Every figure is one classifier's reading, and the classifier is ours: figures compare runs that were read with the
same weights, and are those of no paper.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agent.turn import Message, Turn
from evals.task import Measures, Sample
from evals.text.embedding import Vectors, bert_score, extrema, mean_cosine
from sem_plugins.affect.plugin import AffectPlugin
from sem_plugins.empathy.reader import likeliest_levels
from sem_plugins.encoder import VECTORS, Encoder
from sem_plugins.labels import EMPATHY
from sem_plugins.language import is_readable
from sem_plugins.training.intervals import Measure, mean_scored
from sem_plugins.weights import MODEL, Manifest

__all__ = ["Exchange", "ReplyReader", "Row", "exchanges", "read_measures", "versions"]

_MOST_TURNS = 10  # MT of SUPPORTER
_LIKENESS = ("bertscore_precision", "bertscore_recall", "bertscore_f1", "embedding_extrema")
_FEELING = ("ces", "tes", "coherence")
_DIGITS = 6

Row = Mapping[str, float]
"""Metric to what it says of one reply; what cannot be said is left out, so that an unread reply has nothing."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a reply stands between.

    Attributes:
        message: What the seeker said.
        reference: What the supporter replied.
        turn: Which reply of the dialogue, from 1.
        later: What the seeker said before the next reply, to the supporter's and not to ours; None at the end.
    """

    message: str
    reference: str
    turn: int
    later: str | None


def exchanges(samples: Sequence[Sample]) -> list[Exchange]:
    """One per sample. Those of a dialogue stand in its order."""
    following: dict[str, str] = {}
    later = []
    for sample in reversed(samples):
        later.append(following.get(sample.group))
        following[sample.group] = sample.messages[-1].text
    turns: Counter[str] = Counter()
    out = []
    for sample, after in zip(samples, reversed(later), strict=True):
        turns[sample.group] += 1
        out.append(Exchange(sample.messages[-1].text, sample.reference, turns[sample.group], after))
    return out


class ReplyReader:
    """Reads replies where they stand.

    Safe to call from several threads.

    Args:
        encoder: Of one thread, with the inner tensor `VECTORS`.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._affect = AffectPlugin(encoder)

    def __call__(self, exchange: Exchange, reply: str | None, *, compared: bool) -> Row:
        """Per metric what it says of the reply; nothing where it or the message cannot be read.

        `empathy_*`: levels 0 to 2 of EPITOME's mechanisms, the likeliest ones. `ces`: how much more positive the
        reply is than the message, in [-1, 1], weighed less and less towards the tenth turn, where it ends. `tes`:
        how near to the seeker's next message it is in that, in [0, 1], weighed likewise. Both are those of
        SUPPORTER, with the level (valence + 1) / 2 of the affect plugin. `coherence`: cosine of the mean vectors
        of message and reply. Then BERTScore and embedding Extrema against the reference.

        Args:
            exchange: Where it stands.
            reply: None is not read.
            compared: With the reference; senseless where the reply is the reference.

        Source:
            EPITOME: Sharma et al. 2020. SUPPORTER: Zhou et al. 2023, whose cES adds up over turns; ours is
            one turn's, so that long talks do not weigh more.
        """
        if reply is None or not (is_readable(reply) and is_readable(exchange.message)):
            return {}
        said, asked = self._vectors(reply), self._vectors(exchange.message)
        level, before = self._positive(reply), self._positive(exchange.message)
        if not len(said) or not len(asked) or level is None or before is None:
            return {}
        pair = (Message("seeker", exchange.message), Message("supporter", reply))
        levels = likeliest_levels(self._encoder.read(pair))
        row: dict[str, float] = {f"empathy_{name}": level for name, level in levels.items()}
        if exchange.turn <= _MOST_TURNS:
            weight = math.cos(math.pi / 2 * exchange.turn / _MOST_TURNS)
            row["ces"] = weight * (level - before)
            after = self._positive(exchange.later) if exchange.later and is_readable(exchange.later) else None
            if after is not None:
                row["tes"] = weight * math.cos(math.pi / 2 * abs(level - after))
        row["coherence"] = mean_cosine(asked, said)
        reference = self._vectors(exchange.reference)
        if compared and len(reference):
            row |= zip(_LIKENESS, (*bert_score(said, reference), extrema(said, reference)), strict=True)
        return {name: round(number, _DIGITS) for name, number in row.items()}

    def _vectors(self, text: str) -> Vectors:
        encoded = self._encoder.read_turn(_turn(text))
        return encoded.outputs[VECTORS][encoded.window.tokens_of(0)]

    def _positive(self, text: str) -> float | None:
        """In [0, 1]; None where the text cannot be read."""
        [affect] = self._affect([_turn(text)])
        return None if affect is None else (affect.valence + 1) / 2


def read_measures(rows: Sequence[Row], groups: Sequence[str]) -> Measures:
    """Means over the rows that say something, EPITOME's also as the share above level 0, and the share unread.

    Args:
        rows: One per reply.
        groups: The dialogue of each.
    """
    dialogues = np.array(groups)
    empathy = tuple(f"empathy_{name}" for name in EMPATHY.labels)
    out = {"unread_replies": Measure(np.mean, dialogues, (np.array([not row for row in rows]),))}
    for name in (*empathy, *_FEELING, *_LIKENESS):
        if not any(name in row for row in rows):
            continue  # of replies that are the references, likeness to these
        numbers = np.array([row.get(name, np.nan) for row in rows])
        out[name] = Measure(mean_scored, dialogues, (numbers,))
        if name in empathy:
            above = np.where(np.isnan(numbers), np.nan, numbers > 0)
            out[f"{name}_shown"] = Measure(mean_scored, dialogues, (above,))
    return out


def versions(manifest: Manifest) -> dict[str, str]:
    """Settings of each metric: weights and layer decide the figures."""
    weights = f"weights:{manifest.id}@{manifest.sha256[MODEL][:12]}"
    vectors = f"{weights}|layer:4 of 6, shared"
    affect = f"{weights}|positive:(valence+1)/2|turns:{_MOST_TURNS}|over:turns"
    return {
        **{
            f"empathy_{name}{end}": f"epitome|{weights}|likeliest"
            for name in EMPATHY.labels
            for end in ("", "_shown")
        },
        "ces": f"ces|{affect}",
        "tes": f"tes|{affect}",
        "coherence": f"cosine|{vectors}|of:means",
        **dict.fromkeys(_LIKENESS[:3], f"bertscore|{vectors}|idf:no|rescaled:no|marks:no"),
        _LIKENESS[3]: f"extrema|{vectors}|marks:no",
    }


def _turn(text: str) -> Turn:
    """A text on its own."""
    return Turn("", "", 0, text)
