"""Settings of who may do what on a server, and how often: docs/server.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from agent.errors import InputError
from agent.tenants import checked_tenant

__all__ = ["KeyLimits", "Origin", "TenantRules", "Tenants"]

_ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?")
_ALWAYS = "heartline"

_Many = Annotated[int, Field(ge=1, le=1_000_000)]


class KeyLimits(BaseModel):
    """How much comes in at most, counted in memory by each process for itself.

    Attributes:
        per_minute: Requests a minute with one key; a token bucket, so that as many may come at once.
        concurrent: Requests with one key that are answered at the same time; a stream counts until its end.
        tenant_per_minute: Requests a minute with all keys of a tenant together.
        tenant_concurrent: The same for requests that are answered at the same time.
        wrong_per_minute: Keys that open nothing, a minute and client address.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    # Far beyond a busy help desk: they stop what runs wild, and hold nobody back who needs an answer.
    per_minute: _Many = 3_000
    concurrent: _Many = 256
    tenant_per_minute: _Many = 6_000
    tenant_concurrent: _Many = 512
    wrong_per_minute: _Many = 20


class TenantRules(BaseModel):
    """What a tenant gets to see of the server.

    Attributes:
        profiles: Those that it may use; () for all. The others answer as if they were not there.
        default: For its requests that name none; None: that of the server, where it may be used, else its first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    profiles: tuple[str, ...] = ()
    default: str | None = None


def _origin(value: str) -> str:
    if value != "*" and not _ORIGIN.fullmatch(value):
        raise ValueError("should be an origin, e.g. https://chat.example.org, without a path; or `*`")
    return value


def _tenant(value: str) -> str:
    try:
        return checked_tenant(value)
    except InputError as error:
        raise ValueError(str(error)) from None


def _with_known_profiles(tenants: Mapping[str, TenantRules], info: ValidationInfo) -> Mapping[str, TenantRules]:
    known = {_ALWAYS, *info.data.get("profiles", ())}
    for name, rules in tenants.items():
        usable = rules.profiles or tuple(known)
        for profile in (*rules.profiles, *filter(None, [rules.default])):
            if profile not in known:
                raise ValueError(f"{name!r} names the profile {profile!r}; there are: {', '.join(sorted(known))}")
        if rules.default is not None and rules.default not in usable:
            raise ValueError(f"{name!r} may not use its own `default`, {rules.default!r}: add it to `profiles`")
    return tenants


Origin = Annotated[str, AfterValidator(_origin)]
"""Where a page comes from: scheme, host and port; `*` for any."""

Tenants = Annotated[
    dict[Annotated[str, AfterValidator(_tenant)], TenantRules], AfterValidator(_with_known_profiles)
]
"""Rules by tenant. `profiles` has to stand before it among the settings."""
