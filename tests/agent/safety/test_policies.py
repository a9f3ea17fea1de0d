"""Policy packs: sourced, dated, none laxer than the default, and nonsense refused with its cure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import SettingsError
from agent.safety.disclosure import asks_whether_ai
from agent.safety.pages import policies_page, write_pages
from agent.safety.policies import NOTE, Policy, load_policy, policy_names

ROOT = Path(__file__).parents[3]
NAMES = policy_names()
DENIAL = re.compile(r"\b(?:not|nor)\b[a-z' ]* (?:human|natural person)", re.IGNORECASE)
LAWS = tuple(name for name in NAMES if name != "default")

GOOD = """\
id = "moon"
place = "The Moon"
title = "Lunar Companion Act"
status = "in force"
in_force = 2026-02-03
style = ["capitals", "bold"]
applies_when = ["Somebody is there."]
duties = ["Keep a register."]
sources = ["https://moon.example/act"]
reviewed = 2026-03-04

[wording]
disclosure = "THIS IS AN AI."
on_asking = "I'm an AI."
reminder = "STILL AN AI."
break_prompt = "Look at the Earth for a while."

[minutes]
reminder = 30
break_for_minors = 10

[features]
cross_session_memory = true
unprompted_emotional_questions = false
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], str]:
    """Writes a policy file and gives its path."""

    def write(content: str) -> str:
        path = tmp_path / "mine.toml"
        path.write_text(content, encoding="utf-8")
        return str(path)

    return write


def test_that_the_shipped_packs_are_called_as_their_files_are():
    assert {"default", "us-ny", "us-ca", "us-or", "us-wa", "us-il", "us-nj", "eu"} <= set(NAMES)
    assert [load_policy(name).id for name in NAMES] == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_that_both_legal_triggers_are_off_in_every_shipped_pack(name: str):
    policy = load_policy(name)
    assert policy.cross_session_memory is False
    assert policy.unprompted_emotional_questions is False


@pytest.mark.parametrize("name", LAWS)
def test_that_a_law_has_sources_a_day_of_review_and_the_advice_to_read_it(name: str):
    policy = load_policy(name)
    assert policy.sources
    assert policy.reviewed >= date(2026, 11, 28)
    assert policy.note == NOTE
    assert "statute" in policy.note
    assert policy.applies_when
    assert policy.asks
    assert policy.duties
    assert policy.unsettled  # all were read at second hand in part


@pytest.mark.parametrize("name", NAMES)
def test_that_status_and_date_agree_on_the_day_of_review(name: str):
    policy = load_policy(name)
    if policy.status == "in force":
        assert policy.in_force is not None
        assert policy.in_force <= policy.reviewed
    elif policy.status == "enacted":
        assert policy.in_force is not None
        assert policy.in_force > policy.reviewed
    else:
        assert policy.in_force is None


@pytest.mark.parametrize("name", LAWS)
def test_that_choosing_a_place_never_makes_the_agent_less_careful(name: str):
    policy, own = load_policy(name), load_policy("default")
    for minutes in (
        "reminder_minutes",
        "reminder_minutes_for_minors",
        "break_minutes",
        "break_minutes_for_minors",
    ):
        here, there = getattr(policy, minutes), getattr(own, minutes)
        assert here is not None
        assert here <= there


@pytest.mark.parametrize("name", NAMES)
def test_that_minors_are_reminded_at_least_as_often_as_adults(name: str):
    policy = load_policy(name)
    assert policy.reminder_minutes_for_minors is not None
    assert policy.reminder_minutes is not None
    assert policy.reminder_minutes_for_minors <= policy.reminder_minutes <= 180


@pytest.mark.parametrize("name", NAMES)
def test_that_what_is_said_names_an_ai_or_a_program_and_denies_a_human(name: str):
    policy = load_policy(name)
    for words in (policy.disclosure, policy.on_asking, policy.reminder):
        assert "AI" in words
        assert DENIAL.search(words)
        assert not asks_whether_ai(words)


@pytest.mark.parametrize("name", ["us-ny", "us-ri"])
def test_that_capitals_are_capitals_where_commentators_ask_for_them(name: str):
    policy = load_policy(name)
    assert "capitals" in policy.style
    assert policy.disclosure.isupper()
    assert policy.reminder.isupper()
    assert "COMPUTER PROGRAM AND NOT A HUMAN BEING" in policy.disclosure
    assert "UNABLE TO FEEL HUMAN EMOTION" in policy.disclosure


def test_that_the_dates_of_the_laws_are_those_that_were_read():
    assert load_policy("us-ny").in_force == date(2025, 11, 5)
    assert load_policy("us-ca").in_force == date(2026, 1, 1)
    assert load_policy("eu").in_force == date(2026, 8, 2)
    assert {load_policy(name).in_force for name in ("us-or", "us-wa", "us-ri")} == {date(2027, 1, 1)}
    assert load_policy("us-nj").status == "proposed"


