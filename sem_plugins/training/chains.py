"""Dialogues as rows for dynamics: who showed what before each utterance."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sem_plugins.tracker.dynamics import climate_after

__all__ = ["Chains", "chains"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Chains:
    """One row per utterance that something came before.

    Attributes:
        place: (N,), which of all utterances it is.
        group: (N,), number of its dialogue.
        position: (N,), its place in the dialogue, from 1.
        own: (N, K), distribution of the speaker's last utterance; zeros where `spoken` is not.
        spoken: (N,), whether they have spoken before.
        since: (N,), utterances since then.
        other: (N, K), of the last utterance of somebody else; zeros where `answered` is not.
        answered: (N,), whether anybody else has spoken.
        run: (N,), utterances of others since the speaker spoke.
        climate: (N, K).
    """

    place: NDArray[np.intp]
    group: NDArray[np.intp]
    position: Array
    own: Array
    spoken: Array
    since: Array
    other: Array
    answered: Array
    run: Array
    climate: Array

    def before(self, row: int) -> tuple[Array | None, int, Array | None, int, Array]:
        """What `Dynamics.logits` takes: own, since, other, run, climate."""
        return (
            self.own[row] if self.spoken[row] else None,
            int(self.since[row]),
            self.other[row] if self.answered[row] else None,
            int(self.run[row]),
            self.climate[row],
        )


def chains(speakers: Sequence[Sequence[Hashable]], shown: Array) -> Chains:
    """Rows of all dialogues.

    Args:
        speakers: Of each dialogue, who said each utterance.
        shown: (utterances of all dialogues, K), what each showed: true labels as ones, or what was read.
    """
    nothing = np.zeros(shown.shape[1])
    rows: list[Mapping[str, Any]] = []
    start = 0
    for group, said_by in enumerate(speakers):
        climate = None
        last: dict[Hashable, int] = {}
        for place, speaker in enumerate(said_by):
            if climate is not None:
                own = last.get(speaker)
                others = [at for name, at in last.items() if name != speaker]
                rows.append(
                    {
                        "place": start + place,
                        "group": group,
                        "position": place,
                        "own": nothing if own is None else shown[start + own],
                        "spoken": own is not None,
                        "since": 0 if own is None else place - own,
                        "other": shown[start + max(others)] if others else nothing,
                        "answered": bool(others),
                        "run": place if own is None else place - own - 1,
                        "climate": climate,
                    }
                )
            climate = climate_after(climate, shown[start + place])
            last[speaker] = place
        start += len(said_by)
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    whole = {"place", "group"}
    return Chains(**{name: column if name in whole else column.astype(float) for name, column in columns.items()})
