"""Dialogues as a running agent reads them: what plugins read of a message, and what a tracker makes of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from agent.build import build_perception
from agent.errors import SettingsError
from agent.perception import Perception
from agent.protocols import Tracker
from agent.registry import make
from agent.retrace import retrace
from agent.state import EmotionalState
from agent.turn import Turn
from evals.task import Kit, Sample
from sem_plugins.tracker.filter import FilterTracker

__all__ = ["TRACKERS", "Followed", "followed", "read_turns"]

TRACKERS = ("tracker", "filter", "filter-without-covariance", "smoothed")
"""Systems that follow a seeker: the tracker of the settings, or one by name, and the filter in which every reading
counts alike."""

_READ = ("emotion", "expression", "affect")  # what trackers look at

_KNOWN: WeakKeyDictionary[Kit, dict[str, list[Turn]]] = WeakKeyDictionary()
"""What was read of each sample's seeker; a kit is of one task, whose samples have ids of their own."""

Followed = list[tuple[Turn, EmotionalState] | None]
"""Of each message of the seeker: the turn with its readings and the state after it; None where it is blank, or the
tracker failed."""

OneT = TypeVar("OneT")
OtherT = TypeVar("OtherT")


def followed(samples: Sequence[Sample], kit: Kit, *, system: str = TRACKERS[0]) -> list[Followed]:
    """What a tracker makes of each dialogue's seeker, message by message.

    Each message is read in its dialogue, with the plugins `emotion`, `expression` and `affect` alone.

    Args:
        samples: Whose messages.
        kit: With the settings.
        system: One of `TRACKERS`: `tracker` is that of the settings.

    Raises:
        SettingsError: There is no such system.
    """
    if system not in TRACKERS:
        raise SettingsError(f"No system {system!r}. Systems: {', '.join(TRACKERS)}.")
    tracker = _tracker(system, kit)
    return [_traced(sample, turns, tracker) for sample, turns in zip(samples, _seekers(samples, kit), strict=True)]


def _seekers(samples: Sequence[Sample], kit: Kit) -> list[list[Turn]]:
    """What is read of each dialogue's seeker; once for all trackers."""
    known = _KNOWN.setdefault(kit, {})
    fresh = [sample for sample in samples if sample.id not in known]
    turns = [_turns(sample) for sample in fresh]
    read = iter(read_turns([turn for each in turns for turn in each], kit))
    known.update({sample.id: [next(read) for _ in each] for sample, each in zip(fresh, turns, strict=True)})
    return [known[sample.id] for sample in samples]


def read_turns(turns: Sequence[Turn], kit: Kit) -> list[Turn]:
    """The turns with the readings of the same plugins."""
    perception = _perception(kit)
    return _in_threads(lambda turn: perception.read([turn])[0], turns)


def _tracker(system: str, kit: Kit) -> Tracker:
    found: Any
    if system == "filter-without-covariance":
        found = FilterTracker(without=frozenset({"covariance"}))
    else:
        found = make(
            "trackers", system if system != TRACKERS[0] else kit.settings.tracker or "filter", kit.settings
        )
    tracker: Tracker = found
    return tracker


def _perception(kit: Kit) -> Perception:
    return build_perception(kit.settings.model_copy(update={"plugins": _READ, "threads": 1}))


def _in_threads(work: Callable[[OneT], OtherT], given: Sequence[OneT]) -> list[OtherT]:
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        return list(threads.map(work, given))


def _turns(sample: Sample) -> list[Turn]:
    said = [
        (place, message.text)
        for place, message in enumerate(sample.messages)
        if message.role == "seeker" and message.text.strip()
    ]
    return [Turn(sample.id, "", index, text, sample.messages[:place]) for index, (place, text) in enumerate(said)]


def _traced(sample: Sample, turns: Sequence[Turn], tracker: Tracker) -> Followed:
    traced = iter(retrace(tracker, turns))
    found: Followed = []
    for message in sample.messages:
        if message.role == "seeker":
            turn = next(traced) if message.text.strip() else None
            found.append(None if turn is None or turn.state is None else (turn, turn.state))
    return found
