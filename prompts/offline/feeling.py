"""What is heard of the feeling: from the readings where they are sure, from the seeker's own words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

from agent.turn import Turn
from prompts.offline.manner import (
    cries_for_joy,
    has_helped,
    is_asked,
    is_eager,
    is_owed,
    is_reported,
    laughs,
    tells_of_loss,
)
from prompts.offline.occasion import straightened
from prompts.offline.phrases import FeelingWords, Phrases
from prompts.offline.topics import Subject

__all__ = ["Heard", "Tone", "has_any", "hear", "in_distress"]

Tone = Literal["neutral", "hard", "loss", "joy", "ahead", "tender", "surprise", "relief"]

_SURE = 0.35  # of 32 labels: eleven times chance
_TENTATIVE = 0.2
_PLAIN_WORDS = 0.6  # probability that the words show no emotion, from which nothing is asserted
_NO_EMOTION = 0.85  # from which nothing is even guessed
_GOOD_MASS = 0.6
_OPPOSED = 0.25  # valence that speaks against a label's family
_GLADNESS = 0.4  # valence that outweighs single dark words
_SECOND = 0.6  # a second feeling is named from this share of the first one's probability

_TONES: Mapping[str, Tone] = {
    "grief": "hard", "loneliness": "hard", "letdown": "hard", "fear": "hard", "anger": "hard", "shame": "hard",
    "joy": "joy", "ahead": "ahead", "tender": "tender", "surprise": "surprise", "relief": "relief",
}  # fmt: skip
_GOOD_TONES = frozenset({"joy", "ahead", "tender", "relief"})

_GLAD = frozenset({"joy", "excitement", "pride", "gratitude", "amusement"})
_NOT_GLAD = frozenset(
    {"anger", "annoyance", "disappointment", "disgust", "fear", "grief", "nervousness", "remorse", "sadness"}
)

_BUT = re.compile(r"\b(but|not|should|no longer|unfortunately|although|however|never|without)\b|n't\b")
_INTENSIFIERS = (
    r"(?:(?:so|very|really|just|pretty|quite|a bit|a little|kind of|kinda|all|too|extremely|incredibly|also|"
    r"still|more|completely|totally|always|constantly|such|both|super|terribly|rather|even|now) )*"
)
_NOW = r"(?:^|\b(?:i feel|(?:i am|i'm|im|i've been|i have been)(?: feeling)?|feeling|makes me|i get))"
_THEN = r"\b(?:i felt|i was|made me|i got|i became)"
_THEIRS = (
    r"\b(?:he|she|they|everyone|everybody|mum|mom|dad|(?:my|our|his|her|the) (?:\w+ )?\w+)"
    r"(?:'s|'re| is| are| was| were| gets| got| seems?| looks| sounds|"
    r" seemed| looked| sounded| felt| became)(?: (?:been|being))?"
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard of the feeling.

    Attributes:
        tone: Which lists of first sentences fit.
        family: Family of the feeling, or None.
        words: What stands after "you feel"; None where nothing should be said of a feeling.
        sure: Whether the feeling may be asserted rather than guessed.
    """

    tone: Tone = "neutral"
    family: str | None = None
    words: str | None = None
    sure: bool = False


def in_distress(turn: Turn) -> bool:
    """Whether the message itself was read as strong distress, or worse."""
    return turn.risk is not None and turn.risk.level != "none"


