"""What all visitors of the page share: settings, the store, and agents made to their choices."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, cast

from agent.build import build_agent
from agent.errors import SettingsError
from agent.loop import Agent
from agent.memory import InMemoryStore
from agent.options import VARIANTS, Options
from agent.persona import persona_names
from agent.probe import LLMServer
from agent.protocols import ConversationStore
from agent.registry import names
from agent.safety.help_lines import Directory, directory_of
from agent.safety.policies import Policy, load_policy, policy_names
from agent.settings import Settings, load_settings
from agent.tenants import TenantStore
from ui.http.order import InOrder
from ui.http.tenancy import Gate
from ui.page.evaluating import Evaluations
from ui.page.running import Running
from ui.page.visitor import Choices, Visitor

__all__ = ["Desk", "Reach"]

_MOST_AGENTS = 16
_OF_SERVERS = "openai"
_UNKEPT_FOR = timedelta(hours=2)
_MADE_BY = ("persona", "planner", "counterweight", "country", "policy")
_COUNTERWEIGHTS = ("0", "0.3", "0.5", "0.7", "1")  # those that docs/evaluation.md measures


@dataclass(frozen=True, slots=True)
class Reach:
    """Who reaches the page.

    Attributes:
        near: Nobody but this machine: whoever chats is whoever runs it.
        root_path: What a proxy puts before every path, e.g. `"/heart"`.
        keys: A key is needed.
    """

    near: bool = True
    root_path: str = ""
    keys: bool = False


class Desk:
    """Everything that visitors share.

    Args:
        agent: Answers where nothing was chosen. It is closed with the desk.
        settings: It was made from.
        reach: Who reaches the page.
    """

    def __init__(self, agent: Agent, settings: Settings, reach: Reach = Reach()) -> None:
        self.agent, self.settings, self.reach = agent, settings, reach
        order = settings.turn_order
        self.order = InOrder(getattr(agent.store, "leases", None), wait=order.wait, seconds=order.lease)
        self.running = Running()
        self.gate = Gate(getattr(agent.store, "api_keys", None))
        self.unkept = InMemoryStore()
        self.directory: Directory = directory_of(settings)
        # Evaluations take this machine's cores and read its files: they are for whoever runs the page.
        self.evaluations = Evaluations(settings) if reach.near else None
        self._agents: OrderedDict[Choices, Agent] = OrderedDict()
        self._making = asyncio.Lock()
        self._policies: dict[str, Policy] = {}

    # --- what may be chosen ----------------------------------------------------------------------

    @property
    def may_name_llm(self) -> bool:
        """Whether visitors may name an LLM server, which this machine then asks."""
        allowed = self.settings.page.visitor_llm
        return self.reach.near if allowed is None else allowed

    @property
    def may_unkeep(self) -> bool:
        """Whether visitors may have nothing kept. A person is called through what the store keeps."""
        return self.settings.handoff_at == "never"

    @property
    def ephemeral(self) -> bool:
        """Whether nothing outlasts the server."""
        return self.settings.store == "memory"

    @cached_property  # names of planners are read from every distribution: 10 ms of computing, and asked for often
    def offered(self) -> Mapping[str, tuple[str, ...]]:
        """What visitors may choose from, by setting. What is not here is not theirs to choose."""
        offered: dict[str, tuple[str, ...]] = {
            "speaker": ("offline", "own") if self.may_name_llm else ("offline",),
            "persona": persona_names(),
            "planner": names("planners"),
            "counterweight": _COUNTERWEIGHTS,
            "variant": VARIANTS,
            "two_stage": ("adaptive", "adjudicated", "inline"),
            "country": tuple(sorted(getattr(self.directory, "countries", {}))),
        }
        if self.reach.near:  # a policy binds whoever runs the page; visitors cannot leave it
            offered["policy"] = policy_names()
        return offered

    def checked(self, choices: Choices) -> Choices:
        """The choices without those that are not offered."""
        offered = self.offered
        kept: dict[str, Any] = {
            name: value if (value := getattr(choices, name)) in offered.get(name, ()) else ""
            for name in ("speaker", *_MADE_BY, "variant", "two_stage")
        }
        if kept["speaker"] != "own":
            kept |= {"llm_url": "", "llm_model": ""}
        return replace(choices, **kept, kept=choices.kept or not self.may_unkeep)

    # --- who answers -----------------------------------------------------------------------------

    def settings_for(self, choices: Choices) -> Settings:
        """The settings that hold for a visitor.

        Raises:
            SettingsError: Their address of an LLM server is unusable.
        """
        choices = self.checked(choices)
        changes: dict[str, Any] = {name: value for name in _MADE_BY if (value := getattr(choices, name))}
        settings = self.settings
        if choices.speaker == "own":
            if not choices.llm_url:
                raise SettingsError("There is no address of an LLM server.")
            LLMServer(choices.llm_url)
            # The key and the model belong to another server: they are not sent to this one.
            settings = settings.model_copy(update={"llm_api_key": None, "llm_model": None, "llm_preset": None})
            changes |= {"llm_url": choices.llm_url, "generator": _OF_SERVERS}
            if choices.llm_model:
                changes["llm_model"] = choices.llm_model
        elif choices.speaker == "offline":
            settings = settings.model_copy(update={"llm_url": None, "generator": _OF_SERVERS})
        if not changes:
            return settings
        made = load_settings(**changes)
        return settings.model_copy(update={name: getattr(made, name) for name in changes})

    async def agent_for(self, choices: Choices) -> Agent:
        """Who answers a visitor; made at the first time, and kept for the next.

        Raises:
            HeartlineError: It cannot be made.
        """
        wanted = self._of_agent(self.checked(choices))
        if wanted == Choices():
            return self.agent
        async with self._making:  # one at a time: each takes a second of one core
            if wanted not in self._agents:
                self._agents[wanted] = await asyncio.to_thread(self._made, wanted)
                while len(self._agents) > _MOST_AGENTS:
                    self._agents.popitem(last=False)
            self._agents.move_to_end(wanted)
            return self._agents[wanted]

    def _of_agent(self, choices: Choices) -> Choices:
        """Those of the choices that another agent is made for."""
        return replace(choices, variant="", two_stage="", kept=True)

    def _made(self, choices: Choices) -> Agent:
        settings = self.settings_for(choices)
        made = build_agent(settings.model_copy(update={"store": "memory", "handoff_at": "never"}))
        made.store.close()
        # The guard calls a person as it did, and all read and keep alike.
        if settings.handoff_at != "never" and made.guard is not None:
            made.guard.handoff_at = settings.handoff_at  # type: ignore[attr-defined]
        made.perception, made.store = self.agent.perception, self.agent.store
        return made

    def options_for(self, choices: Choices) -> Options:
        """What is asked of each turn."""
        checked = self.checked(choices)
        two_stage: Any = checked.two_stage or None
        return Options(variant=checked.variant or None, two_stage=two_stage)

    def address(self, settings: Settings) -> str | None:
        """Where a visitor's words go, safe to show; None where they stay in this process.

        Args:
            settings: As `settings_for` gives them.
        """
        if settings.llm_url is None or settings.generator != _OF_SERVERS:
            return None
        return LLMServer.from_settings(settings).base

    # --- where it is kept ------------------------------------------------------------------------

    def store_of(self, visitor: Visitor, conversation_id: str) -> ConversationStore:
        """The store of a conversation."""
        if not visitor.keeps(conversation_id):
            self.unkept.expire(datetime.now(UTC) - _UNKEPT_FOR)
            return self.unkept
        return self.kept(visitor)

    def kept(self, visitor: Visitor) -> ConversationStore:
        """The store of whatever a visitor has kept."""
        return self.store_of_tenant(visitor.tenant)

    def store_of_tenant(self, tenant: str | None) -> ConversationStore:
        """The conversations of a tenant; None: of whoever the store was opened for, as nobody needs a key."""
        if tenant is None:
            return self.agent.store
        return cast("TenantStore", self.agent.store).for_tenant(tenant)

    def policy(self, choices: Choices) -> Policy:
        """Whose notices are given. Its file is read once."""
        name = self.checked(choices).policy or self.settings.policy
        if name not in self._policies:
            self._policies[name] = load_policy(name)
        return self._policies[name]

    def country(self, choices: Choices) -> str | None:
        """Whose help lines are shown."""
        return self.checked(choices).country or self.settings.country

    # --- beginning and end -----------------------------------------------------------------------

    async def aclose(self) -> None:
        """Let go of agents and stores, and stop what is evaluated."""
        if self.evaluations is not None:
            await self.evaluations.aclose()
        await self.order.aclose()
        for made in self._agents.values():
            for part in (made.second_reader, made.generator, made.fallback):
                close = getattr(part, "aclose", None)
                if close is not None:
                    await close()
        self.unkept.close()
        await self.agent.aclose()
