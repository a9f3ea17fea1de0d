"""Who the agent is in temper: five traits, where its own affect rests, and how each of its moods sounds.

A persona is a TOML file: `agent/personas/` holds those that are shipped, and a path names one of your own.
The files are ours or the operator's. Nothing that a person says reaches them.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from agent.errors import SettingsError
from agent.readings import Affect

__all__ = ["HIGHEST", "LOWEST", "OWN_EMOTIONS", "TRAITS", "Persona", "load_persona", "persona_names"]

TRAITS = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
"""The Big Five, in the order of their usual acronym."""

OWN_EMOTIONS = ("neutral", "joy", "sadness")
"""What the agent may feel, in the words of MELD. Its sadness is a gentle one: being touched."""

LOWEST, HIGHEST = Affect(-0.15, -1.0, 0.0), Affect(1.0, 0.4, 1.0)
"""Corners of what a supporter may show. Despair lies below the valence, anger and panic above the arousal (0.59
and 0.82 in the table of `sem_plugins.tracker.own`), and helplessness below the dominance."""

_FOLDER = Path(__file__).parent / "personas"
_TABLES = {"traits": TRAITS, "baseline": ("valence", "arousal", "dominance"), "tones": OWN_EMOTIONS}
_KEYS = ("id", "name", "closeness", *_TABLES)
_ID = re.compile(r"[a-z][a-z0-9-]{0,31}")
_NAME = re.compile(r"[^\W\d_][\w '-]{0,39}")
_LONGEST_TONE = 160  # one sentence; a longer one would outweigh the strategy beside it
# Letters and plain punctuation. Brackets, braces, `<`, `|`, `#` and line breaks could be read as marks of a
# template, of a chat format or of another note.
_TONE = re.compile(r"[^\W\d_](?:[^\W\d_]|[ ,;:.'-])*\.")


@dataclass(frozen=True, slots=True)
class Persona:
    """A temper for the agent.

    Attributes:
        id: Short name, e.g. `"calm"`: small letters, digits and hyphens.
        name: The same in words.
        openness, conscientiousness, extraversion, agreeableness, neuroticism: The Big Five, each in [0, 1].
        closeness: How far it is moved by the person, in [0, 1]; 0: not at all.
        baseline: Where its own affect rests, between `LOWEST` and `HIGHEST`.
        tones: Each of `OWN_EMOTIONS` to one sentence that tells the LLM how to sound.

    Raises:
        SettingsError: A value is out of its range.
    """

    id: str
    name: str
    openness: float
    conscientiousness: float
    extraversion: float
    agreeableness: float
    neuroticism: float
    closeness: float
    baseline: Affect
    tones: Mapping[str, str] = field(hash=False)

    def __post_init__(self) -> None:
        for key, pattern, wanted in (
            ("id", _ID, "1 to 32 small letters, digits and hyphens, beginning with a letter"),
            ("name", _NAME, "1 to 40 letters, digits, spaces and hyphens, beginning with a letter"),
        ):
            value = getattr(self, key)
            if not isinstance(value, str) or not pattern.fullmatch(value):
                raise _unusable(key, value, wanted)
        for key in (*TRAITS, "closeness"):
            _check_number(key, getattr(self, key), 0, 1)
        _check_baseline({key: getattr(self.baseline, key) for key in _TABLES["baseline"]})
        _check_keys("tones", self.tones, OWN_EMOTIONS)
        for emotion, tone in self.tones.items():
            if not isinstance(tone, str) or len(tone) > _LONGEST_TONE or not _TONE.fullmatch(tone):
                wanted = f"at most {_LONGEST_TONE} letters and plain punctuation, with a full stop at the end"
                raise _unusable(f"tones.{emotion}", tone, wanted)
        object.__setattr__(self, "tones", MappingProxyType(dict(self.tones)))


def persona_names() -> tuple[str, ...]:
    """Names of the personas that are shipped, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def load_persona(name_or_path: str) -> Persona:
    """A shipped persona by its name, or one of your own by the path of its file, which ends in `.toml`.

    Raises:
        SettingsError: There is none, or its file is no persona; file, key, value and choices are named.
    """
    path = _FOLDER / f"{name_or_path}.toml" if name_or_path in persona_names() else Path(name_or_path)
    choices = f"set `persona` (HEARTLINE_PERSONA) to one of: {', '.join(persona_names())}, none"
    if path.suffix != ".toml":
        raise SettingsError(
            f"No persona is called {name_or_path!r}. Name a file that ends in `.toml`, or {choices}."
        )
    try:
        return _persona(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        problem = f"cannot be read: {error.strerror}. Name another one"
    except RecursionError:
        problem = "is nested too deeply. Mend it"
    except ValueError as error:  # TOML, UTF-8, or a path with a NUL in it
        problem = f"is not valid TOML: {error}. Mend it"
    except SettingsError as error:
        problem = f"is no persona: {error} Mend it"
    raise SettingsError(f"The persona file {str(path)!r} {problem}, or {choices}.")


def _persona(content: Mapping[str, Any]) -> Persona:
    _check_keys("", content, _KEYS)
    for table, keys in _TABLES.items():
        _check_keys(table, content[table], keys)
    plain = {key: content[key] for key in ("id", "name", "closeness")}
    _check_baseline(content["baseline"])  # before `Affect`, which would complain without the key
    return Persona(**plain, **content["traits"], baseline=Affect(**content["baseline"]), tones=content["tones"])


def _check_keys(table: str, content: object, keys: tuple[str, ...]) -> None:
    where = f"table `{table}`" if table else "file"
    if not isinstance(content, Mapping):
        raise _unusable(table, content, f"a table with {', '.join(keys)}")
    if unknown := sorted(content.keys() - set(keys)):
        raise SettingsError(f"the {where} has {unknown!r}, which mean nothing. It holds: {', '.join(keys)}.")
    if missing := [key for key in keys if key not in content]:
        raise SettingsError(f"the {where} lacks {missing!r}. It holds: {', '.join(keys)}.")


def _check_baseline(values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        _check_number(f"baseline.{key}", value, getattr(LOWEST, key), getattr(HIGHEST, key))


def _check_number(key: str, value: object, low: float, high: float) -> None:
    sound = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not sound or not low <= value <= high:  # type: ignore[operator]  # a number, as was just asked
        raise _unusable(key, value, f"a number from {low:g} to {high:g}")


def _unusable(key: str, value: object, wanted: str) -> SettingsError:
    return SettingsError(f"`{key}` is {value!r}; it should be {wanted}.")
