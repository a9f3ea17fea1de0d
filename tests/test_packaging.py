"""What the distribution is: names, dependencies, files."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TOP_LEVEL = ("agent", "sem_plugins", "strategies", "prompts", "ui", "evals", "heartline")
WORD = re.compile(r"^[A-Za-z0-9_.-]+")


def _names(requirements: list[str]) -> set[str]:
    return {match[0].lower() for line in requirements if (match := WORD.match(line))}


@pytest.mark.parametrize("name", TOP_LEVEL)
def test_that_no_dependency_installs_one_of_our_top_level_names(name: str):
    owners = set(packages_distributions().get(name, [])) - {"heartline"}
    assert not owners, f"{name!r} also comes with {owners}: whichever is first on the path wins"


@pytest.mark.parametrize("name", TOP_LEVEL)
def test_that_no_top_level_name_hides_a_module_of_the_standard_library(name: str):
    assert name not in sys.stdlib_module_names


def test_that_every_dependency_is_explained_and_every_explanation_is_of_a_dependency():
    project = PYPROJECT["project"]
    wanted = _names(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        wanted |= {name.partition("[")[0] for name in _names(extra)}
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `([a-z0-9_.-]+)`", text, re.MULTILINE))
    assert explained == wanted


def test_that_the_base_install_holds_no_heavy_library():
    assert not _names(PYPROJECT["project"]["dependencies"]) & {"torch", "transformers", "vllm", "ray"}


OWN_LOCKS = {"vllm", "inspect"}
"""Extras in an environment of their own."""

LOCKS = ("constraints.txt", "constraints-vllm.txt", "constraints-vllm-cpu.txt", "constraints-inspect.txt")


@pytest.mark.parametrize("file", LOCKS)
def test_that_a_lock_pins_exactly_and_names_no_host(file: str):
    for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.!-]+", line), line


@pytest.mark.parametrize("extra", [None, *PYPROJECT["project"]["optional-dependencies"]])
def test_that_a_lock_resolves_the_base_and_every_extra(extra: str | None):
    text = (ROOT / (f"constraints-{extra}.txt" if extra in OWN_LOCKS else "constraints.txt")).read_text(
        encoding="utf-8"
    )
    pins = dict(re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)$", text, re.MULTILINE))
    pinned = {canonicalize_name(name): version for name, version in pins.items()}
    project = PYPROJECT["project"]
    for line in (*project["dependencies"], *(project["optional-dependencies"][extra] if extra else ())):
        wanted = Requirement(line)
        version = pinned.get(canonicalize_name(wanted.name), "none")
        assert wanted.specifier.contains(version), f"{line}: the lock says {version}"


def test_that_every_package_says_that_it_is_typed():
    for name in TOP_LEVEL[:-1]:
        assert (ROOT / name / "py.typed").is_file(), name


def test_that_the_wheel_holds_all_that_is_needed_at_run_time_and_no_tests(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    folders = {name.partition("/")[0] for name in names if not name.endswith((".py", ".dist-info"))}
    assert "heartline.py" in names
    assert "tests" not in folders
    for folder in TOP_LEVEL[:-1]:
        for path in (ROOT / folder).rglob("*"):
            name = path.relative_to(ROOT).as_posix()
            if path.is_file() and "__pycache__" not in name:
                assert name in names, name


def test_that_version_is_said_once_and_alike():
    import heartline

    assert PYPROJECT["project"]["version"] == heartline.__version__
    assert f"## {heartline.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_that_no_file_of_the_repository_names_a_registry_or_a_machine_path():
    forbidden = re.compile(
        r"pypi\.org/simple|pythonhosted|--index-url|--extra-index-url|(?<![\w.])/(?:home|root|Users)/\w"
    )
    made = {".git", ".venv", ".inspect", ".vllm", "runs"}  # not looked into: others may be writing there
    own = [path for top in ROOT.iterdir() if top.name not in made for path in (top, *top.rglob("*"))]
    for path in own:
        if (
            "shipped" in path.parts
            or not path.is_file()
            or path.suffix not in {".py", ".toml", ".md", ".txt", ".yaml", ".jinja", ""}
        ):
            continue
        found = forbidden.search(path.read_text(encoding="utf-8", errors="ignore"))
        assert found is None or path.name == Path(__file__).name, f"{path}: {found and found[0]}"
