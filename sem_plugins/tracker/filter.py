"""The tracker that is shipped: a filter over emotions and over valence, arousal and dominance.

Each reading is evidence with its uncertainty, not a value to be averaged. Between two messages what was believed
moves (`dynamics`), relaxes and spreads (`motion`), the more so the longer the wall clock ran. A reading that is
missing leaves the belief where it moved to, and less sure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from agent.errors import SettingsError, TurnError
from agent.persona import Persona, load_persona
from agent.readings import Affect, EmotionReading, LabelSet
from agent.state import EmotionalState, OwnAffect, PersonalCalibration
from agent.turn import Turn, new_turn
from sem_plugins.labels import EMPATHETIC_DIALOGUES
from sem_plugins.ontology import MELD
from sem_plugins.tracker.dynamics import PARTS, Dynamics, climate_after, dynamics, softmax
from sem_plugins.tracker.evidence import shown
from sem_plugins.tracker.fusion import fused
from sem_plugins.tracker.motion import Belief, Motion, belief_of, motion
from sem_plugins.tracker.own import PLACES, move
from sem_plugins.tracker.parameters import array, damaged, section
from sem_plugins.tracker.personal import applied, corrected, learned
from sem_plugins.tracker.shifts import Pressure, began_at, last_shift, pressed

__all__ = ["FilterTracker", "create"]

Array = NDArray[np.float64]

_MEMORY = 0.3  # weight of what was expected beside what was read: the encoder saw what came before already
_QUIETEST = 0.05  # clarity of a reading of neutral words
_TREND = 0.5  # weight of the newest change of valence in the trend
_UNKNOWN = 1e-9  # confidence that is rounding: nothing was read, or so long ago that nothing is left of it
_OWN = 0.6  # share of what the agent shows that is its one emotion; the rest is as people in general


@dataclass(frozen=True)
class FilterTracker:
    """Follows one person. Pure: the same turn gives the same state, and a replay the same states.

    Args:
        persona: Whose affect the agent has; None leaves it out.
        transitions: How emotions move; None takes what was learned of ESConv's seekers. `dynamics.untrained` has
            EmotionIC's two decays alone. Over the labels of `meld-7`.
        without: Parts to leave out, for ablations: `"inertia"`, `"contagion"`, `"climate"`, or `"covariance"`, by
            which every reading counts alike and nothing grows less sure.

    Raises:
        SettingsError: `without` names something else, or `transitions` are over other labels.
    """

    persona: Persona | None = None
    transitions: Dynamics | None = field(default=None, compare=False)
    without: frozenset[str] = frozenset()
    name: str = "filter"
    reads: frozenset[str] = frozenset({"text", "state_before"})
    labels: LabelSet = field(default=MELD, init=False)

    def __post_init__(self) -> None:
        if unknown := self.without - PARTS - {"covariance"}:
            choices = ", ".join(sorted(PARTS | {"covariance"}))
            raise SettingsError(f"The tracker has no parts {sorted(unknown)!r} to leave out. Choices: {choices}.")
        if self.transitions is not None and self.transitions.label_set != self.labels:
            found, wanted = self.transitions.label_set.id, self.labels.id
            raise SettingsError(
                f"`transitions` are over `{found}`, and the tracker follows `{wanted}`. Give those."
            )

    @cached_property
    def _dynamics(self) -> Dynamics:
        return self.transitions or dynamics("support", inputs="read")

    @cached_property
    def _motion(self) -> Motion:
        return motion()

    @cached_property
    def _prior(self) -> Array:
        prior = array(section("dynamics", "support").get("prior"), len(self.labels), name="prior")
        if prior.min() <= 0:
            raise damaged("`prior` of the dynamics of `support` holds a share that is not above 0.")
        shares: Array = prior / prior.sum()
        return shares

    @cached_property
    def _valence(self) -> Array:
        return np.array([PLACES[label].valence for label in self.labels.labels])

    def update(self, turn: Turn) -> EmotionalState:
        """The state after this turn.

        Raises:
            TurnError: The turn stands before the last one that went in, or is that one again.
        """
        before = turn.state_before
        if before is not None and turn.index <= before.last_turn:
            raise TurnError(
                f"Turn {turn.index} comes after turn {before.last_turn} went in. Follow turns in their order, or "
                "anew from the first one (`heartline.retrace`)."
            )
        gap = None if before is None or before.at is None or turn.at is None else turn.at - before.at
        personal = self._personal(turn, before)
        words = shown(turn, self.labels)
        trust = {} if before is None else before.trust
        read, trust = fused(turn, words, prior=self._prior, trust=trust, labels=self.labels)
        emotions, climate = self._emotions(read, turn, before, personal=personal, gap=gap)
        return self._state(turn, before, gap, emotions=emotions, climate=climate, personal=personal, trust=trust)

    def _state(
        self,
        turn: Turn,
        before: EmotionalState | None,
        gap: float | None,
        *,
        emotions: Array,
        climate: Array,
        personal: PersonalCalibration,
        trust: Mapping[str, float],
    ) -> EmotionalState:
        belief, pressure, direction = self._moved(turn, before, gap)
        affect = Affect(*(float(value) for value in belief.mean))
        change = 0.0 if before is None else affect.valence - before.affect.valence
        began = began_at(before, affect.valence)
        confidence = 1 - belief.covariance[0, 0] / self._motion.spread[0, 0]
        confidence = float(min(1.0, confidence)) if confidence > _UNKNOWN else 0.0
        own = self._own(before, affect, confidence)
        ahead = self._ahead(emotions, own, climate)
        rows = self._dynamics.forecast(ahead)
        lifts = rows @ self._valence
        strategies, names = self._dynamics.strategies, self.labels.labels
        return EmotionalState(
            affect=affect,
            turns=1 if before is None else before.turns + 1,
            trend=_TREND * change + (1 - _TREND) * (0.0 if before is None else before.trend),
            last_shift=last_shift(turn, before, direction, began, affect.valence),
            turns_since_shift=0 if direction or before is None else before.turns_since_shift + 1,
            confidence=confidence,
            covariance=_rows(belief.covariance),
            label_set=self.labels.id,
            emotions=_named(names, emotions),
            climate=_named(names, climate),
            expected=_named(names, softmax(ahead)),
            forecast={
                strategy: dict(zip(names, row, strict=True))
                for strategy, row in zip(strategies, rows.tolist(), strict=True)
            },
            lift=_named(strategies, lifts - lifts.mean() if len(lifts) else lifts),
            own=own,
            personal=personal,
            trust=trust,
            pressure=pressure,
            pressure_from=began,
            last_turn=turn.index,
            at=_when(turn, before),
        )

    def _personal(self, turn: Turn, before: EmotionalState | None) -> PersonalCalibration:
        """What the person set right, this message included."""
        if before is None:
            return PersonalCalibration()
        correction = corrected(turn.text, before.emotions)
        return before.personal if correction is None else learned(before.personal, correction)

    def _emotions(
        self,
        read: Array | None,
        turn: Turn,
        before: EmotionalState | None,
        *,
        personal: PersonalCalibration,
        gap: float | None,
    ) -> tuple[Array, Array]:
        """The distribution over emotions and the climate after the turn, (K,) each."""
        prior, climate, expected = self._prior, None, self._prior
        if before is not None and self._knows(before):
            climate = self._climate(before)
            since = 2 * (turn.index - before.last_turn)
            logits = self._logits(_row(before.emotions, self.labels), since, before.own, climate)
            left = self._motion.left(gap)
            expected = softmax(logits)
            if left < 1:
                expected = softmax(left * np.log(expected) + (1 - left) * np.log(prior))
        if read is None:
            found = expected
        else:
            evidence = applied(personal, np.log(read), labels=self.labels.labels)
            found = softmax(evidence + _MEMORY * np.log(expected / prior))
        return found, climate_after(climate, found)

    def _knows(self, before: EmotionalState) -> bool:
        """Whether the state holds a distribution over these labels. Another tracker's may hold none, or others."""
        return before.label_set == self.labels.id and before.emotions.keys() == set(self.labels.labels)

    def _climate(self, before: EmotionalState) -> Array:
        """Of all utterances so far, the agent's own last one among them."""
        whole = before.climate.keys() == before.emotions.keys()
        climate = _row(before.climate if whole else before.emotions, self.labels)
        return climate if before.own is None else climate_after(climate, self._agent_shows(before.own))

    def _logits(self, own: Array, since: int, agent: OwnAffect | None, climate: Array) -> Array:
        other = self._prior if agent is None else self._agent_shows(agent)
        without = self.without - {"covariance"}
        return self._dynamics.logits(own, since, other, 1, climate, without=without)

    @cached_property
    def _shown_by_agent(self) -> Mapping[str, Array]:
        """What the agent shows with each emotion, (K,)."""
        one_hot = np.eye(len(self.labels))
        rows = (1 - _OWN) * self._prior + _OWN * one_hot
        return dict(zip(self.labels.labels, rows, strict=True))

    def _agent_shows(self, agent: OwnAffect) -> Array:
        return self._shown_by_agent.get(agent.emotion, self._prior)

    def _ahead(self, emotions: Array, own: OwnAffect | None, climate: Array) -> Array:
        """Logits of the person's next emotion, if they answer at once, (K,)."""
        after = climate if own is None else climate_after(climate, self._agent_shows(own))
        return self._logits(emotions, 2, own, after)

    def _moved(
        self, turn: Turn, before: EmotionalState | None, gap: float | None
    ) -> tuple[Belief, Pressure, Literal["better", "worse"] | None]:
        """Valence, arousal and dominance after the turn, and what that says of a shift."""
        known = belief_of(before)
        if known is None or before is None:
            belief = self._motion.start()
        else:
            belief = self._motion.ahead(known, messages=turn.index - before.last_turn, gap=gap)
        alike = "covariance" in self.without
        left = self._motion.left(gap)
        pressure = before.pressure if before is not None else (0.0, 0.0)
        if turn.affect is None:
            if alike and known is not None:
                belief = Belief(belief.mean, known.covariance)
            return belief, (left * pressure[0], left * pressure[1]), None
        if alike:
            belief = Belief(belief.mean, self._motion.spread)
        neutrality = 0.0 if turn.expression is None else turn.expression.neutrality
        clarity = 1.0 if alike else max(_QUIETEST, 1 - neutrality)
        after = self._motion.drawn(belief, turn.affect.point, clarity=clarity)
        if known is None or before is None or before.confidence == 0:  # where somebody starts is no change
            return after, pressure, None
        was = before.affect.valence
        surprise = self._motion.surprise(belief, turn.affect.point, clarity=clarity, known=was)
        pressure, direction = pressed(pressure, surprise, left=left)
        return after, pressure, direction

    def _own(self, before: EmotionalState | None, affect: Affect, confidence: float) -> OwnAffect | None:
        if self.persona is None:
            return None
        return move(before.own if before is not None else None, affect, confidence, self.persona)


