"""A walk through a conversation: the course of it above, and one turn after the other below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from sem_plugins.attribution import Attribution
from ui.drawing import family_of, shortened
from ui.page.course import NARROW, WIDE, course_picture, course_table
from ui.page.markup import filled
from ui.page.opened import Conversation
from ui.page.texts import Texts
from ui.page.understanding import explained
from ui.trajectories import Step

__all__ = ["about_others", "walk", "walked_turn"]

_TITLE = 640  # pixels
_EMOTIONS = 5
_FELT = 0.05  # smaller changes of a probability, or of an axis, are noise
_AXES = ("valence", "arousal", "dominance")


def about_others(texts: Texts) -> Texts:
    """The texts, in which the panel speaks of whoever wrote and not to the reader."""
    other = {f"panel{key[6:]}": text for key, text in texts.said.items() if key.startswith("person.")}
    return Texts(texts.language, {**texts.said, **other})


def walk(
    conversation: Conversation, texts: Texts, *, shown: int = 0, file: str = "", number: int = 0, of: int = 1
) -> str:
    """What stands above every turn: title, course, and the way from one turn to another.

    Args:
        conversation: With whatever was read.
        texts: In the language of the page.
        shown: Place of the turn that is shown.
        file: What the file is called that it came from; empty where it is in the store.
        number: Its place in the file.
        of: How many conversations the file has.
    """
    steps = conversation.steps
    return filled(
        "walk",
        texts,
        title=shortened(conversation.title, _TITLE, 16) or texts("trace.untitled"),
        id=conversation.id,
        stored=not file,
        file=file,
        number=number,
        of=of,
        shown=shown,
        count=len(steps),
        when=texts.when(steps[0].turn.at) if steps else "",
        wide=course_picture(steps, texts, WIDE, shown=shown) if steps else "",
        narrow=course_picture(steps, texts, NARROW, shown=shown) if steps else "",
        table=course_table(steps, texts) if steps else "",
    )


def walked_turn(
    conversation: Conversation,
    texts: Texts,
    *,
    shown: int,
    operator: bool = False,
    rests_on: Sequence[Attribution] | None = None,
) -> str:
    """One turn: what was said, what changed, and what was understood.

    Args:
        conversation: With whatever was read.
        texts: In the language of the page.
        shown: Its place, from 0; the nearest one counts.
        operator: Show the risk that was read, with its evidence.
        rests_on: The words that the likeliest emotion rests on; None where nobody asked.
    """
    steps = conversation.steps
    if not steps:
        return filled("walk_nothing", texts)
    place = min(max(0, shown), len(steps) - 1)
    step, before = steps[place], steps[place - 1] if place else None
    turn = step.turn
    panel = explained(
        turn, about_others(texts), number=place + 1, of=len(steps), operator=operator, rests_on=rests_on
    )
    return filled(
        "walk_turn",
        texts,
        number=place + 1,
        when=texts.when(turn.at),
        text=turn.text,
        answer=conversation.answers[place],
        notices=turn.notices,
        careful=step.careful,
        done=[texts.word("strategy", name) for name in step.followed or ()],
        first=before is None,
        now=_distribution(step, before, texts),
        of_message=step.emotions[0] == "message",
        moves=[] if before is None else _moves(before, step, texts),
        risk=_risk_moved(before, step) if operator else None,
        shift=_shift(step, texts),
        panel=Markup(panel),  # noqa: S704 - every text in it was escaped
    )


def _distribution(step: Step, before: Step | None, texts: Texts) -> list[dict[str, Any]]:
    """The likeliest emotions now, with what became of each since the turn before."""
    _, label_set, emotions = step.emotions
    earlier = before.emotions[2] if before is not None and before.emotions[1] == label_set else {}
    top = sorted(emotions.items(), key=lambda pair: -pair[1])[:_EMOTIONS]
    return [
        {
            "word": texts.word("emotion", label),
            "share": p,
            "family": family_of(label_set, label),
            "moved": round(100 * (p - earlier.get(label, 0.0))) if earlier else None,
        }
        for label, p in top
    ]


def _moves(before: Step, step: Step, texts: Texts) -> list[dict[str, str]]:
    """What changed: the likeliest emotion, mood and what belongs to it, and what the answer does."""
    found = []
    if before.top is not None and step.top is not None and before.top[0] != step.top[0]:
        was, now = (texts.word("emotion", label) for label in (before.top[0], step.top[0]))
        found.append({"what": texts("trace.likeliest"), "was": was, "now": now, "by": ""})
    if before.affect is not None and step.affect is not None:
        for axis in _AXES:
            old, new = getattr(before.affect, axis), getattr(step.affect, axis)
            if abs(new - old) >= _FELT:
                what = texts(f"axis.{axis}")
                found.append(
                    {
                        "what": what,
                        "was": texts.number(old),
                        "now": texts.number(new),
                        "by": texts.number(new - old),
                    }
                )
    done, after = (texts.word("strategy", each[0]) if each else "" for each in (_done(before), _done(step)))
    if done and after and done != after:
        found.append({"what": texts("trace.answer"), "was": done, "now": after, "by": ""})
    return found


def _done(step: Step) -> tuple[str, ...]:
    return step.followed or step.planned or ()


def _risk_moved(before: Step | None, step: Step) -> tuple[str, str] | None:
    """The level before and now, where they differ."""
    was = None if before is None else before.risk
    return None if was is None or step.risk is None or was == step.risk else (was, step.risk)


def _shift(step: Step, texts: Texts) -> dict[str, str] | None:
    shift = step.shift
    if shift is None:
        return None
    return {
        "direction": shift.direction,
        "told": texts(f"panel.shift_{shift.direction}"),
        "size": texts("trace.shift_size", size=texts.number(shift.size, ".2f")),
        "after": "" if shift.after is None else texts.word("strategy", shift.after),
        "cause": "" if shift.cause is None else shift.cause.text,
    }
