"""What was understood in a turn, and why it was answered so: drawn from the typed turn, never from text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from agent.decisions import Plan
from agent.planning import bound
from agent.turn import Turn
from sem_plugins.attribution import Attribution
from strategies.taxonomy import esconv
from ui.drawing import family_of
from ui.page.course import course_picture, course_table
from ui.page.marks import marked, resting_on
from ui.page.markup import filled
from ui.page.texts import Texts
from ui.trajectories import stored

__all__ = ["explained", "understanding"]

_BARS = 6
_ALTERNATIVES = 4
_SHORT_SET = 8  # more primary emotions than these are folded away
_NONE = "\N{EN DASH}"
_FULL = 0.25  # a bar that is full is at least this likely: a flat distribution looks flat
_LEAST = 0.005  # what rounds to nothing says nothing


def _nothing_yet(texts: Texts) -> str:
    """What the panel says before the first turn."""
    return filled("nothing", texts)


def understanding(
    turns: Sequence[Turn],
    texts: Texts,
    *,
    shown: str | None = None,
    operator: bool = False,
    rests_on: Sequence[Attribution] | None = None,
) -> str:
    """The panel.

    Args:
        turns: Of the conversation, oldest first.
        texts: In the language of the page.
        shown: Id of the turn that is explained; None: the newest.
        operator: Show the risk that was read, with its evidence.
        rests_on: Of that turn, as `words_behind` gives them; None where nobody asked.
    """
    if not turns:
        return _nothing_yet(texts)
    turn = next((each for each in turns if each.id == shown), turns[-1])
    place = next(number for number, each in enumerate(turns) if each.id == turn.id)
    steps = stored("", turns).steps if len(turns) > 1 else ()
    course = course_picture(steps, texts) + course_table(steps, texts) if steps else Markup()
    return explained(
        turn, texts, number=place + 1, of=len(turns), course=course, operator=operator, rests_on=rests_on
    )


def explained(
    turn: Turn,
    texts: Texts,
    *,
    number: int,
    of: int,
    course: Markup = Markup(),
    operator: bool = False,
    rests_on: Sequence[Attribution] | None = None,
) -> str:
    """One turn.

    Args:
        turn: With whatever was read.
        texts: In the language of the page.
        number: Which one, from 1.
        of: How many there are.
        course: What stands under the state: how it went over all turns.
        operator: Show the risk that was read, with its evidence.
        rests_on: The words that the likeliest emotion rests on; None where nobody asked.
    """
    return filled(
        "understanding",
        texts,
        id=turn.id,
        number=number,
        of=of,
        emotion=_emotion(turn, texts),
        message=list(marked(turn, operator=operator)),
        causes=_earlier_causes(turn),
        may_ask=turn.emotion is not None and bool(turn.text),
        rests_on=None if rests_on is None else resting_on(turn, rests_on),
        undertone=_undertone(turn),
        looked_again=_second_look(turn, texts),
        state=_state(turn, texts),
        course=course,
        plan=_plan(turn, texts),
        timings=_timings(turn),
        prompt=_prompt(turn),
        risk=_risk(turn, texts) if operator else None,
        failures=[(texts.word("pass", each.stage), each.message or each.error) for each in turn.failures],
    )


def _emotion(turn: Turn, texts: Texts) -> dict[str, Any] | None:
    reading = turn.emotion
    if reading is None:
        return None
    bars = [
        {
            "word": texts.word("emotion", label),
            "share": p,
            "primary": label in reading.primary,
            "family": family_of(reading.label_set, label),
        }
        for label, p in reading.top(_BARS)
        if p >= _LEAST
    ]
    words = [texts.word("emotion", label) for label in reading.primary]
    clear = turn.expression is None or turn.expression.neutrality < 0.5  # noqa: PLR2004 - more likely than not
    return {
        "bars": bars,
        "widest": max(reading.top()[0][1], _FULL),
        "primary": words,
        "folded": len(words) > _SHORT_SET,
        "caveat": reading.caveat and texts.word("caveat", reading.caveat),
        "clear": clear or reading.top()[0][1] >= 0.5,  # noqa: PLR2004
        "source": reading.source,
    }


def _earlier_causes(turn: Turn) -> list[str]:
    if turn.cause is None:
        return []
    return [span.text for span in turn.cause.spans if span.utterance < len(turn.history)]


def _undertone(turn: Turn) -> list[tuple[str, float]]:
    if turn.undertone is None:
        return []
    kinds = (("masked", turn.undertone.masked), ("ambivalent", turn.undertone.ambivalent))
    return [(kind, p) for kind, p in kinds if p >= _LEAST]


def _second_look(turn: Turn, texts: Texts) -> str:
    found = turn.adjudication
    if found is None:
        return ""
    said = texts.word("emotion", found.said) if found.said else _NONE
    return texts("panel.second_look", small=texts.word("emotion", found.before.label), llm=said)


def _state(turn: Turn, texts: Texts) -> dict[str, Any] | None:
    state = turn.state
    if state is None or state.confidence <= 0:
        return None
    scales = [
        {
            "name": texts(f"axis.{name}"),
            "ends": texts(f"panel.{name}"),
            "value": texts.number(value),
            "place": (value + 1) / 2,
        }
        for name, value in zip(("valence", "arousal", "dominance"), state.affect.point.tolist(), strict=True)
    ]
    shift = state.last_shift
    now = shift is not None and state.turns_since_shift == 0
    return {
        "scales": scales,
        "shift": texts(f"panel.shift_{shift.direction}") if shift is not None and now else "",
        "expected": [
            (texts.word("emotion", label), p)
            for label, p in sorted(state.expected.items(), key=lambda x: -x[1])[:3]
        ],
        "own": None if state.own is None else texts.word("emotion", state.own.emotion),
    }


def _plan(turn: Turn, texts: Texts) -> dict[str, Any] | None:
    plan, wanted = turn.plan, turn.options.strategy
    overridden = ""
    if wanted is not None and bound(turn):
        overridden = texts("panel.not_as_chosen", strategy=texts.word("strategy", wanted))
    if turn.escalated:
        careful = {"careful": True, "chosen": [], "stage": "", "grounds": "", "reason": "", "others": []}
        return careful | {"asked": overridden}
    if plan is None:
        return None
    chosen = [plan.chosen, *plan.then]
    return {
        "careful": False,
        "chosen": [(texts.word("strategy", one.id), _definition(one.id, one.definition, texts)) for one in chosen],
        "stage": texts(f"stage.{plan.stage}"),
        "grounds": (grounds := _grounds(plan, texts)),
        "reason": "" if grounds or plan.by_request else plan.reason,
        "others": [
            {"word": texts.word("strategy", one.strategy), "share": one.probability}
            for one in plan.ranked
            if one.strategy not in {each.id for each in chosen}
        ][:_ALTERNATIVES],
        "asked": texts("panel.chosen_by_you") if plan.by_request else overridden,
    }


def _grounds(plan: Plan, texts: Texts) -> str:
    """What the plan rests on, in the language of the page; empty where it lacks words for some."""
    said = []
    for ground in plan.grounds:
        if f"ground.{ground.id}" not in texts.said:
            return ""
        named = (texts.word("strategy", strategy) for strategy in ground.strategies)
        said.append(texts(f"ground.{ground.id}", **dict(zip(("first", "second", "third"), named, strict=False))))
    return " ".join(said)


def _definition(strategy: str, definition: str, texts: Texts) -> str:
    """What a supporter does who uses it: in the language of the page where it is one of ESConv's."""
    ours = strategy in {each.id for each in esconv().strategies}
    return texts.said.get(f"strategy_means.{strategy}", definition) if ours else definition


