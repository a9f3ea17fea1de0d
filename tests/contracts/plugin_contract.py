"""What every plugin must do, ours and a stranger's. Subclass `PluginContract` as `Test...`.

    class TestMyPlugin(PluginContract):
        @pytest.fixture
        def plugin(self) -> Plugin:
            return MyPlugin()

A plugin that reads other readings gets those of `given`; override it where yours needs others, e.g.
another label set. None instead of a reading, which means that the plugin cannot tell, is allowed for any
text, but not for all of `ORDINARY`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass
from typing import Any, ClassVar

import pytest

from agent.perception import Perception
from agent.protocols import Plugin
from agent.readings import (
    Affect,
    CausalSpan,
    CauseReading,
    EmotionReading,
    ExpressionReading,
    FeltReading,
    RiskReading,
    SenseReading,
    StrategyReading,
    UndertoneReading,
)
from agent.second_look import Exemplar, ExemplarReading
from agent.testing import FixedPlugin
from agent.turn import GIVEN_FIELDS, READING_FIELDS, READING_TYPES, Message, Turn
from agent.wiring import order_plugins

__all__ = ["LONG", "ODD", "ORDINARY", "PluginContract", "apart"]

ORDINARY = (
    "The landlord rang at seven again and I hid in the bathroom until he gave up.",
    "We won the relay! I shouted so loud that I have no voice left.",
    "Fine.",
    "I'm worried about my brother because he stopped answering his phone.",
    "Nothing to tell today. The bus was on time.",
    "Why does she laugh at everything I say in the meeting? I could scream.",
)
LONG = "The kitchen still smells of his coffee and I do not dare to wash the cup. " * 334  # 5,010 words

ODD = {
    "one letter": "k",
    "a full stop": ".",
    "only punctuation": "?!?!… — ¿?",
    "only digits": "4711 0815 3.14159",
    "capitals": "LEAVE ME ALONE ALL OF YOU",
    "emoji": "\N{LOUDLY CRYING FACE}\N{BROKEN HEART}",
    "a family of emoji": "my \N{WOMAN}\u200d\N{WOMAN}\u200d\N{GIRL}\u200d\N{BOY} left",
    "a flag and a skin tone": "\N{REGIONAL INDICATOR SYMBOL LETTER N}\N{REGIONAL INDICATOR SYMBOL LETTER O} "
    "\N{WAVING HAND SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-5}",
    "Japanese": "もう誰とも話したくない。",
    "Arabic": "لا أستطيع النوم منذ أسبوع",
    "Hindi": "मुझे बहुत अकेला लगता है",
    "Russian": "Я не знаю, что делать дальше.",
    "several scripts": "Ich bin müde, 疲れた, устал, متعب",
    "stacked accents": "h\u0301\u0302\u0303e\u0304\u0305\u0306lp\u0307\u0308",
    "control characters": "I \x00can\x1b[31m not\x07 go\x7f on\x9b.",
    "a bidirectional override": "I am \u202eton fine\u202c today",
    "invisible characters": "\u200b\u2060hello\ufeff",
    "a lone surrogate": "broken \ud83d emoji",
    "the end of Unicode": "\U0010ffff\ufffe",
    "line breaks": "one\n\n\r\ntwo\u2028three\tfour",
    "one long word": "a" * 20_000,
    "no spaces between marks": "help!" * 2_000,
    "markup": "<b>I</b> &amp; {{ you }} [CLS] [SEP] <|im_end|> %s %(x)d",
    "5,000 words": LONG,
}


def apart(one: Any, other: Any) -> float:
    """How far two readings lie apart: the largest difference of a number, infinite where the rest differs."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other)
    if type(one) is not type(other):
        return math.inf
    if is_dataclass(one):
        pairs = [(getattr(one, field.name), getattr(other, field.name)) for field in fields(one)]
    elif isinstance(one, Mapping):
        if one.keys() != other.keys():
            return math.inf
        pairs = [(one[key], other[key]) for key in one]
    elif isinstance(one, tuple):
        if len(one) != len(other):
            return math.inf
        pairs = list(zip(one, other, strict=True))
    else:
        return 0.0 if one == other else math.inf
    return max((apart(*pair) for pair in pairs), default=0.0)


