"""What kind of message came in, apart from what it tells: a greeting, a thank-you, no words at all."""

from __future__ import annotations

import re
from typing import Literal, cast

from agent.safety.disclosure import asks_whether_ai
from agent.turn import Turn
from prompts.offline.patterns import (
    ADVICE,
    ANSWERS,
    CODE,
    DESK_STILL,
    DESK_THING,
    DESK_TROUBLE,
    ERRAND,
    HARMED,
    HEARTFELT,
    KINDS,
    MEDICAL,
    QUIZ,
)
from prompts.offline.words import COMMON, ENGLISH

__all__ = ["Occasion", "occasion_of", "straightened", "tells_of_harm"]

Occasion = Literal[
    "symbols", "language", "jumble", "order", "identity", "complaint", "farewell", "thanks", "uptake", "quiet",
    "professional", "beginning", "verdict", "withdrawn", "english", "apology", "how_are_you", "greeting",
    "own_life", "ability", "medical", "advice", "desk", "harmed", "yes", "no", "unsure", "good", "bad",
    "off_topic", "ordinary",
]  # fmt: skip
"""Three kinds of unreadable text; then what is answered as such; `"ordinary"` is all the rest."""

_LAST_CHARACTERS = 1500  # of a long message: what it asks for stands at the end
_REMEMBERED = 4  # messages for which violence, once told of, shapes the replies
_DESK_REMEMBERED = 2
_FEW_WORDS = 3
_LAST_LATIN = "\u024f"
_LATIN_SHARE = 0.6
_VOWEL = re.compile(r"[aeiouyàâäáèéêëìíîïòóôöùúûü]")
_VOWEL_SHARE = 0.2  # of the letters; English has nearly twice as many
_ENGLISH_SHARE = 0.2  # of the words; own examples in English lie above 0.35, in others below 0.15


def straightened(text: str) -> str:
    """The text in lower case, with straight apostrophes and single spaces, as the patterns read it."""
    return " ".join(text.lower().replace("\u2019", "'").split())


def tells_of_harm(text: str) -> bool:
    """Whether the text tells of violence that was done to the seeker."""
    return HARMED.search(straightened(text)) is not None


def occasion_of(turn: Turn) -> Occasion:
    """The kind of a message; `"ordinary"` where it simply tells something.

    Rules, first match wins. They look for kinds of which a wrong reading costs little: the reply
    to each of them still invites the person to go on.
    """
    text = straightened(turn.text)[-_LAST_CHARACTERS:]
    unreadable = _unreadable(text)
    if unreadable:
        return unreadable
    answer = next((kind for kind, pattern in ANSWERS.items() if pattern.search(text)), None)
    kind = next((kind for kind in KINDS if _is(kind, text)), None)
    harmed = any(map(tells_of_harm, (turn.text, *turn.said_by("seeker")[-_REMEMBERED:])))
    if kind and not answer and not (harmed and kind == "verdict"):
        return cast("Occasion", kind)
    if harmed:
        return "harmed"
    return cast("Occasion", answer) if answer else _request(turn, text) or "ordinary"


def _is(kind: str, text: str) -> bool:
    return KINDS[kind].search(text) is not None or (kind == "identity" and asks_whether_ai(text))


def _request(turn: Turn, text: str) -> Occasion | None:
    """What is asked for, if anything."""
    advice = ADVICE.search(text) is not None
    if MEDICAL.search(text) and (advice or text.endswith("?")):
        return "medical"
    if advice:
        return "advice"
    before = map(straightened, turn.said_by("seeker")[-_DESK_REMEMBERED:])
    if _is_desk(text) or (DESK_STILL.search(text) and any(map(_is_desk, before))):
        return "desk"
    quiz = QUIZ.search(text) and not HEARTFELT.search(text)
    return "off_topic" if quiz or ERRAND.search(text) else None


def _is_desk(text: str) -> bool:
    return bool(DESK_THING.search(text) and DESK_TROUBLE.search(text))


def _unreadable(text: str) -> Occasion | None:
    """Why the words cannot be read, or None where they can."""
    letters = [letter for letter in text if letter.isalpha()]
    if not letters:
        return "jumble" if any(sign.isdigit() for sign in text) else "symbols"
    if sum(letter <= _LAST_LATIN for letter in letters) < _LATIN_SHARE * len(letters):
        return "language"
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", text)
    known = sum(word in COMMON for word in words)
    if CODE.search(text) and known < _ENGLISH_SHARE * len(words):
        return "jumble"
    if len(words) <= _FEW_WORDS:
        vowels = sum(_VOWEL.match(letter) is not None for letter in letters)
        jumbled = len(letters) > _FEW_WORDS and vowels < _VOWEL_SHARE * len(letters)
        return "jumble" if jumbled and not known else None
    return "language" if not ENGLISH & set(words) and known < _ENGLISH_SHARE * len(words) else None