def _timings(turn: Turn) -> Mapping[str, Any] | None:
    if not turn.timings:
        return None
    stages = [(one.stage, one.milliseconds) for one in turn.timings if not one.within]
    total = sum(milliseconds for _, milliseconds in stages)
    return {"total": total, "stages": [(name, ms, ms / total if total else 0.0) for name, ms in stages]}


def _prompt(turn: Turn) -> Mapping[str, Any] | None:
    if turn.prompt is None or turn.escalated:  # the careful reply needs no LLM, whatever was written for one
        return None
    messages = [(message.role, message.content) for message in turn.prompt.messages]
    return {"messages": messages, "template": turn.prompt.template, "dropped": turn.prompt.dropped}


def _risk(turn: Turn, texts: Texts) -> dict[str, Any]:
    course = turn.course
    return {
        "level": texts("panel.not_read") if turn.risk is None else texts.word("step", turn.risk.level),
        "sure": turn.risk is None or turn.risk.sure,
        "kinds": [] if turn.risk is None else [texts.word("danger", kind) for kind in turn.risk.kinds],
        "evidence": [] if turn.risk is None else [turn.text[start:end] for start, end in turn.risk.evidence],
        "record": _NONE if course is None else texts.word("step", course.level),
        "others": "" if course is None or course.others == "none" else texts.word("step", course.others),
        "acts": [] if turn.care is None else [_act(act, texts) for act in turn.care.acts],
        "verdicts": [
            (
                texts.word("verdict_action", verdict.action),
                [texts.given("verdict", why) for why in verdict.reasons],
            )
            for verdict in turn.verdicts
        ],
    }


def _act(act: str, texts: Texts) -> str:
    """What a careful reply does, in words."""
    kind, _, question = act.partition(".")
    return texts("act.ask", question=texts.word("question", question)) if kind == "ask" else texts.word("act", act)