def hear(turn: Turn, *, phrases: Phrases, variant: int, subject: Subject | None = None) -> Heard:
    """The feeling of a turn, as far as it may be spoken of.

    What the seeker calls it comes before what a model reads. A good feeling is believed only
    where nothing speaks against it: to congratulate somebody who is hurt is the worse mistake.
    To a person who has set readings right, only what they call a feeling themselves is spoken of.

    Args:
        turn: `text`; `emotion`, `expression`, `affect`, `risk` where they were read.
        phrases: The lists.
        variant: Which of several words for a feeling, counted round.
        subject: What is talked about: a glad guess needs more where that weighs.
    """
    text = straightened(turn.text)
    # People cry for joy, too.
    joyful = cries_for_joy(text) or (laughs(text) and subject is not None and subject.topic.mood == "good")
    glad = joyful or (turn.affect is not None and turn.affect.valence > _GLADNESS)
    hard = has_any(text, phrases.cues["hard"]) and not glad
    if tells_of_loss(text):
        return Heard("loss", "grief")
    named = _named(text, phrases)
    if named is not None and named.tone in _GOOD_TONES and _is_conceded(text, phrases):
        return Heard("hard" if hard or in_distress(turn) else "neutral")
    if named is None and has_helped(text):
        named = Heard("relief", "relief")
    if named is None and is_eager(text):
        named = Heard("ahead", "ahead")
    if named is not None and not ((hard or is_owed(text)) and named.tone in _GOOD_TONES):
        return named
    theirs = named is None and _is_theirs(text, phrases)
    heard = Heard() if theirs or _is_literal(turn) else _read(turn, phrases, variant)
    unread = heard == Heard() or (hard and heard.tone in _GOOD_TONES) or (joyful and heard.tone == "hard")
    heard = _guessed(turn, text, phrases, hard=hard or theirs, joyful=joyful) if unread else heard
    if not joyful:
        heard = _attuned(heard, turn, text, subject)
    if _is_good_news(turn, subject):
        return heard
    if in_distress(turn) and not joyful and not (heard.tone == "hard" and heard.sure):
        return Heard("hard", heard.family)  # what weighs is acknowledged; a guess at its name would be in the way
    return heard


def _attuned(heard: Heard, turn: Turn, text: str, subject: Subject | None) -> Heard:
    """What was read, set against how it is said and what is talked about: single messages are easily misread."""
    mood = subject.topic.mood if subject else None
    glad = heard.family is not None and _TONES[heard.family] in _GOOD_TONES
    if mood == "good" and not (heard.tone == "hard" and heard.sure):
        return _gladly(heard, turn, subject)
    if laughs(text) and heard.tone == "hard" and not heard.sure and not in_distress(turn):
        return Heard()
    if not glad:
        return heard
    if mood == "loss":
        return Heard("tender", "tender")
    if heard.tone not in _GOOD_TONES:  # one that is only wondered at
        return Heard() if mood == "hard" else heard
    plain = turn.affect is None or turn.affect.valence <= _GLADNESS
    misread = is_reported(text) or is_asked(text) or is_owed(text) or (mood == "hard" and plain)
    return Heard("hard" if _lately_low(turn) else "neutral") if misread else heard


def _gladly(heard: Heard, turn: Turn, subject: Subject | None) -> Heard:
    """About something good, pride is read as awe, surprise as a blow, and what it took as a burden."""
    here = subject is not None and subject.here
    if here and heard.family not in {"joy", "ahead"}:
        clearly = turn.affect is None or turn.affect.valence > 0
        return Heard("joy", "joy") if clearly and not in_distress(turn) else Heard()
    return Heard() if heard.tone == "hard" and (here or not in_distress(turn)) else heard


def _is_good_news(turn: Turn, subject: Subject | None) -> bool:
    """Whether the message tells of something glad, though it tells of what came before as well."""
    if subject is None or subject.topic.mood != "good" or not subject.here:
        return False
    return turn.affect is None or turn.affect.valence > -_OPPOSED


def _guessed(turn: Turn, text: str, phrases: Phrases, *, hard: bool, joyful: bool) -> Heard:
    """The tone where no emotion was read, by single words and by how things stood before."""
    if hard:
        return Heard("hard")
    good = has_any(text, phrases.cues["good"]) and not _BUT.search(text)
    if good or joyful or _shows_joy(turn):
        return Heard("joy", "joy")
    return Heard("hard") if _lately_low(turn) else Heard()


