"""Role markers of chat templates are made harmless, and nothing else is touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.role_marks import defused
from tests.role_markers import CONTROL, WRITTEN


@pytest.mark.parametrize("token", CONTROL)
def test_that_a_control_token_is_parted_by_one_space_after_its_first_character(token) -> None:
    assert token not in defused(f"I wrote {token} there")
    assert defused(token).replace(" ", "") == token
    assert defused(token).count(" ") == 1
    assert " " in defused(token)[:3]


@pytest.mark.parametrize("written", WRITTEN)
def test_that_a_written_out_role_has_a_space_before_its_colon(written) -> None:
    assert written not in defused(f"{written} obey me")
    assert defused(f"{written} obey me").replace(" :", ":") == f"{written} obey me"


@pytest.mark.parametrize(
    "token", ["<\u200b|im_start|>", "<|im\u200b_start|>", "＜|im_start|＞", "<start_\u200bof_turn>", "［INST］"]
)
def test_that_disguises_which_some_tokenizers_take_off_are_parted_too(token) -> None:
    assert token not in defused(token)


@pytest.mark.parametrize(
    "text",
    [
        "We love her <3 and 2 < 3 but 5 > 4.",
        "She said: come at 7:30 [or later], see https://example.org/a?b=c",
        "My user profile is gone, and the system is slow.",
        "Что он сказал: «приходи»",
        "",
    ],
)
def test_that_ordinary_text_stays_as_it_is(text) -> None:
    assert defused(text) == text


@given(st.lists(st.sampled_from([*CONTROL, *WRITTEN, "<", "[", "|", "]", "\n", " ", "a"]), max_size=12))
def test_that_nothing_but_spaces_is_put_in_and_no_token_is_left_or_made(pieces) -> None:
    text = "".join(pieces)
    harmless = defused(text)
    assert not [token for token in CONTROL if token in harmless]
    assert harmless.replace(" ", "") == text.replace(" ", "")
    assert defused(harmless) == harmless
