"""What a conversation is about, of what people often come with, and what can be asked and said about it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from agent.errors import DataError
from agent.pieces import Pieces
from agent.turn import Turn
from prompts.offline.occasion import straightened

__all__ = ["ASPECTS", "Subject", "Topic", "load_topics", "subject_of", "topics_in"]

ASPECTS = ("lead", "ask", "later", "affirm", "suggest")
"""The lists of each topic."""

_REMEMBERED = 3  # messages before this one in which a topic is still the one that is talked about
_LAST_CHARACTERS = 1500
_NOT_SO = re.compile(
    r"n't\b|\b(not|never|nobody|wish|if only|almost|nearly|instead|failed|lost|cancell?ed|called off|unplanned|"
    r"by accident|too young|only (a teenager|1[2-9]|(fif|six|seven|eigh|nine)teen))\b"
)
_KIN = (
    "mum|mom|mother|dad|father|parents|nan|gran|grandmother|grandfather|grandma|grandpa|husband|wife|partner|"
    "fianc[eé]e?|brother|sister|aunt|uncle|cousin|boyfriend|girlfriend|friend|mate"
)
_CHILD = "son|daughter|kids?|children|child|toddler|teenager|baby|boy|girl"
_PEOPLE = {"<kin>": _KIN, "<child>": _CHILD, "<near>": f"{_KIN}|{_CHILD}"}


@dataclass(frozen=True, slots=True)
class Topic:
    """What people often come with.

    Attributes:
        name: E.g. `"exam_failed"`.
        mood: Whether it weighs or gladdens; `either` may do both, and of a loss one may speak tenderly.
        glance: Parts of words without which it is not looked for, as that takes thirty times as long.
        about: Each finds it in lower-case words.
        phrases: For each of `ASPECTS`.
    """

    name: str
    mood: Literal["hard", "loss", "good", "either"]
    glance: tuple[str, ...]
    about: tuple[re.Pattern[str], ...]
    phrases: Mapping[str, tuple[str, ...]]

    def found_in(self, text: str) -> re.Match[str] | None:
        """Where a lower-case text that holds a part of `glance` speaks of it."""
        return next(filter(None, (pattern.search(text) for pattern in self.about)), None)


@dataclass(frozen=True, slots=True)
class Subject:
    """What this conversation is about.

    Attributes:
        topic: One of those in `topics.toml`.
        who: Whom it is about, as the seeker is told: "your mum". None where nobody was named.
        since: Messages since the one that spoke of it; 0 where this one does.
    """

    topic: Topic
    who: str | None
    since: int

    @property
    def here(self) -> bool:
        """Whether this message speaks of it."""
        return self.since == 0

    def phrases(self, aspect: str) -> tuple[str, ...]:
        """Those of one of `ASPECTS` that can be said."""
        return tuple(phrase for phrase in self.topic.phrases[aspect] if self.who or "{who}" not in phrase)


def subject_of(turn: Turn) -> Subject | None:
    """What is talked about: by this message, or else by the latest one that said it.

    Good news is not taken for such where the message says no: "I didn't get the job".
    """
    texts = (turn.text, *reversed(turn.said_by("seeker")[-_REMEMBERED:]))
    for since, text in enumerate(texts):
        low = straightened(text)[-_LAST_CHARACTERS:]
        for topic, match in topics_in(low):
            if not (topic.mood == "good" and _NOT_SO.search(low)):
                who = match.groupdict().get("who")
                return Subject(topic, f"your {who}" if who else None, since=since)
    return None


def topics_in(text: str) -> Iterator[tuple[Topic, re.Match[str]]]:
    """The topics that a lower-case text speaks of, and where, in the order of the file."""
    for place in _glances().met_by(text):
        topic = load_topics()[place]
        if match := topic.found_in(text):
            yield topic, match


@cache
def _glances() -> Pieces:
    return Pieces([[topic.glance] for topic in load_topics()])


@cache
def load_topics() -> tuple[Topic, ...]:
    """The topics as shipped; read once.

    Raises:
        DataError: The file is missing, a pattern is none, or a phrase has a slot that nobody fills.
    """
    try:
        table = tomllib.loads(files("prompts.offline").joinpath("topics.toml").read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise DataError("prompts/offline/topics.toml cannot be read. Install the package again.") from error
    topics = []
    for name, entry in table.items():
        phrases = {aspect: tuple(entry[aspect]) for aspect in ASPECTS}
        unknown = {slot for listed in phrases.values() for each in listed for slot in re.findall(r"{(\w*)}", each)}
        if unknown - {"who"}:
            raise DataError(f"Topic {name!r} has slots {sorted(unknown)}; known is `who`.")
        about = tuple(map(_whole_words, entry["about"]))
        topics.append(Topic(name, entry["mood"], tuple(entry["glance"]), about, phrases))
    return tuple(topics)


def _whole_words(pattern: str) -> re.Pattern[str]:
    for mark, people in _PEOPLE.items():
        pattern = pattern.replace(mark, f"(?P<who>{people})")
    try:
        return re.compile(rf"\b(?:{pattern})(?!\w)")
    except re.error as error:
        raise DataError(f"topics.toml has a pattern that is none ({error}): {pattern[:80]}") from None
