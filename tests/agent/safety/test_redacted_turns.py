"""A turn without personal data: every text of it, with spans that still fit, and the store that keeps such turns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from agent.build import build_agent
from agent.decisions import Prompt, PromptMessage, Reply
from agent.memory import InMemoryStore
from agent.memory_sqlite import SQLiteStore
from agent.readings import CausalSpan, CauseReading, RiskReading, UndertoneReading
from agent.record import to_record
from agent.safety.redacting_store import RedactingStore
from agent.safety.redaction import redact_turn
from agent.second_look import Exemplar, ExemplarReading
from agent.testing import a_turn
from agent.turn import Message, Turn
from tests.contracts.store_contract import StoreContract, a_full_turn, a_state, recalled_turn, said

MAIL, PHONE = "quillon@example.org", "+49 151 23456789"
TEXT = f"My sister Quillon ({MAIL}) shouted at me, so I cried. I'm fine, it's whatever."


def span(text: str, words: str, utterance: int = 0) -> CausalSpan:
    start = text.index(words)
    return CausalSpan(utterance, start, start + len(words), words, 0.8)


def place(words: str) -> tuple[int, int]:
    start = TEXT.index(words)
    return start, start + len(words)


def test_that_every_text_of_a_turn_is_redacted():
    shift = replace(a_state().last_shift, cause=span(TEXT, MAIL))  # type: ignore[type-var]
    turn = replace(
        a_full_turn(),
        text=TEXT,
        index=1,
        history=(Message("seeker", f"Ring {PHONE}."), Message("supporter", f"I will not ring {PHONE}.")),
        prompt=Prompt(
            (PromptMessage("system", f"Seen: {PHONE}"), PromptMessage("user", TEXT)), "v1", "ab12345678", 3
        ),
        reply=Reply(f"Write to {MAIL}.", "model-1"),
        exemplars=ExemplarReading((Exemplar(f"It was {MAIL}.", f"Ring {PHONE}.", {"sad": 1.0}, 0.5),), "store-1"),
        state=replace(a_state(), last_shift=shift),
        cause=CauseReading((span(TEXT, "My sister Quillon (quillon@example.org) shouted at me", 2),)),
    )
    done = redact_turn(turn)
    kept = json.dumps(to_record(done))
    assert "uillon" not in kept
    assert "23456789" not in kept
    assert done.reply is not None
    assert done.reply.text == "Write to [email]."
    assert done.prompt is not None
    assert (done.prompt.sha256, done.prompt.messages[0].content) == ("ab12345678", "Seen: [phone]")
    assert redact_turn(done) == done


def test_that_a_turn_without_personal_data_is_the_same():
    turn = a_full_turn()
    assert redact_turn(turn) is turn


def test_that_readings_and_decisions_stay():
    turn = replace(a_full_turn(), text=TEXT, cause=None, risk=None, undertone=None)
    done = redact_turn(turn)
    for each in fields(Turn):
        if each.name not in {"text", "prompt"}:
            assert getattr(done, each.name) == getattr(turn, each.name), each.name


def test_that_causes_and_evidence_fit_where_their_words_stand_now():
    turn = a_turn(
        TEXT,
        index=1,
        history=(Message("seeker", f"Since {PHONE} rings I am afraid."),),
        cause=CauseReading(
            (span(TEXT, f"My sister Quillon ({MAIL}) shouted at me", 1), span(f"Since {PHONE} rings", "rings"))
        ),
        risk=RiskReading("distress", (), (place("so I cried"),)),
        undertone=UndertoneReading(0.5, 0.0, (place("I'm fine"), place("it's whatever"))),
    )
    done = redact_turn(turn)
    assert done.cause is not None
    assert [each.text for each in done.cause.spans] == ["My sister [name] ([email]) shouted at me", "rings"]
    for each in done.cause.spans:
        assert done.dialogue[each.utterance].text[each.start : each.end] == each.text
    assert done.risk is not None
    assert done.undertone is not None
    evidence = [*done.risk.evidence, *done.undertone.evidence]
    assert [done.text[start:end] for start, end in evidence] == ["so I cried", "I'm fine", "it's whatever"]


def test_that_spans_that_were_nothing_but_personal_data_are_left_out():
    shift = replace(a_state().last_shift, cause=span("other words, said before: " + MAIL, MAIL))  # type: ignore[type-var]
    turn = a_turn(
        TEXT,
        cause=CauseReading((span(TEXT, "Quillon"), span(TEXT, "I cried"))),
        risk=RiskReading("distress", (), (place(MAIL), place("Quillon"))),
        state=replace(a_state(), last_shift=shift),
    )
    done = redact_turn(turn)
    assert done.cause is not None
    assert [each.text for each in done.cause.spans] == ["I cried"]
    assert done.risk is not None
    assert done.risk.evidence == ()
    assert done.state is not None
    assert done.state.last_shift is not None
    assert done.state.last_shift.cause is None


def test_that_a_cause_in_words_that_the_turn_does_not_hold_is_redacted_too():
    before = f"When my boss, Karen, fired me by {MAIL} I broke."
    shift = replace(a_state().last_shift, cause=span(before, f"fired me by {MAIL}", 7))  # type: ignore[type-var]
    done = redact_turn(a_turn("I am still sad.", state=replace(a_state(), last_shift=shift)))
    assert done.state is not None
    assert done.state.last_shift is not None
    cause = done.state.last_shift.cause
    assert cause is not None
    assert (cause.text, cause.end - cause.start) == ("fired me by [email]", len("fired me by [email]"))


@dataclass(frozen=True, slots=True)
class Noted:
    """A note of an earlier turn, as a record of risk has them."""

    turn: int
    evidence: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class TurnWithNotes(Turn):
    notes: tuple[Noted, ...] = ()


def test_that_evidence_in_earlier_messages_moves_with_them():
    said_before = f"Ring {PHONE}, or I will cry."
    start = said_before.index("I will cry")
    notes = tuple(Noted(index, ((start, start + 10),)) for index in (0, 2, 3))
    turn = TurnWithNotes(
        "t", "c", 3, "Nothing.", (Message("seeker", said_before), Message("supporter", "No.")), notes=notes
    )
    gone, moved, here = redact_turn(turn).notes  # type: ignore[attr-defined]
    ((begin, stop),) = moved.evidence
    assert redact_turn(turn).history[0].text[begin:stop] == "I will cry"
    assert (gone.evidence, here.evidence) == ((), notes[2].evidence)
    assert redact_turn(turn, earlier_redacted=True).notes[0] == notes[0]  # type: ignore[attr-defined]


IDS = {
    "Turn.id", "Turn.conversation_id", "Prompt.template", "Prompt.sha256", "Reply.speaker", "Reply.stood_in_for",
    "Adjudication.speaker", "Strategy.id", "Ground.id",
}  # fmt: skip
"""Texts that name something of ours, beside `source` and `label_set`."""


def texts_of(kind: Any, at: str = "Turn") -> Iterator[tuple[Any, str]]:
    """Every field of a turn, and of what it holds, that takes a text."""
    for name, hint in get_type_hints(kind).items():
        for part in parts_of(hint):
            if part is str:
                yield kind, name
            elif is_dataclass(part):
                yield from texts_of(part, name)


def parts_of(hint: Any) -> Iterator[Any]:
    origin = get_origin(hint)
    if origin in (Union, UnionType, tuple):
        for each in get_args(hint):
            yield from parts_of(each)
    elif origin is not None and issubclass(origin, Mapping) if isinstance(origin, type) else False:
        yield from parts_of(get_args(hint)[1])
    elif origin is not Literal:
        yield hint


def test_that_no_text_field_is_left_out_but_ids():
    """A field that is added later is redacted, or its name is put among the ids on purpose."""
    from agent.safety.redaction import _IDS

    found = {f"{kind.__name__}.{name}" for kind, name in texts_of(Turn)}
    assert {"Turn.text", "Message.text", "PromptMessage.content", "Reply.text", "Exemplar.text"} <= found
    assert {
        each for each in found if each.split(".")[1] in _IDS and each.split(".")[1] not in {"source", "label_set"}
    } <= IDS


class TestRedactingStore(StoreContract):
    @pytest.fixture
    def store(self) -> Iterator[RedactingStore]:
        store = RedactingStore(InMemoryStore())
        yield store
        store.close()


class TestRedactingSQLiteStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[RedactingStore]:
        store = RedactingStore(SQLiteStore(tmp_path / "conversations.db"))
        yield store
        store.close()


def test_that_the_person_is_shown_what_was_said_and_the_store_keeps_less(tmp_path: Path):
    inner = SQLiteStore(tmp_path / "c.db")
    store = RedactingStore(inner, public=["0800 111 0 111"])
    first = recalled_turn(store, TEXT, reply=said(f"Ring 0800 1110111, not {PHONE}."))
    assert store.append(first) == first
    assert store.append(first) == first  # tried again
    second = store.append(recalled_turn(store, f"Or {PHONE}?"))
    assert (second.index, second.text) == (1, f"Or {PHONE}?")
    assert [message.text for message in second.history] == [
        "My sister [name] ([email]) shouted at me, so I cried. I'm fine, it's whatever.",
        "Ring 0800 1110111, not [phone].",
    ]
    assert store.turns("c")[1].text == "Or [phone]?"
    assert store.turns("c") == inner.turns("c")
    store.close()
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"uillon" not in content.replace(first.id.encode(), b"")
    assert b"23456789" not in content.replace(second.id.encode(), b"")


def test_that_an_agent_can_keep_conversations_without_personal_data(tmp_path: Path):
    agent = build_agent(store_path=tmp_path / "c.db", redact_store=True)
    for text in (TEXT, f"I called {PHONE} and nobody answered, so I cried again."):
        turn = agent.respond_sync(text, conversation_id="c")
        assert turn.failures == ()
        assert turn.text == text
    agent.store.close()
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"cried again" in content
    assert b"uillon" not in content
    assert b"23456789" not in content


def test_that_an_agent_keeps_what_was_said_unless_it_is_told_otherwise(tmp_path: Path):
    agent = build_agent(store_path=tmp_path / "c.db", plugins=["risk"], tracker="none")
    assert isinstance(agent.store, SQLiteStore)
    agent.respond_sync(TEXT, conversation_id="c")
    assert agent.store.turns("c")[0].text == TEXT
    agent.store.close()