def _read(turn: Turn, phrases: Phrases, variant: int) -> Heard:
    """What the emotion reading allows to say."""
    if turn.emotion is None:
        return Heard()
    neutrality = turn.expression.neutrality if turn.expression else 0.0
    (label, probability), *rest = turn.emotion.top(2)
    first = phrases.feelings.get(label)
    if first is None or probability < _TENTATIVE or neutrality >= _NO_EMOTION:
        return Heard()
    tone = _TONES[first.family]
    valence = turn.affect.valence if turn.affect else 0.0
    mass = {True: 0.0, False: 0.0}
    for other, share in turn.emotion.probabilities.items():
        if other in phrases.feelings:
            mass[_TONES[phrases.feelings[other].family] in _GOOD_TONES] += share
    distressed = turn.risk is not None and turn.risk.level != "none"
    opposed = (distressed or valence < -_OPPOSED) if tone in _GOOD_TONES else tone == "hard" and valence > _OPPOSED
    if opposed:
        return Heard()
    sure = probability >= _SURE and neutrality < _PLAIN_WORDS
    words = _one(first, sure=sure, variant=variant)
    if rest and rest[0][0] in phrases.feelings and rest[0][1] >= max(_TENTATIVE, _SECOND * probability):
        second = phrases.feelings[rest[0][0]]
        mixed = (_TONES[second.family] in _GOOD_TONES) != (tone in _GOOD_TONES)
        if second.family != first.family:
            words += (" and yet " if mixed else " and ") + _one(second, sure=sure, variant=variant)
            tone = "hard" if mixed and "surprise" not in {first.family, second.family} else tone
    elif sure and tone in _GOOD_TONES and mass[True] < _GOOD_MASS:
        sure = False
    if not sure:
        return Heard("hard" if tone == "hard" and mass[False] >= _GOOD_MASS else "neutral", first.family, words)
    return Heard(tone, first.family, words, sure=True)


def _one(feeling: FeelingWords, *, sure: bool, variant: int) -> str:
    words = feeling.words if sure else feeling.mild
    return words[variant % len(words)]


def _shows_joy(turn: Turn) -> bool:
    """Whether the words themselves are glad, by two readings at once."""
    if turn.expression is None or turn.affect is None or turn.affect.valence < _OPPOSED:
        return False
    return bool(_GLAD & set(turn.expression.present)) and not _NOT_GLAD & set(turn.expression.present)


def _named(text: str, phrases: Phrases) -> Heard | None:
    """What the seeker calls the feeling; None where none is named."""
    text = text.replace("been better", "")  # an idiom for the opposite
    for opening, present in ((_NOW, True), (_THEN, False)):
        match = _naming(opening, tuple(phrases.own_words)).search(text)
        if match:
            word = match.group(1)
            family = phrases.own_words[word]
            said = present and family != "relief" and word not in phrases.cues["judging"]
            return Heard(_TONES[family], family, word if said else None, sure=said)
    return None


def _is_conceded(text: str, phrases: Phrases) -> bool:
    """Whether a "but" takes back the good feeling that is named: "I'm happy for her, but who will I eat with?"."""
    before, but, after = text.rpartition(" but ")
    if not but or _named(before, phrases) is None:
        return False
    then = _named(after, phrases)
    return not (has_any(after, phrases.cues["good"]) or (then is not None and then.tone in _GOOD_TONES))


def _is_theirs(text: str, phrases: Phrases) -> bool:
    """Whether the hard feeling that is named is somebody else's: to take it for the seeker's own, as readings tend
    to, would be to mishear them.
    """
    match = _naming(_THEIRS, tuple(phrases.own_words)).search(text)
    return match is not None and _TONES[phrases.own_words[match.group(1)]] == "hard"


@cache
def _naming(opening: str, words: tuple[str, ...]) -> re.Pattern[str]:
    either = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
    return re.compile(rf"{opening} ?{_INTENSIFIERS}({either})\b")


def _is_literal(turn: Turn) -> bool:
    state = turn.state or turn.state_before
    return state is not None and state.personal.literal


def _lately_low(turn: Turn) -> bool:
    """Whether the turns so far were on the dark side; a message that shows nothing does not end that."""
    state = turn.state or turn.state_before
    lighter = turn.affect is not None and turn.affect.valence > 0
    return state is not None and state.affect.valence < -_OPPOSED and not lighter


def has_any(text: str, words: tuple[str, ...]) -> bool:
    """Whether one of the words, or phrases, stands in the text."""
    return _either(words).search(text) is not None


@lru_cache(maxsize=256)
def _either(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"\b({'|'.join(map(re.escape, words))})\b")
