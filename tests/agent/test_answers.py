"""What a short answer says: strict about what it is, tolerant of how it is dressed."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from agent.answers import checked_schema, fits, one_object, picked_from, probabilities_of
from agent.errors import ReadingError

ABC = ("A", "B", "C")


@pytest.mark.parametrize(
    "text",
    [
        "B",
        " B\n",
        "B.",
        "b",
        "**B**",
        '"B"',
        "(B)",
        "`B`",
        "Answer: B",
        "answer: **B**",
        "The answer is B.",
        "Choice: B",
        "B\n\nThey have been waiting for weeks.",
        '{"answer": "B"}',
        '```json\n{"answer": "B"}\n```',
        'Here it is: {"answer": "B"} Anything else?',
    ],
)
def test_that_a_choice_is_known_in_any_dress(text: str):
    picked, offset = picked_from(text, ABC)
    assert picked == "B"
    assert text[offset].upper() == "B"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n",
        "D",
        "A or B",
        "A, B",
        "A\nB\nC",
        "AB",
        "Not B",
        "It is B, I think.",
        "A person who waits is B",
        "Both A and B fit.",
        "I cannot help with that.",
        "AnswerB",
        '{"answer": "D"}',
        '{"answer": "BB"}',
        '{"answer": ["B"]}',
        '{"answer": 2}',
        '{"reply": "B"}',
        '{"answer": "A", "answer": "B"}',
        '{"answer": "A"} {"answer": "B"}',
        '{"answer": "B',
    ],
)
def test_that_what_is_not_plainly_a_choice_is_none(text: str):
    assert picked_from(text, ABC) == (None, 0)


def test_that_a_choice_within_a_longer_one_is_not_taken_for_it():
    assert picked_from("sad, lonely", ("sad", "sad, lonely")) == ("sad, lonely", 0)
    assert picked_from("sad and lonely", ("sad", "lonely")) == (None, 0)


def test_that_choices_that_differ_in_case_alone_need_the_right_one():
    assert picked_from("b", ("b", "B"))[0] == "b"
    assert picked_from("**B**", ("b", "B"))[0] == "B"


def test_that_an_answer_without_end_is_read_quickly():
    for text in ("." * 500_000, "{" * 500_000, "(A" * 250_000, '{"a":' * 100_000, "\n" * 500_000):
        assert picked_from(text, ABC) == (None, 0)


@given(some.text(max_size=200))
def test_that_any_text_is_read_without_an_error(text: str):
    picked, offset = picked_from(text, ABC)
    assert picked is None or text[offset : offset + 1].upper() == picked


# --- probabilities


def token(*alternatives: tuple[str, float]) -> dict[str, Any]:
    """A token as servers describe it: what was said, first, with its alternatives and their chances."""
    listed = [{"token": name, "logprob": math.log(p)} for name, p in alternatives]
    return {**listed[0], "top_logprobs": listed}


def test_that_probabilities_are_those_of_the_choices_among_the_alternatives():
    tokens = [token(("B", 0.6), ("A", 0.2), ("C", 0.1), ("The", 0.1))]
    found = probabilities_of(tokens, "B", 0, ABC)
    assert found == pytest.approx({"A": 2 / 9, "B": 6 / 9, "C": 1 / 9})


def test_that_a_choice_no_alternative_names_shares_what_is_left():
    found = probabilities_of([token(("B", 0.6), ("A", 0.3))], "B", 0, (*ABC, "D"))
    assert found == pytest.approx({"A": 0.3, "B": 0.6, "C": 0.05, "D": 0.05})


def test_that_it_never_gets_more_than_the_least_likely_alternative():
    found = probabilities_of([token(("B", 0.02), ("A", 0.01))], "B", 0, ABC)
    assert found["C"] == pytest.approx(found["A"])
    assert found["B"] == pytest.approx(0.5)


def test_that_no_choice_is_impossible():
    found = probabilities_of([token(("B", 1.0))], "B", 0, ABC)
    assert found["A"] == pytest.approx(1e-4, rel=0.01)


def test_that_two_tokens_of_one_choice_count_together():
    found = probabilities_of([token(("B", 0.4), (" B", 0.2), ("A", 0.4))], "B", 0, ("A", "B"))
    assert found == pytest.approx({"A": 0.4, "B": 0.6})


def test_that_in_json_the_token_of_the_value_counts():
    tokens = [
        token(('{"', 0.9), ("A", 0.1)),
        token(("answer", 1.0)),
        token(('":', 1.0)),
        token((' "', 1.0)),
        token(("B", 0.7), ("A", 0.3)),
        token(('"}', 1.0)),
    ]
    assert probabilities_of(tokens, '{"answer": "B"}', 12, ("A", "B")) == pytest.approx({"A": 0.3, "B": 0.7})


def test_that_a_token_may_bring_the_quotation_mark_with_it():
    tokens = [token(('{"answer":', 1.0)), token((' "B', 0.7), (' "A', 0.3)), token(('"}', 1.0))]
    assert probabilities_of(tokens, '{"answer": "B"}', 12, ("A", "B")) == pytest.approx({"A": 0.3, "B": 0.7})


def test_that_the_token_at_which_longer_choices_part_counts():
    choices = ("anger", "anxiety", "joy")
    tokens = [token(("an", 0.8), ("joy", 0.2)), token(("ger", 0.9), ("xiety", 0.1))]
    # Both beginnings are one token, so what is known of them is known together.
    assert probabilities_of(tokens, "anger", 0, choices) == pytest.approx(
        {"anger": 0.4, "anxiety": 0.4, "joy": 0.2}
    )
    assert probabilities_of(tokens, "anger", 0, choices[:2]) == pytest.approx({"anger": 0.9, "anxiety": 0.1})


def test_that_a_choice_which_begins_another_is_told_from_it():
    tokens = [token(("1", 0.9), ("2", 0.1)), token(("0", 0.6), ("\n", 0.4))]
    assert probabilities_of(tokens[:1], "1", 0, ("1", "2")) == pytest.approx({"1": 0.9, "2": 0.1})
    assert sum(probabilities_of(tokens, "10", 0, ("1", "10", "2")).values()) == pytest.approx(1)


def test_that_an_end_token_does_no_harm():
    tokens = [token(("B", 0.7), ("A", 0.3)), token(("<|im_end|>", 1.0))]
    assert probabilities_of(tokens, "B", 0, ("A", "B")) == pytest.approx({"A": 0.3, "B": 0.7})


@pytest.mark.parametrize(
    "tokens",
    [
        None,
        [],
        {},
        "B",
        [None],
        [{"token": 7, "logprob": -0.1}],
        [{"token": "B"}],
        [{"token": "B", "logprob": None, "top_logprobs": None}],
        [{"token": "B", "logprob": "high", "top_logprobs": [7, {"token": "A"}]}],
        [{"token": "B", "logprob": math.nan, "top_logprobs": []}],
        [{"token": "B", "logprob": 0.5, "top_logprobs": []}],
        [{"token": "B", "logprob": -(10**400), "top_logprobs": []}],
        [{"token": "token:33", "logprob": -0.1, "top_logprobs": []}],
        [{"token": "Thinking about it: ", "logprob": -0.1}, {"token": "B", "logprob": -0.1}],
    ],
)
def test_that_tokens_which_do_not_tell_give_no_probabilities(tokens: Any):
    assert probabilities_of(tokens, "B", 0, ABC) == {}


chances = some.floats(min_value=-60, max_value=0)
names = some.sampled_from(["A", "B", "C", " B", '"A', "D", "The", "", "BA", "\n"])
listing = some.lists(some.fixed_dictionaries({"token": names, "logprob": chances}), max_size=20)


@given(listing, some.sampled_from(ABC), chances)
def test_that_probabilities_sum_to_one_and_none_is_zero(listed: list[dict[str, Any]], said: str, own: float):
    found = probabilities_of([{"token": said, "logprob": own, "top_logprobs": listed}], said, 0, ABC)
    assert list(found) == list(ABC)
    assert math.fsum(found.values()) == pytest.approx(1)
    assert min(found.values()) > 0


# --- JSON


@pytest.mark.parametrize(
    "text", ['{"x": 1}', ' \n{"x": 1}\n', '```json\n{"x": 1}\n```', 'Sure! {"x": 1} I hope that helps.']
)
def test_that_one_object_is_found_whatever_stands_around_it(text: str):
    assert one_object(text) == {"x": 1}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "none",
        "[1]",
        '{"x": 1',
        '{"x": {"y": 1}',
        '{"x": 1} {"x": 2}',
        '{"x": 1, "x": 2}',
        '{"x": NaN}',
        '{"x": -Infinity}',
        "{'x': 1}",
        '{"x": 1,}',
        "{" * 30_000,
        '{"a":' * 5_000,
    ],
)
def test_that_a_cut_doubled_or_broken_object_is_none(text: str):
    assert one_object(text) is None


SCHEMA = {
    "type": "object",
    "properties": {
        "label": {"enum": ["sad", "glad"]},
        "words": {"type": "string", "minLength": 1, "maxLength": 5},
        "share": {"type": "number", "minimum": 0, "maximum": 1},
        "count": {"type": "integer"},
        "sure": {"type": "boolean"},
    },
    "required": ["label"],
}


@pytest.mark.parametrize(
    "value",
    [
        {"label": "sad"},
        {"label": "glad", "words": "rains", "share": 0.5, "count": -3, "sure": False},
        {"label": "sad", "share": 1, "words": "éééé"},
    ],
)
def test_that_what_keeps_to_the_schema_fits(value: dict[str, Any]):
    assert fits(value, checked_schema(SCHEMA))


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"words": "rains"},
        {"label": "mad"},
        {"label": None},
        {"label": "sad", "more": 1},
        {"label": "sad", "words": ""},
        {"label": "sad", "words": "it rains"},
        {"label": "sad", "words": 7},
        {"label": "sad", "share": 1.5},
        {"label": "sad", "share": True},
        {"label": "sad", "share": "0.5"},
        {"label": "sad", "count": 1.0},
        {"label": "sad", "sure": 1},
        {"label": "sad", "sure": "yes"},
    ],
)
def test_that_what_breaks_it_in_one_place_does_not(value: dict[str, Any]):
    assert not fits(value, checked_schema(SCHEMA))


def test_that_numbers_beyond_all_bounds_do_not_fit():
    schema = checked_schema({"type": "object", "properties": {"share": {"type": "number"}}})
    assert not fits(json.loads('{"share": 1e999}'), schema)


def test_that_one_and_true_are_different_choices():
    schema = checked_schema({"type": "object", "properties": {"x": {"enum": [1, 2]}}})
    assert not fits({"x": True}, schema)


def test_that_a_checked_schema_admits_no_other_names():
    assert checked_schema(SCHEMA)["additionalProperties"] is False
    assert checked_schema({**SCHEMA, "required": []})["required"] == []


@pytest.mark.parametrize(
    ("change", "clue"),
    [
        ({"type": "array"}, "`object`"),
        ({"properties": {}}, "`properties`"),
        ({"required": ["label", "mood"]}, "mood"),
        ({"allOf": []}, "allOf"),
        ({"properties": {"label": {"type": "object"}}}, "Choices: string, number, integer, boolean"),
        ({"properties": {"label": {"type": "string"}}}, "`maxLength`"),
        ({"properties": {"label": {"type": "string", "maxLength": 5, "pattern": "x"}}}, "pattern"),
        ({"properties": {"label": {"enum": ["x"], "minLength": 1}}}, "minLength"),
        ({"properties": {"label": {"enum": []}}}, "`enum`"),
        ({"properties": {"label": {"enum": [["x"]]}}}, "`enum`"),
    ],
)
def test_that_a_schema_which_could_not_be_checked_is_refused(change: dict[str, Any], clue: str):
    with pytest.raises(ReadingError, match=clue):
        checked_schema(SCHEMA | change)
