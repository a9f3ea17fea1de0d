"""Parts are found by name, ours and a stranger's; what cannot be had is said."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest

from agent.errors import SettingsError, WiringError
from agent.registry import Kind, make, names
from agent.settings import load_settings
from tests.fake_distribution import install

ROOT = Path(__file__).parents[2]

SOURCE = """
class Part:
    def __init__(self, settings):
        self.settings = settings


def create(settings):
    return Part(settings)
"""

Installer = Callable[..., None]


@pytest.fixture
def installs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installer]:
    """Installs distributions that go away after the test."""
    before = set(sys.modules)

    def install_one(
        name: str, value: str, *, modules: Mapping[str, str], part: str = "mine", kind: Kind = "plugins"
    ):
        folder = tmp_path / name
        install(folder, name, entry_points={f"heartline.{kind}": {part: value}}, modules=modules)
        monkeypatch.syspath_prepend(folder)

    yield install_one
    for name in set(sys.modules) - before:
        if name.startswith("stranger_"):
            del sys.modules[name]


def test_that_a_part_is_made_with_the_settings(installs: Installer):
    installs("stranger", "stranger_sound:create", modules={"stranger_sound": SOURCE})
    settings = load_settings()
    assert "mine" in names("plugins")
    assert make("plugins", "mine", settings).settings is settings


@pytest.mark.parametrize("kind", get_args(Kind))
def test_that_every_kind_of_part_has_a_door(kind: Kind, installs: Installer):
    before = names(kind)
    installs("stranger", "stranger_sound:create", modules={"stranger_sound": SOURCE}, kind=kind)
    assert names(kind) == tuple(sorted({*before, "mine"}))
    assert make(kind, "mine", None).settings is None


def test_that_our_own_parts_enter_by_the_same_door():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    assert declared.keys() == {f"heartline.{kind}" for kind in get_args(Kind)} | {"inspect_ai"}
    for kind in get_args(Kind):
        assert set(names(kind)) >= declared[f"heartline.{kind}"].keys()


def test_that_names_are_in_order_and_said_once():
    found = names("plugins")
    assert list(found) == sorted(set(found))


@pytest.mark.parametrize("name", ["emotoin", "", "Emotion"])
def test_that_an_unknown_name_is_answered_with_the_choices(name: str):
    with pytest.raises(SettingsError, match=f"No plugin is called {name!r}") as caught:
        make("plugins", name, None)
    for choice in names("plugins"):
        assert choice in str(caught.value)


def test_that_a_name_is_looked_for_among_its_kind_only():
    with pytest.raises(SettingsError, match=r"No store is called 'emotion'\. Registered are: .*memory"):
        make("stores", "emotion", None)


def test_that_where_nothing_is_registered_the_install_is_doubted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(SettingsError, match=r"Registered are: none .*pip install"):
        make("planners", "rules", None)


def test_that_a_name_claimed_by_two_distributions_is_refused(installs: Installer):
    installs("one", "stranger_one:create", modules={"stranger_one": SOURCE})
    installs("two", "stranger_two:create", modules={"stranger_two": SOURCE})
    with pytest.raises(
        WiringError,
        match=r"The plugin 'mine' is claimed twice: stranger_one:create and stranger_two:create\. Uninstall one\.",
    ):
        make("plugins", "mine", None)
    assert names("plugins").count("mine") == 1


def test_that_a_stranger_cannot_take_the_name_of_one_of_ours(installs: Installer):
    installs("stranger", "stranger_sound:create", modules={"stranger_sound": SOURCE}, part="risk")
    with pytest.raises(WiringError, match="The plugin 'risk' is claimed twice"):
        make("plugins", "risk", None)


def test_that_one_distribution_seen_twice_is_no_quarrel(installs: Installer):
    installs("one", "stranger_sound:create", modules={"stranger_sound": SOURCE})
    installs("older", "stranger_sound:create", modules={"stranger_sound": SOURCE})
    assert make("plugins", "mine", 7).settings == 7


BROKEN = {
    "no such module": ("stranger_gone:create", {}),
    "no such name": ("stranger_bare:create", {"stranger_bare": ""}),
    "a missing library": ("stranger_poor:create", {"stranger_poor": "import a_library_that_nobody_has"}),
    "a slip of the pen": ("stranger_torn:create", {"stranger_torn": "def create(settings:"}),
    "an error at import": ("stranger_loud:create", {"stranger_loud": "raise RuntimeError('no licence found')"}),
}


@pytest.mark.parametrize(("value", "modules"), BROKEN.values(), ids=BROKEN.keys())
def test_that_a_part_that_cannot_be_imported_is_named_with_the_cure(
    installs: Installer, value: str, modules: dict[str, str]
):
    installs("stranger", value, modules=modules)
    with pytest.raises(
        WiringError, match=rf"The plugin 'mine' \({value}\) cannot be imported: .+\. Reinst"
    ) as caught:
        make("plugins", "mine", None)
    assert caught.value.__cause__ is not None


def test_that_an_error_of_the_part_itself_comes_through(installs: Installer):
    source = "from agent.errors import WeightsError\ndef create(settings):\n    raise WeightsError('no weights')\n"
    installs("stranger", "stranger_light:create", modules={"stranger_light": source})
    with pytest.raises(Exception, match="no weights") as caught:
        make("plugins", "mine", None)
    assert type(caught.value).__name__ == "WeightsError"


def test_that_settings_reach_a_part_unaltered(installs: Installer):
    installs("stranger", "stranger_sound:create", modules={"stranger_sound": SOURCE}, kind="stores")
    anything: Any = object()
    assert make("stores", "mine", anything).settings is anything
