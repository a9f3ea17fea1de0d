"""HEF's first half: does an LLM name the emotion better when it looks among the likely ones first?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from agent.asking import Asker
from agent.errors import SettingsError
from agent.turn import Turn
from evals.hef.arms import ARMS, BASE, arm_of, with_truth
from evals.hef.cost import cost_measures
from evals.hef.reading import Readings, ask_arm
from evals.task import Answers, Kit, Measures, Sample, scored
from evals.tasks.empathetic_dialogues import Dialogue
from evals.tasks.one_label import measured
from sem_plugins.labels import EMPATHETIC_DIALOGUES
from sem_plugins.second.pooling import adjudication, primary_of
from sem_plugins.second.questions import emotion_question, lettered, none_letter
from sem_plugins.training import figures
from sem_plugins.training.intervals import Measure

__all__ = ["ADAPTIVE", "ADJUDICATED", "SEM", "HefEmotion"]

SEM, ADJUDICATED, ADAPTIVE = "sem", "adjudicated", "adaptive"
"""The small model alone; pooled with the LLM's answer; pooled where its set is wider than `widest_set`."""

_OF_BOTH = (ADJUDICATED, ADAPTIVE)
_WITHOUT = frozenset({"strategy"})


class HefEmotion:
    """The emotion of a message in its dialogue, by an LLM that is told more and more of what the small model read.

    An item (made up): the seeker wrote "My sister walked past me today."; truth: `"disappointed"`.

    Protocol: the messages of `empathetic-dialogues/dialogue`. `plain`: the LLM chooses among 32 labels. `labels`:
    among the small model's conformal set first, and among the others only where it says that none fits. `causes`:
    32 labels, and the words that the small model holds for the cause. `hef`: both. `hef+exemplars`: and messages
    of other people in a like mood. `shuffled`, `oracle`: see the arms. `adjudicated` and `adaptive` are what an
    agent makes of `hef`'s answers: both opinions pooled. `rescue`: of the messages that the small model gets
    wrong, the share that is right here; `harm`: of those that it gets right, the share that is wrong here.

    Traps: the conformal sets were fitted on valid. With `labels` an LLM can reach the small model's accuracy by
    always answering A: look at rescue and harm, and at `shuffled`.
    """

    name = "hef/emotion"
    data = "empathetic_dialogues"
    systems: tuple[str, ...] = (
        SEM,
        *(arm.name for arm in ARMS if (not arm.verified and "strategy" not in arm.parts) or arm.control),
        *_OF_BOTH,
    )
    asking = systems[1:]
    version = 2

    def __init__(self) -> None:
        self._readings = Readings()

    def samples(self, folder: Path, split: str) -> list[Sample]:
        """Truth: one of the 32 labels."""
        return Dialogue().samples(folder, split)

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:
        """`{"label", "sem"}`, with what it cost; label None where the answer is no emotion."""
        if system not in self.systems:
            raise SettingsError(f"No system {system!r}. Systems: {', '.join(self.systems)}.")
        arm = arm_of("hef" if system in _OF_BOTH else BASE if system == SEM else system)
        arm = replace(arm, variant="hef" if arm.control else arm.variant)
        turns = self._readings(samples, kit, arm=arm)
        own = [turn.emotion.label if turn.emotion is not None else None for turn in turns]
        if system == SEM:
            return [
                None if turn.emotion is None else _of_distribution(turn.emotion.probabilities) | {"sem": label}
                for turn, label in zip(turns, own, strict=True)
            ]
        if arm.control == "oracle":
            turns = [
                turn if turn.emotion is None else replace(turn, emotion=with_truth(turn.emotion, sample.truth))
                for turn, sample in zip(turns, samples, strict=True)
            ]
        widest = kit.settings.widest_set if system == ADAPTIVE else 0
        asked = partial(_asked, parts=arm.parts, pooled=system in _OF_BOTH, widest=widest)
        shown = partial(_shown, parts=arm.parts, widest=widest)
        heard = ask_arm(self.name, asked, samples, turns, kit, arm=replace(arm, name=system), decides=shown)
        return [
            None if answer is None else {**answer, "sem": label} for answer, label in zip(heard, own, strict=True)
        ]

    def measures(self, samples: Sequence[Sample], answers: Answers) -> Measures:
        """Accuracy, macro-F1, `invalid`; `rescue`, `harm`; what it cost; `ece` where there is a distribution."""
        kept, given = scored(samples, answers)
        found = measured(
            EMPATHETIC_DIALOGUES, kept, given, count=partial(figures.one_of, names=EMPATHETIC_DIALOGUES.labels)
        )
        groups = np.array([sample.group for sample in kept])
        if all("speaker" in answer for answer in given):
            found["invalid"] = Measure(np.mean, groups, (np.array([answer["label"] is None for answer in given]),))
        if all("sem" in answer for answer in given):
            right = np.array([answer["label"] == sample.truth for sample, answer in zip(kept, given, strict=True)])
            before = np.array([answer["sem"] == sample.truth for sample, answer in zip(kept, given, strict=True)])
            for name, of, counted in (("rescue", ~before, right), ("harm", before, ~right)):
                if of.any():
                    found[name] = Measure(_share, groups, (of, counted))
        return found | cost_measures(given, [sample.group for sample in kept])

    def floors(self, samples: Sequence[Sample], folder: Path) -> Mapping[str, Callable[[], Answers]]:
        """Train's commonest emotion."""
        return Dialogue().floors(samples, folder)


