"""Settings: arguments, then the environment, then a file, then the defaults; errors name the cure."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from agent.errors import SettingsError
from agent.settings import Settings, load_settings

KEY = "sk-Quillonby"
URL = "http://marbelune:zorvantic@127.0.0.1:8000/v1"
SECRETS = ("Quillonby", "zorvantic")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, text: str, name: str = "heartline.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def everything_told(error: BaseException) -> str:
    """What a log of the error would hold."""
    return "".join(traceback.format_exception(error)) + repr(error)


def test_that_without_anything_the_defaults_hold():
    settings = load_settings()
    assert settings.llm_url is None
    assert settings.planner == "rules"
    assert settings.plugins == (
        "emotion", "expression", "affect", "cause", "strategy", "risk", "felt", "undertone",
    )  # fmt: skip
    assert settings.model_fields_set == set()


def test_that_conversations_are_kept_in_the_home_of_the_person():
    path = load_settings().store_path
    assert path.name == "conversations.db"
    assert path.parent.name == "heartline"
    assert path.is_relative_to(Path.home())
    assert not path.parent.exists(), "reading the settings made a folder"


def test_that_arguments_win_over_environment_over_file_over_default(folder: Path, monkeypatch: pytest.MonkeyPatch):
    assert load_settings().tracker == "filter"
    write(folder, 'tracker = "of-the-file"')
    assert load_settings().tracker == "of-the-file"
    monkeypatch.setenv("HEARTLINE_TRACKER", "of-the-environment")
    assert load_settings().tracker == "of-the-environment"
    assert load_settings(tracker="of-the-arguments").tracker == "of-the-arguments"


def test_that_each_source_gives_what_the_others_leave_out(folder: Path, monkeypatch: pytest.MonkeyPatch):
    write(folder, 'tracker = "of-the-file"\nllm_retries = 3')
    monkeypatch.setenv("HEARTLINE_LLM_RETRIES", "5")
    settings = load_settings(planner="of-the-arguments")
    assert (settings.tracker, settings.llm_retries, settings.planner) == ("of-the-file", 5, "of-the-arguments")
    assert settings.guard == "protocol"


def test_that_an_argument_of_none_means_not_given(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEARTLINE_LLM_MODEL", "of-the-environment")
    assert load_settings(llm_model=None).llm_model == "of-the-environment"


def test_that_an_empty_variable_means_not_given(folder: Path, monkeypatch: pytest.MonkeyPatch):
    write(folder, 'llm_model = "of-the-file"')
    monkeypatch.setenv("HEARTLINE_LLM_MODEL", "")
    assert load_settings().llm_model == "of-the-file"


def test_that_a_variable_may_name_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch):
    write(folder, 'tracker = "of-the-folder"')
    named = write(folder, 'tracker = "of-the-named"', "other.toml")
    monkeypatch.setenv("HEARTLINE_CONFIG", str(named))
    assert load_settings().tracker == "of-the-named"


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_that_a_named_file_must_be_there(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEARTLINE_CONFIG", name)
    with pytest.raises(SettingsError, match=rf"HEARTLINE_CONFIG names '{name}', which is no file\. Unset it"):
        load_settings()


@pytest.mark.parametrize("content", [b"tracker = 'x", b"= 3", b"tracker = 'caf\xe9'", b"\xff\xfet\x00"])
def test_that_a_file_that_cannot_be_read_is_named(folder: Path, content: bytes):
    (folder / "heartline.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"heartline\.toml is not valid TOML: .+"):
        load_settings()


def test_that_settings_nested_without_end_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch):
    (folder / "heartline.toml").write_text("plugins = " + "[" * 100_000)
    with pytest.raises(SettingsError, match=r"heartline\.toml is nested too deeply"):
        load_settings()
    (folder / "heartline.toml").unlink()
    monkeypatch.setenv("HEARTLINE_PLUGINS", "[" * 100_000)
    with pytest.raises(SettingsError, match="nested too deeply"):
        load_settings()


def test_that_a_name_that_does_not_exist_is_answered_with_those_that_do(folder: Path):
    with pytest.raises(SettingsError, match=r"No setting is called `planer`\. There are: .*planner") as caught:
        load_settings(planer="rules")
    for name in Settings.model_fields:
        assert name in str(caught.value)
    write(folder, 'planer = "rules"')
    with pytest.raises(SettingsError, match="No setting is called `planer`"):
        load_settings()


def test_that_a_table_in_the_file_is_no_way_to_write_settings(folder: Path):
    write(folder, f'[llm]\nurl = "{URL}"')
    with pytest.raises(SettingsError, match="No setting is called `llm`") as caught:
        load_settings()
    assert not [secret for secret in SECRETS if secret in everything_told(caught.value)]


BAD = [
    ("llm_timeout", "soon", "valid number"),
    ("llm_timeout", 0, "greater than 0"),
    ("llm_deadline", -1, "greater than 0"),
    ("llm_retries", 11, "less than or equal to 10"),
    ("llm_retries", -1, "greater than or equal to 0"),
    ("llm_temperature", 2.5, "less than or equal to 2"),
    ("llm_max_tokens", 0, "greater than or equal to 1"),
    ("history_turns", -1, "greater than or equal to 0"),
    ("history_turns", 2.5, "valid integer"),
    ("history_characters", -1, "greater than or equal to 0"),
    ("max_message_characters", 0, "greater than or equal to 1"),
    ("plugin_seconds", 0, "greater than 0"),
    ("threads", -1, "greater than or equal to 0"),
    ("plugins", "emotion", "valid tuple"),
]


@pytest.mark.parametrize(("name", "value", "cure"), BAD, ids=[f"{name}={value}" for name, value, _ in BAD])
def test_that_a_bad_value_is_named_with_its_variable_and_the_cure(name: str, value: Any, cure: str):
    with pytest.raises(
        SettingsError, match=rf"Setting `{name}` \(HEARTLINE_{name.upper()}\) is .*{cure}"
    ) as caught:
        load_settings(**{name: value})
    assert repr(value) in str(caught.value)


def test_that_every_problem_is_named_at_once():
    with pytest.raises(SettingsError) as caught:
        load_settings(threads=-1, llm_timeout=0, planer="x", llm_url="localhost")
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    for name in ("threads", "llm_timeout", "planer", "llm_url"):
        assert any(f"`{name}`" in line for line in lines)


@pytest.mark.parametrize("value", ["emotion,risk", "emotion", "[emotion]"])
def test_that_a_list_in_a_variable_that_is_no_json_is_answered_with_an_example(
    value: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HEARTLINE_PLUGINS", value)
    with pytest.raises(SettingsError, match=r'"plugins".* HEARTLINE_PLUGINS=\'\["emotion", "risk"\]\''):
        load_settings()


def test_that_lists_come_from_everywhere(folder: Path, monkeypatch: pytest.MonkeyPatch):
    write(folder, 'plugins = ["risk"]')
    assert load_settings().plugins == ("risk",)
    monkeypatch.setenv("HEARTLINE_PLUGINS", '["emotion", "risk"]')
    assert load_settings().plugins == ("emotion", "risk")
    assert load_settings(plugins=[]).plugins == ()


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://127.0.0.1/v1", "localhost", "HTTP//x"])
def test_that_an_address_must_be_one_of_the_web(url: str):
    with pytest.raises(
        SettingsError, match=r"`llm_url` \(HEARTLINE_LLM_URL\).* begin with http:// or https://, e\.g"
    ):
        load_settings(llm_url=url)


def test_that_an_address_has_one_spelling():
    assert load_settings(llm_url="https://127.0.0.1:8000/v1//").llm_url == "https://127.0.0.1:8000/v1"


def test_that_secrets_are_there_and_do_not_show():
    settings = load_settings(llm_url=URL, llm_api_key=KEY)
    assert settings.llm_url == URL
    assert settings.llm_api_key is not None
    assert settings.llm_api_key.get_secret_value() == KEY
    shown = f"{settings!r} {settings} {settings.llm_api_key}"
    assert not [secret for secret in SECRETS if secret in shown]


WITH_SECRETS: list[dict[str, Any]] = [
    {"llm_api_key": [KEY]},
    {"handoff_secret": [KEY]},
    {"handoff_url": URL[4:]},
    {"llm_api_key": {"key": KEY}},
    {"llm_url": URL.replace("http://", "ftp://")},
    {"llm_url": [URL]},
    {"llm_key": KEY},
    {"llm_url": URL, "llm_api_key": KEY, "threads": -1},
]


@pytest.mark.parametrize("given", WITH_SECRETS, ids=str)
def test_that_no_error_shows_a_secret(given: dict[str, Any]):
    with pytest.raises(SettingsError) as caught:
        load_settings(**given)
    told = everything_told(caught.value)
    assert not [secret for secret in SECRETS if secret in told]


@pytest.mark.parametrize("given", WITH_SECRETS, ids=str)
def test_that_who_makes_settings_by_hand_sees_no_secret_either(given: dict[str, Any]):
    with pytest.raises(ValidationError) as caught:
        Settings(**given)
    told = everything_told(caught.value)
    assert not [secret for secret in SECRETS if secret in told]


@pytest.mark.parametrize("line", [f'llm_api_key = ["{KEY}"]', f'llm_key = "{KEY}"', f'llm_url = "{URL[4:]}"'])
def test_that_an_error_about_the_file_shows_no_secret(folder: Path, line: str):
    write(folder, line)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    told = everything_told(caught.value)
    assert not [secret for secret in SECRETS if secret in told]


def test_that_an_error_about_the_environment_shows_no_secret(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEARTLINE_LLM_API_KEY", KEY)
    monkeypatch.setenv("HEARTLINE_LLM_URL", URL.replace("http://", "ftp://"))
    with pytest.raises(SettingsError) as caught:
        load_settings()
    told = everything_told(caught.value)
    assert not [secret for secret in SECRETS if secret in told]


def test_that_settings_do_not_change():
    settings = load_settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.planner = "another"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_that_every_setting_says_what_it_does(name: str):
    description = Settings.model_fields[name].description
    assert description
    assert description.endswith(".")
