"""ESConv: whether the emotional state that the agent follows falls and rises as the seeker said afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.errors import DataError
from evals.task import Answer, Answers, Kit, Measures, Sample, scored
from evals.tasks.following import TRACKERS, Followed, followed
from sem_plugins.training import scores
from sem_plugins.training.examples import Example
from sem_plugins.training.intervals import Measure
from sem_plugins.training.sets import esconv

__all__ = ["Outcome"]

_STEPS = 4  # from the lowest intensity to the highest


class Outcome:
    """How much better the seeker feels at the end, by the tracker and by the survey; and whether support failed.

    An item (made up): a dialogue before which the seeker gave the intensity of the bad feeling as 4 of 5, and
    after it as 2; truth: `{"relief": 0.5, "failed": false}`, two of four steps.

    Protocol: dialogues of ESConv, and of `esconv_failed`, which its authors dropped since they did not help.
    The tracker is given the seeker's messages one by one, each read in its dialogue; `relief` is the valence of
    the state after the last one less that after the first, `final` the valence after the last. Over those whose
    seeker filled in the survey, `relief_r` is Pearson's r, `better_recall` and `worse_recall` the shares of
    those that felt better, and not better, whose valence rose, and did not; `final_r` is the r of `final` with
    the survey's relief. Over all, `failed_auc` is the probability that a dialogue of ESConv has a higher
    `relief` than a failed one, a tie counting half; `final_auc` is the same of `final`. Failed dialogues are
    taken from the file of the same split where it is in the folder, but never from train.

    Traps: every dialogue of ESConv's train and valid ended with less of the bad feeling: who did not feel
    better is in `esconv_failed` alone (21 of 25 surveyed ones of valid), so that without it `worse_recall` is
    not defined, and "better" for all is right nine times of ten with it: read both recalls. Thanks and goodbyes
    make the end of every dialogue sound glad. Rewards for positive words alone favour platitudes (SUPPORTER,
    cES and tES). A failed dialogue may have been dropped for its supporter's rating though the seeker felt
    better. The signature holds the hash of ESConv's file alone.
    """

    name = "esconv/outcome"
    data = "esconv"
    systems = TRACKERS
    version = 2

    def samples(self, folder: Path, split: str) -> list[Sample]:
        """Truth: the fall of the bad feeling's intensity, as a share of the whole scale, in [-1, 1], None
        without the survey; and whether the dialogue is one of those that failed.
        """
        found = [_sample(one, failed=False) for one in esconv.outcomes(folder, split)]
        if split != "train" and (folder / "esconv_failed" / f"{split}.jsonl").exists():
            found += [_sample(one, failed=True) for one in esconv.outcomes(folder, split, failed=True)]
        return found

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:
        """What each of `TRACKERS` followed; None where the seeker wrote fewer than two messages."""
        return [_as_answer(one) for one in followed(samples, kit, system=system)]

    def measures(self, samples: Sequence[Sample], answers: Answers) -> Measures:
        """Of the change, and of the end where the answers have it."""
        kept, given = scored(samples, answers)
        groups = np.array([sample.group for sample in kept])
        failed = np.array([sample.truth["failed"] for sample in kept], bool)
        filled = np.array([sample.truth["relief"] is not None for sample in kept], bool)
        truth = np.array([sample.truth["relief"] for sample, held in zip(kept, filled, strict=True) if held])
        relief = np.array([answer["relief"] for answer in given])
        said, surveyed, better = relief[filled], groups[filled], truth > 0
        found = {
            "relief_r": Measure(scores.pearson, surveyed, (said, truth)),
            "better_recall": Measure(np.mean, surveyed[better], (said[better] > 0,)),
            "worse_recall": Measure(np.mean, surveyed[~better], (said[~better] <= 0,)),
            "failed_auc": Measure(_apart, groups, (relief, failed)),
        }
        if all("final" in answer for answer in given):
            final = np.array([answer["final"] for answer in given])
            found["final_r"] = Measure(scores.pearson, surveyed, (final[filled], truth))
            found["final_auc"] = Measure(_apart, groups, (final, failed))
        return found

    def floors(self, samples: Sequence[Sample], folder: Path) -> Mapping[str, Callable[[], Answers]]:  # noqa: ARG002
        """Everybody feels better, the longer the talk the more."""
        return {"longer is better": lambda: [{"relief": len(sample.messages) / 100} for sample in samples]}


def _sample(found: Example, *, failed: bool) -> Sample:
    fall = found.targets["fall"]
    relief = None if fall is None else fall / _STEPS
    return Sample(found.group, found.group, found.messages, {"relief": relief, "failed": failed})


def _as_answer(read: Followed) -> Answer:
    valences = [state.affect.valence for _, state in filter(None, read)]
    if len(valences) < 2:  # noqa: PLR2004 - no change without a beginning and an end
        return None
    return {"relief": round(valences[-1] - valences[0], 4), "final": round(valences[-1], 4)}


def _apart(said: NDArray[np.float64], failed: NDArray[np.bool_]) -> float:
    """How probably one that did not fail has the higher number than one that did; a tie counts half."""
    helped, dropped = said[~failed, None], said[failed]
    if not len(helped) or not len(dropped):
        raise DataError(
            "it takes dialogues of both `esconv` and `esconv_failed`; docs/data.md says where they are from"
        )
    return float((helped > dropped).mean() + (helped == dropped).mean() / 2)
