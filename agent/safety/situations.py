"""Danger around the person that is not of their own making: an emergency, somebody else's or their own body's,
violence, and voices.

It is found by patterns of English (`situations.toml`), message by message: few situations, and hardly ever one
that is none. It is no danger from the person; whoever suffers it is in distress, which `agent.safety.signs` adds
to their own record. What is done about a situation is in `protocol.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from typing import Any, Literal, get_args

from agent.errors import DataError
from agent.safety.toml_fields import any_of, shipped_toml

__all__ = [
    "SITUATIONS",
    "Around",
    "Situation",
    "SituationKind",
    "asks_what_to_do",
    "asks_where_to_turn",
    "prepare",
    "read_situation",
    "stands",
    "tells_of_help",
]

SituationKind = Literal["someone_else", "violence", "medical", "body", "voices"]
"""Somebody else may take their life; somebody hurts or threatens the person or their family; somebody's body fails
at this moment; the person's own does; the person hears voices, or feels watched, poisoned or meant, which others
may not share."""

SITUATIONS: tuple[SituationKind, ...] = get_args(SituationKind)


@dataclass(frozen=True, slots=True)
class Situation:
    """What a message tells of.

    Attributes:
        kind: What it is.
        now: Somebody is in danger this minute.
        child: The person seems to be a child; of violence.
    """

    kind: SituationKind
    now: bool = False
    child: bool = False


@dataclass(frozen=True, slots=True)
class Around:
    """The danger around the person as it stands after a message. Its size does not depend on how many.

    Attributes:
        kind, child: As last told.
        now: Somebody was in danger when it was last told, few messages ago.
        fresh: This message told of it.
        helped: Since then it was told that help is there, or on its way.
        quiet: Messages since then.
        turns: Messages since it was first told, or became pressing.
        done: What the replies did since it was first told, or became pressing.
    """

    kind: SituationKind
    child: bool = False
    now: bool = False
    fresh: bool = True
    helped: bool = False
    quiet: int = 0
    turns: int = 0
    done: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether the conversation is still about it, as far as can be told."""
        return self.quiet <= _OPEN


def stands(before: Around | None, text: str, *, unsafe: bool = False) -> Around | None:
    """The danger around the person after a message.

    Nothing that is said takes it back: a denial is a message that does not tell of it.

    Args:
        before: As it stood; None where nobody told of any.
        text: The message.
        unsafe: It answers that they are not safe from whoever harms them.
    """
    told, helped = read_situation(text), tells_of_help(text)
    if told is None and before is not None and before.open and (unsafe or (not helped and _nears(before, text))):
        told = Situation(before.kind, True, before.child)
    if told is None:
        if before is None:
            return None
        quiet = min(before.quiet + 1, _MOST)
        now, turns = before.now and quiet <= _PRESSES, min(before.turns + 1, _MOST)
        return replace(before, fresh=False, quiet=quiet, turns=turns, now=now, helped=before.helped or helped)
    if before is None or not before.open or told.kind != before.kind or (told.now and not before.now):
        return Around(told.kind, told.child, told.now, helped=helped)
    turns, child = min(before.turns + 1, _MOST), before.child or told.child
    return replace(before, child=child, fresh=True, quiet=0, turns=turns, helped=helped)


@dataclass(frozen=True, slots=True)
class _Sign:
    kind: SituationKind
    now: bool
    pattern: str
    need: tuple[str, ...]
    unless: tuple[str, ...]
    unless_anywhere: tuple[str, ...]

    def in_(self, sentences: Iterable[str], whole: str) -> bool:
        pattern = _compiled(self.pattern)
        if not any(pattern.search(one) and not _holds(one, self.unless) for one in sentences):
            return False
        return not _holds(whole, self.unless_anywhere) and (not self.need or _holds(whole, self.need))


def _holds(text: str, gates: Iterable[str]) -> bool:
    """Whether one of the gates is there. Each is compiled by itself: many signs share it."""
    return any(_compiled(gate).search(text) for gate in gates)


@dataclass(frozen=True, slots=True)
class _Signs:
    signs: tuple[_Sign, ...]
    glance: Mapping[SituationKind, re.Pattern[str]]
    now: Mapping[SituationKind, str]
    child: str
    helped: str
    where: str
    what_to_do: str
    near: str


