"""ESConv: whether the emotional state that the agent follows falls and rises as the seeker said afterwards."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from agent.build import build_perception
from agent.perception import Perception
from agent.protocols import Tracker
from agent.registry import make
from agent.state import EmotionalState
from agent.turn import Turn
from evals.task import Answer, Answers, Kit, Measures, Sample, scored
from sem_plugins.training import scores
from sem_plugins.training.intervals import Measure
from sem_plugins.training.sets import esconv

__all__ = ["Outcome"]

_STEPS = 4  # from the lowest intensity to the highest
_READ = ("emotion", "expression", "affect")  # what trackers look at


class Outcome:
    """How much better the seeker feels at the end, by the tracker and by the survey.

    An item (made up): a dialogue before which the seeker gave the intensity of the bad feeling as 4 of 5, and
    after it as 2; truth: `{"relief": 0.5}`, two of four steps.

    Protocol: dialogues whose seeker filled in the survey. The tracker is given the seeker's messages one by one,
    each read in its dialogue; `relief` is the valence of the state after the last one less that after the first.
    `relief_r` is Pearson's r, `better_recall` and `worse_recall` the shares of those that felt better, and not
    better, whose valence rose, and did not.

    Traps: nearly everybody who stays feels better, so that "better" for all is right nine times of ten: read both
    recalls with that floor. Thanks and goodbyes make the end of every dialogue sound glad. Rewards for positive
    words alone favour platitudes (SUPPORTER, cES and tES).
    """

    name = "esconv/outcome"
    data = "esconv"
    systems = ("tracker",)
    version = 1

    def samples(self, folder: Path, split: str) -> list[Sample]:
        """Truth: the fall of the bad feeling's intensity, as a share of the whole scale; in [-1, 1]."""
        return [
            Sample(found.group, found.group, found.messages, {"relief": found.targets["fall"] / _STEPS})
            for found in esconv.outcomes(folder, split)
        ]

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:  # noqa: ARG002
        """The tracker of the settings; None where the seeker wrote fewer than two messages."""
        settings = kit.settings.model_copy(update={"plugins": _READ, "threads": 1})
        perception = build_perception(settings)
        tracker = make("trackers", settings.tracker or "smoothed", settings)
        with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
            return list(threads.map(partial(_follow, perception, tracker), samples))

    def measures(self, samples: Sequence[Sample], answers: Answers) -> Measures:
        """Of the change."""
        kept, given = scored(samples, answers)
        truth = np.array([sample.truth["relief"] for sample in kept])
        said = np.array([answer["relief"] for answer in given])
        groups = np.array([sample.group for sample in kept])
        better = truth > 0
        return {
            "relief_r": Measure(scores.pearson, groups, (said, truth)),
            "better_recall": Measure(np.mean, groups[better], (said[better] > 0,)),
            "worse_recall": Measure(np.mean, groups[~better], (said[~better] <= 0,)),
        }

    def floors(self, samples: Sequence[Sample], folder: Path) -> Mapping[str, Callable[[], Answers]]:  # noqa: ARG002
        """Everybody feels better, the longer the talk the more."""
        return {"longer is better": lambda: [{"relief": len(sample.messages) / 100} for sample in samples]}


def _follow(perception: Perception, tracker: Tracker, sample: Sample) -> Answer:
    states: list[EmotionalState] = []
    for place, message in enumerate(sample.messages):
        if message.role != "seeker" or not message.text.strip():
            continue
        turn = Turn("", "", len(states), message.text, sample.messages[:place])
        (read,) = perception.read([replace(turn, state_before=states[-1] if states else None)])
        states.append(tracker.update(read))
    if len(states) < 2:  # noqa: PLR2004 - no change without a beginning and an end
        return None
    return {"relief": round(states[-1].affect.valence - states[0].affect.valence, 4)}
