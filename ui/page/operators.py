"""Who may look after people who wait for a person, and who waits.

Nobody gets in but with a key that has the right `handoff`, as on the server; only a page that nobody but this
machine reaches, and whose store never had a key, does without. A key opens what belongs to its tenant, and of that
the conversations that a person was called for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent.errors import HeldError, InputError, UnknownConversationError
from agent.safety.called import CALL_STATES, Called
from agent.safety.handoff import HandoffPacket, packet_of
from agent.safety.human_acts import HumanAct
from agent.safety.steps import STEPS
from agent.turn import Turn
from ui.http.errors import ApiError
from ui.page.answering import Trouble, trouble_of
from ui.page.desk import Desk

__all__ = ["MOST", "Opened", "Operator", "let_in", "opened", "queue_of", "trouble_for"]

MOST = 200
"""Conversations of the queue that are looked at, those that a person was last called for."""

_LAST_TURNS = 12


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who may take conversations over.

    Attributes:
        store: The conversations of their tenant, and nothing else.
        name: What they are called by their key (`Tenant.who`); empty where they have none.
        keyless: They came without one, since none was ever made.
    """

    store: Any
    name: str = ""
    keyless: bool = False

    def called(self, typed: str) -> str:
        """What they are called, who typed this: only who has no key says so."""
        return typed if self.keyless else self.name


@dataclass(frozen=True, slots=True)
class Opened:
    """A case with all that whoever takes it over has to know."""

    case: Called
    packet: HandoffPacket
    turns: tuple[Turn, ...]
    acts: tuple[HumanAct, ...]


def let_in(desk: Desk, key: str, *, address: str = "") -> Operator:
    """Who comes with a key.

    Args:
        desk: What all visitors share.
        key: As it was typed; empty where none was.
        address: Of the browser: keys that open nothing are counted by it.

    Raises:
        ApiError: It opens nothing, lacks the right `handoff`, or is missing; or too many opened nothing.
        StoreError: The keys cannot be read.
    """
    wrong = desk.settings.key_limits.wrong_per_minute
    tenant = desk.gate.admitted(key.strip() or None, address=address, wrong_per_minute=wrong)
    if (who := tenant.who) is None:
        if not desk.reach.near:
            raise ApiError(401, "A key is needed, and there is none yet.", code="invalid_api_key")
        return Operator(desk.agent.store, keyless=True)
    tenant.check("handoff")
    return Operator(desk.store_of_tenant(tenant.name), who)


def queue_of(operator: Operator) -> list[Called]:
    """Who waits, then who is looked after, then what was given back; in each the most urgent first, then the
    newest.

    Raises:
        StoreError: It cannot be read.
    """
    cases: tuple[Called, ...] = operator.store.called(newest=MOST) if hasattr(operator.store, "called") else ()
    return sorted(
        cases,
        key=lambda case: (CALL_STATES.index(case.state), -STEPS.index(case.step), -case.since.timestamp()),
    )


def opened(operator: Operator, conversation_id: str) -> Opened:
    """A case of the queue.

    Raises:
        UnknownConversationError: Nobody was called for such a conversation, or it was erased.
        StoreError: It cannot be read.
    """
    store = operator.store
    case: Called | None = store.called_in(conversation_id) if hasattr(store, "called_in") else None
    if case is None:
        raise UnknownConversationError("No person was called for such a conversation.")
    turns = store.turns(conversation_id)
    last = case.packet
    packet = packet_of(turns, consent=last.consent, reason=last.reason, created=last.created, last=_LAST_TURNS)
    return Opened(case, packet, turns, store.human_acts(conversation_id))


def trouble_for(error: Exception) -> Trouble:  # noqa: PLR0911 - one for each kind of error
    """What an operator is told about an error: what happened, and what to do."""
    match error:
        case ApiError(code="right_missing"):
            return Trouble("operator.no_right")
        case ApiError(code="too_many_wrong_keys"):
            return Trouble("operator.too_many", (("seconds", error.headers.get("Retry-After", "60")),))
        case ApiError(status=401):
            return Trouble("operator.wrong_key")
        case HeldError(held_by=str() as name):
            return Trouble("operator.held_already", (("name", name),))
        case HeldError():
            return Trouble("operator.not_held")
        case UnknownConversationError():
            return Trouble("operator.gone")
        case InputError():
            return Trouble("operator.no_words")
    trouble = trouble_of(error)
    return Trouble("operator.store") if trouble.key == "trouble.store" else trouble
