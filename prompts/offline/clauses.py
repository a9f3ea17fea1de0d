"""Cuts a message into clauses and tells which of them can stand as a sentence of their own.

There is no parser here: closed word lists (`words`) decide, and whatever they cannot vouch for is
left out. A reply without a quotation is better than a broken one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from prompts.offline.grammar import finite_place, is_past
from prompts.offline.words import (
    ADVERBS,
    APOSTROPHES,
    AUXILIARIES,
    CLOSERS,
    DANGLING,
    DETERMINERS,
    ELIDED,
    FILLERS,
    FINITE_NEXT,
    INDIRECT,
    INTRODUCES,
    NOT_VERBS,
    PRONOUN_SUBJECTS,
    TRAILING,
    VERBS,
)

__all__ = ["MOST_WORDS", "Clause", "clauses_of", "is_sound", "joined", "trimmed"]

MOST_WORDS = 14
"""A quotation longer than this no longer sounds like listening."""

_SAID = frozenset({"said", "told", "asked", "suggested", "mentioned"})
_LEAST_WORDS = 3
_MOST_CHARACTERS = 4000  # of a long message the end is read: that is where people get to the point

_TOKEN = re.compile(r"[$£€]?\d[\d.,:]*(?:%|[a-z]{1,2}\b)?|[^\W\d_]+(?:['-][^\W\d_]+)*|,|\S")
_SENTENCE = re.compile(r"(?<!\d)\.+|\.+(?!\d)|([!?;:…\n]+)|\s[-\u2013\u2014]+\s|\u2014|--+|[()\[\]]")
_STRETCHED = re.compile(r"\b(s+o+|ve+r+y+|rea+l+y+|no+|mu+ch|lo+ng|ba+d|to+)\b", re.IGNORECASE)
_SIGHED = re.compile(r"[\U0001F000-\U0001FAFF\u2600-\u27BF\uFE0F\u200D]|[:;]-?[()DPp/|]|<3|:'\(")
_TITLE = re.compile(r"\b(mr|mrs|ms|dr|prof|st)\.", re.IGNORECASE)

_CONNECTORS = frozenset({"and", "but", "so", "because", "since", "when", "after", "plus", "yet", "then"})
_NEVER_ALONE = frozenset({"although", "though", "while", "if", "as"})
_THRICE = re.compile(r"(.)\1\1", re.IGNORECASE)
_PAST_ONLY = frozenset({"when", "after"})
_SO_MANY = frozenset({"many", "much", "few", "little", "far", "long", "that"})
_THEN = frozenset(
    {
        "clearly",
        "obviously",
        "apparently",
        "unfortunately",
        "sadly",
        "luckily",
        "maybe",
        "eventually",
        "then",
        "also",
        "so",
        "today",
        "yesterday",
        "since",
    }
)
_OPENERS = _CONNECTORS | _NEVER_ALONE
_BEGIN_NO_CLAUSE = DETERMINERS | {"me"}
_NO_NOUNS = NOT_VERBS | VERBS | ADVERBS
_TELLTALE = frozenset({"i'm", "it's", "he's", "she's", "they're", "we're"})


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of a sentence with a subject and a verb of its own.

    Attributes:
        words: Tokens, cleaned; commas are tokens.
        opener: The conjunction or comma before it; empty at the start of a sentence.
        sentence: Number of its sentence in the message, from 0.
    """

    words: tuple[str, ...]
    opener: str
    sentence: int


def _by_word(phrases: Iterable[str], place: int) -> dict[str, list[list[str]]]:
    """The words of each phrase, in order, under the one at a place."""
    found: dict[str, list[list[str]]] = {}
    for words in map(str.split, phrases):
        found.setdefault(words[place], []).append(words)
    return found


_OPENING = _by_word((",", *FILLERS), 0)
_ENDING = _by_word((",", *TRAILING), -1)


def clauses_of(text: str) -> tuple[Clause, ...]:
    """The clauses of a message, in order; questions are left out.

    Args:
        text: The seeker's message. Of a long one only the end is read.
    """
    if len(text) > _MOST_CHARACTERS:
        text = text[-_MOST_CHARACTERS:].partition(" ")[2]
    text = text.replace("\u2019", "'").replace("\u2018", "'").replace("`", "'").replace("n;t", "n't")
    text = _STRETCHED.sub(lambda match: re.sub(r"(\w)\1{2,}", r"\1", match.group()), text)
    text = _TITLE.sub(r"\1", _SIGHED.sub(" . ", text))
    found: list[Clause] = []
    for number, words in enumerate(_sentences(text)):
        found.extend(Clause(tuple(words), opener, number) for opener, words in _cut(words) if words)
    return tuple(found)


