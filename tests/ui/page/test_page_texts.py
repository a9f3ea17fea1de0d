from __future__ import annotations

import re
import string
from pathlib import Path
from typing import get_args

import pytest

import ui.page
from strategies.rules import Known
from ui.page.answering import trouble_of
from ui.page.tabs import TABS
from ui.page.texts import LANGUAGES, preferred, texts_in

FOLDER = Path(ui.page.__file__).parent


def _named(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_that_every_language_says_the_same_things():
    english = texts_in("en").said
    for language in LANGUAGES:
        said = texts_in(language).said
        assert said.keys() == english.keys(), sorted(said.keys() ^ english.keys())
        assert {key: _named(text) for key, text in said.items()} == {key: _named(t) for key, t in english.items()}
        assert all(text.strip() for text in said.values())


def test_that_there_is_a_text_for_every_key_that_is_asked_for():
    asked = set()
    for path in [*FOLDER.glob("*.py"), *FOLDER.glob("templates/*.jinja")]:
        asked |= set(re.findall(r"""\b(?:t|texts|_texts)\(["']([a-z_.]+\.[a-z_]+)["']""", path.read_text("utf-8")))
        asked |= set(re.findall(r"""Trouble\(["']([a-z_.]+)["']""", path.read_text("utf-8")))
    asked = {key for key in asked if not key.endswith("_")}  # put together where they are asked for
    assert len(asked) > 80
    assert asked <= texts_in("en").said.keys(), sorted(asked - texts_in("en").said.keys())
    assert {f"tab.{tab.id}" for tab in TABS} <= texts_in("en").said.keys()


def test_that_there_is_a_text_for_whatever_a_plan_can_rest_on():
    grounds = {f"ground.{name}" for kind in get_args(Known) for name in get_args(kind)}
    assert {key for key in texts_in("en").said if key.startswith("ground.")} == grounds


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr,en;q=0.5,de;q=0.7", "de"),
        ("en;q=0.2,de;q=0.1", "en"),
        ("de;q=nonsense,;;;", "en"),
        ("de;q=1.1.1", "en"),
        ("x" * 10_000, "en"),
    ],
    ids=["none", "one", "region", "weights", "little", "nonsense", "no-number", "long"],
)
def test_that_the_language_is_what_the_browser_likes_best(accepted, language):
    assert preferred(accepted) == language


def test_that_what_went_wrong_never_quotes_what_was_said():
    from agent.errors import StoreError

    trouble = trouble_of(StoreError("secret words"))
    assert "secret" not in texts_in("en")(trouble.key, **dict(trouble.given))
