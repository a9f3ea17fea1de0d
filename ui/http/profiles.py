"""What the server serves: one agent for each profile, on one store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from agent.access import TenantRules
from agent.breaker import BreakerState
from agent.build import build_agent
from agent.errors import HeartlineError, SettingsError
from agent.generator import OpenAICompatibleGenerator
from agent.loop import Agent
from agent.parts import answer_once
from agent.pasts import Pasts
from agent.probe import LLMServer
from agent.protocols import ConversationStore
from agent.settings import Settings, load_settings
from agent.tenants import TenantStore
from heartline import __version__
from ui.http.admission import Admission
from ui.http.doorbells import Doorbells
from ui.http.edge import Drain
from ui.http.errors import ApiError
from ui.http.metering import Meter
from ui.http.metrics import Metrics
from ui.http.order import InOrder
from ui.http.tenancy import Gate, Tenant

__all__ = ["DEFAULT", "Profile", "Service", "build_service", "make_profiles"]

DEFAULT = "heartline"
"""The profile that is always there: the settings as they are."""

_SHARED = frozenset(
    {
        "allow_origins",
        "key_limits",
        "max_body_bytes",
        "operations",
        "plugins",
        "profiles",
        "redact_store",
        "retention",
        "retention_days",
        "server_load",
        "store",
        "store_path",
        "tenants",
        "turn_order",
        "weights",
    }
)
"""What all profiles have in common, as there is one store and one set of readers."""

_READY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Profile:
    """A model, as clients see it.

    Attributes:
        name: What `model` names.
        agent: Answers.
        settings: It was made from.
    """

    name: str
    agent: Agent
    settings: Settings

    @property
    def llm(self) -> LLMServer | None:
        """The LLM server that speaks; None where the built-in responder or an LLM in this process does."""
        if isinstance(self.agent.generator, OpenAICompatibleGenerator) and self.settings.llm_url:
            return LLMServer.from_settings(self.settings)
        return None


class Service:
    """Everything that requests share.

    Args:
        profiles: By name; `DEFAULT` among them.
        store: Keeps conversations.
        default: What requests that name no profile are answered with, such as those at side endpoints.
    """

    def __init__(
        self, profiles: Mapping[str, Profile], store: ConversationStore, *, default: str = DEFAULT
    ) -> None:
        self.profiles, self.store, self.default = dict(profiles), store, default
        turns = self.settings.turn_order
        order = InOrder(getattr(store, "leases", None), wait=turns.wait, seconds=turns.lease)
        self.drain, self.order, self.pasts, self.doorbells = Drain(), order, Pasts(), Doorbells()
        self.admission = Admission(self.settings.server_load)
        self.gate, self.meter = Gate(getattr(store, "api_keys", None)), Meter()
        self.metrics = Metrics(__version__)
        self.started = int(time.time())

    @property
    def settings(self) -> Settings:
        """What all profiles have in common stands there."""
        return self.profiles[DEFAULT].settings

    def store_of(self, tenant: Tenant) -> ConversationStore:
        """The conversations of a tenant, and nothing else."""
        if tenant.name is None:
            return self.store
        return cast("TenantStore", self.store).for_tenant(tenant.name)

    def offered(self, tenant: Tenant) -> tuple[str, ...]:
        """Names of the profiles that a tenant may use."""
        rules = self._rules(tenant)
        return tuple(name for name in self.profiles if not rules.profiles or name in rules.profiles)

    def profile(self, name: str | None, tenant: Tenant) -> Profile:
        """The profile that a request names; the tenant's default where it names none.

        Raises:
            ApiError: There is none, or the tenant may not use it.
        """
        offered = self.offered(tenant)
        if name is None:
            name = self._rules(tenant).default or (self.default if self.default in offered else offered[0])
        if name not in offered:
            raise ApiError(
                404,
                f"There is no such model. `GET /v1/models` lists those there are: {', '.join(offered)}.",
                code="model_not_found",
                param="model",
            )
        return self.profiles[name]

    def _rules(self, tenant: Tenant) -> TenantRules:
        return self.settings.tenants.get(tenant.name, TenantRules()) if tenant.name is not None else TenantRules()

    @property
    def llm(self) -> BreakerState | None:
        """How the LLM servers are: the worst of them; None where no profile has one."""
        states = {profile.llm.breaker.state for profile in self.profiles.values() if profile.llm is not None}
        worst: tuple[BreakerState, ...] = ("open", "half-open", "closed")
        return next((state for state in worst if state in states), None)

    async def problem(self) -> str | None:
        """What keeps it from answering; None where nothing does."""
        if self.drain.began is not None:
            return "stopping"
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await asyncio.to_thread(self.store.recall, "readiness", turns=0)
        except Exception:  # noqa: BLE001 - whatever a store raises, it does not answer
            return "store"
        return None

    async def aclose(self) -> None:
        """Let go of every agent and of the store."""
        await self.order.aclose()
        for profile in self.profiles.values():
            await profile.agent.aclose()


def build_service(settings: Settings, *, default: str = DEFAULT) -> Service:
    """The agents that the settings name.

    Raises:
        SettingsError: A profile sets what all have in common, or what cannot be used; or there is no `default`.
        HeartlineError: As `agent.build.build_agent`.
    """
    if default != DEFAULT and default not in settings.profiles:
        choices = ", ".join([DEFAULT, *settings.profiles])
        raise SettingsError(f"No profile is called {default!r}. There are: {choices}.")
    profiles = make_profiles(settings)
    first = profiles[DEFAULT].agent
    answer_once(first)
    return Service(profiles, first.store, default=default)


def make_profiles(settings: Settings, *, like: Agent | None = None) -> dict[str, Profile]:
    """An agent for each profile.

    Args:
        settings: Name them.
        like: Whose readers and store all of them get; None: those of `DEFAULT`, which are made anew.

    Raises:
        SettingsError, HeartlineError: As `build_service`.
    """
    profiles: dict[str, Profile] = {}
    for name in (DEFAULT, *settings.profiles):
        try:
            own = settings if name == DEFAULT else _settings_of(settings, name)
            built = build_agent(own)
        except HeartlineError as error:
            if name == DEFAULT:
                raise
            raise type(error)(f"Profile {name!r}: {error}") from None
        if like is None:
            like = built
        else:
            built.store.close()
            built.perception, built.store = like.perception, like.store
        profiles[name] = Profile(name, built, own)
    return profiles


def _settings_of(settings: Settings, name: str) -> Settings:
    """The settings with what a profile changes."""
    changes = settings.profiles[name]
    if shared := sorted(_SHARED & changes.keys()):
        raise SettingsError(f"It sets {', '.join(shared)}, which all profiles have in common. Leave it out there.")
    changed = load_settings(**changes)
    return settings.model_copy(update={each: getattr(changed, each) for each in changes})