def _sentences(text: str) -> Iterator[list[str]]:
    """Tokens of each sentence, spelled out and without fillers; nothing for a question."""
    start = 0
    for match in (*_SENTENCE.finditer(text), None):
        end = match.start() if match else len(text)
        words = _spelled(_TOKEN.findall(text[start:end]))
        asks = match is not None and "?" in match.group()
        start = match.end() if match else end
        words = _restored(_stripped(words))
        yield [] if asks or not words or words[0].lower() in AUXILIARIES else words


def _spelled(words: Sequence[str]) -> list[str]:
    spelled: list[str] = []
    for place, word in enumerate(words):
        low = word.lower()
        after = words[place + 1].lower() if place + 1 < len(words) else ""
        if low == "its" and after in {"been", "a", "not", "just", "so", "really", "very", "like", "hard", "the"}:
            spelled.append("it's")
        elif low == "ill" and after in {"be", "never", "have", "lose", "get", "always", "just", "miss", "fail"}:
            spelled.append("i'll")
        elif low == "idk" and after in PRONOUN_SUBJECTS | {"my", "everything", "life", "things"}:
            spelled.append(low)  # a sigh before the sentence, which is no object of it
        elif word == "i" or low.startswith("i'"):
            spelled.append(low)
        else:
            spelled.extend(APOSTROPHES[low].split() if low in APOSTROPHES else [word])
    return spelled


def _stripped(words: list[str]) -> list[str]:
    """Without what the sentence loses nothing by at either end."""
    changed = True
    while changed and words:
        changed = False
        low = [word.lower() for word in words]
        for parts in _OPENING.get(low[0], ()):
            if low[: len(parts)] == parts and _may_open(low, len(parts), strict=parts == ["no"]):
                words, changed = words[len(parts) :], True
                break
        shorter = list(_without_tail(words))
        words, changed = shorter, changed or len(shorter) < len(words)
    return words


def _without_tail(words: Sequence[str]) -> tuple[str, ...]:
    low = [word.lower() for word in words]
    tail = [""]
    while tail:
        ends = _ENDING.get(low[-1], ()) if low else ()
        tail = next((end for end in ends if len(end) < len(low) and low[-len(end) :] == end), [])
        low = low[: len(low) - len(tail)]
    return tuple(words[: len(low)])


def _may_open(low: Sequence[str], place: int, *, strict: bool) -> bool:
    if place >= len(low) or low[place] == "," or low[place] in PRONOUN_SUBJECTS:
        return True
    return not strict and (
        low[0] == ","
        or low[place] in DETERMINERS
        or low[place] in _CONNECTORS
        or low[place] in FILLERS
        or low[place] in ELIDED
    )


def _restored(words: list[str]) -> list[str]:
    """With the `I` that was left out: "lost my job" is "I lost my job"."""
    first = words[0].lower() if words else ""
    if first == "just" and len(words) > 1 and words[1].lower() in ELIDED:
        return [ELIDED[words[1].lower()], "just", words[1].lower(), *words[2:]]
    if first in ELIDED and len(words) >= _LEAST_WORDS:
        return [ELIDED[first], first, *words[1:]]
    return words


def _cut(words: list[str]) -> Iterator[tuple[str, list[str]]]:
    """The clauses of one sentence, each with its opener."""
    opener, start = "", 0
    if len(words) > 1 and words[0].lower() in _OPENERS:
        opener, start = words[0].lower(), 1
    led = bool(opener)  # by a conjunction: then the next subject begins the main clause
    place = start + 1
    while place < len(words):
        found = _boundary(words, start, place, led=led)
        if found is None:
            place += 1
            continue
        before = words[start:place]
        yield opener, _stripped(before)
        opener, start = found
        led = False
        place = start + 1
    yield opener, _stripped(words[start:])


