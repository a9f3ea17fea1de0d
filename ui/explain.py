"""A turn in words: one line beside a reply, and the whole of it for `/why`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agent.decisions import Plan, StageFailure
from agent.rationale import Observation, rationale_of
from agent.state import PersonalCalibration
from agent.turn import Turn

__all__ = ["notice", "one_line", "profile", "prompt", "speaker", "whole"]

_SHOWN = 0.10  # emotions less likely than this say nothing
_FLAT = 0.20  # below it the likeliest emotion is a guess
_HALF = 0.5
_STEADY = 0.05  # smaller changes of valence are noise
_CAUSE_LENGTH = 50  # characters of a cause that fit beside the rest
_SPEAKERS = {"offline": "the offline responder", "openai": "the LLM", "protocol": "the safety protocol"}
_CAREFUL = "a careful reply"
_ENDINGS = {
    "interrupted": ", interrupted",
    "cut": ", ended early: a check had something against what followed",
    "length": ", cut off at its longest (`llm_max_tokens`)",
}


def one_line(turn: Turn) -> str:
    """Emotion with probability, cause, state and strategy, as far as they were read."""
    return " · ".join(part for part in (_feeling(turn), _cause(turn), _valence(turn), _strategy(turn)) if part)


def whole(turn: Turn) -> list[tuple[str, str]]:
    """Heading and text of everything the turn holds, in the order in which it came about."""
    return [(heading, text) for heading, text in (*_rationale(turn), *_understood(turn), *_answered(turn)) if text]


def prompt(turn: Turn) -> str:
    """What the LLM was given, to the letter, each message under its role."""
    if turn.prompt is None or turn.escalated:  # the careful reply needs no LLM, whatever was written for one
        return "No LLM was asked."
    return "\n\n".join(f"[{message.role}]\n{message.content}" for message in turn.prompt.messages)


def _rationale(turn: Turn) -> Iterator[tuple[str, str]]:
    """What was noticed, how it was taken, and what was drawn from it."""
    found = rationale_of(turn)
    yield "Noticed", "; ".join(_noticed(turn, one) for one in found.observations)
    taken = found.interpretation
    because = f", because of “{_short(taken.cause)}”" if taken.cause else ""
    sure = f" (certainty {taken.certainty:.2f})" if taken.certainty is not None else ""
    yield "Taken as", f"{_percentages(taken.emotions)}{because}{sure}" if taken.emotions else ""
    drawn = found.conclusion
    way = _CAREFUL if drawn.careful else ", then ".join(drawn.strategies)
    tone = f", in a tone that is {drawn.tone}" if way and drawn.tone else ""
    yield "Therefore", f"{way}{tone}"


def _noticed(turn: Turn, one: Observation) -> str:
    where = "" if one.utterance == len(turn.history) else ", earlier"
    how_sure = "" if one.probability is None else f", {one.probability:.0%}"
    return f"“{_short(one.text)}” ({one.kind}{how_sure}{where})"


def _short(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= _CAUSE_LENGTH else line[: _CAUSE_LENGTH - 1] + "…"


def _second_look(turn: Turn) -> str:
    """What the small model said, what the LLM said, who won and why."""
    found = turn.adjudication
    if found is None:
        return ""
    said = found.said or "nothing usable"
    beyond = ", beyond the primary emotions" if found.opened else ""
    return f"small model: {found.before.label}; {found.speaker or 'LLM'}: {said}{beyond}. {found.reason}"


def _understood(turn: Turn) -> Iterator[tuple[str, str]]:
    if turn.emotion is not None:
        yield "Emotion", _percentages(turn.emotion.top(5))
        yield "One of these", ", ".join(turn.emotion.primary)
        yield "Read with care", turn.emotion.caveat
    yield "Second look", _second_look(turn)
    if turn.expression is not None:
        shown = [(label, turn.expression.probabilities[label]) for label in turn.expression.present]
        yield "The words show", _percentages(shown) or "nothing above its threshold"
    if turn.cause is not None:
        yield "Cause", "" if turn.cause.spans else "cannot tell"  # the words stand under what was noticed
    if turn.affect is not None:
        point = turn.affect
        places = (("valence", point.valence), ("arousal", point.arousal), ("dominance", point.dominance))
        yield "This message", ", ".join(f"{name} {value:+.2f}" for name, value in places)
    if turn.felt is not None:
        yield "Felt, roughly", f"distress {turn.felt.distress:.0%}, concern {turn.felt.concern:.0%}"
    if turn.undertone is not None:
        yield "Undertone", _undertone(turn)
    if turn.state is not None:
        yield "Over the turns", _state(turn)
        yield "Next, probably", _ahead(turn)
        if turn.state.own is not None:
            yield "The agent feels", f"{turn.state.own.emotion} ({turn.state.own.persona})"
    if turn.risk is not None and turn.risk.level != "none":
        words = "; ".join(f"“{turn.text[start:end]}”" for start, end in turn.risk.evidence)
        yield "Risk", turn.risk.level + (f" ({words})" if words else "")
    if turn.course is not None and turn.course.highest != "none":
        others = f"; to others: {turn.course.others}" if turn.course.others != "none" else ""
        yield "Record of risk", f"{turn.course.level}{others}, over the conversation"


def _undertone(turn: Turn) -> str:
    if turn.undertone is None:
        return ""
    kinds = (("played down", turn.undertone.masked), ("of two minds", turn.undertone.ambivalent))
    words = "; ".join(f"“{turn.text[start:end]}”" for start, end in turn.undertone.evidence)
    told = ", ".join(f"{kind} {p:.0%}" for kind, p in kinds if p)
    return told + (f" ({words})" if told and words else "")


def _answered(turn: Turn) -> Iterator[tuple[str, str]]:
    for verdict in turn.verdicts:
        if verdict.action != "allow":
            yield "Guard", f"{verdict.action}: {'; '.join(verdict.reasons)}"
    if turn.escalated:
        yield "Strategy", f"{_CAREFUL}, which follows no plan"
    elif turn.plan is not None:
        yield "Strategy", f"{_planned(turn.plan)}. {turn.plan.reason}"
        others = [one for one in turn.plan.ranked if one.strategy != turn.plan.chosen.id]
        yield "Next in line", _percentages((one.strategy, one.probability) for one in others[:3])
    if turn.likely_strategies is not None:
        likely = sorted(turn.likely_strategies.probabilities.items(), key=lambda pair: -pair[1])[:3]
        yield "Supporters would", _percentages(likely)
    if turn.exemplars is not None and turn.exemplars.exemplars:
        likeness = ", ".join(f"{one.similarity:.2f}" for one in turn.exemplars.exemplars)
        yield "Examples", f"{len(turn.exemplars.exemplars)} of other people, as alike as {likeness}"
    aside = ((one, "a sentence" if one.blocked else "a draft") for one in turn.objections)
    yield "Set aside", "; ".join(f"{what} ({one.check}): {one.feedback}" for one, what in aside)
    if turn.prompt is not None:
        words = (
            f"template {turn.prompt.template}, {turn.prompt.sha256[:12]}; messages: {len(turn.prompt.messages)}"
        )
        yield "Prompt", words + (f", older ones left out: {turn.prompt.dropped}" if turn.prompt.dropped else "")
    yield "Told beside it", " ".join(turn.notices)
    if turn.reply is not None:
        yield "Said by", speaker(turn)
    yield (
        "Went wrong",
        "; ".join(
            f"{failure.stage}/{failure.part}: {failure.error}"
            + (f" ({failure.message})" if failure.message else "")
            for failure in turn.failures
        ),
    )
    if turn.timings:
        spent = sum(timing.milliseconds for timing in turn.timings if not timing.within)
        each = ", ".join(f"{timing.stage} {timing.milliseconds:.1f}" for timing in turn.timings)
        yield "Time", f"{spent:.0f} ms: {each}"


def speaker(turn: Turn) -> str:
    """Who spoke, and for whom, what cut it short, and token counts where there are any."""
    if turn.reply is None:
        return "nobody"
    said = _SPEAKERS.get(turn.reply.speaker, turn.reply.speaker)
    if turn.reply.stood_in_for:
        said += f", standing in for {_SPEAKERS.get(turn.reply.stood_in_for, turn.reply.stood_in_for)}"
    said += _ENDINGS.get(turn.reply.finish_reason, "")
    if turn.reply.usage is not None:
        said += f" ({turn.reply.usage.prompt} tokens in, {turn.reply.usage.completion} out)"
    return said


def notice(failure: StageFailure) -> str:
    """One failure, told to the person at the moment when it happens."""
    why = failure.message or failure.error
    why += "" if why.endswith((".", "?", "!")) else "."
    if failure.stage == "remember":
        return f"This turn could not be kept. {why}"
    if failure.stage == "generate":
        return why if failure.message else f"{_SPEAKERS.get(failure.part, failure.part)} failed: {why}"
    return f"{failure.stage}/{failure.part} failed: {why}"


def profile(personal: PersonalCalibration) -> str:
    """What was learned about how a person is to be read, in sentences."""
    if not personal.corrections:
        return "Nothing was learned about how to read you: you have set no reading right yet."
    times = "once" if personal.corrections == 1 else f"{personal.corrections} times"
    less, more = (
        ", ".join(sorted(label for label, bias in personal.bias.items() if bias * sign > 0)) for sign in (-1, 1)
    )
    sentences = [
        f"You set a reading right {times}.",
        f"Believed less readily since: {less}." if less else "",
        f"Believed more readily since: {more}." if more else "",
        "Your messages are read with a little less certainty." if personal.temperature > 1 else "",
        "Your words are taken as they stand, and you are asked what you feel." if personal.literal else "",
        "`/profile forget` erases all of this.",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _feeling(turn: Turn) -> str:
    if turn.emotion is None:
        return ""
    if turn.expression is not None and turn.expression.neutrality >= _HALF > turn.emotion.top()[0][1]:
        return "no clear emotion"
    top = [(label, p) for label, p in turn.emotion.top(2) if p >= _SHOWN]
    if not top or top[0][1] < _FLAT:
        return "hard to tell: " + _percentages(turn.emotion.top(2))
    return _percentages(top)


def _cause(turn: Turn) -> str:
    if turn.cause is None or not turn.cause.spans:
        return ""
    return f"because “{_short(turn.cause.spans[0].text)}”"


def _valence(turn: Turn) -> str:
    if turn.state is None:
        return ""
    arrow = "↗" if turn.state.trend > _STEADY else "↘" if turn.state.trend < -_STEADY else "→"
    return f"valence {turn.state.affect.valence:+.2f} {arrow}"


def _strategy(turn: Turn) -> str:
    if turn.escalated:
        return _CAREFUL
    return "" if turn.plan is None else _planned(turn.plan)


def _planned(plan: Plan) -> str:
    return f"{', then '.join(strategy.name for strategy in (plan.chosen, *plan.then))} ({plan.stage})"


def _state(turn: Turn) -> str:
    state = turn.state
    if state is None:
        return ""
    sure = "" if state.spread is None else f" ± {state.spread[0]:.2f}"
    text = (
        f"valence {state.affect.valence:+.2f}{sure} (change {state.trend:+.2f}), confidence {state.confidence:.2f}"
    )
    if state.last_shift is not None:
        ago = {0: "now", 1: "1 turn ago"}.get(state.turns_since_shift, f"{state.turns_since_shift} turns ago")
        text += f", last shift {ago}, for the {state.last_shift.direction}"
    if state.emotions:
        text += f"; {_percentages(state.top(3))}"
    return text


def _ahead(turn: Turn) -> str:
    """What is expected of the next message."""
    if turn.state is None or not turn.state.expected:
        return ""
    expected = sorted(turn.state.expected.items(), key=lambda pair: -pair[1])[:3]
    return _percentages(expected)


def _percentages(pairs: Iterable[tuple[str, float]]) -> str:
    return ", ".join(f"{label} {probability:.0%}" for label, probability in pairs)
