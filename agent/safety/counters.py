"""How often something happened, per month, with nothing that leads back to a conversation or a person.

A count is a month, a kind and a number. No id stands beside it, no time finer than the month, and erasing a
conversation changes none: what was counted is no part of it any more.

A report that leaves the house gives whole years, and "<5" in place of smaller numbers: somebody who knows that one
person wrote in a quiet month should learn nothing from it. Months are for the operator alone, since small numbers
could be found by taking them from the year.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from agent.safety.outgoing import load_outgoing
from agent.safety.steps import STEPS
from agent.turn import Turn

__all__ = ["BELOW", "KINDS", "Counts", "Report", "counted", "kinds", "make_report"]

Counts = Mapping[str, Mapping[str, int]]
"""Month, e.g. `"2026-11"`, to kind to number."""

BELOW = 5
"""Numbers from 1 to below this are not told in a report that leaves the house."""

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "conversations": "Conversations that began.",
        "turns": "Messages.",
        "unread": "Messages whose risk could not be read.",
        "referral.lines": "Replies that named help lines.",
        "referral.emergency": "Replies that urged somebody to call the emergency number.",
        "handoff": "Packets queued for a person to take over.",
        "nudge": "Replies that pointed to other people or to a break.",
        "disclosure": "Replies that said, unasked or asked, that this is an AI.",
    }
)
"""What is counted, beside `rise.self.…` and `rise.others.…` (the record of risk rose to that step) and `blocked.…`
(a sentence of that category was held back)."""

_REFERRALS = {
    "lines": "referral.lines",
    "emergency": "referral.emergency",
    "disclosure": "disclosure",
    "nudge": "nudge",
}


def counted(turn: Turn) -> Counter[str]:
    """What a finished turn adds to the counts.

    Args:
        turn: As the loop made it, with the `index` that it was made under.
    """
    found = Counter({"turns": 1})
    found["conversations"] += turn.index == 0
    if turn.course is not None:
        found["unread"] += turn.course.unread
        for change in turn.course.changes:
            if change.turn == turn.index and STEPS.index(change.after) > STEPS.index(change.before):
                found[f"rise.{change.ladder}.{change.after}"] += 1
    if turn.care is not None and turn.reply is not None:
        found.update(kind for act, kind in _REFERRALS.items() if act in turn.care.acts)
    for objection in turn.objections:
        if objection.blocked:
            found[f"blocked.{objection.blocked}"] += 1
    return +found


def kinds() -> tuple[str, ...]:
    """Every kind that can be expected, in the order of a report."""
    rises = (f"rise.{ladder}.{step}" for ladder in ("self", "others") for step in STEPS[1:])
    blocked = (f"blocked.{category}" for category in load_outgoing().instead)
    return (*KINDS, *rises, *blocked)


@dataclass(frozen=True, slots=True)
class Report:
    """The counts of a year.

    Attributes:
        year: Which.
        exact: Whether it holds every number; it is for the operator alone then.
        counts: Kind to the number of the year; None stands for "fewer than `BELOW`, and not none".
        months: Month to kind to number; empty unless `exact`.
    """

    year: int
    exact: bool
    counts: Mapping[str, int | None]
    months: Counts

    def as_json(self) -> dict[str, object]:
        """For `json.dumps`; a number that is not told is the text `"<5"`."""
        shown = {kind: self.shown(kind) for kind in self.counts}
        return {"year": self.year, "exact": self.exact, "counts": shown} | (
            {"months": {month: dict(found) for month, found in self.months.items()}} if self.exact else {}
        )

    def shown(self, kind: str) -> int | str:
        """The number of a kind, or what stands in its place."""
        number = self.counts[kind]
        return f"<{BELOW}" if number is None else number


def make_report(counts: Counts, year: int, *, exact: bool = False) -> Report:
    """The report of a year.

    Args:
        counts: As a store gives them.
        year: E.g. 2026.
        exact: Hold nothing back.
    """
    months = {month: counts[month] for month in sorted(counts) if month.startswith(f"{year:04}-")}
    whole = Counter[str]()
    for found in months.values():
        whole.update(found)
    every = {kind: whole[kind] for kind in _in_order(whole)}
    if exact:
        return Report(year, exact, every, months)
    return Report(year, exact, {kind: n if n == 0 or n >= BELOW else None for kind, n in every.items()}, {})


def _in_order(found: Mapping[str, int]) -> Iterator[str]:
    """Those that can be expected, then what else was counted."""
    expected = kinds()
    yield from expected
    yield from sorted(found.keys() - set(expected))
