"""What the rules of a place ask of an agent that people confide in: a policy pack per place, as data.

`agent/safety/policies/` holds the packs that are shipped, and a path names one of your own. A pack says what was
read about a rule, where, and when. It is no legal advice, and it is not the statute.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, cast, get_args

from agent.errors import SettingsError
from agent.safety.toml_fields import Fields, read_toml

__all__ = ["NOTE", "Policy", "Status", "Style", "load_policy", "policy_names"]

Status = Literal["in force", "enacted", "proposed", "no law"]
"""In force when it was reviewed; enacted, to come into force later; a bill; or only this framework's choice."""

Style = Literal["capitals", "bold", "at least 16 point", "conspicuous", "spoken if the talk is spoken"]
"""How a notice should look. The software writes capitals; the rest is for who draws the page."""

NOTE = "Read the statute itself; this is no legal advice."

_FOLDER = Path(__file__).parent / "policies"
_ID = re.compile(r"[a-z][a-z0-9-]{0,31}")
_TABLES = ("wording", "minutes", "features")
_NEEDED = ("id", "place", "title", "status", "sources", "reviewed", *_TABLES)
_OPTIONAL = ("in_force", "style", "applies_when", "asks", "minors", "duties", "unsettled")
_WORDING = ("disclosure", "on_asking", "reminder", "break_prompt")
_MINUTES = ("reminder", "reminder_for_minors", "break", "break_for_minors")
_FEATURES = ("cross_session_memory", "unprompted_emotional_questions")
_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of a place, as far as software can follow them, and what is left to people.

    Attributes:
        id: Short name, e.g. `"us-ny"`.
        place: In words.
        title: Name of the rule.
        status: Whether it binds.
        in_force: Since when, or from when; None: no date, or not known.
        disclosure: What is said at the start of a sitting.
        on_asking: What is said when the person asks whether this is an AI.
        reminder: What is said again later.
        break_prompt: What invites to a break.
        reminder_minutes: Minutes between reminders for adults; None: none are asked for. So with the next three.
        reminder_minutes_for_minors: The same for people known or believed to be under 18.
        break_minutes: Minutes between break prompts.
        break_minutes_for_minors: The same for minors.
        cross_session_memory: Whether anything is remembered from one conversation to the next. A legal trigger:
            with the next one it is what brings an agent under most of these laws. Off in every shipped pack.
        unprompted_emotional_questions: Whether the agent asks about feelings when nothing that was said led there.
        sources: Where all this was read.
        reviewed: When.
        style: How notices should look.
        applies_when: What brings an agent under the rule.
        asks: What it asks of the software.
        minors: What holds for minors beyond the minutes.
        duties: What the deployer has to do beside the software.
        unsettled: Where commentators differ, or where the text was not read.
        note: That the statute should be read.
    """

    id: str
    place: str
    title: str
    status: Status
    in_force: date | None
    disclosure: str
    on_asking: str
    reminder: str
    break_prompt: str
    reminder_minutes: int | None
    reminder_minutes_for_minors: int | None
    break_minutes: int | None
    break_minutes_for_minors: int | None
    cross_session_memory: bool
    unprompted_emotional_questions: bool
    sources: tuple[str, ...]
    reviewed: date
    style: tuple[Style, ...] = ()
    applies_when: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    minors: tuple[str, ...] = ()
    duties: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()
    note: str = NOTE


def policy_names() -> tuple[str, ...]:
    """Names of the packs that are shipped, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def load_policy(name_or_path: str) -> Policy:
    """A shipped pack by its name, or one of your own by the path of its file, which ends in `.toml`.

    Raises:
        SettingsError: There is none, or its file is no pack; file, key, value and choices are named.
    """
    names = policy_names()
    path = _FOLDER / f"{name_or_path}.toml" if name_or_path in names else Path(name_or_path)
    choices = f"The shipped policies are: {', '.join(names)}."
    if path.suffix != ".toml":
        raise SettingsError(
            f"No policy is called {name_or_path!r}. Name one, or a file that ends in `.toml`. {choices}"
        )
    try:
        return _policy(read_toml(path, kind="policy"), f"The policy file {str(path)!r}")
    except SettingsError as error:
        raise SettingsError(f"{error} {choices}") from None


def _policy(content: Mapping[str, Any], where: str) -> Policy:
    top = Fields(content, where=where, needed=_NEEDED, optional=_OPTIONAL)
    wording = Fields(top.table("wording"), where=f"{where}, table `wording`", needed=_WORDING)
    minutes = Fields(top.table("minutes"), where=f"{where}, table `minutes`", needed=(), optional=_MINUTES)
    features = Fields(top.table("features"), where=f"{where}, table `features`", needed=_FEATURES)
    status = top.text("status")
    if status not in get_args(Status):
        raise SettingsError(f"{where}: `status` is {status!r}; it should be one of {', '.join(get_args(Status))}.")
    style = cast("tuple[Style, ...]", top.choices("style", get_args(Style), least=0))
    said = {key: wording.text(key, longest=600) for key in _WORDING}
    if "capitals" in style:
        for key in ("disclosure", "reminder"):
            if not said[key].isupper():
                raise SettingsError(f"{where}: `wording.{key}` has small letters; `style` asks for capitals.")
    every = {key: minutes.whole_or_none(key, low=1, high=_DAY) for key in _MINUTES}
    return Policy(
        id=top.text("id", pattern=_ID, wanted="1 to 32 small letters, digits and hyphens"),
        place=top.text("place", longest=80),
        title=top.text("title", longest=160),
        status=cast("Status", status),
        in_force=top.day_or_none("in_force"),
        disclosure=said["disclosure"],
        on_asking=said["on_asking"],
        reminder=said["reminder"],
        break_prompt=said["break_prompt"],
        reminder_minutes=every["reminder"],
        reminder_minutes_for_minors=every["reminder_for_minors"],
        break_minutes=every["break"],
        break_minutes_for_minors=every["break_for_minors"],
        cross_session_memory=features.flag("cross_session_memory"),
        unprompted_emotional_questions=features.flag("unprompted_emotional_questions"),
        sources=top.addresses("sources", least=0 if status == "no law" else 1),
        reviewed=top.day("reviewed"),
        style=style,
        applies_when=top.texts("applies_when"),
        asks=top.texts("asks"),
        minors=top.texts("minors"),
        duties=top.texts("duties"),
        unsettled=top.texts("unsettled"),
    )