class PluginContract:
    """Checks for any plugin."""

    tolerance: ClassVar[float] = 1e-3
    """How far a number of a reading may move when a turn is read again, among others or in another thread:
    sums in another order move the last digits, and nothing that a person would be shown."""

    given: ClassVar[Mapping[str, Any]] = {
        "emotion": EmotionReading("contract-3", {"anxious": 0.6, "lonely": 0.3, "joyful": 0.1}),
        "expression": ExpressionReading("contract-2", {"fear": 0.7, "neutral": 0.2}, ("fear",)),
        "affect": Affect(-0.5, 0.4, -0.3),
        "cause": CauseReading(),
        "likely_strategies": StrategyReading("contract-2", {"question": 0.7, "reflection": 0.3}),
        "risk": RiskReading("distress"),
        "felt": FeltReading(0.6, 0.2),
        "undertone": UndertoneReading(0.3, 0.1),
        "voice": SenseReading("contract-3", {"anxious": 0.5, "lonely": 0.3, "joyful": 0.2}, 0.6),
        "face": SenseReading("contract-3", {"anxious": 0.4, "lonely": 0.2, "joyful": 0.4}, 0.3),
        "body": SenseReading("contract-2", {"tense": 0.8, "at ease": 0.2}, 0.4),
        "exemplars": ExemplarReading((Exemplar("The bus left.", "Oh no.", {"anxious": 0.5}, 0.7),)),
    }
    """One of each reading, for a plugin that reads those of others."""

    @pytest.fixture
    def plugin(self) -> Plugin:
        raise NotImplementedError("Give the contract a plugin: override the fixture `plugin`.")

    def turn(self, plugin: Plugin, text: str, *, history: tuple[Message, ...] = ()) -> Turn:
        """A turn with everything that the plugin reads."""
        needed = {name: self.given[name] for name in plugin.reads & READING_FIELDS}
        return Turn("turn", "conversation", len(history) // 2, text, history).fill(**needed)

    def turns(self, plugin: Plugin) -> list[Turn]:
        """Ordinary turns: some at the start of a conversation, one in its middle, the same one twice."""
        history = (
            Message("seeker", "My sister moved out on Sunday."),
            Message("supporter", "How is the house without her?", "question"),
        )
        fresh = [self.turn(plugin, text) for text in ORDINARY]
        return [*fresh, self.turn(plugin, "Quiet.", history=history), fresh[0]]

    def test_that_it_says_what_it_is_what_it_reads_and_what_it_writes(self, plugin: Plugin):
        assert plugin.name
        assert plugin.name == plugin.name.strip()
        assert plugin.reads <= GIVEN_FIELDS | READING_FIELDS
        assert plugin.writes in READING_FIELDS
        assert plugin.writes not in plugin.reads

    def test_that_it_can_be_wired_with_those_it_reads(self, plugin: Plugin):
        others = [FixedPlugin(name, self.given[name]) for name in sorted(plugin.reads & READING_FIELDS)]
        assert order_plugins([plugin, *others])[-1] is plugin

    def test_that_every_turn_gets_one_reading_of_the_right_type(self, plugin: Plugin):
        turns = self.turns(plugin)
        readings = plugin(turns)
        assert len(readings) == len(turns)
        assert {type(reading) for reading in readings} <= {READING_TYPES[plugin.writes], type(None)}
        assert any(reading is not None for reading in readings), "it could not tell a single time"

    def test_that_readings_come_in_the_order_of_the_turns(self, plugin: Plugin):
        turns = self.turns(plugin)
        forwards = plugin(turns)
        backwards = list(plugin(turns[::-1]))[::-1]
        self.check_alike(forwards, backwards)

    def test_that_a_batch_reads_what_single_turns_read(self, plugin: Plugin):
        turns = [*self.turns(plugin), self.turn(plugin, LONG)]
        self.check_alike(plugin(turns), [plugin([turn])[0] for turn in turns])

    def test_that_the_same_turns_give_the_same_readings(self, plugin: Plugin):
        turns = self.turns(plugin)
        first = list(plugin(turns))
        assert list(plugin(turns)) == first
        assert first[0] == first[-1], "one turn, twice in a batch, was read in two ways"

    def test_that_threads_may_share_it(self, plugin: Plugin):
        turns = self.turns(plugin)
        alone = [plugin([turn])[0] for turn in turns]
        with ThreadPoolExecutor(4) as threads:
            together = list(threads.map(lambda turn: plugin([turn])[0], turns * 4))
        self.check_alike(together, alone * 4)

    def test_that_an_empty_batch_gives_nothing(self, plugin: Plugin):
        assert len(plugin([])) == 0

    def test_that_reading_leaves_the_turns_as_they_were(self, plugin: Plugin):
        turns = self.turns(plugin)
        before = repr(turns)
        plugin(turns)
        assert repr(turns) == before

    @pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
    def test_that_an_odd_text_is_read_like_any_other(self, plugin: Plugin, text: str):
        turns = [self.turn(plugin, text), self.turn(plugin, ORDINARY[0])]
        readings = plugin(turns)
        self.check_alike(readings, [plugin([turn])[0] for turn in turns])
        for turn, reading in zip(turns, readings, strict=True):
            self.check_spans(turn, reading)

    def test_that_spans_lie_in_the_words_that_were_said(self, plugin: Plugin):
        turns = self.turns(plugin)
        for turn, reading in zip(turns, plugin(turns), strict=True):
            self.check_spans(turn, reading)

    async def test_that_it_works_inside_an_agent(self, plugin: Plugin):
        turn = self.turn(plugin, ORDINARY[3])
        others = [FixedPlugin(name, self.given[name]) for name in plugin.reads & READING_FIELDS]
        bare = Turn(turn.id, turn.conversation_id, turn.index, turn.text)
        perceived = await Perception([plugin, *others], seconds=60).perceive(bare)
        assert perceived.failures == ()
        self.check_alike([getattr(perceived, plugin.writes)], plugin([turn]))

    def check_alike(self, some: Sequence[Any], others: Sequence[Any]) -> None:
        """Raise AssertionError where two lists of readings differ by more than the tolerance."""
        assert len(some) == len(others)
        for place, (one, other) in enumerate(zip(some, others, strict=True)):
            assert apart(one, other) <= self.tolerance, f"reading {place}: {one!r} and {other!r}"

    def check_spans(self, turn: Turn, reading: Any) -> None:
        """Raise AssertionError where a span lies outside the text, or holds other words."""
        if isinstance(reading, RiskReading | UndertoneReading):
            assert all(0 <= start < end <= len(turn.text) for start, end in reading.evidence)
        if isinstance(reading, CauseReading):
            for span in reading.spans:
                assert isinstance(span, CausalSpan)
                assert turn.dialogue[span.utterance].text[span.start : span.end] == span.text
