"""The protocol as a page for people: `docs/protocol.md`, made from `protocol.toml` and `outgoing.toml`.

Laws such as California's SB 243 want an operator to publish what is done when somebody speaks of suicide. The page
tells what is done and what is never said; of the patterns that look for it, only what they are for.
"""

from __future__ import annotations

from collections.abc import Iterable

from agent.safety.around import SituationPlan
from agent.safety.course import COOLS_AFTER, SUSPICION_COOLS_AFTER
from agent.safety.outgoing import load_outgoing
from agent.safety.protocol import Protocol, StepPlan, load_protocol
from agent.safety.steps import STEPS

__all__ = ["protocol_page"]

_HEAD = """\
# What it does when somebody may be in danger

Made from `agent/safety/protocol.toml` and `agent/safety/outgoing.toml` by `heartline safety protocol`; change
those files, not this page. Protocol `{id}`, reviewed {reviewed}.

Heartline is a program. It judges nobody's state and replaces no help. It keeps a record of the risk that shows in
a conversation and follows this protocol, whichever language model speaks, and without one.

## The record

`{steps}`

It rises at once to whatever a message shows or an answer tells. A denial, a joke or a change of subject does not
lower it. It falls by one step after so many quiet messages in a row: {cooling}. Danger that was suspected
a single time, in words that need not mean it, is asked about before anything is taken for granted: it falls to
`distress` where that is answered with a plain no, and else after {suspicion} quiet messages, or one more that show
distress and no danger; a second sign bears it out. While nobody told of danger outright, nothing is asked after
the first question until there is a sign. Once it is known, words that mean little by themselves count: a way, a
day or what is at hand is a plan, and the step itself acute (`agent/safety/nearer.toml`). After danger it never
falls below `watch` in the same conversation. Danger to others has a record of its own.

"""

_AROUND = """\
## Danger around the person

Somebody else's emergency, and violence that somebody suffers, are no risk of their own: neither record rises to
danger for them, and whoever suffers violence is in distress. So is who hears voices or feels watched; a voice that
orders them to harm themselves is danger of their own. All of this is found by patterns of English, and while
another's danger is spoken of the records rise only by words of the person's own. What is told isn't taken back by
a denial. Where the person's own record stands in danger, that protocol goes first, and the emergency number for
what happens around them is added.

"""

_NEVER = """\
## What is never said

Every sentence is looked at before it is shown, whoever speaks. One that holds any of this is replaced, and the
reply ends there:

"""


def protocol_page() -> str:
    """The page as Markdown."""
    protocol, outgoing = load_protocol(), load_outgoing()
    falls = ", ".join(f"{COOLS_AFTER[step]} at `{step}`" for step in reversed(STEPS) if step in COOLS_AFTER)
    steps = " < ".join(STEPS)
    head = _HEAD.format(
        id=protocol.id, reviewed=protocol.reviewed, steps=steps, cooling=falls, suspicion=SUSPICION_COOLS_AFTER
    )
    levels = "".join(_level(protocol, step) for step in (*STEPS, "others"))
    never = "".join(f"- {category.about}\n" for category in outgoing.categories)
    sources = "".join(f"- {source}\n" for source in protocol.sources)
    around = _AROUND + "".join(_situation(protocol, name, plan) for name, plan in protocol.situations.items())
    done = f"## What is done at each step\n\n{levels}{around}{_questions(protocol)}"
    return f"{head}{done}{_NEVER}{never}\n## Sources\n\n{sources}"


def _level(protocol: Protocol, step: str) -> str:
    plan = protocol.steps.get(step)  # type: ignore[call-overload]  # steps without a plan are asked for, too
    then = "" if plan is None else _plan(protocol, plan, step)
    return f"### {step}\n\n{protocol.about[f'step.{step}']}\n\n{then}"


def _plan(protocol: Protocol, plan: StepPlan, step: str) -> str:
    asked = "; ".join(protocol.about[f"ask.{question}"] for question in plan.ask)
    more = "message" if plan.holds == 1 else "messages"
    first, later, instead = (_acts(protocol, acts, step) for acts in (plan.first, plan.later, (plan.instead,)))
    return (
        f"The first reply:\n\n{first}\nThe replies after it:\n\n{later}\nWhere the reply before named help, and "
        f"the message shows nothing that cannot wait, this is done in its place:\n\n{instead}\nAsked in this "
        f"order, each once before one comes again, and none twice in a row: {asked}. It goes on until "
        f"{plan.holds} quiet {more} came after the last sign; then the conversation is free again, with a check "
        "now and then.\n\n"
    )


def _acts(protocol: Protocol, acts: Iterable[str], step: str) -> str:
    said = ((act, "" if act == "ask" else f", e.g. “{protocol.say[f'{step}.{act}'][0]}”") for act in acts)
    return "".join(f"- {protocol.about[f'act.{act}']}{example}\n" for act, example in said)


def _situation(protocol: Protocol, name: str, plan: SituationPlan) -> str:
    def acts(wanted: Iterable[str]) -> str:
        said = ((act, "" if act == "ask" else f", e.g. “{protocol.say[f'{name}.{act}'][0]}”") for act in wanted)
        return "".join(f"- {protocol.about[f'help.{act}']}{example}\n" for act, example in said)

    asked = "; ".join(protocol.about[f"ask.{question}"] for question in plan.ask)
    since = "last" if name.endswith("_now") or name in ("medical", "body") else "first"
    more = f", and in those to {plan.holds} messages after the {since} that told of it"
    parts = (
        (f"In the first reply{more}, nothing but this protocol answers. The first:", plan.first),
        ("Where somebody asks who could help:", plan.where),
        ("Where they tell that help is there or on its way:", plan.helped),
        ("Where the reply before named help, in its place:", (plan.instead,)),
    )
    done = "".join(f"{text}\n\n{acts(wanted)}\n" for text, wanted in parts)
    return (
        f"### {name}\n\n{protocol.about[f'situation.{name}']}\n\n{done}Asked in this order, none twice in a row: "
        f"{asked}. Otherwise the conversation is free; whatever speaks is told what it is about, and a question "
        "ends a reply now and then.\n\n"
    )


def _questions(protocol: Protocol) -> str:
    asked = [name.removeprefix("ask.") for name in protocol.say if name.startswith("ask.")]
    rows = "".join(f"| {protocol.about[f'ask.{each}']} | “{protocol.say[f'ask.{each}'][0]}” |\n" for each in asked)
    return f"## The questions\n\n| what | for example |\n| --- | --- |\n{rows}\n"
