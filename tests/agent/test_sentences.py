"""Where sentences end, however the text came."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sentences import LONGEST, Portions, Sentences, can_end, sentences_of


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        ("So it rained.", ["So it rained."]),
        ("So it rained. You stayed in?", ["So it rained.", " You stayed in?"]),
        ("Dr. Obi called. Mrs. Lund, too.", ["Dr. Obi called.", " Mrs. Lund, too."]),
        ("Rest, e.g. on the sofa. Then eat.", ["Rest, e.g. on the sofa.", " Then eat."]),
        (
            "Meet at 5 p.m. on Friday. Or 6 p.m. Your choice.",
            ["Meet at 5 p.m. on Friday.", " Or 6 p.m.", " Your choice."],
        ),
        ("J. Berg was there. So was I. It helped.", ["J. Berg was there.", " So was I.", " It helped."]),
        ("It took 3.5 hours. See example.org for more.", ["It took 3.5 hours.", " See example.org for more."]),
        ("I mean… you tried. And... it hurt.", ["I mean… you tried.", " And... it hurt."]),
        ("I see… That hurts.", ["I see…", " That hurts."]),
        ("... I see. Go on.", ["... I see.", " Go on."]),
        ("You said “never again.” Why?", ["You said “never again.”", " Why?"]),
        ('"Why me?" you ask. I wonder, too.', ['"Why me?" you ask.', " I wonder, too."]),
        ("(It was late.) You left.", ["(It was late.)", " You left."]),
        ("*Hey.* You made it!! Really?!", ["*Hey.*", " You made it!!", " Really?!"]),
        ("That is great! 😊 Tell me more.", ["That is great! 😊", " Tell me more."]),
        ("That is great 😊👍🏽 Tell me more.", ["That is great 😊👍🏽", " Tell me more."]),
        ("That is 😊 great.", ["That is 😊 great."]),
        ("听起来很难过。你还好吗？我在。", ["听起来很难过。", "你还好吗？", "我在。"]),
        ("「もう無理。」そうですか。", ["「もう無理。」", "そうですか。"]),
        ("Try this:\n1. Walk a bit.\n2. Call Ana", ["Try this:", "\n1. Walk a bit.", "\n2. Call Ana"]),
        ("Try:\n\n- a walk\n- tea", ["Try:", "\n\n- a walk", "\n- tea"]),
        ("first line\nsecond line", ["first line", "\nsecond line"]),
        ("i get it. that is a lot.", ["i get it.", " that is a lot."]),
    ],
)
def test_that_sentences_end_where_a_reader_would_say(text: str, sentences: list[str]):
    assert sentences_of(text) == sentences


PARTS = st.sampled_from(
    ["Oh", "no", "Dr", "e.g", "I", "3", "5", ".", "..", "…", "!", "?", "。", "？", '"', "”", ")", "*", "😊", "\u200d", " ", "  ", "\n",
     "a" * 40, "\ud83d", "\u202e", "é"]
)  # fmt: skip
TEXTS = st.lists(PARTS, max_size=60).map("".join) | st.text(max_size=80)


@given(TEXTS, st.lists(st.integers(1, 9), max_size=200))
def test_that_the_sentences_joined_are_the_text_and_do_not_depend_on_how_it_came(text: str, sizes: list[int]):
    stream, found, place = Sentences(), [], 0
    for size in [*sizes, len(text)]:
        found += stream.push(text[place : place + size])
        place += size
    found += stream.finish()
    assert "".join(found) == text
    assert found == sentences_of(text)
    assert all(len(sentence) <= LONGEST + 1 for sentence in found)


@given(TEXTS, st.integers(1, 9))
def test_that_portions_joined_are_the_text_with_two_sentences_in_the_first(text: str, size: int):
    portions, found = Portions(), []
    for place in range(0, len(text), size):
        found += portions.push(text[place : place + size])
    found += portions.finish()
    sentences = sentences_of(text)
    assert found == (["".join(sentences[:2]), *sentences[2:]] if sentences else [])


def test_that_a_sentence_is_given_out_before_the_next_one_is_there():
    stream = Sentences()
    assert stream.push("It rained.") == []
    assert stream.push(" Y") == ["It rained."]
    assert stream.push("ou stayed in.\n") == [" You stayed in."]


def test_that_a_sentence_that_never_ends_is_let_go_between_words():
    stream, word = Sentences(), "and then "
    found = stream.push(word * 50)
    assert found
    assert all(0 < len(piece) <= LONGEST for piece in found)
    assert all(piece.endswith(("and", "then")) for piece in found)
    assert stream.push("x" * 4 * LONGEST)  # even where no space ever comes


@pytest.mark.parametrize(
    ("shown", "rest", "can"),
    [
        ("It rained.", " You left.", True),
        ("It rained!”", " You left.", True),
        ("So glad 😊", " You left.", True),
        ("听起来很难过。", "你好吗？", True),
        ("Try this:", "\n1. Walk.", False),
        ("Try:\n- a walk", "\n- tea", True),
        ("it went on and on", " and on", False),
        ("", "x", False),
        (" \n", "x", False),
    ],
)
def test_that_a_reply_can_end_only_behind_a_whole_sentence_or_line(shown: str, rest: str, *, can: bool):
    assert can_end(shown, rest) is can