_OPEN = 8  # messages after the last that told of it for which whatever speaks keeps it in mind
_PRESSES = 3  # after which a danger of this minute counts as one that lasts
_MOST = 99  # where counting ends
_LONGEST = 2000  # characters that are read at either end
_STRAIGHT = str.maketrans("\u2019\u2018\u02bc\u00b4`\u201c\u201d", "'''''\"\"")
_BLANKS = re.compile(r"[^\S\n]+")
_SENTENCE = re.compile(r"[.!?;\n\u2026]+")
_GRAVEST: tuple[SituationKind, ...] = ("medical", "body", "violence", "someone_else", "voices")


def read_situation(text: str) -> Situation | None:
    """The gravest situation that a message tells of; None where it tells of none.

    What is happening now comes before what is not, and then a failing body, another's first, before violence
    before somebody's wish to die, before voices. Stories, news, games, dreams and what is long past are none.

    Args:
        text: The message. Of a long one, beginning and end are read.
    """
    whole = _plain(text)
    sentences = [one.strip(" ,:-") for one in _SENTENCE.split(whole) if one.strip()]
    signs = _signs()
    found: dict[SituationKind, bool] = {}
    worth = {kind for kind, pattern in signs.glance.items() if pattern.search(whole)}
    for sign in signs.signs:
        if sign.kind in worth and not found.get(sign.kind, False) and sign.in_(sentences, whole):
            found[sign.kind] = sign.now or found.get(sign.kind, False)
    if not found:
        return None
    for kind, pattern in signs.now.items():
        if kind in found:
            found[kind] = found[kind] or _compiled(pattern).search(whole) is not None
    kind = min(found, key=lambda each: (not found[each], _GRAVEST.index(each)))
    return Situation(kind, found[kind], kind == "violence" and _compiled(signs.child).search(whole) is not None)


def asks_where_to_turn(text: str) -> bool:
    """Whether a message asks who could help, or for a number."""
    return _compiled(_signs().where).search(_plain(text)) is not None


def asks_what_to_do(text: str) -> bool:
    """Whether a message asks what to do about it, e.g. whom to tell, or what to say to them."""
    return _compiled(_signs().what_to_do).search(_plain(text)) is not None


def _nears(before: Around, text: str) -> bool:
    """Whether somebody who was said to be violent is said to come near."""
    return before.kind == "violence" and _compiled(_signs().near).search(_plain(text)) is not None


def tells_of_help(text: str) -> bool:
    """Whether a message tells that help is there or on its way, for the person or for whoever they fear for."""
    return _compiled(_signs().helped).search(_plain(text)) is not None


def _plain(text: str) -> str:
    if len(text) > 2 * _LONGEST:
        text = f"{text[:_LONGEST]}\n{text[-_LONGEST:]}"
    return _BLANKS.sub(" ", text.translate(_STRAIGHT).lower()).replace('"', "")


@cache
def _signs() -> _Signs:
    """The patterns as shipped; read once.

    Raises:
        DataError: The file is missing or holds what it should not.
    """
    raw = shipped_toml("situations.toml")
    words, gates = raw["words"], raw["gate"]
    return _Signs(
        tuple(_sign(one, words, gates) for one in raw["sign"]),
        {kind: re.compile(rf"\b(?:{pattern})") for kind, pattern in raw["glance"].items()},
        {kind: any_of([pattern], words) for kind, pattern in raw["now"].items()},
        *(any_of([raw[name]["pattern"]], words) for name in ("child", "helped", "where", "what_to_do", "near")),
    )


def prepare(first: Callable[[], None] = lambda: None) -> None:
    """Compile all patterns now, which a message about danger would else wait for.

    Args:
        first: Called before each, which takes a tenth of a second at most.
    """
    signs = _signs()
    of_all = (*signs.now.values(), signs.child, signs.helped, signs.where, signs.what_to_do, signs.near)
    of_signs = ((sign.pattern, *sign.need, *sign.unless, *sign.unless_anywhere) for sign in signs.signs)
    for pattern in dict.fromkeys((*of_all, *chain(*of_signs))):
        first()
        _compiled(pattern)


def _sign(raw: Mapping[str, Any], words: Mapping[str, str], gates: Mapping[str, str]) -> _Sign:
    if raw["kind"] not in SITUATIONS:
        raise DataError(
            f"agent/safety/situations.toml: no kind {raw['kind']!r}. Choices: {', '.join(SITUATIONS)}."
        )
    return _Sign(
        raw["kind"],
        raw.get("now", False),
        any_of(raw["patterns"], words),
        *(
            tuple(any_of([gates[name]], words) for name in raw.get(which, ()))
            for which in ("with", "unless", "unless_anywhere")
        ),
    )


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compiled when it is first needed: all of them take longer than the rest of a first turn."""
    return re.compile(pattern)
