"""What the operators' tab shows: queue, opened case, counters. Drawn from typed objects, never from text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from agent.safety.called import Called
from agent.safety.counters import Report, make_report
from agent.safety.handoff import AskedQuestion, HandoffPacket
from agent.safety.human_acts import HumanAct
from ui.columns import moment
from ui.page.desk import Desk
from ui.page.markup import filled
from ui.page.operators import MOST, Opened, Operator
from ui.page.risk_picture import risk_picture
from ui.page.texts import Texts

__all__ = ["OperatorViews", "digest_of"]

_MAIN = ("conversations", "turns", "unread", "handoff", "referral.lines", "referral.emergency")
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


class OperatorViews:
    """Markup of each part.

    Args:
        desk: What all visitors share.
        texts: In the language of the page.
    """

    def __init__(self, desk: Desk, texts: Texts) -> None:
        self._desk, self._texts = desk, texts
        countries = getattr(desk.directory, "countries", {})
        self._lines = {line.id: line.name for country in countries.values() for line in country.lines}

    def queue(self, operator: Operator, cases: Sequence[Called], *, current: str, now: datetime) -> str:
        """Who waits, and who is looked after.

        Args:
            operator: Who looks.
            cases: In the order of the queue.
            current: Id of the one that is open; empty where none is.
            now: The time.
        """
        return filled(
            "operator_queue",
            self._texts,
            keyless=operator.keyless,
            me=operator.name,
            called=self._desk.settings.handoff_at != "never",
            cases=[self._entry(case, now) for case in cases],
            waiting=sum(case.state == "waiting" for case in cases),
            only=len(cases) if len(cases) >= MOST else None,
            current=current,
        )

    def counters(self, operator: Operator, *, now: datetime) -> str:
        """How often what happened, this month and this year."""
        counts = operator.store.counts() if hasattr(operator.store, "counts") else {}
        report = make_report(counts, now.year, exact=True)
        counted = list(self._counted(report, f"{now:%Y-%m}"))
        return filled("operator_counters", self._texts, year=now.year, counters=counted)

    def case(self, opened: Opened, *, me: str, now: datetime) -> str:
        """A case with its packet.

        Args:
            opened: Which.
            me: What whoever looks calls themselves.
            now: The time.
        """
        case, packet, texts = opened.case, opened.packet, self._texts
        return filled(
            "operator_case",
            texts,
            id=case.conversation_id,
            entry=self._entry(case, now),
            state=case.state,
            held_by=case.held_by,
            mine=case.held_by is not None and case.held_by == me.strip(),
            delivery=""
            if self._desk.settings.handoff_url is None
            else texts(f"operator.packet_{case.packet.state}"),
            consent=texts(f"operator.consent_{ {None: 'unasked', True: 'yes', False: 'no'}[packet.consent] }"),
            peak=texts.word("step", packet.peak),
            others_peak="" if packet.others_peak == "none" else texts.word("step", packet.others_peak),
            picture=risk_picture(opened.turns, packet.timeline, opened.acts, texts),
            offered=list(self._offered(packet)),
            questions=[self._question(each) for each in packet.offered.questions],
            left_out=len(opened.turns) - len(packet.turns),
            talk=list(self._talk(packet, opened.acts)),
        )

    def _entry(self, case: Called, now: datetime) -> dict[str, Any]:
        texts = self._texts
        state = texts(f"operator.state_{case.state}", name=case.held_by)
        return {
            "id": case.conversation_id,
            "level": case.step,
            "level_word": texts.word("step", case.step),
            "others": case.others != "none" and case.others == case.step,
            "reason": texts(f"operator.reason_{case.packet.reason}"),
            "since": texts.when(case.since.timestamp()),
            "waits": self._long(now - case.since) if case.state == "waiting" else "",
            "state": case.state,
            "state_word": state,
        }

    def _long(self, time: Any) -> str:
        seconds = max(0, int(time.total_seconds()))
        if seconds < _HOUR:
            return self._texts("operator.minutes", n=seconds // _MINUTE)
        if seconds < _DAY:
            return self._texts("operator.hours", n=seconds // _HOUR)
        return self._texts("operator.days", n=seconds // _DAY)

    def _offered(self, packet: HandoffPacket) -> Iterator[tuple[str, str]]:
        offered, texts = packet.offered, self._texts
        names = [self._lines.get(line, line) for line in offered.lines]
        yield texts("operator.lines"), ", ".join(names) or texts("operator.none")
        yield texts("operator.emergency"), texts("operator.times", n=offered.emergency)
        yield texts("operator.denials"), texts("operator.times", n=offered.denials)

    def _question(self, asked: AskedQuestion) -> dict[str, Any]:
        texts = self._texts
        answer = "told" if asked.told is not None else "answered" if asked.answered else "open"
        told = "" if asked.told is None else texts.word("step", asked.told)
        return {
            "turn": asked.turn + 1,
            "question": texts.word("question", asked.question),
            "answer": texts(f"operator.answer_{answer}", step=told),
        }

    def _talk(self, packet: HandoffPacket, acts: Sequence[HumanAct]) -> Iterator[dict[str, Any]]:
        """The last turns, and what people did between them, in order."""
        texts = self._texts
        ahead = packet.turns[0].index if packet.turns else 0
        left = [act for act in acts if act.turns > ahead]
        for turn in packet.turns:
            at = moment(turn.at, date=False)
            yield {"who": texts("operator.they"), "kind": "they", "words": turn.seeker, "at": at}
            if turn.supporter is not None:
                yield {"who": texts("turn.heartline"), "kind": "agent", "words": turn.supporter, "at": ""}
            while left and left[0].turns <= turn.index + 1:
                yield self._act(left.pop(0))
        yield from map(self._act, left)

    def _act(self, act: HumanAct) -> dict[str, Any]:
        at = "" if act.at is None else moment(act.at.timestamp(), date=False)
        if act.did == "said":
            return {"who": act.by, "kind": "human", "words": act.words, "at": at}
        words = self._texts(f"operator.{act.did}", name=act.by)
        return {"who": "", "kind": "act", "words": words, "at": at}

    def _counted(self, report: Report, month: str) -> Iterator[tuple[str, int, int]]:
        """What was counted: the word, the number of this month, and that of the year."""
        this = report.months.get(month, {})
        blocked = [kind for kind in report.counts if kind.startswith("blocked.")]
        for kind, number in report.counts.items():
            if kind in _MAIN or (kind.startswith("rise.") and number):
                yield self._kind(kind), this.get(kind, 0), number or 0
        held_back = sum(report.counts[kind] or 0 for kind in blocked)
        if held_back:
            yield self._texts("operator.blocked"), sum(this.get(kind, 0) for kind in blocked), held_back

    def _kind(self, kind: str) -> str:
        if not kind.startswith("rise."):
            return self._texts(f"operator.count_{kind.rpartition('.')[2]}")
        _, ladder, step = kind.split(".")
        return self._texts(f"operator.rise_{ladder}", step=self._texts.word("step", step))


def digest_of(*markup: str) -> str:
    """By which it is known whether anything changed since it was drawn."""
    return hashlib.sha256("\n".join(markup).encode()).hexdigest()[:16]
