from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from agent.turn import Message, Role
from sem_plugins.labels import ESCONV, ESCONV_NAMES
from sem_plugins.weights import SHIPPED, TOKENIZER
from sem_plugins.window import MARKS, Window, WindowMaker
from tests.contracts.plugin_contract import LONG, ODD

TYPED = ("[SEP]", "[CLS]", "[PAD]", "[MASK]", "[UNK]", *(f"[unused{number}]" for number in range(MARKS)))
"""What the vocabulary calls its special tokens and its marks, as a person may type it."""

NOT_FOR_TEXT = frozenset({*range(MARKS), 101, 102, 103})
"""Ids that no text may be read as. That of the unknown word is not among them: an emoji is one."""

TALK = (
    Message("seeker", "I lost my job"),
    Message("supporter", "When was that?", "question"),
    Message("seeker", "On Monday."),
)

NAMES = {2: "<seeker>", 3: "<supporter>"} | {4 + place: f"<{label}>" for place, label in enumerate(ESCONV.labels)}


def read_tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(SHIPPED / TOKENIZER))


TOKENIZERS = read_tokenizer()


def make(messages: Sequence[Message], *, most: int = 160, said: int | None = None) -> Window:
    return WindowMaker(TOKENIZERS, most)(messages, said=said)


def shown(window: Window) -> str:
    """What the encoder sees, in words."""
    pieces = [NAMES.get(one) or TOKENIZERS.id_to_token(one) for one in window.ids.tolist()]
    return " ".join(
        ["<progress>" if 12 <= one < MARKS else piece for one, piece in zip(window.ids, pieces, strict=True)]
    )


def words_of(window: Window, utterance: int) -> list[str]:
    return [TOKENIZERS.id_to_token(int(window.ids[token])) for token in window.tokens_of(utterance)]


def plain(text: str) -> str:
    """As the tokenizer reads it: small letters, without accents; half a character is a question mark."""
    whole = text.encode("utf-8", "replace").decode().lower()
    return "".join(one for one in unicodedata.normalize("NFD", whole) if unicodedata.category(one) != "Mn")


def assert_sound(window: Window, messages: Sequence[Message], most: int) -> None:
    """What holds for every window."""
    size = len(window.ids)
    assert size <= most
    assert window.types.shape == window.places.shape == (size,)
    assert window.offsets.shape == (size, 2)
    assert {part.dtype for part in (window.ids, window.types, window.places, window.offsets)} == {
        np.dtype(np.int64)
    }
    assert (window.ids[0], window.ids[-1]) == (101, 102)
    of_text = window.places >= 0
    assert not NOT_FOR_TEXT & set(window.ids[of_text].tolist())
    assert set(window.ids[~of_text].tolist()) <= {101, 102, *range(2, MARKS)}
    assert sorted(window.marks) == list(range(window.dropped, len(messages)))
    for utterance, position in window.marks.items():
        assert window.ids[position] == {"seeker": 2, "supporter": 3}[messages[utterance].role]
        for start, end in window.offsets[window.tokens_of(utterance)].tolist():
            assert 0 <= start < end <= len(messages[utterance].text)
    assert 0 <= window.cut <= len(messages[-1].text)


@st.composite
def dialogues(draw: st.DrawFn) -> list[Message]:
    """Dialogues of anything that can be typed, with names of special tokens among it."""
    text = st.one_of(
        st.text(max_size=120),
        st.lists(st.sampled_from([*TYPED, "##ing", " ", "hope", "less", "\ud83d", "a\u0301"]), max_size=30).map(
            "".join
        ),
    )
    role: st.SearchStrategy[Role] = st.sampled_from(["seeker", "supporter"])
    strategy = st.one_of(st.none(), st.sampled_from([*ESCONV.labels, *ESCONV_NAMES.values()]), st.text())
    return draw(st.lists(st.builds(Message, role, text, strategy), min_size=1, max_size=6))


def test_that_a_dialogue_is_marked_with_who_spoke_and_how():
    assert shown(make(TALK)) == (
        "[CLS] <progress> <seeker> i lost my job <supporter> <question> when was that ? <seeker> on monday . [SEP]"
    )


def test_that_a_window_says_where_each_utterance_stands():
    window = make(TALK)
    assert window.marks == {0: 2, 1: 7, 2: 13}
    assert [words_of(window, utterance) for utterance in range(3)] == [
        ["i", "lost", "my", "job"],
        ["when", "was", "that", "?"],
        ["on", "monday", "."],
    ]
    assert (window.dropped, window.cut) == (0, 0)


