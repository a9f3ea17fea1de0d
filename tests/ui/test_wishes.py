"""What a person who chats asks of the next answers."""

from __future__ import annotations

import pytest

from agent.errors import InputError, SettingsError
from agent.options import Options
from agent.settings import load_settings
from ui.wishes import told, wished


def test_that_wishes_add_up_and_an_empty_one_takes_back():
    first = wished("variant=hef two_stage=inline", Options())
    assert first == Options("hef", "inline")
    assert wished("variant= stimulus=growth", first) == Options(None, "inline", "growth")
    assert wished("minor=yes", first) == Options("hef", "inline", minor=True)
    assert wished("minor=", wished("minor=no", first)) == first
    assert wished("", first) == first


@pytest.mark.parametrize("words", ["variant", "mood=sad", "=plain"])
def test_that_what_is_no_option_is_named_with_those_there_are(words: str):
    with pytest.raises(InputError, match="variant, two_stage, stimulus"):
        wished(words, Options())


@pytest.mark.parametrize("words", ["variant=magic", "two_stage=thrice"])
def test_that_a_value_that_there_is_not_is_refused_before_the_next_answer(words: str):
    with pytest.raises(SettingsError, match=words.partition("=")[2]):
        wished(words, Options())


def test_that_only_yes_and_no_say_whether_somebody_is_a_minor():
    assert wished("minor=no", Options()).minor is False
    with pytest.raises(InputError, match="yes, no"):
        wished("minor=maybe", Options())


def test_that_where_everybody_is_a_minor_no_wish_changes_it():
    assert told(Options(minor=False), load_settings(minors=True)).endswith("minor=yes")
    assert told(Options(minor=False), load_settings()).endswith("minor=no")


def test_that_what_was_not_wished_for_is_as_it_was_set():
    assert told(Options("plain"), load_settings(two_stage="inline")) == (
        "variant=plain two_stage=inline stimulus=none minor=unknown"
    )
