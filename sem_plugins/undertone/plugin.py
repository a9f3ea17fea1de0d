"""The undertone plugin: a painful feeling that is played down, and two feelings that pull apart.

It has no model. It sets cue words (`cues.toml`, English) against the readings of emotion, expression
and affect, and reads 0 wherever these are unsure, unless the person says outright that a feeling is
masked or mixed. Take a reading as a reason to ask, never as knowledge of what somebody hides.

It is **unvalidated on real data**: no data set labels either. Its shares come from hand-written
messages with made-up readings (tests/sem_plugins/test_undertone.py). On those written after the rules
stood, precision and recall are 0.92 and 0.52 for masked, 0.86 and 0.75 for ambivalent; real people
mask in more ways than one author thinks of, so expect less. Of what seekers say in the valid parts of
ESConv and EmpatheticDialogues, 2.5% and 3.0% hold words that may play something down (mostly friendly
laughter), 0.1% and 0.3% name two feelings, and 15% hold a "but". With the dialogue's label for a sure
emotion, the rules let 0.1% count as masked. How many a "but" lets count is not measured.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from agent.readings import Affect, EmotionReading, ExpressionReading, UndertoneReading
from agent.turn import Turn
from sem_plugins.affect.plugin import circumplex

__all__ = ["SHARES", "UndertonePlugin", "create"]

Spans = tuple[tuple[int, int], ...]

# What each sign is worth: the share of the hand-written messages that it marks rightly, with one hit
# and one miss added, since a handful of messages proves little. The test measures them again.
SHARES: Mapping[str, float] = {
    "masked, said": 0.92,
    "masked, waved off": 0.74,
    "masked, said to be fine": 0.43,
    "masked, laughed off": 0.45,
    "masked, cheerful words": 0.71,
    "ambivalent, said": 0.92,
    "ambivalent, both named": 0.92,
    "ambivalent, drawn and held back": 0.71,
    "ambivalent, contrast": 0.63,
}

_KNOWN = 0.5  # below this share of known emotions nothing is read out of them
_UNSURE, _SURE = 0.25, 0.45  # certainty of the emotion; between them a share fades in
_MOSTLY = 0.6
_SOME = 0.2
_PLEASANT, _UNPLEASANT, _PAINFUL = 0.4, -0.4, -0.5  # valence; surprise and nostalgia are on no side
_CHEERFUL = ("amusement", "joy")  # as GoEmotions names what a mask shows
_REMEMBERED = 3  # messages
_QUOTES = str.maketrans("\u2019\u2018\u02bc\u00b4`", "'''''")


class UndertonePlugin:
    """Weighs cue words against the readings of feeling."""

    name = "undertone"
    reads = frozenset({"text", "history", "emotion", "expression", "affect"})
    writes = "undertone"

    def __call__(self, turns: Sequence[Turn]) -> Sequence[UndertoneReading | None]:
        """One reading per turn; None where a reading that it needs is missing."""
        return [_undertone(turn) for turn in turns]


@dataclass(frozen=True, slots=True)
class _Tone:
    """What the readings say of the feeling: each a probability in [0, 1].

    `painful` leaves out anger and disgust: joking about a rude neighbour hides no pain.
    """

    sure: float
    pleasant: float
    unpleasant: float
    painful: float


def _undertone(turn: Turn) -> UndertoneReading | None:
    if turn.emotion is None or turn.expression is None or turn.affect is None:
        return None
    tone = _tone(turn.emotion)
    text = turn.text.translate(_QUOTES)  # character for character, so that spans stay spans of the text
    masked, shown = _masked(text, turn, tone, turn.expression, turn.affect)
    ambivalent, said = _ambivalent(text, tone, turn.expression)
    return UndertoneReading(masked, ambivalent, tuple(sorted({*shown, *said})), source="cue words")


def _tone(emotion: EmotionReading) -> _Tone:
    places = circumplex()
    known = [(*places[label], p) for label, p in emotion.probabilities.items() if label in places]
    if sum(p for *_, p in known) < _KNOWN:
        return _Tone(0.0, 0.0, 0.0, 0.0)
    return _Tone(
        sure=float(np.clip((emotion.certainty - _UNSURE) / (_SURE - _UNSURE), 0, 1)),
        pleasant=sum(p for valence, _, _, p in known if valence >= _PLEASANT),
        unpleasant=sum(p for valence, _, _, p in known if valence <= _UNPLEASANT),
        painful=sum(p for valence, _, dominance, p in known if valence <= _PAINFUL and dominance < 0),
    )


def _masked(
    text: str, turn: Turn, tone: _Tone, expression: ExpressionReading, affect: Affect
) -> tuple[float, Spans]:
    """The probability that pain is played down, and the words that do it."""
    if said := _found("masked_stated", text, unless="masked_denied"):
        return SHARES["masked, said"], said
    if tone.sure == 0 or tone.painful < _MOSTLY or _found("relief", text):
        return 0.0, ()
    aches = _found("pain", text)
    hurt = aches or any(_found("pain", earlier) for earlier in _lately(turn))
    waved = _found("dismissal", text)
    laughed = _found("laugh", text) if aches and not _found("company", text) else ()
    fine = _found("fine", text) if hurt and not _found("open", text) else ()
    if cues := waved + laughed + fine:
        sign = "waved off" if waved else "laughed off" if laughed else "said to be fine"
        return SHARES[f"masked, {sign}"] * tone.sure, cues
    # Neutral words alone are no mask: that is how people report a death.
    if hurt and set(_CHEERFUL) & set(expression.present) and affect.valence >= 0:
        return SHARES["masked, cheerful words"] * tone.sure, ()
    return 0.0, ()


def _lately(turn: Turn) -> list[str]:
    return [text.translate(_QUOTES) for text in turn.said_by("seeker")[-_REMEMBERED:]]


def _ambivalent(text: str, tone: _Tone, expression: ExpressionReading) -> tuple[float, Spans]:
    """The probability that two feelings pull apart, and the words that show it."""
    for name, pattern in (
        ("ambivalent, said", "ambivalent_stated"),
        ("ambivalent, both named", "ambivalent_named"),
        ("ambivalent, drawn and held back", "pull"),
    ):
        if said := _found(pattern, text):
            return SHARES[name], said
    if tone.sure > 0 and _mixed(tone, expression) and (between := _found("contrast", text)):
        return SHARES["ambivalent, contrast"] * tone.sure, between
    return 0.0, ()


def _mixed(tone: _Tone, expression: ExpressionReading) -> bool:
    """Whether a pleasant and an unpleasant feeling were read, in the person or in the words."""
    places = circumplex()
    shown = [places[label][0] for label in expression.present if label in places]
    in_words = any(v >= _PLEASANT for v in shown) and any(v <= _UNPLEASANT for v in shown)
    return in_words or min(tone.pleasant, tone.unpleasant) >= _SOME


@cache
def _cues() -> Mapping[str, re.Pattern[str]]:
    """Each group of `cues.toml` as one pattern, written out as its head says."""
    raw = tomllib.loads(files("sem_plugins.undertone").joinpath("cues.toml").read_text(encoding="utf-8"))
    return {name: _any(patterns, raw["words"]) for name, patterns in raw["patterns"].items()}


def _any(patterns: Sequence[str], words: Mapping[str, str]) -> re.Pattern[str]:
    whole = "|".join(f"(?:{pattern})" for pattern in patterns)
    for name, expansion in reversed([*words.items()]):  # a word may be made of words above it
        whole = whole.replace(f"{{{name}}}", expansion)
    whole = re.sub(r" (?!\?)", r"\\s+", whole)  # " ?" stays: an optional space
    edge = r"(?:(?<!\w)|(?=[^\w\s]))"  # a smiley may follow a word at once
    return re.compile(rf"{edge}(?:{whole})(?!\w)", re.IGNORECASE)


def _found(name: str, text: str, *, unless: str = "") -> Spans:
    matches = _cues()[name].finditer(text)
    return tuple(match.span() for match in matches if not (unless and _cues()[unless].search(match[0])))


def create(settings: Any = None) -> UndertonePlugin:  # noqa: ARG001 - every part is made with the settings
    """Entry point `undertone`."""
    return UndertonePlugin()