def test_that_tokens_of_the_last_message_and_its_mark_have_type_one():
    window = make(TALK)
    assert [TOKENIZERS.id_to_token(one) for one in window.ids[window.types == 1]] == [
        "[unused1]",
        "on",
        "monday",
        ".",
    ]
    assert window.types[-1] == 0


def test_that_a_span_of_tokens_is_the_words_as_they_were_typed():
    window = make([Message("seeker", "Then  my DÖG, Bobby, died.")])
    start, end = window.span(*window.tokens_of(0)[[1, 4]])
    assert "Then  my DÖG, Bobby, died."[start:end] == "my DÖG, Bobby"


@pytest.mark.parametrize("place", range(len(ESCONV)), ids=ESCONV.labels)
@pytest.mark.parametrize(
    "case", [str, str.upper, str.lower, str.title], ids=["as it is", "upper", "lower", "title"]
)
def test_that_a_strategy_is_known_by_id_and_by_name_in_any_case(place: int, case: type[str]):
    label = ESCONV.labels[place]
    for name in (label, ESCONV_NAMES[label]):
        assert shown(make([Message("supporter", "so", case(name))])).split()[2:4] == ["<supporter>", f"<{label}>"]


@pytest.mark.parametrize("strategy", [None, "", "humming", "question 2"])
def test_that_an_unknown_strategy_has_no_mark(strategy: str | None):
    assert shown(make([Message("supporter", "so", strategy)])) == "[CLS] <progress> <supporter> so [SEP]"


def test_that_a_seeker_follows_no_strategy():
    assert shown(make([Message("seeker", "so", "question")])) == "[CLS] <progress> <seeker> so [SEP]"


def test_that_marks_are_entries_of_the_vocabulary_that_no_word_uses():
    assert [TOKENIZERS.id_to_token(one) for one in range(1, MARKS)] == [
        f"[unused{one}]" for one in range(MARKS - 1)
    ]


def test_that_the_progress_mark_never_goes_back_and_takes_every_step():
    marks = [int(make(TALK, said=said).ids[1]) for said in range(200)]
    assert all(one <= other <= one + 1 for one, other in pairwise(marks))
    assert sorted(set(marks)) == list(range(12, MARKS))


def test_that_only_the_progress_mark_knows_how_much_was_said_before():
    short, late = make(TALK), make(TALK, said=40)
    assert short.ids[1] < late.ids[1]
    assert short.ids[2:].tolist() == late.ids[2:].tolist()


def test_that_progress_is_counted_over_what_did_not_fit_too():
    window = make([Message("seeker", "and so on")] * 100, most=20)
    assert window.ids[1] == make(TALK, said=100).ids[1]


@pytest.mark.parametrize("typed", TYPED)
def test_that_a_typed_special_token_is_letters_and_brackets(typed: str):
    window = make([Message("seeker", typed), Message("seeker", f"x{typed}y {typed}")])
    assert {"[", "]"} <= set(words_of(window, 0)) & set(words_of(window, 1))
    assert typed not in {*words_of(window, 0), *words_of(window, 1)}
    assert list(window.ids).count(101) == list(window.ids).count(102) == 1


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_that_tokens_of_an_odd_text_point_to_their_letters(text: str):
    first = Message("seeker", text)
    for messages in ((first,), (first, *TALK)):
        window = make(messages)
        assert_sound(window, messages, 160)
        for word, token in zip(words_of(window, 0), window.tokens_of(0), strict=True):
            start, end = window.offsets[token]
            assert word == "[UNK]" or word.removeprefix("##") in plain(text[start:end])


@given(dialogues(), st.integers(8, 60), st.one_of(st.none(), st.integers(0, 99)))
def test_that_a_window_of_any_dialogue_is_sound(messages: list[Message], most: int, said: int | None):
    assert_sound(make(messages, most=most, said=said), messages, most)


@given(dialogues(), st.integers(8, 60))
def test_that_what_is_left_is_the_whole_of_the_newest_utterances(messages: list[Message], most: int):
    small, large = make(messages, most=most), make(messages, most=10_000)
    assert large.dropped == large.cut == 0
    for utterance in small.marks:
        if utterance == len(messages) - 1:
            size = len(small.tokens_of(utterance))
            assert words_of(large, utterance)[-size or len(large.ids) :] == words_of(small, utterance)
        else:
            assert words_of(large, utterance) == words_of(small, utterance)
    if small.dropped:
        older = large.marks[small.dropped - 1]
        assert len(small.ids) + large.marks[small.dropped] - older > most, "one more would have fitted"


