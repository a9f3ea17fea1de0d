"""What the agent itself feels: moved a little by the person, bounded, and by its persona drawn home again.

The vector arithmetic of personality-affected emotion transition (Wen et al. 2021, arXiv 2106.15846), without its
learned parts: what the agent feels next is what it felt, plus a change that the persona's traits weigh. Here the
change leads towards an *echo* of the person: half as far from the persona's rest as they are from neutral, and
never outside what a supporter may show (`agent.persona.LOWEST` and `HIGHEST`). Every step is a weighted mean of
three points inside those bounds: the rest, the feeling before and the echo. So none can leave them, however long
it goes on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from agent.errors import ReadingError
from agent.persona import HIGHEST, LOWEST, OWN_EMOTIONS, TRAITS, Persona
from agent.readings import Affect
from agent.state import OwnAffect

__all__ = ["PLACES", "mehrabian", "move", "personality_weights"]

PLACES: Mapping[str, Affect] = MappingProxyType(
    {
        "neutral": Affect(0.0, 0.0, 0.0),
        "joy": Affect(0.81, 0.51, 0.46),
        "surprise": Affect(0.40, 0.67, -0.13),
        "anger": Affect(-0.51, 0.59, 0.25),
        "sadness": Affect(-0.63, -0.27, -0.33),
        "disgust": Affect(-0.60, 0.35, 0.11),
        "fear": Affect(-0.62, 0.82, -0.43),
    }
)
"""Where the labels of MELD lie in valence, arousal and dominance: the paper's table, from its repository."""

_ECHO = 0.5  # of the person's distance from neutral: to be moved is not to share the blow
_REST = 0.25  # of the way home each turn; after five turns without news a quarter of a feeling is left

_Point = tuple[float, float, float]


def personality_weights(persona: Persona, *, falling: bool = False) -> _Point:
    """How far valence, arousal and dominance follow the person, each in [0, 1] (Mehrabian 1996).

    With S = 1 - neuroticism:

        valence    0.21 extraversion + 0.59 agreeableness + 0.19 S
        arousal    0.15 openness + 0.30 agreeableness - 0.57 S
        dominance  0.25 openness + 0.17 conscientiousness + 0.60 extraversion - 0.32 agreeableness

    Mehrabian's third coefficient is for emotional *stability*. The paper's repository multiplies it with
    neuroticism, by which a neurotic agent would be the gladder one. Here stability raises what leads up, and what
    leads down is weighed by neuroticism in its place. Thus more of it never raises the agent's own valence. A
    weight below 0 would flee from the person; it is taken as 0: there the persona stays at rest. One above 1,
    which dominance reaches by 0.02, would overshoot.

    Args:
        persona: Whose.
        falling: Whether valence falls.
    """
    traits = {trait: getattr(persona, trait) for trait in TRAITS}
    _, arousal, dominance = mehrabian(traits)
    valence, _, _ = mehrabian(traits | {"neuroticism": 1 - persona.neuroticism} if falling else traits)
    return valence, max(0.0, arousal), min(1.0, max(0.0, dominance))


def mehrabian(traits: Mapping[str, float]) -> _Point:
    """How far valence, arousal and dominance follow somebody else by Mehrabian (1996), unbounded, -0.6 to 1.1.

    Args:
        traits: Trait of `agent.persona.TRAITS` to its strength in [0, 1]; stability is 1 less neuroticism.
    """
    o, c, e, a, n = (traits[trait] for trait in TRAITS)
    return (
        0.21 * e + 0.59 * a + 0.19 * (1 - n),
        0.15 * o + 0.30 * a - 0.57 * (1 - n),
        0.25 * o + 0.17 * c + 0.60 * e - 0.32 * a,
    )


def move(own_before: OwnAffect | None, person: Affect, confidence: float, persona: Persona) -> OwnAffect:
    """What the agent feels after a turn.

    Args:
        own_before: What it felt; None at the start, where it is at rest.
        person: Where the person is believed to be.
        confidence: How much evidence stands behind that, in [0, 1]; at 0 the agent only comes to rest.
        persona: Who it is. It may be another than before.

    Raises:
        ReadingError: `confidence` lies outside [0, 1].
    """
    if not 0 <= confidence <= 1:  # also catches NaN
        raise ReadingError(f"`confidence` is {confidence!r}; it lies in [0, 1].")
    home = _values(persona.baseline)
    before = home if own_before is None else _bounded(_values(own_before.affect))
    after = _moved(before, person, confidence, persona)
    return OwnAffect(Affect(*after), _emotion(after, person, persona), persona.id)


def _moved(before: _Point, person: Affect, confidence: float, persona: Persona) -> _Point:
    home = _values(persona.baseline)
    echo = _bounded([h + _ECHO * p for h, p in zip(home, _values(person), strict=True)])
    rested = [b + _REST * (h - b) for b, h in zip(before, home, strict=True)]
    weights = personality_weights(persona, falling=echo[0] < rested[0])
    pull = persona.closeness * confidence
    return _bounded([r + pull * w * (e - r) for r, w, e in zip(rested, weights, echo, strict=True)])


def _emotion(own: _Point, person: Affect, persona: Persona) -> str:
    """The nearest of those that the agent may feel. None that points the other way than the person does.

    Joy is never shown to somebody who suffers, however bright the persona, nor sadness to somebody who is glad.
    `neutral` lies where the persona rests, another where one turn with somebody surely in it would bring it.
    """
    fitting = [name for name in OWN_EMOTIONS if name == "neutral" or PLACES[name].valence * person.valence > 0]
    return min(fitting, key=lambda name: math.dist(own, _place(name, persona)))


@lru_cache(maxsize=64)
def _place(emotion: str, persona: Persona) -> _Point:
    home = _values(persona.baseline)
    return home if emotion == "neutral" else _moved(home, PLACES[emotion], 1.0, persona)


def _values(affect: Affect) -> _Point:
    return affect.valence, affect.arousal, affect.dominance


_LOW, _HIGH = _values(LOWEST), _values(HIGHEST)


def _bounded(point: Sequence[float]) -> _Point:
    v, a, d = [min(max(value, low), high) for value, low, high in zip(point, _LOW, _HIGH, strict=True)]
    return v, a, d
