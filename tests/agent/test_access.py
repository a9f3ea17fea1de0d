"""Settings of who may do what."""

from __future__ import annotations

import pytest

from agent.errors import SettingsError
from agent.settings import load_settings


def test_that_by_default_no_page_and_every_profile_may_be_used():
    settings = load_settings()
    assert (settings.allow_origins, settings.tenants) == ((), {})
    assert settings.key_limits.per_minute < settings.key_limits.tenant_per_minute


@pytest.mark.parametrize(
    "origin", ["https://chat.example.org", "http://127.0.0.1:3000", "http://[::1]:80", "https://a", "*"]
)
def test_that_origins_are_taken_as_browsers_send_them(origin: str):
    assert load_settings(allow_origins=[origin]).allow_origins == (origin,)


@pytest.mark.parametrize(
    "origin",
    [
        "chat.example.org",
        "https://chat.example.org/",
        "https://*.example.org",
        "null",
        "",
        "ftp://a",
        "https://a b",
    ],
)
def test_that_what_is_no_origin_is_refused(origin: str):
    with pytest.raises(SettingsError, match=r"https://chat\.example\.org, without a path"):
        load_settings(allow_origins=[origin])


def test_that_a_tenant_may_be_held_to_profiles():
    rules = {"acme": {"profiles": ["gb"], "default": "gb"}, "other": {"default": "heartline"}}
    settings = load_settings(profiles={"gb": {}}, tenants=rules)
    assert (settings.tenants["acme"].profiles, settings.tenants["other"].profiles) == (("gb",), ())


@pytest.mark.parametrize(
    ("tenants", "problem"),
    [
        ({"acme": {"profiles": ["us"]}}, "'acme' names the profile 'us'; there are: gb, heartline"),
        ({"acme": {"default": "us"}}, "'acme' names the profile 'us'"),
        ({"acme": {"profiles": ["gb"], "default": "heartline"}}, "may not use its own `default`"),
        ({"a b": {}}, "A tenant is called 'a b'"),
        ({"acme": {"profile": []}}, r"No setting is called `tenants\.acme\.profile`"),
    ],
    ids=["unknown", "unknown default", "default not offered", "no name", "no rule"],
)
def test_that_rules_that_cannot_hold_are_refused(tenants: dict[str, object], problem: str):
    with pytest.raises(SettingsError, match=problem):
        load_settings(profiles={"gb": {}}, tenants=tenants)


def test_that_a_limit_of_nothing_is_refused():
    with pytest.raises(SettingsError, match="key_limits"):
        load_settings(key_limits={"per_minute": 0})
