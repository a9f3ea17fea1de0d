"""A stranger's distribution enters by the same door as our own parts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.build import build_perception
from agent.errors import WiringError
from agent.protocols import Plugin
from agent.registry import make
from agent.settings import load_settings
from tests.contracts.plugin_contract import PluginContract
from tests.fake_distribution import install

HERE = Path(__file__).parent

PROGRAM = """
import json
from agent.build import build_perception
from agent.registry import names
from heartline import Turn, load_settings

perception = build_perception(load_settings(plugins=["risk", "loudness"]))
[turn] = perception.read([Turn("turn", "conversation", 0, "STOP IT!!!")])
told = {"names": names("plugins"), "affect": repr(turn.affect), "risk": turn.risk.level, "failures": turn.failures}
print(json.dumps(told))
"""


def lay_out(folder: Path) -> None:
    """Put the distribution where an installer would, as its own `pyproject.toml` says."""
    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    install(
        folder,
        project["name"],
        entry_points=project["entry-points"],
        modules={"loudness": (HERE / "loudness.py").read_text(encoding="utf-8")},
        version=project["version"],
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The distribution on this process's path."""
    folder = tmp_path_factory.mktemp("site-packages")
    lay_out(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield folder
    sys.modules.pop("loudness", None)


def test_that_an_installed_plugin_is_found_by_name_in_a_fresh_process(tmp_path: Path):
    lay_out(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told["names"]) >= {"loudness", "emotion", "risk"}
    assert told["affect"] == "Affect(valence=0.0, arousal=1.0, dominance=0.0)"
    assert told["risk"] == "none"
    assert told["failures"] == []


def test_that_a_plugin_in_the_way_of_ours_is_refused_with_the_cure(installed: Path):
    settings = load_settings(plugins=["emotion", "expression", "affect", "loudness"])
    with pytest.raises(WiringError, match=r"'affect' and 'loudness' both write `affect`\. Leave one out"):
        build_perception(settings)


class TestLoudness(PluginContract):
    @pytest.fixture
    def plugin(self, installed: Path) -> Plugin:
        loudness: Plugin = make("plugins", "loudness", load_settings())
        return loudness
