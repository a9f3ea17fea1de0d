"""Takes personal data out of texts and turns, and leaves the words that carry emotion and cause.

    >>> redact("My sister Anna (anna@example.org) hasn't called since Monday and I miss her.")
    "My sister [name] ([email]) hasn't called since Monday and I miss her."

What is found by its form is replaced (`agent.safety.personal_data`); what has no form stays: a name that nobody
introduces, a place, an employer, what happened. Who knows the person can still tell who it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from types import MappingProxyType
from typing import Any

from agent.readings import CausalSpan
from agent.safety.personal_data import finders, plain
from agent.safety.personal_forms import KINDS, Found
from agent.turn import Turn

__all__ = ["Redacted", "redact", "redact_turn", "redacted"]

_PLACEHOLDER = re.compile("|".join(re.escape(f"[{kind}]") for kind in KINDS))
_BARRIER = "["  # no pattern reaches over it
_PASSES = 4  # what stood between two digits may have hidden them; a third pass found nothing in any test

_IDS = frozenset({"id", "conversation_id", "sha256", "template", "source", "label_set", "speaker", "stood_in_for"})
"""Fields that name a thing of ours. They are never a person's words, and must stay what they are."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without personal data.

    Attributes:
        text: With placeholders, e.g. `[phone]`.
        found: What was replaced, as characters of the text before: first, one past the last, kind; in order.
    """

    text: str
    found: tuple[Found, ...]

    def moved(self, start: int, end: int) -> tuple[int, int] | None:
        """Where characters of the text before stand now. One cut in two by a placeholder takes all of that.

        Returns:
            None where nothing but placeholders and white space would be left.
        """
        begin, stop = self._place(start, at_end=False), self._place(end, at_end=True)
        words = _PLACEHOLDER.sub("", self.text[begin:stop])
        return (begin, stop) if words.strip(" \t\n.,;:()'\"") else None

    def _place(self, place: int, *, at_end: bool) -> int:
        shift = 0
        for start, end, kind in self.found:
            length = len(kind) + 2
            if place < end or (place == end and at_end):
                if start < place:
                    return start + shift + (length if at_end else 0)
                break
            shift += length - (end - start)
        return place + shift


def redact(text: str, *, public: Collection[str] = ()) -> str:
    """The text with typed placeholders in place of personal data: `[email]`, `[phone]`, `[address]`, `[url]`,
    `[card]`, `[iban]`, `[id number]`, `[ip]`, `[date of birth]`, `[name]`.

    Redacting twice changes nothing more. The time that it takes grows with the length of the text.

    Args:
        text: Of anybody.
        public: Numbers and addresses that are nobody's own and stay, e.g. of help lines, however they are grouped.
    """
    return redacted(text, public=public).text


def redacted(text: str, *, public: Collection[str] = ()) -> Redacted:
    """As `redact`, with what was found."""
    seen, places = plain(text)
    kept = {_bare(each) for each in public}
    masked = _PLACEHOLDER.sub(lambda match: _BARRIER * len(match[0]), seen)
    found: list[Found] = []
    for _ in range(_PASSES):
        so_far = len(found)
        for finder in finders():
            new = [*finder(masked)]
            found += (each for each in new if _bare(masked[each[0] : each[1]]) not in kept)
            masked = _without(masked, new)
        if len(found) == so_far:
            break
    found.sort()
    in_text = tuple((places[start], places[end - 1] + 1, kind) for start, end, kind in found)
    return Redacted(_without(text, in_text, named=True), in_text)


def _without(text: str, found: Sequence[Found], *, named: bool = False) -> str:
    """The text with a placeholder, or a barrier of the same length, in place of what was found."""
    pieces: list[str] = []
    done = 0
    for start, end, kind in found:
        pieces += text[done:start], f"[{kind}]" if named else _BARRIER * (end - start)
        done = end
    return "".join([*pieces, text[done:]]) if found else text


def _bare(number: str) -> str:
    """A number or an address as it is compared: letters and digits alone."""
    return "".join(character for character in number.casefold() if character.isalnum())


def redact_turn(turn: Turn, *, public: Collection[str] = (), earlier_redacted: bool = False) -> Turn:
    """A copy of a turn without personal data: message, history, prompt, reply, examples, whatever holds words.

    Spans of causes and evidence are moved to where their words stand now, and left out where nothing but
    placeholders is left of them. Readings stay what they were, so a turn can be traced and counted as before.

    Args:
        turn: Any turn, finished or not.
        public: See `redact`.
        earlier_redacted: What was said in earlier turns is redacted already, so that spans in it fit as they are.
            Spans in messages that the turn does not hold are left out otherwise.
    """
    found: Turn = _Words(turn, public, earlier_redacted=earlier_redacted).without(turn)
    return found


class _Words:
    """Redacts whatever a turn holds. Each text is looked at once: a prompt repeats most of the history.

    New fields are redacted as well, unless they are named in `_IDS`: better an id too few than a name too many.
    """

    def __init__(self, turn: Turn, public: Collection[str], *, earlier_redacted: bool) -> None:
        self._turn, self._public, self._earlier_redacted = turn, public, earlier_redacted
        self._known: dict[str, Redacted] = {}

    def _redacted(self, text: str) -> Redacted:
        if text not in self._known:
            self._known[text] = redacted(text, public=self._public)
        return self._known[text]

    def without(self, value: Any) -> Any:
        """The value without personal data; the same object where it holds none."""
        match value:
            case str():
                found = self._redacted(value)
                return found.text if found.found else value
            case CausalSpan():
                return self._span(value)
            case tuple():
                items = [(item, self.without(item)) for item in value]
                kept = tuple(new for old, new in items if new is not None or old is None)
                return value if all(new is old for old, new in items) else kept
            case Mapping():
                now = {key: self.without(item) for key, item in value.items()}
                return value if all(now[key] is value[key] for key in now) else MappingProxyType(now)
        return self._fields(value) if is_dataclass(value) else value

    def _fields(self, owner: Any) -> Any:
        now = {each.name: self._field(owner, each.name) for each in fields(owner)}
        changed = {name: new for name, new in now.items() if new is not getattr(owner, name)}
        return replace(owner, **changed) if changed else owner

    def _field(self, owner: Any, name: str) -> Any:
        value = getattr(owner, name)
        if name in _IDS:
            return value
        if name == "evidence" and isinstance(value, tuple):
            return self._evidence(value, getattr(owner, "turn", self._turn.index))
        return self.without(value)

    def _span(self, span: CausalSpan) -> CausalSpan | None:
        dialogue = self._turn.dialogue
        said = dialogue[span.utterance].text if span.utterance < len(dialogue) else ""
        if said[span.start : span.end] == span.text:
            whole, place = self._redacted(said), (span.start, span.end)
        else:  # counted as another turn counts its dialogue: where the words begin is not known
            whole, place = self._redacted(span.text), (0, len(span.text))
        if not whole.found:
            return span
        moved = whole.moved(*place)
        if moved is None:
            return None
        start, end = moved
        begin = start if place[0] == span.start else span.start
        return replace(span, start=begin, end=begin + end - start, text=whole.text[start:end])

    def _evidence(self, spans: tuple[Any, ...], index: int) -> tuple[Any, ...]:
        """Spans in what the person said in the turn with that index."""
        said = [*self._turn.said_by("seeker"), self._turn.text]
        back = self._turn.index - index  # each turn holds one message of theirs
        if not 0 <= back < len(said):
            return spans if self._earlier_redacted else ()
        whole = self._redacted(said[-1 - back])
        if not whole.found:
            return spans
        return tuple(moved for span in spans if (moved := whole.moved(*span)) is not None)
