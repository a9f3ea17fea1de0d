"""Loads the words of the offline responder from `phrases.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from agent.errors import DataError

__all__ = ["FeelingWords", "Phrases", "load_phrases"]

_SLOTS = {"clause", "Clause", "feeling"}


@dataclass(frozen=True, slots=True)
class FeelingWords:
    """How an emotion label is spoken of.

    Attributes:
        family: Which lists fit it, e.g. `"fear"`.
        words: Phrases that stand after "you feel".
        mild: Those to use where the reading is not sure.
    """

    family: str
    words: tuple[str, ...]
    mild: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Phrases:
    """Every list by its dotted name, and what is said of feelings.

    Attributes:
        lists: E.g. `"lead.hard.clause"` to its phrases.
        feelings: Emotion label to its words.
        own_words: What people call a feeling themselves, lower case, to its family.
        cues: `"hard"` and `"good"`: words that tilt a message.
    """

    lists: Mapping[str, tuple[str, ...]]
    feelings: Mapping[str, FeelingWords]
    own_words: Mapping[str, str]
    cues: Mapping[str, tuple[str, ...]]

    def __getitem__(self, name: str) -> tuple[str, ...]:
        """The phrases of one list.

        Raises:
            DataError: There is no such list.
        """
        try:
            return self.lists[name]
        except KeyError:
            choices = ", ".join(sorted(self.lists))
            raise DataError(f"No list {name!r} in phrases.toml. It holds: {choices}.") from None

    def get(self, name: str) -> tuple[str, ...]:
        """The phrases of one list; none where it does not exist."""
        return self.lists.get(name, ())


@cache
def load_phrases() -> Phrases:
    """The phrases as shipped; read once.

    Raises:
        DataError: The file is missing, or a phrase has a slot that nobody fills.
    """
    try:
        table = tomllib.loads(files("prompts.offline").joinpath("phrases.toml").read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise DataError("prompts/offline/phrases.toml cannot be read. Install the package again.") from error
    named = table.pop("feelings")
    feelings = {
        label: FeelingWords(
            entry["family"], tuple(entry["words"]), tuple(named[entry.get("mild", label)]["words"])
        )
        for label, entry in named.items()
    }
    own_words = {word: family for family, words in table.pop("own_words").items() for word in words}
    cues = {name: tuple(words) for name, words in table.pop("cues").items()}
    lists = dict(_flattened(table, ""))
    for name, phrases in lists.items():
        unknown = {slot for phrase in phrases for slot in re.findall(r"{(\w*)}", phrase)} - _SLOTS
        if unknown:
            raise DataError(
                f"List {name!r} of phrases.toml has slots {sorted(unknown)}; known are {sorted(_SLOTS)}."
            )
    return Phrases(lists, feelings, own_words, cues)


def _flattened(table: Mapping[str, Any], path: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, value in table.items():
        if isinstance(value, list):
            yield path + name, tuple(value)
        else:
            yield from _flattened(value, f"{path}{name}.")
