"""The branch for risk: files that go with one set of weights, and what it says is used for."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.errors import WeightsError
from agent.readings import DANGER
from agent.testing import a_turn
from agent.turn import Message
from sem_plugins.encoder import encoder_for
from sem_plugins.risk.branch import NETWORK, NUMBERS, WEIGHTS, RiskBranch, load_branch
from sem_plugins.risk.phrases import BUCKETS, Phrases, buckets_of
from sem_plugins.risk.plugin import RiskPlugin, create
from sem_plugins.weights import SHIPPED, load_manifest

SAID = "I've given the cat to my neighbour and written down who gets what. It won't be long now."
DAILY = "The bus was late and the shop had no bread."


@dataclass
class Says:
    """Two sessions that say the same of every message."""

    logits: Any

    def run(self, names: list[str], _: Any) -> list[Any]:
        return [np.array(self.logits, np.float32)] if names == ["risk"] else [np.zeros((1, 9, 384), np.float32)]


def always(*probabilities: float, phrases: tuple[float, float] = (0.0, 0.0)) -> RiskBranch:
    """A branch for which every message is as likely at each step: four for self, four for others.

    What its phrases add to the logits of ideation is the same for every message, too.
    """
    shares = np.array([*probabilities, *[0.01] * (8 - len(probabilities))])
    says: Any = Says([np.log(shares / (1 - shares))])
    nothing = np.zeros((2, BUCKETS), np.int8)
    return RiskBranch(says, says, Phrases(nothing, np.ones(2), np.array(phrases)), {})


def shipped() -> RiskBranch:
    found = load_branch(load_manifest())
    assert found is not None
    return found


def test_that_agents_of_one_process_share_one_branch():
    assert create()._branch is create()._branch


def test_that_a_veiled_message_is_likelier_than_a_daily_one():
    branch = shipped()
    veiled, daily = (branch.probabilities(encoder_for().window(text))[0, 1] for text in (SAID, DAILY))
    assert veiled > 10 * daily


def test_that_no_step_is_likelier_than_the_one_below_it():
    found = always(0.3, 0.9, 0.2, 0.8).probabilities(encoder_for().window(DAILY))
    assert found[0].tolist() == pytest.approx([0.9, 0.9, 0.2, 0.2])


@pytest.mark.parametrize(
    ("steps", "level"),
    [((0.9, 0.9), "ideation"), ((0.9, 0.1), "distress"), ((0.1,), "none"), ((0.9, 0.9, 0.9, 0.9), "acute")],
)
def test_that_it_decides_where_no_rule_speaks(steps: tuple[float, ...], level: str):
    [reading] = RiskPlugin(encoder_for(), always(*steps))([a_turn(DAILY)])
    assert reading.level == level
    assert reading.probabilities["self:ideation"] == pytest.approx((*steps, 0.01)[1], abs=1e-6)


def test_that_a_higher_step_does_not_count_where_ideation_does_not():
    branch = always(0.6, 0.6, 0.6, phrases=(-1.0, 0.0))
    [reading] = RiskPlugin(encoder_for(), branch)([a_turn(DAILY)])
    assert reading.level == "distress"


def test_that_phrases_add_to_what_the_network_says_of_ideation():
    found = always(0.1, 0.2, 0.1, 0.1, 0.1, 0.1, phrases=(2.0, 0.0)).probabilities(encoder_for().window(DAILY))
    likely = 1 / (1 + np.exp(-(np.log(0.2 / 0.8) + 2.0)))
    assert found[0].tolist() == pytest.approx([likely, likely, 0.1, 0.1])
    assert found[1].tolist() == pytest.approx([0.1, 0.1, 0.01, 0.01])


def test_that_phrases_are_found_wherever_they_stand_and_counted_once():
    near, far, twice = (
        set(buckets_of(encoder_for().window(text)).tolist())
        for text in (
            "Not here any more.",
            "Well, by then, not here any more.",
            "Not here any more. Not here any more.",
        )
    )
    assert near < far
    assert near < twice  # what stands across the two sentences is new


def test_that_a_message_without_a_known_word_has_no_phrases():
    plain = Phrases(np.ones((2, BUCKETS), np.int8), np.ones(2), np.array([-3.0, -4.0]))
    window = replace(encoder_for().window(DAILY), ids=np.array([101, 102]), types=np.array([0, 0]))
    assert plain.logits(window).tolist() == [-3.0, -4.0]


def test_that_danger_to_others_is_told_apart():
    [reading] = RiskPlugin(encoder_for(), always(*[0.01] * 4, 0.9, 0.9))([a_turn(DAILY)])
    assert (reading.level, reading.others) == ("ideation", "ideation")
    assert reading.for_self not in DANGER


WEEKEND = (
    "We took the kids to the lake on Saturday and they loved it. My sister brought a cake. {} "
    "Work was fine this week, my boss even thanked me. How do I get the photos off my old phone?"
)


@pytest.mark.parametrize(
    "said",
    [
        "I have sorted my papers and soon nobody has to carry me.",
        "I wrote a letter to each of my girls in case I'm not there on Monday.",
    ],
)
def test_that_danger_between_everyday_sentences_is_found(said: str):
    text = WEEKEND.format(said)
    reading = create().judge(text)
    assert reading.probabilities["self:ideation"] > 0.5
    assert reading.level in DANGER
    assert reading.evidence
    assert all(text.index(said) <= start < end <= text.index(said) + len(said) for start, end in reading.evidence)


def test_that_each_dangerous_sentence_counts_and_not_the_first_alone():
    papers, barn = (encoder_for().window(word).ids[3] for word in ("papers", "barn"))

    class Lulled:
        """Sees nothing in a whole message, ideation where papers are told of, and an act in a barn."""

        def probabilities(self, window: Any) -> Any:
            seen = 0 if len(window.ids) > 40 else 4 if barn in window.ids else 2 if papers in window.ids else 0
            return np.array([[0.9] * seen + [0.01] * (4 - seen), [0.01] * 4])

    lulled: Any = Lulled()
    text = f"{WEEKEND.format('I have sorted my papers.')} It is all set up in the barn. The ferry home was late."
    assert RiskPlugin(encoder_for(), lulled).judge(text).level == "acute"
    assert RiskPlugin(encoder_for(), lulled).judge(WEEKEND.format("I have sorted my papers.")).level == "ideation"
    assert RiskPlugin(encoder_for(), lulled).judge(WEEKEND.format("It rained.")).level == "none"


def test_that_everyday_sentences_together_are_no_danger():
    assert create().judge(WEEKEND.format("It was raining on the way back and the bus was full.")).level == "none"


def test_that_what_stands_before_the_end_of_a_long_message_is_read():
    long = SAID + " " + 40 * "The shop has moved its tills again and nobody told us where to queue. "
    assert encoder_for().window(long).cut
    assert create().judge(long).level in DANGER


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("As a student I wanted to die. My landlady fed me soup until I did not. I'm seventy now.", "distress"),
        ("Suicidal thoughts were my guests for years. They moved out, I changed the locks.", "distress"),
        ("I want to die. My landlady fed me soup until I did not.", "ideation"),
        ("As a student I wanted to die, and now I want to die again.", "ideation"),
    ],
)
def test_that_what_was_once_is_no_danger_where_nothing_else_looks_like_it(text: str, level: str):
    calm = RiskPlugin(encoder_for(), always(0.3, 0.01))
    assert calm.judge(text).level == level


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("Eleven years ago I tried to take my life. Now I teach the brass band.", "distress"),
        ("I was suicidal in my twenties, and a nurse sat with me.", "distress"),
        ("A year ago I tried to take my life. Now I teach the brass band.", "ideation"),
        ("Eleven years ago I tried to take my life, and I want to die again.", "ideation"),
    ],
)
def test_that_what_is_long_ago_is_no_danger_where_the_network_does_not_see_any(text: str, level: str):
    unsure = RiskPlugin(encoder_for(), always(0.5, 0.45))
    assert unsure.judge(text).level == level
    assert RiskPlugin(encoder_for(), always(0.9, 0.6)).judge(text).level == "ideation"


def test_that_what_may_be_a_farewell_is_suspected_where_the_network_sees_nothing():
    reading = RiskPlugin(encoder_for(), always(0.1, 0.001)).judge("they'd get the life insurance")
    assert (reading.level, reading.sure) == ("ideation", False)


def test_that_sentences_are_read_only_where_the_message_gives_a_glimpse_of_danger():
    class Counted:
        """Sees as much as it is told to, and counts how often it is asked."""

        def __init__(self, ideation: float) -> None:
            self.asked, self.ideation = 0, ideation

        def probabilities(self, window: Any) -> Any:
            self.asked += 1
            return np.array([[0.9, self.ideation, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])

    calm, glimpse = Counted(0.0005), Counted(0.01)
    for branch in (calm, glimpse):
        reader: Any = branch
        RiskPlugin(encoder_for(), reader).judge(WEEKEND.format("It rained."))
    assert calm.asked == 1
    assert glimpse.asked > 2


def test_that_what_was_thought_of_doing_to_others_counts_whenever_it_was():
    reading = RiskPlugin(encoder_for(), always(0.3, 0.01)).judge("I had thoughts of hurting my baby.")
    assert (reading.level, reading.others) == ("ideation", "ideation")


def test_that_what_was_once_counts_where_the_network_is_not_sure_that_it_is_over():
    assert RiskPlugin(encoder_for(), always(0.5, 0.1)).judge("As a student I wanted to die.").level == "ideation"


def test_that_the_rules_hold_whatever_it_says():
    [reading] = RiskPlugin(encoder_for(), always(0.01))([a_turn("I want to kill myself.")])
    assert reading.level == "ideation"


def test_that_a_message_is_read_as_if_nothing_had_been_said_before():
    before = (Message("seeker", "I want to kill myself."), Message("supporter", "Are you safe?", "question"))
    plugin = create()
    assert plugin([a_turn(DAILY, history=before)]) == plugin([a_turn(DAILY)])


def test_that_weights_without_a_branch_are_read_by_their_own_head(tmp_path: Path):
    assert load_branch(replace(load_manifest(), folder=tmp_path)) is None
    [reading] = RiskPlugin(encoder_for())([a_turn("I want to kill myself.")])
    assert reading.level == "ideation"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for name in (NETWORK, WEIGHTS, NUMBERS):
        shutil.copy(SHIPPED / name, tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"encoder": "0" * 64}, "other weights"),
        ({"format": 1}, "another format"),
        ({"sha256": "0" * 64}, re.escape(f"another {NETWORK}")),
        ({"phrases": "0" * 64}, re.escape(f"another {WEIGHTS}")),
        ({"bias": [0.5] * 3}, "two numbers each"),
        ({"scale": [float("nan"), 0.1]}, "two numbers each"),
        ({"bias": ["much"] * 2}, "not sound"),
    ],
)
def test_that_numbers_that_do_not_fit_are_refused(changes: dict[str, Any], told: str, copied: Path):
    raw = json.loads((copied / NUMBERS).read_text("utf-8")) | changes
    (copied / NUMBERS).write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(WeightsError, match=told):
        load_branch(load_manifest(), folder=copied)


def test_that_an_altered_network_is_not_loaded(copied: Path):
    with (copied / NETWORK).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(WeightsError, match=f"another {re.escape(NETWORK)}"):
        load_branch(load_manifest(), folder=copied)


def test_that_what_is_no_model_is_told(copied: Path):
    (copied / NETWORK).write_bytes(b"no model")
    raw = json.loads((copied / NUMBERS).read_text("utf-8"))
    raw["sha256"] = hashlib.sha256(b"no model").hexdigest()
    (copied / NUMBERS).write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(WeightsError, match="no model"):
        load_branch(load_manifest(), folder=copied)


@pytest.mark.parametrize(
    "weights", [np.zeros((2, 9), np.int8), np.zeros((2, BUCKETS), np.float32)], ids=["too few", "too wide"]
)
def test_that_phrases_of_another_shape_are_refused(weights: Any, copied: Path):
    np.save(copied / WEIGHTS, weights)
    raw = json.loads((copied / NUMBERS).read_text("utf-8"))
    raw["phrases"] = hashlib.sha256((copied / WEIGHTS).read_bytes()).hexdigest()
    (copied / NUMBERS).write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(WeightsError, match="weights of eight bits"):
        load_branch(load_manifest(), folder=copied)
