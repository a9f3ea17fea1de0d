"""The bundled directory keeps the contract, and so does a stranger's that is found by its name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.errors import SettingsError, WiringError
from agent.safety.guard import create
from agent.safety.help_lines import Directory, directory_of, load_help_lines
from agent.safety.help_lines import create as create_bundled
from agent.settings import load_settings
from tests.contracts.directory_contract import DirectoryContract
from tests.fake_distribution import install

SOURCE = """
from dataclasses import replace

from agent.safety.help_lines import load_help_lines


class Verified:
    name = "verified"

    def __init__(self, settings):
        self.settings = settings
        self._bundled = load_help_lines()

    def country(self, code):
        country = self._bundled.country(code)
        return replace(country, lines=tuple(replace(line, note="verified") for line in country.lines))


class Nameless:
    def __init__(self, settings):
        pass
"""
ENTRY_POINTS = {"heartline.directories": {"verified": "stranger_lines:Verified", "odd": "stranger_lines:Nameless"}}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A stranger's distribution with two directories, of which one is none."""
    install(tmp_path, "stranger", entry_points=ENTRY_POINTS, modules={"stranger_lines": SOURCE})
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("stranger_lines", None)


class TestBundled(DirectoryContract):
    @pytest.fixture
    def directory(self) -> Directory:
        return create_bundled(load_settings())


class TestStranger(DirectoryContract):
    @pytest.fixture
    def directory(self, installed: None) -> Directory:
        return directory_of(load_settings(help_lines="verified"))


def test_that_a_directory_is_made_with_the_settings_and_its_lines_are_named(installed: None):
    settings = load_settings(help_lines="verified", country="GB")

    assert directory_of(settings).settings is settings  # type: ignore[attr-defined]
    assert {line.note for line in create(settings).country.lines} == {"verified"}


def test_that_without_a_name_the_shipped_lines_are_taken():
    assert directory_of(load_settings()) == directory_of() == load_help_lines()


def test_that_the_path_of_a_file_is_taken_as_before(tmp_path: Path):
    file = tmp_path / "mine.toml"
    shipped = Path(load_help_lines.__code__.co_filename).with_name("help_lines.toml").read_text("utf-8")
    file.write_text(shipped.replace('name = "Samaritans"', 'name = "Good People"'), "utf-8")

    for named in (file, str(file)):
        lines = directory_of(load_settings(help_lines=named)).country("GB").lines
        assert "Good People" in {line.name for line in lines}


def test_that_an_unknown_name_is_answered_with_the_choices(installed: None):
    with pytest.raises(SettingsError, match=r"No directory is called 'verifed'\. Registered are: .*verified"):
        directory_of(load_settings(help_lines="verifed"))


def test_that_a_file_which_is_not_there_is_named():
    with pytest.raises(SettingsError, match=r"nowhere\.toml"):
        directory_of(load_settings(help_lines="nowhere.toml"))


def test_that_what_is_no_directory_is_refused(installed: None):
    with pytest.raises(WiringError, match="'odd' made a Nameless, which has no `name`"):
        directory_of(load_settings(help_lines="odd"))
