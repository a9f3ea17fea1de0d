"""MELD (Poria et al. 2019): whether the tracker notices when somebody's mood turns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from agent.errors import DataError, SettingsError
from evals.task import Answer, Answers, Kit, Measures, Sample, scored
from evals.tasks.following import Followed, followed
from sem_plugins.training.intervals import Measure
from sem_plugins.training.sets import meld
from sem_plugins.training.sets.utterances import Dialogue

__all__ = ["Shifts", "turns_of_mood"]

Direction = Literal["better", "worse"]
Turned = list[tuple[int, Direction]]  # place among the speaker's own utterances, and which way

_FEWEST = 4  # utterances of a speaker
_NEAR = 2  # utterances after a shift in which noticing it counts
_SEED = 13
_SIGNS = {"positive": 1, "negative": -1, "neutral": 0}


class Shifts:
    """At which of their utterances somebody's sentiment has turned, and which way.

    An item (made up): Ana says "Lovely!" (positive), "Wait." (neutral), "You sold my bike?" (negative), "I
    can't believe it." (negative) with others in between; truth: `{"utterances": 4, "shifts": [[2, "worse"]]}`.

    Protocol: speakers with four utterances or more in their dialogue; the tracker follows each as a seeker,
    with everybody else as supporter. A shift is an utterance whose sentiment is positive or negative, and the
    opposite of the speaker's last one that was either. A shift that is marked the same way at that utterance or
    within the speaker's next two is noticed, once; `delay` is how many utterances later. `precision` and
    `recall` are over all marks and all shifts, `false_alarms` are marks that lie near no shift, per 100
    utterances that do not.

    Traps: surprise is positive or negative by its utterance, which words alone rarely tell. It is scripted
    comedy. A tracker that marks late loses nothing but `delay`, one that never marks has no precision at all.
    `signs`, every change of the sign of the valence read, is what a tracker has to be better than; it reads
    words, so that it is a system and no floor.
    """

    name = "meld/shifts"
    data = "meld"
    systems = ("tracker", "signs")
    version = 1

    def samples(self, folder: Path, split: str) -> list[Sample]:
        """Truth: how many utterances the speaker has, and which of them turn, counted from 0."""
        return [
            _sample(dialogue, speaker)
            for dialogue in meld.dialogues(folder, split)
            for speaker in dict.fromkeys(one.speaker for one in dialogue.utterances)
            if sum(one.speaker == speaker for one in dialogue.utterances) >= _FEWEST
        ]

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:
        """`tracker`: the shifts that the tracker of the settings marks; `signs`: see above."""
        read = {"tracker": _marked, "signs": _signs}
        if system not in read:
            raise SettingsError(f"No system {system!r}. Systems: {', '.join(self.systems)}.")
        return [_as_answer(read[system](one)) for one in followed(samples, kit)]

    def measures(self, samples: Sequence[Sample], answers: Answers) -> Measures:
        """`precision`, `recall`, `delay` in utterances, `false_alarms` per 100 utterances."""
        kept, given = scored(samples, answers)
        counts = np.array([_counts(sample, answer) for sample, answer in zip(kept, given, strict=True)], float)
        noticed, marked, shifts, delays, alarms, quiet = counts.reshape(-1, 6).T
        groups = np.array([sample.group for sample in kept])
        return {
            "precision": Measure(_ratio, groups, (noticed, marked)),
            "recall": Measure(_ratio, groups, (noticed, shifts)),
            "delay": Measure(_ratio, groups, (delays, noticed)),
            "false_alarms": Measure(_ratio, groups, (100 * alarms, quiet)),
        }

    def floors(self, samples: Sequence[Sample], folder: Path) -> Mapping[str, Callable[[], Answers]]:
        """Nothing is marked; and marks at random, as often and as much either way as train has shifts."""

        def random() -> Answers:
            train = [sample.truth for sample in self.samples(folder, "train")]
            ways = [way for truth in train for _, way in truth["shifts"]]
            if not ways:
                raise DataError("no shift in train to learn their rate from")
            rate = len(ways) / sum(truth["utterances"] for truth in train)
            rng = np.random.default_rng(_SEED)
            drawn = [rng.random(sample.truth["utterances"]) < rate for sample in samples]
            return [
                {"shifts": [[int(place), str(rng.choice(ways))] for place in np.flatnonzero(one)]} for one in drawn
            ]

        return {"never": lambda: [{"shifts": []}] * len(samples), "at random": random}


def turns_of_mood(signs: Sequence[float]) -> Turned:
    """Where numbers that are above or below zero have the other sign than the last that was not zero."""
    told = [(place, sign) for place, sign in enumerate(signs) if sign]
    changed = [(place, now) for (_, before), (place, now) in pairwise(told) if before * now < 0]
    return [(place, "better" if now > 0 else "worse") for place, now in changed]


def _sample(dialogue: Dialogue, speaker: str) -> Sample:
    places = [place for place, one in enumerate(dialogue.utterances) if one.speaker == speaker]
    signs = [_SIGNS[str(dialogue.utterances[place].sentiment)] for place in places]
    return Sample(
        f"{dialogue.id}#{places[0]}",
        dialogue.id,
        dialogue.heard_by(speaker, places[-1] + 1),
        {"utterances": len(places), "shifts": [[place, way] for place, way in turns_of_mood(signs)]},
    )


def _marked(read: Followed) -> Turned:
    """Where the state has another last shift than before; the shift itself may name an earlier turn."""
    found: Turned = []
    last: tuple[int, Direction] | None = None
    for place, one in enumerate(read):
        shift = one[1].last_shift if one else None
        if shift is not None and (shift.turn, shift.direction) != last:
            last = shift.turn, shift.direction
            found.append((place, shift.direction))
    return found


def _signs(read: Followed) -> Turned:
    return turns_of_mood([one[0].affect.valence if one and one[0].affect else 0.0 for one in read])


def _as_answer(turned: Turned) -> Answer:
    return {"shifts": [[place, way] for place, way in turned]}


def _counts(sample: Sample, answer: Mapping[str, list[tuple[int, str]]]) -> tuple[int, ...]:
    """Noticed, marked, shifts, sum of delays, false alarms, utterances near no shift."""
    shifts, marks = sample.truth["shifts"], sorted(answer["shifts"])
    open_ = list(marks)
    delays = []
    for place, way in shifts:
        fitting = [mark for mark in open_ if mark[1] == way and 0 <= mark[0] - place <= _NEAR]
        if fitting:
            open_.remove(fitting[0])
            delays.append(fitting[0][0] - place)
    near = {place + later for place, _ in shifts for later in range(_NEAR + 1)}
    quiet = sum(place not in near for place in range(sample.truth["utterances"]))
    alarms = sum(place not in near for place, _ in marks)
    return len(delays), len(marks), len(shifts), sum(delays), alarms, quiet


def _ratio(parts: NDArray[np.float64], whole: NDArray[np.float64]) -> float:
    if not whole.sum():
        raise DataError("there is nothing that it could be a share of")
    return float(parts.sum() / whole.sum())
