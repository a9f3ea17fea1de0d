from __future__ import annotations

import re
from collections import Counter

import pytest

from agent.errors import SettingsError
from prompts.stimuli import Stimulus, chosen, load_stimuli


def test_that_both_papers_ideas_are_there_each_with_its_source() -> None:
    stimuli = load_stimuli()
    assert Counter(stimulus.sign for stimulus in stimuli.values()) == {"positive": 11, "negative": 10}
    for name, stimulus in stimuli.items():
        assert stimulus.source.startswith("EmotionPrompt" if stimulus.sign == "positive" else "NegativePrompt")
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", name)


def test_that_no_text_holds_what_a_chat_template_or_another_note_could_take_for_its_own() -> None:
    for stimulus in load_stimuli().values():
        assert re.fullmatch(r"[A-Z0-9a-z ,.:;?]+[.?]", stimulus.text), stimulus.name


def test_that_none_is_none() -> None:
    assert chosen("none", load_stimuli()) is None
    assert chosen("stakes", load_stimuli()) == load_stimuli()["stakes"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("stimulus = 3", "unusable"),
        ("", r"no table `\[\[stimulus\]\]`"),
        ("[[stimulus]]\nname =", "unusable"),
        (
            '[[stimulus]]\nname = "a"\nsign = "loud"\ntext = "A."\nsource = "s"',
            "'loud'. Choices: positive, negative",
        ),
        ('[[stimulus]]\nname = "none"\nsign = "positive"\ntext = "A."\nsource = "s"', "another name than `none`"),
        ('[[stimulus]]\nname = "a"\nsign = "positive"\ntext = "A."', "source"),
    ],
)
def test_that_a_file_that_is_none_is_named(tmp_path, content, complaint) -> None:
    file = tmp_path / "own.toml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"own\.toml'.*" + complaint):
        load_stimuli(file)


def test_that_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml' cannot be read"):
        load_stimuli(tmp_path / "none.toml")


def test_that_a_stimulus_is_one_line() -> None:
    with pytest.raises(SettingsError, match="one line"):
        Stimulus("a", "positive", "One.\nTwo.", "ours")