def test_that_a_pack_of_ones_own_is_read(write: Callable[[str], str]):
    policy = load_policy(write(GOOD))
    assert policy.place == "The Moon"
    assert policy.reminder_minutes == 30
    assert policy.break_minutes_for_minors == 10
    assert policy.reminder_minutes_for_minors is None
    assert policy.break_minutes is None
    assert policy.cross_session_memory is True
    assert policy.minors == ()
    assert policy.in_force == date(2026, 2, 3)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('id = "moon"', 'id = "The Moon"', r"`id` is 'The Moon'"),
        ('place = "The Moon"\n', "", r"\['place'\] are missing"),
        ('place = "The Moon"', 'place = "The Moon"\nfine = 3', r"\['fine'\] mean nothing"),
        ('status = "in force"', 'status = "soon"', r"`status` is 'soon'; .*in force, enacted, proposed, no law"),
        ("in_force = 2026-02-03", 'in_force = "in spring"', r"`in_force` is 'in spring'; .*a date"),
        ('style = ["capitals", "bold"]', 'style = ["loud"]', r"`style` is \['loud'\]; .*capitals, bold"),
        (
            'disclosure = "THIS IS AN AI."',
            'disclosure = "This is an AI."',
            r"`wording.disclosure` has small letters",
        ),
        ('reminder = "STILL AN AI."', 'reminder = "Still."', r"`wording.reminder` has small letters"),
        ('on_asking = "I\'m an AI."\n', "", r"table `wording`: \['on_asking'\] are missing"),
        ('on_asking = "I\'m an AI."', "on_asking = 3", r"table `wording`: `on_asking` is 3"),
        ('on_asking = "I\'m an AI."', 'on_asking = ""', r"`on_asking` is ''"),
        ("reminder = 30", "reminder = 0", r"table `minutes`: `reminder` is 0; .*from 1 to 1440"),
        ("reminder = 30", "reminder = 30.5", r"`reminder` is 30\.5"),
        ("reminder = 30", "reminder = true", r"`reminder` is True"),
        ("reminder = 30", "remind = 30", r"table `minutes`: \['remind'\] mean nothing"),
        (
            "cross_session_memory = true",
            'cross_session_memory = "yes"',
            r"`cross_session_memory` is 'yes'; .*true or",
        ),
        ("cross_session_memory = true\n", "", r"table `features`: \['cross_session_memory'\] are missing"),
        ('sources = ["https://moon.example/act"]', "sources = []", r"`sources` is \[\]; .*at least 1"),
        ('sources = ["https://moon.example/act"]', 'sources = ["hearsay"]', r"`sources` is \['hearsay'\]"),
        ('duties = ["Keep a register."]', 'duties = "Keep a register."', r"`duties` is 'Keep a register\.'"),
        ("[minutes]", "[minutes", r"is not valid TOML"),
        ("[minutes]", "x = " + "[" * 100_000, r"is nested too deeply"),
        ("[features]", "features = 3\n[other]", r"\['features'\]|\['other'\]|`minutes`"),
    ],
)
def test_that_nonsense_is_refused_with_file_key_and_choices(
    write: Callable[[str], str], old: str, new: str, complaint: str
):
    assert old in GOOD
    with pytest.raises(SettingsError, match=complaint) as caught:
        load_policy(write(GOOD.replace(old, new)))
    assert "mine.toml" in str(caught.value)
    assert "default, eu, us-ca" in str(caught.value)


def test_that_a_choice_without_a_law_needs_no_source(write: Callable[[str], str]):
    content = GOOD.replace('"in force"', '"no law"').replace(
        'sources = ["https://moon.example/act"]', "sources = []"
    )
    assert load_policy(write(content)).sources == ()


@given(name=st.text().filter(lambda text: text not in NAMES and not text.endswith(".toml")))
def test_that_an_unknown_name_is_answered_with_those_there_are(name: str):
    with pytest.raises(SettingsError, match=r"No policy is called .*default, eu, us-ca"):
        load_policy(name)


@pytest.mark.parametrize("name", ["nowhere.toml", "nul\0.toml"])
def test_that_a_file_that_cannot_be_opened_is_named(name: str, tmp_path: Path):
    with pytest.raises(SettingsError, match=r"policy file .*default, eu"):
        load_policy(str(tmp_path / name))


def test_that_the_pages_are_up_to_date(tmp_path: Path):
    write_pages(tmp_path)
    for page in ("policies.md", "help-lines.md"):
        made, shipped = ((folder / page).read_text(encoding="utf-8") for folder in (tmp_path, ROOT / "docs"))
        assert made == shipped, f"docs/{page} is out of date: run `python -m agent.safety.pages`"


def test_that_the_page_shows_what_is_said_what_is_left_to_people_and_where_it_was_read():
    policies: list[Policy] = [load_policy(name) for name in NAMES]
    page = policies_page(policies)
    for policy in policies:
        for shown in (policy.disclosure, policy.on_asking, *policy.duties, *policy.unsettled, *policy.sources):
            assert shown in page
