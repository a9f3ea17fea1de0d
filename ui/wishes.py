"""What a person who chats asks of the next answers: `variant=plain two_stage=inline stimulus=none`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from agent.errors import InputError
from agent.options import Options, checked_two_stage, parts_of
from agent.settings import Settings

__all__ = ["told", "wished"]

_MINOR = {"yes": True, "no": False}


def _minor(value: str) -> bool:
    if value not in _MINOR:
        raise InputError(f"`minor` is {value!r}. Choices: {', '.join(_MINOR)}.")
    return _MINOR[value]


_CHECKS: Mapping[str, Callable[[str], Any]] = {
    "variant": parts_of,
    "two_stage": checked_two_stage,
    "minor": _minor,
}
_NAMES = ("variant", "two_stage", "stimulus", "minor")


def wished(words: str, before: Options) -> Options:
    """The options with what the words ask for; `NAME=` takes a wish back.

    Raises:
        InputError: A word is no wish.
        SettingsError: A variant or a way of running the two stages does not exist.
    """
    after = before
    for word in words.split():
        name, equals, value = word.partition("=")
        if not equals or name not in _NAMES:
            raise InputError(f"{word!r} is no option. Write NAME=VALUE; names: {', '.join(_NAMES)}.")
        checked = _CHECKS[name](value) if value and name in _CHECKS else None
        changed: dict[str, Any] = {name: checked if isinstance(checked, bool) else value or None}
        after = replace(after, **changed)
    return after


def told(options: Options, settings: Settings) -> str:
    """What holds for the next answer, in one line."""
    values = {name: getattr(options, name) or getattr(settings, name) for name in _NAMES if name != "minor"}
    minor = settings.minors or options.minor
    values["minor"] = "unknown" if minor is None else "yes" if minor else "no"
    return " ".join(f"{name}={value}" for name, value in values.items())