def test_that_the_oldest_utterances_go_first_and_are_counted():
    talk = [Message("seeker" if number % 2 else "supporter", f"message {number} of many") for number in range(100)]
    window = make(talk, most=20)
    assert shown(window) == (
        "[CLS] <progress> <seeker> message 97 of many <supporter> message 98 of many <seeker> message 99 of many [SEP]"
    )
    assert (window.dropped, window.cut) == (97, 0)
    assert len(window.tokens_of(96)) == 0


def test_that_an_older_utterance_that_fits_does_not_jump_over_one_that_does_not():
    window = make([Message("seeker", "Hm."), Message("supporter", "so " * 40), Message("seeker", "Yes.")], most=20)
    assert (sorted(window.marks), window.dropped) == ([2], 2)


def test_that_an_utterance_is_never_kept_in_part():
    gap = Message("supporter", "Hm." + " " * 5000 + "I see.")  # few tokens, and more characters than are looked at
    window = make([gap, TALK[2]])
    assert (sorted(window.marks), window.dropped) == ([1], 1)


def test_that_a_long_message_loses_its_beginning_and_the_loss_is_counted():
    text = " ".join(f"word{number}" for number in range(5000))
    window = make([TALK[0], Message("seeker", text)])
    assert len(window.ids) == 160
    assert (sorted(window.marks), window.dropped) == ([1], 1)
    tokens = window.tokens_of(1)
    assert window.span(tokens[0], tokens[-1]) == (window.cut, len(text))
    assert shown(window).startswith("[CLS] <progress> <seeker> ")


@pytest.mark.parametrize("most", [8, 19, 20, 21, 160])
def test_that_what_was_not_cut_reads_the_same_on_its_own(most: int):
    whole = make([Message("seeker", LONG)], most=most)
    rest = make([Message("seeker", LONG[whole.cut :])], most=most)
    assert rest.ids.tolist() == whole.ids.tolist()
    assert rest.cut == 0


def test_that_a_mark_of_a_strategy_outlives_the_cut():
    window = make([Message("supporter", LONG, "suggestions")], most=8)
    assert shown(window).split()[2:4] == ["<supporter>", "<suggestions>"]
    assert len(window.ids) == 8


def test_that_one_endless_word_is_a_token_whose_beginning_was_cut():
    window = make([Message("seeker", "a" * 20_000)])
    assert words_of(window, 0) == ["[UNK]"]
    assert window.offsets[window.tokens_of(0)[0]].tolist() == [window.cut, 20_000]
    assert window.cut > 0


@pytest.mark.parametrize("text", ["help!" * 2000, "もう疲れた。" * 1000, "so,so,so\n" * 1000])
def test_that_a_text_without_spaces_fills_the_window_though_a_last_word_follows(text: str):
    window = make([Message("seeker", f"{text} ok")])
    assert len(window.ids) == 160
    assert words_of(window, 0)[-1] == "ok"


@pytest.mark.parametrize("text", ["", " ", "\u200b", "\x00"])
def test_that_a_message_without_words_is_its_mark(text: str):
    window = make([TALK[0], Message("seeker", text)])
    assert shown(window) == "[CLS] <progress> <seeker> i lost my job <seeker> [SEP]"
    assert window.tokens_of(1).size == window.cut == 0
    assert window.types.tolist() == [0] * 7 + [1, 0]


def test_that_half_a_character_is_read_as_a_question_mark():
    assert make([Message("seeker", "Why \ud83d")]).ids.tolist() == make([Message("seeker", "Why ?")]).ids.tolist()


def test_that_another_maker_makes_the_same_window_whatever_it_made_before():
    maker = WindowMaker(read_tokenizer(), 160)
    maker([Message("seeker", LONG)])
    one, other = maker(TALK), make(TALK)
    for part in ("ids", "types", "places", "offsets"):
        assert getattr(one, part).tolist() == getattr(other, part).tolist()
    assert (one.marks, one.dropped, one.cut) == (other.marks, other.dropped, other.cut)


def test_that_a_tokenizer_that_was_saved_to_cut_and_to_pad_does_neither():
    tokenizer = read_tokenizer()
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding(length=64)
    assert WindowMaker(tokenizer, 160)(TALK).ids.tolist() == make(TALK).ids.tolist()
