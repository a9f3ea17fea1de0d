"""What any directory of help lines must do. Subclass `DirectoryContract` as `Test...` and give it a directory.

class TestMyDirectory(DirectoryContract):
    code = "NZ"

    @pytest.fixture
    def directory(self) -> Directory:
        return MyDirectory()
"""

from __future__ import annotations

from typing import get_args

import pytest

from agent.safety.guard import ProtocolGuard
from agent.safety.help_lines import UNKNOWN, Country, Directory, Kind

__all__ = ["DirectoryContract"]


class DirectoryContract:
    """Tests of one directory."""

    code = "GB"
    """A country that it knows."""

    @pytest.fixture
    def directory(self) -> Directory:
        raise NotImplementedError

    def test_that_it_has_the_shape_of_a_directory_and_a_name(self, directory: Directory):
        assert isinstance(directory, Directory)
        assert directory.name

    def test_that_a_country_it_knows_has_a_number_and_lines_that_can_be_reached(self, directory: Directory):
        country = directory.country(self.code)
        assert isinstance(country, Country)
        assert country.code == self.code
        assert country.words
        assert country.emergency
        assert country.lines
        for line in country.lines:
            assert line.call or line.text or line.chat or line.web
            assert line.source
            assert line.evidence
            assert set(line.kinds) <= set(get_args(Kind))

    @pytest.mark.parametrize("code", [None, "", "QQ", "nowhere", "12", "\N{GREEK CAPITAL LETTER OMEGA}", "G B\n"])
    def test_that_any_other_place_gets_general_words_and_no_number(self, directory: Directory, code: str | None):
        country = directory.country(code)
        assert country.code == UNKNOWN
        assert country.words
        assert country.emergency == ()
        assert country.lines

    def test_that_small_letters_name_the_same_country(self, directory: Directory):
        assert directory.country(self.code.lower()) == directory.country(self.code)

    def test_that_every_kind_of_trouble_finds_a_line(self, directory: Directory):
        country = directory.country(self.code)
        assert all(country.lines_of(kind) for kind in get_args(Kind))

    def test_that_a_guard_takes_it(self, directory: Directory):
        assert ProtocolGuard(self.code, directory=directory).country == directory.country(self.code)
