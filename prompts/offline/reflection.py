"""Finds what carries a message and gives it back in the second person, or leaves it alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from agent.readings import CausalSpan
from agent.turn import Turn
from prompts.offline.clauses import MOST_WORDS, Clause, clauses_of, is_sound, joined, trimmed
from prompts.offline.doubts import is_better_unsaid, softened
from prompts.offline.grammar import finite_place
from prompts.offline.pronouns import turned_round
from prompts.offline.words import ADVERBS, DENIED, EMPTY, HEAVY, STATES, WISHES

__all__ = ["ClauseKind", "Reflection", "reflect", "turned_clause"]

ClauseKind = Literal["event", "thought", "feeling"]

_SHOUTED_SHARE = 0.6
_SHOUTED_LETTERS = 5  # fewer are an initial or a name
_FEW_WORDS = 2
_CALENDAR = re.compile(
    r"\b((mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|april|june|july|september|october|november|"
    r"december|christmas|easter|((?<=\bin )|(?<=\bby )|(?<=\bsince )|(?<=\buntil ))(march|may|august))\b"
)
_LEAST_WEIGHT = 1.2  # below it stand "it was outside", "that was mine"


@dataclass(frozen=True, slots=True)
class Reflection:
    """The seeker's own words, turned round.

    Attributes:
        clause: A statement without final punctuation, lower case at the start unless it opens
            with a name or with `I`.
        kind: What it tells of. An `"event"` can be the reason for a feeling; a `"thought"` is a
            wish, a belief or a doubt; a `"feeling"` names the feeling itself.
        weighty: Whether it can stand as the reason for a hard feeling: it was read as a cause, or
            its words are heavy ones.
    """

    clause: str
    kind: ClauseKind
    weighty: bool


def reflect(turn: Turn, *, feelings: Collection[str] = (), said: Sequence[str] = ()) -> Reflection | None:
    """The clause of the message that carries most, turned round.

    Cause spans come first where they were read, then what follows "because", "since", "when" and
    "after", then the clause with the weightiest words. Clauses joined to it come along while
    they fit.

    Args:
        turn: `text`, and `cause` where it was read.
        feelings: Words for feelings, lower case; they make a clause weightier, and a `"feeling"`.
        said: What the supporter said before. What was quoted once is not quoted again.

    Returns:
        None where nothing in the message can be given back safely and soundly.
    """
    around = None if turn.course is None else turn.course.around
    if around is not None and around.open and around.kind == "voices":
        return None  # what others may not share, given back, would sound agreed with
    if _is_shouted(turn.text):
        return None
    clauses, feelings = clauses_of(turn.text), frozenset(feelings)
    causes = _cause_words(turn)
    weights = [_weight(clause, causes, feelings) for clause in clauses]
    told = "\n".join(said).lower()
    for place in sorted(range(len(clauses)), key=lambda place: -weights[place]):
        if weights[place] < _LEAST_WEIGHT:
            break
        for words in (_widened(clauses, place), clauses[place].words):
            if not is_sound(clauses[place]) or _is_taken_back(clauses, place, words):
                continue
            clause = turned_clause(words)
            if clause and clause.lower() not in told and turned_core(clauses[place]) not in told:
                return Reflection(clause, _kind(words, feelings), _is_weighty(clauses[place], causes, feelings))
    return None


def _is_taken_back(clauses: Sequence[Clause], place: int, words: Sequence[str]) -> bool:
    """Whether a "but" that is not among the words says what matters: "I love her, but I feel nothing"."""
    told = set(words)
    return any(
        later.sentence == clauses[place].sentence
        and later.opener.endswith("but")
        and not told.issuperset(later.words)
        for later in clauses[place + 1 :]
    )


def _is_shouted(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    loud = sum(letter.isupper() for letter in letters)
    return loud >= _SHOUTED_LETTERS and loud > _SHOUTED_SHARE * len(letters)


def turned_core(clause: Clause) -> str:
    """The opening of the clause as it would be said, by which a second quotation is noticed."""
    return joined(turned_round(clause.words[:8])).lower()


def turned_clause(words: Sequence[str]) -> str | None:
    """A sound clause, trimmed and turned round; None where the outcome is doubtful.

    Args:
        words: Tokens of the clause, as `clauses_of` gives them.
    """
    short = trimmed(words)
    if short is None:
        return None
    short = (*softened(joined(short).lower()), *short)
    if is_better_unsaid(joined(short).lower()):
        return None
    turned = turned_round(short)
    first = turned[0] if turned[0] == "I" or _is_name(short) else turned[0][0].lower() + turned[0][1:]
    return _capitals(joined((first, *turned[1:])))


def _capitals(clause: str) -> str:
    """With capitals for days and months, which many people leave small."""
    return _CALENDAR.sub(lambda match: match.group()[0].upper() + match.group()[1:], clause)


def _is_name(words: Sequence[str]) -> bool:
    plural = len(words) > 1 and words[1].lower() in {
        "are",
        "were",
        "have",
        "don't",
        "aren't",
        "weren't",
        "haven't",
    }
    return (
        not plural
        and words[0][0].isupper()
        and finite_place(words) > 0
        and finite_place((words[0].lower(), *words[1:])) == 0
    )


def _cause_words(turn: Turn) -> tuple[tuple[frozenset[str], float], ...]:
    spans: Sequence[CausalSpan] = turn.cause.spans if turn.cause else ()
    here = [span for span in spans if span.utterance == len(turn.history)]
    return tuple((_content(span.text.replace("\u2019", "'").split()), span.score) for span in here)


def _content(words: Sequence[str]) -> frozenset[str]:
    return frozenset(word.lower().strip(",.!?;:") for word in words) - EMPTY


def _weight(clause: Clause, causes: Sequence[tuple[frozenset[str], float]], feelings: frozenset[str]) -> float:
    content = _content(clause.words)
    weight = 0.4 * min(len(content), 6)
    weight += 1.5 * min(2, len(content & HEAVY))
    weight += 1.0 * bool(content & feelings)
    weight += 2.0 * (clause.opener in {"because", "since"}) + 1.0 * (clause.opener in {"when", "after"})
    weight -= 1.2 * (clause.words[0].lower() in {"it", "it's", "that's", "that", "this"})
    weight += 0.8 * bool({"i", "i'm", "i've", "my", "me"} & {word.lower() for word in clause.words})
    weight += 2.0 * _is_softened(clause)
    weight += 0.8 * (clause.opener == "but")
    if len(content) <= _FEW_WORDS and content & feelings:
        weight -= 1.5  # "I feel sad" tells less than what made it so; the feeling is named anyway
    for span, score in causes:
        if span:
            weight += 8 * score * len(span & content) / len(span)
    return weight


def _is_weighty(clause: Clause, causes: Sequence[tuple[frozenset[str], float]], feelings: frozenset[str]) -> bool:
    content = _content(clause.words)
    read = any(2 * len(span & content) >= len(span) > 0 for span, _ in causes)
    return read or clause.opener in {"because", "since"} or bool(content & (HEAVY | feelings))


def _widened(clauses: Sequence[Clause], place: int) -> tuple[str, ...]:
    """The clause with its neighbours of the same sentence, as long as they fit."""
    words = clauses[place].words
    last = place
    while last + 1 < len(clauses) and _joins(clauses[last + 1], clauses[place]):
        wider = (*words, *_hinge(clauses[last + 1]), *clauses[last + 1].words)
        if len(wider) > MOST_WORDS:
            break
        words, last = wider, last + 1
    first = place
    while first > 0 and _joins(clauses[first], clauses[first - 1]) and is_sound(clauses[first - 1]):
        wider = (*clauses[first - 1].words, *_hinge(clauses[first]), *words)
        if len(wider) > MOST_WORDS or clauses[first - 1].opener in {"if", "although", "though", "while", "as"}:
            break
        words, first = wider, first - 1
    return words


def _hinge(later: Clause) -> tuple[str, ...]:
    return (",", later.opener) if later.opener in {"but", "so"} else (later.opener,)


def _joins(later: Clause, earlier: Clause) -> bool:
    return (
        later.sentence == earlier.sentence
        and later.opener in {"and", "but", "because", "so", "since", "when", "after"}
        and (is_sound(later) or later.opener in {"when", "after", "since", "because"})
        and (not _is_softened(later) or _is_softened(earlier))
    )


def _is_softened(clause: Clause) -> bool:
    """Whether it is said with "you feel like": that stands before the first clause, and holds for what follows."""
    return bool(softened(joined(clause.words).lower()))


def _kind(words: Sequence[str], feelings: Collection[str]) -> ClauseKind:
    low = [word.lower() for word in words]
    place = finite_place(words)
    if softened(joined(low)):
        return "thought"
    if low[0] in {"i", "i'm", "i've", "we", "we're", "we've"}:
        rest = [word for word in low[1:] if word not in ADVERBS]
        state = low[0] in {"i'm", "we're"} or (bool(rest) and rest[0] in STATES)
        if state and any(word in feelings for word in rest[:3]):
            return "feeling"
    verbs = [word for word in low[place - 1 : place + 2] if word not in ADVERBS | DENIED]
    return "thought" if verbs and verbs[0] in WISHES else "event"
