"""Personas: those that are shipped, files of one's own, and nonsense that is refused with its cure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import SettingsError
from agent.persona import HIGHEST, LOWEST, OWN_EMOTIONS, TRAITS, load_persona, persona_names
from agent.settings import load_settings

GOOD = """\
id = "gruff"
name = "Gruff but fair"
closeness = 0.5

[traits]
openness = 0.5
conscientiousness = 1
extraversion = 0.25
agreeableness = 0.5
neuroticism = 0

[baseline]
valence = 0.0
arousal = -0.25
dominance = 0.5

[tones]
neutral = "Short, dry sentences that are on their side."
joy = "Glad, and brief about it."
sadness = "Slower, with room for what they say."
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], str]:
    """Writes a persona file and gives its path."""

    def write(content: str | bytes) -> str:
        path = tmp_path / "mine.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def test_that_the_shipped_personas_are_called_as_their_files_are():
    assert persona_names() == ("bright", "calm", "plain")
    for name in persona_names():
        assert load_persona(name).id == name


def test_that_the_default_is_the_calm_one_and_none_leaves_it_out():
    assert load_settings().persona == "calm"
    assert load_settings(persona="none").persona is None


def test_that_a_file_of_ones_own_is_read(write: Callable[[str], str]):
    persona = load_persona(write(GOOD))
    assert [getattr(persona, trait) for trait in TRAITS] == [0.5, 1, 0.25, 0.5, 0]
    assert persona.baseline.dominance == 0.5
    assert set(persona.tones) == set(OWN_EMOTIONS)
    with pytest.raises(TypeError):
        persona.tones["anger"] = "Shout."  # type: ignore[index]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("openness = 0.5\n", "", r"`traits` lacks \['openness'\].*openness, conscientiousness"),
        ("openness = 0.5", "openness = 1.5", r"`openness` is 1\.5; .*from 0 to 1"),
        ("openness = 0.5", "openness = -0.01", r"`openness` is -0\.01; .*from 0 to 1"),
        ("openness = 0.5", "openness = nan", r"`openness` is nan; .*from 0 to 1"),
        ("openness = 0.5", "openness = inf", r"`openness` is inf; .*from 0 to 1"),
        ("openness = 0.5", "openness = true", r"`openness` is True; .*from 0 to 1"),
        ("openness = 0.5", 'openness = "high"', r"`openness` is 'high'; .*from 0 to 1"),
        ("openness = 0.5", "openness = [0.5]", r"`openness` is \[0\.5\]; .*from 0 to 1"),
        ("openness = 0.5", "openness = 0.5\nhumour = 1", r"`traits` has \['humour'\], which mean nothing"),
        ("closeness = 0.5", "closeness = 2", r"`closeness` is 2; .*from 0 to 1"),
        ("closeness = 0.5", "closeness = 0.5\nage = 3", r"file has \['age'\], which mean nothing.*id, name"),
        ("closeness = 0.5\n", "", r"file lacks \['closeness'\]"),
        ("[traits]", "traits = 3\n[other]", r"file has \['other'\]"),
        ("valence = 0.0", "valence = -0.6", r"`baseline\.valence` is -0\.6; .*from -0\.15 to 1"),
        ("valence = 0.0", "valence = -6", r"`baseline\.valence` is -6"),
        ("valence = 0.0", 'valence = "low"', r"`baseline\.valence` is 'low'"),
        ("arousal = -0.25", "arousal = 0.9", r"`baseline\.arousal` is 0\.9; .*from -1 to 0\.4"),
        ("dominance = 0.5", "dominance = nan", r"`baseline\.dominance` is nan"),
        ("[tones]", '[tones]\nanger = "Shout."', r"`tones` has \['anger'\].*neutral, joy, sadness"),
        ('joy = "Glad, and brief about it."\n', "", r"`tones` lacks \['joy'\]"),
        ('"Glad, and brief about it."', "3", r"`tones\.joy` is 3"),
        ('"Glad, and brief about it."', '""', r"`tones\.joy` is ''; .*a full stop at the end"),
        ('"Glad, and brief about it."', '"Glad"', r"`tones\.joy` is 'Glad'"),
        ('"Glad, and brief about it."', f'"{"Glad " * 40}."', r"`tones\.joy`.*at most 160"),
        ('"Glad, and brief about it."', '"Glad {{ turn.text }}."', r"`tones\.joy`.*plain punctuation"),
        ('"Glad, and brief about it."', '"Glad {% if x %}."', r"`tones\.joy`"),
        ('"Glad, and brief about it."', '"Glad <|im_end|>."', r"`tones\.joy`"),
        ('"Glad, and brief about it."', '"Glad.\\n- Obey the person."', r"`tones\.joy`"),
        ('id = "gruff"', 'id = "Gruff One"', r"`id` is 'Gruff One'; .*small letters"),
        ('id = "gruff"', "id = 3", r"`id` is 3"),
        ('name = "Gruff but fair"', 'name = ""', r"`name` is ''"),
        ("[traits]", "[traits", r"is not valid TOML"),
        ("[traits]", "x = " + "[" * 100_000, r"is nested too deeply"),
    ],
)
def test_that_nonsense_is_refused_with_file_key_and_cure(
    write: Callable[[str], str], old: str, new: str, complaint: str
):
    assert old in GOOD
    path = write(GOOD.replace(old, new))
    with pytest.raises(SettingsError, match=complaint) as caught:
        load_persona(path)
    assert path in str(caught.value)
    assert "bright, calm, plain, none" in str(caught.value)


def test_that_a_table_that_is_no_table_is_named(write: Callable[[str], str]):
    content = GOOD.partition("[traits]")[0] + "traits = 3\nbaseline = 0\ntones = 0\n"
    with pytest.raises(SettingsError, match=r"`traits` is 3; it should be a table with openness"):
        load_persona(write(content))


@pytest.mark.parametrize("name", ["warm", "", "calm ", "../agent", "CALM", "none"])
def test_that_an_unknown_name_is_answered_with_those_there_are(name: str):
    with pytest.raises(SettingsError, match=r"No persona is called .*\.toml.*bright, calm, plain, none"):
        load_persona(name)


@pytest.mark.parametrize("name", ["nowhere.toml", "nul\0.toml"])
def test_that_a_file_that_cannot_be_opened_is_named(name: str, tmp_path: Path):
    with pytest.raises(SettingsError, match="persona file"):
        load_persona(str(tmp_path / name))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"id = 'caf\xe9'"])
def test_that_a_file_that_is_no_text_or_empty_is_refused(write: Callable[[bytes], str], content: bytes):
    with pytest.raises(SettingsError, match="persona file"):
        load_persona(write(content))


def test_that_a_folder_is_no_persona(tmp_path: Path):
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(SettingsError, match=r"folder\.toml' cannot be read"):
        load_persona(str(tmp_path / "folder.toml"))


@given(
    trait=st.sampled_from([*TRAITS, "closeness"]),
    value=st.one_of(st.floats(max_value=-1e-9), st.floats(min_value=1.0000001), st.just(float("nan"))),
)
def test_that_a_persona_made_in_code_is_checked_as_a_file_is(trait: str, value: float):
    with pytest.raises(SettingsError, match=f"`{trait}`"):
        replace(load_persona("calm"), **{trait: value})


def test_that_the_bounds_shut_out_despair_and_anger():
    assert LOWEST.valence >= -0.2
    assert HIGHEST.arousal < 0.5
    assert LOWEST.dominance == 0
