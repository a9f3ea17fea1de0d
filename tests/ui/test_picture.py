"""Pictures of trajectories and cohorts: sound, bounded, readable, and without words nobody asked for."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trajectory_parts import CAUSE, MESSAGE, a_conversation, a_state, any_turns, hostile, planned

from agent.decisions import Reply
from agent.state import Shift
from agent.testing import a_reading, a_turn
from agent.turn import Turn
from ui.cohort import cohort_of
from ui.cohort_picture import cohort_picture
from ui.columns import MOST, columns_of, moment, signed
from ui.drawing import FAMILIES, family_of, shortened, ticks, width_of
from ui.picture import picture
from ui.trajectories import stored

SVG = "{http://www.w3.org/2000/svg}"


def drawn(svg: str) -> ET.Element:
    """The picture, which must be XML without a script and without anything from elsewhere."""
    root = ET.fromstring(svg)  # noqa: S314 - our own
    assert root.tag == f"{SVG}svg"
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in {
            "svg",
            "title",
            "desc",
            "style",
            "rect",
            "text",
            "path",
            "circle",
            "g",
        }
        assert not [name for name in element.attrib if name.startswith("on") or "href" in name]
        assert "nan" not in "".join(
            element.get(name, "") for name in ("d", "x", "y", "width", "height", "cx", "cy")
        )
    assert "url(" not in svg
    assert "@import" not in svg
    return root


def words(root: ET.Element) -> list[str]:
    return [text.text or "" for text in root.iter(f"{SVG}text")]


def shaken(n: int) -> list[Turn]:
    """A shift at every second turn."""
    turns, last = [], None
    for number in range(n):
        last = Shift(number, "better" if number % 4 else "worse", 0.3 + number / n) if number % 2 else last
        state = a_state(0.5 if number % 3 else -0.5, number, last_shift=last)
        plan = planned(("question", "reflection", "others")[number % 3])
        turns.append(
            a_turn(
                id=str(number), index=number, emotion=a_reading(), state=state, plan=plan, reply=Reply("Yes.", "x")
            )
        )
    return turns


def test_that_a_picture_tells_what_it_shows():
    root = drawn(picture(stored("c-1", a_conversation())))
    shown = words(root)
    for text in ("Emotions over the conversation c-1", "how sure that valence is: ±1 standard deviation", "better", "worse", "joy",
                 "Question", "Reflection of feelings", "distress", "Turn 4: better by 0.90, after Reflection of feelings"):  # fmt: skip
        assert text in shown, text
    assert root.find(f"{SVG}title").text == "Emotions over the conversation c-1"
    assert "Valence begins at -0.10 and ends at +0.40" in root.find(f"{SVG}desc").text
    assert root.get("aria-labelledby").split() == [
        root.find(f"{SVG}{name}").get("id") for name in ("title", "desc")
    ]


def test_that_words_of_the_person_are_in_it_only_when_asked_for():
    conversation = stored("c-1", a_conversation())
    assert CAUSE not in picture(conversation)
    assert f"because “{CAUSE}”" in picture(conversation, texts=True)
    assert "landlord" not in picture(conversation, texts=True), MESSAGE


def test_that_a_gap_is_a_gap():
    root = drawn(picture(stored("c-1", a_conversation())))
    lines = [
        path for path in root.iter(f"{SVG}path") if path.get("class") == "valence" and "H" not in path.get("d")
    ]
    assert len(lines) == 2  # before and after the turn without a state


def test_that_an_empty_conversation_says_so():
    assert "Nothing was said yet." in words(drawn(picture(stored("c-1", []))))


def test_that_turns_without_any_reading_say_so():
    assert "No state was kept for these turns." in words(drawn(picture(stored("c-1", [a_turn()]))))


def test_that_one_turn_has_something_to_see():
    (turn,) = shaken(1)
    root = drawn(picture(stored("c-1", [turn])))
    assert len([dot for dot in root.iter(f"{SVG}circle") if dot.get("class") == "dot"]) == 1
    assert [path for path in root.iter(f"{SVG}path") if path.get("fill") == FAMILIES["other"]]


@pytest.mark.parametrize("n", [3, 60, 300])
def test_that_words_above_the_plot_do_not_overlap(n: int):
    root = drawn(picture(stored("c-1", shaken(n))))
    marks = [text for text in root.iter(f"{SVG}text") if (text.get("class") or "").startswith("halo")]
    assert 0 < len(marks) <= 24
    spans = []
    for mark in marks:
        x, wide = float(mark.get("x")), width_of(mark.text)
        spans.append((mark.get("y"), *((x - wide, x) if "end" in mark.get("class") else (x, x + wide))))
    for row in {y for y, _, _ in spans}:
        line = sorted((start, end) for y, start, end in spans if y == row)
        assert all(end <= start for (_, end), (start, _) in pairwise(line))
    width = float(root.get("width"))
    assert all(start >= 0 and end <= width for _, start, end in spans)


@pytest.mark.parametrize("n", [3, 17, 60, 10_000])
def test_that_numbers_of_turns_do_not_overlap(n: int):
    root = drawn(picture(stored("c-1", shaken(n))))
    lines: dict[str, list[tuple[float, float]]] = {}
    for text in root.iter(f"{SVG}text"):
        if text.get("class") == "middle number":
            half = width_of(text.text, 11) / 2
            lines.setdefault(text.get("y"), []).append((float(text.get("x")) - half, float(text.get("x")) + half))
    assert len(lines) == 2
    for line in lines.values():
        assert all(end <= start for (_, end), (start, _) in pairwise(line))


def test_that_ten_thousand_turns_make_a_picture_of_bounded_size():
    turns = shaken(10_000)
    whole, most = picture(stored("c-1", turns)), picture(stored("c-1", turns[:MOST]))
    assert len(whole) < 2 * len(most)
    root = drawn(whole)
    assert "each column is the mean of up to 42" in " ".join(words(root))
    assert float(root.get("width")) < 1200


def test_that_columns_hold_every_turn_once_and_the_largest_shift():
    steps = stored("c-1", shaken(1000)).steps
    columns = columns_of(steps)
    assert len(columns) <= MOST
    assert [place for column in columns for place in range(column.first, column.last + 1)] == list(range(1000))
    last = columns[-1]
    assert last.shift.size == max(step.shift.size for step in steps[last.first :] if step.shift is not None)
    assert all(sum(column.emotions.values()) == pytest.approx(1) for column in columns)


@given(any_turns(), hostile)
def test_that_a_picture_is_sound_for_any_state_and_hostile_words(turns: list[Turn], name: str):
    drawn(picture(stored(name, turns), texts=True))


@given(st.lists(any_turns(), max_size=3))
def test_that_a_cohort_is_sound_for_any_state(conversations: list[list[Turn]]):
    drawn(cohort_picture(cohort_of(stored("c", turns) for turns in conversations)))


def test_that_colours_of_words_have_enough_contrast():
    style = re.findall(r"fill: (#[0-9a-f]{6})", picture(stored("c-1", a_conversation())))
    for colour in {*FAMILIES.values(), "#4d5662", "#1b1f24", "#0b7350", "#b4450b"}:
        assert contrast(colour) >= 4.5, colour
    assert "#4d5662" in style


def contrast(colour: str) -> float:
    """With white, by WCAG 2."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def test_that_families_come_from_the_ontology_and_strange_labels_have_one_too():
    assert family_of("empathetic-dialogues-32", "lonely") == "sadness"
    assert family_of("meld-7", "neutral") == "neutral"
    assert family_of("somebody-3", "wistful") == "other"


def test_that_times_without_a_calendar_are_left_out():
    assert moment(0.0) == "1 Jan 1970, 00:00"
    assert moment(86_399.0, date=False) == "23:59"
    for at in (None, float("nan"), float("inf"), 1e300):
        assert moment(at) == ""


def test_that_lengths_and_numbers_are_kept_short():
    assert signed(-0.001) == "+0.00"
    assert width_of(shortened("悲" * 80, 100)) <= 100
    assert shortened("two\nlines", 500) == "two lines"
    assert ticks(3, 600) == [0, 1, 2]
    assert ticks(60, 860)[:3] == [0, 4, 9]
