"""Scripts of conversations: what a person says turn by turn, and what must and must not happen.

Four writers who knew nothing of each other, nor of the rules, wrote them: sets `a`, `b` and `c` are for
development, set `d` is held out. Nothing may be tuned on `d`. (`b` was held out until `c` was written, and `c`
until `d` was: their failures had been looked at.) The files lie beside this module, one a family:

    family = "veiled"

    [[scenario]]
    id = "veiled-a01"
    about = "A retired teacher sorts out his things."
    [[scenario.turn]]
    says = "…"
    at_least = "ideation"
    required = ["asks_directly"]
    forbidden = ["farewell"]
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from agent.errors import DataError
from agent.safety.steps import STEPS, Step

__all__ = [
    "FAMILIES",
    "FORBIDDEN",
    "HELD_OUT",
    "REQUIRED",
    "SETS",
    "Scenario",
    "ScriptTurn",
    "load_scenarios",
    "read_scenarios",
]

SetName = Literal["a", "b", "c", "d"]

SETS: tuple[SetName, ...] = get_args(SetName)

HELD_OUT: SetName = "d"

FAMILIES = (
    *("explicit", "veiled", "negated", "third_person", "recovered", "lyrics_idioms", "eating_disorder", "abuse"),
    *(
        "psychosis",
        "minors",
        "harm_to_others",
        "denial_after_disclosure",
        "slow_build",
        "support_desk",
        "injection",
    ),
    "non_native",
)

REQUIRED = (
    *("acknowledges", "asks_directly", "help_line", "someone_near", "urges_emergency", "company"),
    *("distance_from_means", "stays", "says_ai"),
)
"""Acts that a reply may have to do."""

FORBIDDEN = (
    *("farewell", "repeats_question", "repeats_help_line", "method_details", "diagnosis", "medical_instruction"),
    *("claims_human", "shames", "minimises", "leads_to_no", "alarm", "obeys_injection", "engagement"),
)
"""Acts that a reply may not be allowed."""

_FOLDER = Path(__file__).parent / "scenarios"
_TURN = {"says", "at_least", "at_most", "others_at_least", "others_at_most", "required", "forbidden"}


@dataclass(frozen=True, slots=True)
class ScriptTurn:
    """One message of a script.

    Attributes:
        says: What the person writes.
        at_least, at_most: Bounds on where the record of the person's own danger stands after it; None: no bound.
        others_at_least, others_at_most: The same for danger to others.
        required, forbidden: Acts of the reply.
    """

    says: str
    at_least: Step | None = None
    at_most: Step | None = None
    others_at_least: Step | None = None
    others_at_most: Step | None = None
    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """One script.

    Attributes:
        id: Family, set and number, e.g. `"veiled-a01"`.
        family: Of `FAMILIES`.
        about: In one sentence.
        turns: In order.
    """

    id: str
    family: str
    about: str
    turns: tuple[ScriptTurn, ...]


def load_scenarios(name: str, *, families: Iterable[str] = ()) -> list[Scenario]:
    """The scripts of one set.

    Args:
        name: Of `SETS`.
        families: Only these; all where none is named.

    Raises:
        DataError: There is no such set or family, or a file holds what it should not.
    """
    if name not in SETS:
        raise DataError(f"There is no set {name!r} of scenarios. There are: {', '.join(SETS)}.")
    wanted = tuple(families) or FAMILIES
    for family in wanted:
        if family not in FAMILIES:
            raise DataError(f"There is no family {family!r} of scenarios. There are: {', '.join(FAMILIES)}.")
    found = [one for family in wanted for one in read_scenarios(_FOLDER / name / f"{family}.toml")]
    twice = [one.id for place, one in enumerate(found) if one.id in {other.id for other in found[:place]}]
    if twice:
        raise DataError(f"Set {name!r}: id {twice[0]!r} stands there more than once.")
    return found


def read_scenarios(path: Path) -> list[Scenario]:
    """The scripts of one file.

    Raises:
        DataError: It is missing, no TOML, or holds what it should not.
    """
    where = f"The scenarios {path.parent.name}/{path.name}"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{where} cannot be read: {error.strerror}. Install the package again.") from error
    except ValueError as error:
        raise DataError(f"{where} are no valid TOML: {error}.") from error
    family = raw.get("family")
    if family != path.stem or family not in FAMILIES:
        raise DataError(f"{where}: `family` is {family!r}; it is the file's name, one of {', '.join(FAMILIES)}.")
    _keys(raw, {"family", "scenario"}, where)
    return [_scenario(one, family, where) for one in raw.get("scenario", ())]


def _scenario(raw: Mapping[str, Any], family: str, where: str) -> Scenario:
    name = raw.get("id")
    if not isinstance(name, str) or not name.startswith(f"{family}-"):
        raise DataError(f"{where}: the id {name!r} should begin with {family + '-'!r}.")
    _keys(raw, {"id", "about", "turn"}, f"{where}, {name}")
    turns, about = raw.get("turn"), raw.get("about")
    if not about or not turns:
        raise DataError(f"{where}, {name}: a scenario has an `about` and at least one [[scenario.turn]].")
    return Scenario(
        name,
        family,
        about,
        tuple(_turn(turn, f"{where}, {name}, turn {place}") for place, turn in enumerate(turns)),
    )


def _turn(raw: Mapping[str, Any], where: str) -> ScriptTurn:
    _keys(raw, _TURN, where)
    if not isinstance(raw.get("says"), str) or not raw["says"].strip():
        raise DataError(f"{where}: `says` should be what the person writes.")
    for low, high in (("at_least", "at_most"), ("others_at_least", "others_at_most")):
        for bound in (low, high):
            if bound in raw and raw[bound] not in STEPS:
                raise DataError(f"{where}: `{bound}` is {raw[bound]!r}; it should be one of {', '.join(STEPS)}.")
        if STEPS.index(raw.get(low, STEPS[0])) > STEPS.index(raw.get(high, STEPS[-1])):
            raise DataError(f"{where}: `{low}` is {raw[low]!r}, above `{high}`, which is {raw[high]!r}.")
    for key, choices in (("required", REQUIRED), ("forbidden", FORBIDDEN)):
        if unknown := [act for act in raw.get(key, ()) if act not in choices]:
            raise DataError(f"{where}: `{key}` has {unknown[0]!r}; it may have {', '.join(choices)}.")
    lists = {key: tuple(raw.get(key, ())) for key in ("required", "forbidden")}
    return ScriptTurn(**{**raw, **lists})


def _keys(raw: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := sorted(raw.keys() - known):
        raise DataError(f"{where}: {unknown[0]!r} means nothing. It may have: {', '.join(sorted(known))}.")
