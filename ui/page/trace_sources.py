"""What a visitor may walk through: stored conversations that are theirs to see, and files that they bring."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.errors import HeartlineError, InputError
from agent.intake import scrub
from agent.perception import Perception
from agent.settings import Settings
from ui.brought import brought
from ui.cohort import Cohort, cohort_of
from ui.dialogues import Dialogue
from ui.page import own_data
from ui.page.answering import Trouble
from ui.page.desk import Desk
from ui.page.opened import Conversation
from ui.page.visitor import Visitor
from ui.replay import followed
from ui.trajectories import Trajectory, stored

__all__ = [
    "MOST_BYTES",
    "TOGETHER",
    "File",
    "Read",
    "RefusedError",
    "Tally",
    "cohort_of_opened",
    "cohort_of_stored",
    "page_of",
    "read_files",
    "sees_all",
    "stored_conversation",
    "too_large",
    "unpacked",
]

MOST_BYTES = 8_000_000
"""Of the files that are opened together."""

TOGETHER = 200
"""Conversations of the store that are seen together: the newest."""

_FILES = 20
_TURNS = 5000
_READ = 500  # messages of plain dialogues, each read by the models: some seconds of one core
_BATCH = 16  # of them between two looks at how far it is
_NAME = 100  # characters
_GZIP = 31  # zlib's word for it


class RefusedError(HeartlineError):
    """Something is not opened, and a person is told why.

    Attributes:
        trouble: What they are told.
    """

    def __init__(self, trouble: Trouble) -> None:
        self.trouble = trouble
        super().__init__(trouble.key)


@dataclass(slots=True)
class Tally:
    """How far something is that takes a while.

    Attributes:
        done: What was done so far.
        of: What there is to do; 0 as long as nobody knows.
        stopped: Nobody waits for it any more.
    """

    done: int = 0
    of: int = 0
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """A file of a visitor: its name, and what is in it."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """What files hold.

    Attributes:
        conversations: In the order of the files.
        problems: Name of a file, and why something in it could not be used.
    """

    conversations: tuple[Conversation, ...]
    problems: tuple[tuple[str, str], ...] = ()


def sees_all(desk: Desk) -> bool:
    """Whether visitors see every stored conversation: nobody but this machine reaches the page."""
    return desk.reach.near


def stored_conversation(desk: Desk, visitor: Visitor, conversation_id: str) -> Conversation | None:
    """A conversation of the store; None where there is none, or the visitor may not see it.

    Raises:
        StoreError: It cannot be read.
    """
    turns = own_data.turns_of(desk, visitor, conversation_id, everybodys=sees_all(desk))
    if not turns:
        return None
    return Conversation.of(stored(conversation_id, turns), named=conversation_id)


def cohort_of_stored(desk: Desk, visitor: Visitor, tally: Tally) -> Cohort:
    """What the newest conversations have in common that the visitor may see.

    Raises:
        StoreError: They cannot be read.
    """
    everybodys = sees_all(desk)
    named = own_data.ids(desk, visitor, everybodys=everybodys)[:TOGETHER]
    tally.of = len(named)

    def each() -> Iterator[Trajectory]:
        for conversation_id in named:
            if tally.stopped:
                return
            turns = own_data.turns_of(desk, visitor, conversation_id, everybodys=everybodys)
            if turns:  # it may have been erased meanwhile
                yield stored(conversation_id, turns)
            tally.done += 1

    return cohort_of(each())


def cohort_of_opened(conversations: Sequence[Conversation]) -> Cohort:
    """What conversations of files have in common."""
    return cohort_of(Trajectory("", each.steps) for each in conversations)


def unpacked(sent: object) -> tuple[File, ...]:
    """The files that a browser packed and sent.

    Args:
        sent: A list of objects with `name` and `data`: gzip in Base64. Nothing of it is trusted.

    Raises:
        RefusedError: They are too many, too large, or not packed so.
    """
    rows = sent if isinstance(sent, list) else []
    if not 0 < len(rows) <= _FILES:
        raise RefusedError(Trouble("trace.too_many_files", (("most", _FILES),)))
    found, left = [], MOST_BYTES
    for row in rows:
        given: Mapping[Any, Any] = row if isinstance(row, Mapping) else {}
        name, data = given.get("name"), given.get("data")
        if not isinstance(name, str) or not isinstance(data, str):
            raise RefusedError(Trouble("trace.not_sent"))
        try:
            content = zlib.decompressobj(_GZIP).decompress(base64.b64decode(data, validate=True), left + 1)
        except (binascii.Error, ValueError, zlib.error):
            raise RefusedError(Trouble("trace.not_sent")) from None
        left -= len(content)
        if left < 0:
            raise too_large()
        found.append(File(scrub(name)[:_NAME], content))
    return tuple(found)


def too_large() -> RefusedError:
    """What is said of files that are too large."""
    return RefusedError(Trouble("trace.too_large", (("megabytes", MOST_BYTES // 1_000_000),)))


def read_files(files: Sequence[File], settings: Settings, perception: Perception, tally: Tally) -> Read:
    """The conversations in files. Plain dialogues are read by the models and followed.

    Args:
        files: As they were brought.
        settings: Name the tracker.
        perception: Reads.
        tally: Counts the messages of plain dialogues.

    Raises:
        RefusedError: There is too much in them.
        SettingsError: Dialogues are to be read, and no tracker is set.
    """
    found: list[Trajectory | Dialogue] = []
    problems: list[tuple[str, str]] = []
    for file in files:
        try:
            held = brought(file.content)
        except InputError as error:
            problems.append((file.name, str(error)))
            continue
        found += held.found
        problems += [(file.name, each) for each in held.problems]
    unread = [each for each in found if isinstance(each, Dialogue)]
    tally.of = sum(said.role == "seeker" for each in unread for said in each.said)
    if tally.of > _READ:
        raise RefusedError(Trouble("trace.too_many_to_read", (("n", tally.of), ("most", _READ))))
    if sum(len(each.steps) for each in found if isinstance(each, Trajectory)) > _TURNS:
        raise RefusedError(Trouble("trace.too_many_turns", (("most", _TURNS),)))
    read = iter(_read(unread, settings, perception, tally) if unread else ())
    conversations = [
        next(read) if isinstance(each, Dialogue) else Conversation.of(each)
        for each in found
        if not tally.stopped  # then nobody looks at what is missing
    ]
    return Read(tuple(conversations), tuple(problems))


def _read(
    unread: Sequence[Dialogue], settings: Settings, perception: Perception, tally: Tally
) -> Iterator[Conversation]:
    trajectories = followed(unread, settings, perception=perception, batch=_BATCH)
    for dialogue, trajectory in zip(unread, trajectories, strict=True):
        if isinstance(trajectory, Trajectory):
            tally.done += len(trajectory.steps)
            yield Conversation.of(trajectory, said=dialogue.said)


def page_of(entries: int, page: object, *, size: int) -> tuple[int, int]:
    """Which page of a list is shown, from 0, and how many pages there are.

    Args:
        entries: In the whole list.
        page: As a browser asks for it.
        size: Of a page.
    """
    pages = max(1, -(-entries // size))
    wanted = page if isinstance(page, int) and not isinstance(page, bool) else 0
    return min(max(0, wanted), pages - 1), pages