def _boundary(words: list[str], start: int, place: int, *, led: bool) -> tuple[str, int] | None:
    """Opener of the clause that begins at `place` and where its words begin; None inside a clause."""
    before, left = words[place - 1].lower(), words[start:place]
    first = place
    while first < len(words) and (words[first].lower() in _CONNECTORS or words[first] == ","):
        first += 1
    if first == place:  # as at most words, and hardly any of them begins a clause
        return (",", place) if _runs_on(words, place, led=led) and finite_place(left) else None
    opener = " ".join(word.lower() for word in words[place:first] if word != ",") or ","
    quantity = opener.endswith("so") and words[first : first + 1] and words[first].lower() in _SO_MANY
    # "My brother and I" is one subject; "long day and I am tired" is a fragment and a clause.
    subject = not finite_place(left) and (len(left) == 1 or left[0].lower() in _BEGIN_NO_CLAUSE)
    if quantity or subject or (opener in _PAST_ONLY and before in INDIRECT):
        return None
    while first < len(words) and words[first].lower() in _THEN:
        first += 1
    return (opener, first) if finite_place(words[first : first + 8]) else None


def _runs_on(words: Sequence[str], place: int, *, led: bool) -> bool:
    """Whether a new clause begins without any sign: "I failed my exam my parents don't know"."""
    word, before = words[place].lower(), words[place - 1].lower()
    if before in INTRODUCES or (before == "out" and words[place - 2].lower() in INTRODUCES):  # "I found out"
        return False
    if word in PRONOUN_SUBJECTS:
        verb = words[place + 1].lower() if place + 1 < len(words) else ""
        return led or before in CLOSERS or word in _TELLTALE or verb in FINITE_NEXT
    owned = word in {"my", "our"} and before not in _NO_NOUNS and not before.endswith("ed")
    finite = finite_place(words[place : place + 5]) if owned else 0
    # A full verb would rather be part of the same clause: "the garden my grandmother planted".
    return finite > 0 and words[place + finite - 1].lower() in FINITE_NEXT


def is_sound(clause: Clause) -> bool:
    """Whether the clause can stand alone as a statement.

    Those after `when` or `after` can only where they tell of the past ("when my father died");
    those after `if` never can.
    """
    words = clause.words
    verb = finite_place(words)
    opener = clause.opener.split(" ")[-1]
    if not verb or sum(word != "," for word in words) < _LEAST_WORDS or words[verb : verb + 1] == (",",):
        return False
    addressed = words[0].lower() == "you" and words[verb - 1].lower() not in _SAID
    leaning = opener in _NEVER_ALONE or (opener in _PAST_ONLY and not is_past(words))
    return not addressed and not leaning and _is_prose(words)


def _is_prose(words: Sequence[str]) -> bool:
    """Whether these are words, neither shouted nor stretched, and nothing else."""
    loud = [word for word in words if len(word) >= _LEAST_WORDS and word.isupper()]
    signs = any(not (word == "," or word[0].isalnum() or word[0] in "$£€") for word in words)
    return not signs and 2 * len(loud) <= len(words) and not any(_THRICE.search(word) for word in words)


def trimmed(words: Sequence[str]) -> tuple[str, ...] | None:
    """The clause cut to `MOST_WORDS` at a boundary that leaves it whole; None where there is none."""
    if len(words) <= MOST_WORDS:
        return _without_tail(_unhinged(words))
    cuts = ("which", "who", "because", "while", "until", "before", "but", "so", ",", "and", "when", "after", "if")
    looser = ("for", "about", "during", "since", "at", "in", "on", "from", "without", "with", "after", "as")
    least = max(4, finite_place(words) + 2)
    for boundaries in (cuts, looser):
        for place in range(MOST_WORDS, least - 1, -1):
            before = words[place - 1].lower()
            listing = words[place] == "," and "," in words[:place]
            if words[place].lower() in boundaries and before not in DANGLING and before != "," and not listing:
                return _without_tail(_unhinged(words[:place]))
    return None


def _unhinged(words: Sequence[str]) -> tuple[str, ...]:
    """Without a conjunction and the adverb after it, left over by a cut: "but ultimately"."""
    adverb = words[-1].lower() in ADVERBS or words[-1].endswith("ly")
    return tuple(words[:-2] if adverb and words[-2].lower() in _CONNECTORS else words)


def joined(words: Sequence[str]) -> str:
    """Tokens as text."""
    return " ".join(words).replace(" ,", ",")