def _when(turn: Turn, before: EmotionalState | None) -> float | None:
    """When the last turn came that said so."""
    if turn.at is not None and math.isfinite(turn.at):
        return turn.at
    return None if before is None else before.at


def _rows(matrix: Array) -> Any:
    return tuple(tuple(row) for row in matrix.tolist())


def _named(names: tuple[str, ...], row: Array) -> dict[str, float]:
    return dict(zip(names, row.tolist(), strict=True))


def _row(probabilities: Mapping[str, float], labels: LabelSet) -> Array:
    return np.array([probabilities[label] for label in labels.labels])


def create(settings: Any = None) -> FilterTracker:
    """Entry point `filter`.

    Raises:
        SettingsError: `persona` of the settings names none.
        WeightsError: The learned numbers are missing or damaged.
    """
    name = getattr(settings, "persona", "calm")
    tracker = FilterTracker(persona=None if name is None else load_persona(name))
    # Numbers, ontology and phrases load in 0.1 s: now, and not in somebody's first turn. Damage shows now, too.
    even = EmotionReading(EMPATHETIC_DIALOGUES.id, dict.fromkeys(EMPATHETIC_DIALOGUES.labels, 1 / 32))
    first = tracker.update(new_turn(".").fill(emotion=even))
    tracker.update(replace(new_turn("not", index=1), emotion=even, state_before=first))
    return tracker
