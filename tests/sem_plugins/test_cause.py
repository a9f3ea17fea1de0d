from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols import Plugin
from agent.readings import CauseReading
from agent.testing import a_turn
from agent.turn import Message
from sem_plugins.cause.plugin import CausePlugin, create
from tests.contracts.plugin_contract import PluginContract


def read(text: str, *, history: tuple[Message, ...] = ()) -> CauseReading:
    [reading] = CausePlugin()([a_turn(text, history=history)])
    return reading


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("I can't sleep because of the noise upstairs.", "the noise upstairs"),
        ("I cried because he forgot our anniversary, but he made up for it.", "he forgot our anniversary"),
        ("i quit bc my boss yelled at me", "my boss yelled at me"),
        ("I'm sad cause my dog is ill", "my dog is ill"),
        ("BECAUSE THE BUS WAS LATE!", "THE BUS WAS LATE"),
        ("We got home late due to the storm; nobody minded.", "the storm"),
        ("Thanks to my neighbour, the cat is alive.", "my neighbour, the cat is alive"),
        ("I am worried about my son and I can't eat", "my son"),
        ("I'm so proud of my little sister!", "my little sister"),
        ("I am sorry that I shouted at you", "I shouted at you"),
        ("Ever since my mother died.", "my mother died"),
        ("I feel lighter now that the exam is over.", "the exam is over"),
        ("I froze when the door slammed\nthen I laughed", "the door slammed"),
        ("I left because it was so hot in there", "it was so hot in there"),
        ("I cry because she has some sort of illness", "she has some sort of illness"),
        ("It hurts because she lied so I went home", "she lied"),
        ("I cried because   the train was late  , but I came back", "the train was late"),
        (
            "Ich bin traurig \N{CRYING FACE} because my friend moved away \N{BROKEN HEART}",
            "my friend moved away \N{BROKEN HEART}",
        ),
    ],
)
def test_that_the_words_after_a_marker_are_the_cause(text: str, cause: str):
    [span] = read(text).spans
    assert span.text == cause
    assert text[span.start : span.end] == cause
    assert 0 < span.score < 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I feel terrible and I do not know why.",
        "just because.",
        "I have been ill since Monday",
        "I don't know the cause of it all.",
        "I always cause trouble for everyone.",
        "When will it stop?",
        "Since when do you care?",
        "After all, it is fine",
        "I am happy.",
        "Becauseof this and that",
        "It hurts because " + "very " * 40 + "much",
    ],
)
def test_that_nothing_is_made_up_where_no_cause_is_marked(text: str):
    assert read(text).spans == ()


def test_that_there_are_at_most_two_causes_and_the_surest_comes_first():
    text = "I am glad because he called. I am worried about the bill. I left because it rained. Since he moved we talk."
    spans = read(text).spans
    assert [span.text for span in spans] == ["he called", "it rained"]
    spans = read("I left because it rained. I am worried about the bill.").spans
    assert [span.text for span in spans] == ["the bill", "it rained"]
    assert spans[0].score > spans[1].score


def test_that_causes_do_not_overlap():
    [span] = read("I am afraid of the dark because my brother locked me in a cellar").spans
    assert span.text == "my brother locked me in a cellar"


def test_that_the_utterance_counts_what_was_said_before():
    history = (Message("seeker", "I am sad because it rains."), Message("supporter", "Because it rains?"))
    [span] = read("No, because of the news.", history=history).spans
    assert span.utterance == 2
    assert span.text == "the news"


def test_that_every_turn_gets_its_own_reading_in_order():
    readings = create()([a_turn("Hm."), a_turn("I cry because of him always."), a_turn("Hm.")])
    assert [len(reading.spans) for reading in readings] == [0, 1, 0]


FRAGMENTS = (
    "because",
    "because of",
    " ",
    "\n",
    ",",
    "and",
    "so",
    "but",
    "sad about",
    "a",
    ".",
    "when",
    "i",
    "\t",
    "x",
    "“",
)


@given(st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=5), st.integers(1, 5000))
def test_that_hostile_repetition_is_read_like_anything_else(pieces: list[str], times: int):
    text = ("".join(pieces) * times)[:20_000]
    for span in read(text).spans:
        assert text[span.start : span.end] == span.text
        assert 2 <= len(span.text.split()) <= 30


@pytest.mark.parametrize("gap", [" ", "\t"])
def test_that_long_runs_of_white_space_are_no_trap(gap: str):
    # With the cube of the run's length, this would take days.
    assert len(read("I cried because he" + gap * 50_000 + "left").spans) == 1


@given(st.text(max_size=1000))
def test_that_any_text_can_be_read(text: str):
    for span in read(text).spans:
        assert text[span.start : span.end] == span.text


class TestCausePlugin(PluginContract):
    @pytest.fixture
    def plugin(self) -> Plugin:
        return create()


@pytest.mark.data
def test_that_scores_are_the_shares_measured_on_real_dialogues(data_folder: Callable[[str], Path]):
    hits: dict[float, list[bool]] = defaultdict(list)
    with (data_folder("reccon") / "train.jsonl").open(encoding="utf-8") as lines:
        for dialogue in map(json.loads, lines):
            for place, utterance in enumerate(dialogue["turns"]):
                if utterance["emotion"] == "neutral":
                    continue
                own = [cause for cause in utterance.get("causes", []) if cause["turn"] == place]
                for span in read(utterance["text"]).spans:
                    hit = any(span.start < cause["end"] and cause["start"] < span.end for cause in own)
                    hits[span.score].append(hit)
    assert {score: len(found) > 20 for score, found in hits.items()} == {0.6: True, 0.67: True, 0.5: True}
    for score, found in hits.items():
        assert sum(found) / len(found) == pytest.approx(score, abs=0.05)