async def _asked(
    asker: Asker, turn: Turn, *, parts: frozenset[Any], pooled: bool, widest: int
) -> Mapping[str, Any]:
    """The LLM's label, in one stage or in two."""
    reading, labels = turn.emotion, EMPATHETIC_DIALOGUES.labels
    if reading is None or "labels" not in parts:
        choice = await asker.choose(emotion_question(turn, None, labels, parts - _WITHOUT), labels)
        return {"label": choice.picked, "way": choice.way}
    primary = primary_of(reading)
    if len(primary) <= widest:
        return _of_distribution(reading.probabilities) | {"asked": False}
    letters = lettered(primary)
    first = await asker.choose(
        emotion_question(turn, letters, (), parts - _WITHOUT), [*letters, none_letter(letters)]
    )
    said, opened = letters.get(first.picked or ""), first.picked == none_letter(letters)
    if opened:
        others = [label for label in labels if label not in letters.values()]
        said = (await asker.choose(emotion_question(turn, None, others, parts - _WITHOUT), others)).picked
    if not pooled:
        return {"label": said, "opened": opened, "way": first.way}
    offered = {label: first.probabilities[letter] for letter, label in letters.items() if first.probabilities}
    settled = adjudication(reading, said, offered, opened=opened, speaker=first.speaker)
    return _of_distribution(settled.after.probabilities) | {"said": said, "won": settled.won, "asked": True}


def _shown(turn: Turn, *, parts: frozenset[Any], widest: int) -> list[Any]:
    """What decides the answer: everything that the LLM is shown, and for pooling what was read."""
    letters = lettered(primary_of(turn.emotion)) if turn.emotion is not None and "labels" in parts else None
    messages = emotion_question(turn, letters, EMPATHETIC_DIALOGUES.labels, parts - _WITHOUT)
    return [[message.content for message in messages], turn.emotion and turn.emotion.source, widest]


def _of_distribution(probabilities: Mapping[str, float]) -> dict[str, Any]:
    label = max(probabilities, key=lambda one: probabilities[one])
    return {"label": label, "probabilities": {name: round(p, 4) for name, p in probabilities.items()}}


def _share(of: Any, counted: Any) -> float:
    """Of the rows `of`, how many are `counted`; NaN where there are none."""
    return float(counted[of].mean()) if of.any() else float("nan")
