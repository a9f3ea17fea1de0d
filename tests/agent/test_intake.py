"""What comes in is cleaned or refused before anything else sees it."""

from __future__ import annotations

import time
import traceback
import unicodedata
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.errors import InputError, LimitError
from agent.intake import clean, parsed

LIMIT = 200
OVERRIDES = "\u202a\u202b\u202c\u202d\u202e"

# Characters with a part to play, more often than among all of Unicode.
awkward = st.sampled_from(
    ["\x00", "\x1b", "\x7f", "\x85", "\x9b", "\r", "\n", "\t", " ", "\u2028", "\ud800", "\udfff"]
)
texts = st.text(
    st.one_of(st.characters(categories=None), awkward, st.sampled_from(OVERRIDES + "\u200d\ufeff\u00adk")),
    max_size=60,
)


def cleaned_or_none(text: str) -> str | None:
    try:
        return clean(text, limit=LIMIT)
    except InputError:
        return None


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("My tent leaks.", "My tent leaks."),
        ("  My tent leaks. \n", "My tent leaks."),
        ("My\x00 tent\x00 leaks.", "My tent leaks."),
        ("\x1b[31mMy tent\x1b[0m leaks.", "[31mMy tent[0m leaks."),
        ("My\x9b tent\x07 lea\x08ks.\x7f", "My tent leaks."),
        ("My \u202etnet\u202c leaks.", "My tnet leaks."),
        ("My \u202atent\u202b\u202d leaks.", "My tent leaks."),
        ("My \ud83d tent", "My \N{REPLACEMENT CHARACTER} tent"),
        ("My\r\ntent\rleaks\n\tagain.", "My\ntent\nleaks\n\tagain."),
        ("\x00 \x1b hello", "hello"),
    ],
)
def test_that_what_cannot_be_carried_goes(typed: str, cleaned: str):
    assert clean(typed, limit=LIMIT) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "\N{WOMAN}\u200d\N{WOMAN}\u200d\N{GIRL}\u200d\N{BOY}",
        "\N{RAINBOW} \N{WHITE FLAG}\ufe0f\u200d\N{RAINBOW}",
        "\N{THUMBS UP SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-6}",
        "\N{REGIONAL INDICATOR SYMBOL LETTER N}\N{REGIONAL INDICATOR SYMBOL LETTER O}",
        "می\u200cخواهم",  # Persian needs its non-joiner
        "क्\u200dष",  # and Hindi its joiner
        "z\u0301\u0302\u0303",
        "\U0010ffff",
        "<b>&amp;</b> {{ x }} [SEP] %s",
    ],
)
def test_that_what_somebody_meant_stays_as_it_is(text: str):
    assert clean(text, limit=LIMIT) == text


@pytest.mark.parametrize(
    "text", ["", " ", "\n\t \u2003\u3000", "\x00\x1b", OVERRIDES, "\u200b\u200d\ufeff", "\u00ad"]
)
def test_that_an_empty_message_is_refused_with_the_cure(text: str):
    with pytest.raises(InputError, match=r"The message is empty.*Type something"):
        clean(text, limit=LIMIT)


def test_that_the_limit_itself_is_allowed_and_one_more_is_not():
    assert clean("k" * LIMIT, limit=LIMIT) == "k" * LIMIT
    with pytest.raises(InputError, match=f"has {LIMIT + 1} characters; the limit is {LIMIT}"):
        clean("k" * (LIMIT + 1), limit=LIMIT)


def test_that_only_what_is_left_counts():
    assert clean("\x00" * LIMIT + "k" * LIMIT + " " * LIMIT, limit=LIMIT) == "k" * LIMIT


def test_that_the_limit_counts_characters_and_not_bytes():
    assert clean("\N{LOUDLY CRYING FACE}" * LIMIT, limit=LIMIT) == "\N{LOUDLY CRYING FACE}" * LIMIT


def test_that_a_refusal_says_what_to_do():
    with pytest.raises(
        InputError, match=r"has 12,345 characters; the limit is 10,000\. Send it in parts, or raise"
    ):
        clean("k" * 12_345, limit=10_000)


def test_that_a_refusal_does_not_quote_the_message():
    said = "Quillonby " * 100
    with pytest.raises(InputError) as caught:
        clean(said, limit=LIMIT)
    assert "Quillonby" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("character", ["k", "\x00", " ", "\u200d"])
def test_that_a_megabyte_is_refused_before_it_is_read(character: str):
    text = character * 1_000_000
    began = time.process_time()
    for _ in range(100):
        with pytest.raises(InputError, match=r"1,000,000 characters"):
            clean(text, limit=20_000)
    # Cleaning it takes more than a tenth of a second; looking at its length takes microseconds.
    assert time.process_time() - began < 1


@given(texts)
@example("\r\x00\n")
@example("\x00 k \x00")
@example("\ud83d\ude00")
def test_that_cleaning_again_changes_nothing(text: str):
    once = cleaned_or_none(text)
    if once is not None:
        assert clean(once, limit=LIMIT) == once


@given(texts)
def test_that_what_passes_is_never_empty_and_holds_nothing_to_fear(text: str):
    passed = cleaned_or_none(text)
    if passed is not None:
        assert passed == passed.strip()
        assert any(not character.isspace() for character in passed)
        assert not set(passed) & set(OVERRIDES)
        assert not [c for c in passed if unicodedata.category(c) == "Cc" and c not in "\n\t"]
        assert passed.encode("utf-8").decode("utf-8") == passed


@given(texts)
def test_that_a_message_passes_or_is_refused_and_nothing_else_happens(text: str):
    shows = any(not c.isspace() and unicodedata.category(c) not in {"Cc", "Cf"} for c in text)
    assert (cleaned_or_none(text) is not None) == shows


@given(st.text(st.characters(categories=["L", "N", "P", "S", "M"]), min_size=1, max_size=60))
def test_that_letters_marks_and_signs_are_never_touched(text: str):
    assert clean(text, limit=LIMIT) == text


@pytest.mark.parametrize("opened", ["[", '{"a":', '[{"a":'])
@pytest.mark.parametrize("kind", [str, bytes])
def test_that_json_without_end_is_refused_in_our_words(opened: str, kind: type[str | bytes]):
    text = opened * 100_000
    with pytest.raises(LimitError, match="nested too deeply") as caught:
        parsed(text if kind is str else text.encode())
    assert len("".join(traceback.format_exception(caught.value))) < 5000


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("9" * 100_000, "too many digits"),
        ('{"a": [-' + "9" * 5000 + "]}", "too many digits"),
        ('{"a": "Quillon', "Unterminated string"),
        ("", "Expecting value"),
        (b"\xff\xfe\xfa", "UTF"),
    ],
)
def test_that_what_is_no_json_is_refused_without_its_words(text: str | bytes, problem: str):
    with pytest.raises(InputError, match=problem) as caught:
        parsed(text)
    assert "Quillon" not in "".join(traceback.format_exception(caught.value))


@given(st.text(max_size=30) | st.binary(max_size=30))
def test_that_parsing_ends_in_a_value_or_in_our_error(text: str | bytes):
    with suppress(InputError):
        parsed(text)


def test_that_a_message_that_is_too_long_is_a_limit_that_waiting_does_not_lift():
    with pytest.raises(LimitError, match="the limit is 200") as caught:
        clean("k" * 201, limit=LIMIT)
    assert caught.value.retry_after is None
