"""How fast the tracker follows, and how much it keeps: a part of `make bench`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice

import numpy as np

from agent.build import build_perception
from agent.record import pack, unpack
from agent.settings import load_settings
from agent.state import EmotionalState
from agent.turn import Turn, new_turn
from evals.timing import Figure, spread, times
from sem_plugins.tracker.dynamics import dynamics
from sem_plugins.tracker.filter import create

__all__ = ["tracking"]

_MANY = 10_000


def tracking(sentences: tuple[str, ...]) -> Iterator[Figure]:
    """Update, forecast, restoring, and the size of the state.

    Args:
        sentences: Messages, read once each and then followed again and again.
    """
    tracker = create(load_settings())
    read = build_perception(load_settings()).read([new_turn(text) for text in sentences])
    (few,) = islice(_states(read), 9, 10)
    turn = replace(read[0], index=10, state_before=few)
    yield from spread(
        "track, one turn with all forecasts", times(lambda _: tracker.update(turn)), aim="p50 at most 0.3 ms"
    )

    support = dynamics("support", inputs="read")
    logits = np.log(np.array(list(few.expected.values())))
    forecasts = times(lambda _: support.forecast(logits))
    yield from spread("forecast, all eight strategies", forecasts, aim="p50 at most 2 ms")

    stored = _stored(few)
    restored = times(lambda _: unpack(EmotionalState, json.loads(stored), at="state"))
    yield from spread("restore a state from its record, no text read", restored)
    (many,) = islice(_states(read), _MANY - 1, _MANY)
    yield Figure("stored state after 10 turns", len(stored) / 1024, "KiB")
    yield Figure(f"stored state after {_MANY:,} turns", len(_stored(many)) / 1024, "KiB", "as after 10")


def _states(read: list[Turn]) -> Iterator[EmotionalState]:
    """The state after each of as many turns as are asked for."""
    tracker = create(load_settings())
    state = None
    for index, turn in enumerate(cycle(read)):
        state = tracker.update(replace(turn, index=index, state_before=state, at=60.0 * index))
        yield state


def _stored(state: EmotionalState) -> bytes:
    return json.dumps(pack(state)).encode()
