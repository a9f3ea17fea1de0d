"""Makes an agent from settings."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta
from typing import Any

from agent.batching import Batching
from agent.errors import HeartlineError, WiringError
from agent.limits import Limits
from agent.loop import Agent
from agent.perception import Perception
from agent.protocols import ConversationStore, Plugin
from agent.registry import make
from agent.safety.redacting_store import RedactingStore
from agent.safety.webhook import Webhook
from agent.settings import Settings, load_settings
from agent.store_url import open_store

__all__ = ["build_agent", "build_perception"]


_EXEMPLARS = "exemplars"
_OF_SERVERS = "openai"


def build_agent(settings: Settings | None = None, **given: Any) -> Agent:
    """An agent with the parts that the settings name.

    With `llm_url` set, or a `generator` that needs none, the LLM answers and the offline responder stands in for
    it; without, the offline responder answers. With `retention_days` set, conversations that were not used for so
    long are erased first; where that fails, a `RuntimeWarning` says so.

    Args:
        settings: Ready settings; None reads them from environment and file.
        **given: Settings that override them, e.g. `llm_url="http://127.0.0.1:8000/v1"`.

    Raises:
        SettingsError: A setting is unusable, or names a part that is not registered.
        WiringError: The parts do not fit together.
        WeightsError: Shipped weights are missing or altered.
        StoreError: The store cannot be opened.
    """
    if settings is None:
        settings = load_settings(**given)
    elif given := {name: value for name, value in given.items() if value is not None}:
        changed = load_settings(**given)
        settings = settings.model_copy(update={name: getattr(changed, name) for name in given})
    store = _store(settings)
    _check_handoff(settings, store)
    offline = make("generators", "offline", settings)
    online = make("generators", settings.generator, settings) if _speaks(settings) else None
    return Agent(
        plugins=_plugins(settings),
        # Whoever looks again asks a server, whatever speaks.
        second_reader=make("second_readers", settings.second_reader, settings)
        if settings.llm_url and settings.second_reader
        else None,
        tracker=make("trackers", settings.tracker, settings) if settings.tracker else None,
        guard=make("guards", settings.guard, settings) if settings.guard else None,
        planner=make("planners", settings.planner, settings) if settings.planner else None,
        composer=make("composers", settings.composer, settings) if online else None,
        verifier=make("verifiers", settings.verifier, settings) if online and settings.verifier else None,
        generator=online or offline,
        fallback=offline if online else None,
        store=store,
        history_turns=settings.history_turns,
        max_message_characters=settings.max_message_characters,
        limits=Limits(settings.max_turns, settings.max_turns_per_minute),
        plugin_seconds=settings.plugin_seconds,
        batching=Batching.of(settings.batch, threads=settings.threads),
    )


def build_perception(settings: Settings) -> Perception:
    """The plugins alone, for reading without answering: no store is opened, no LLM is asked.

    Raises:
        SettingsError, WiringError, WeightsError: As `build_agent`.
    """
    return Perception(_plugins(settings), seconds=settings.plugin_seconds)


def _store(settings: Settings) -> ConversationStore:
    """The store, with old conversations erased; where that fails, with a warning."""
    store: ConversationStore = open_store(settings)
    if settings.retention_days is not None:
        try:
            store.expire(datetime.now(UTC) - timedelta(days=settings.retention_days))
        except Exception as error:  # noqa: BLE001 - a stranger's store must not keep the agent from starting
            why = str(error) if isinstance(error, HeartlineError) else type(error).__name__
            what = f"Conversations unused for `retention_days` ({settings.retention_days}) days"
            warnings.warn(f"{what} were not erased: {why}", RuntimeWarning, stacklevel=3)
    return RedactingStore(store) if settings.redact_store else store


def _speaks(settings: Settings) -> bool:
    """Whether something else than the offline responder speaks: a server is named, or what needs none."""
    return settings.llm_url is not None or settings.generator != _OF_SERVERS


def _plugins(settings: Settings) -> list[Plugin]:
    named = settings.plugins
    if settings.exemplars is not None and _EXEMPLARS not in named:  # who names a file wants it searched
        named = (*named, _EXEMPLARS)
    return [make("plugins", name, settings) for name in named]


def _check_handoff(settings: Settings, store: ConversationStore) -> None:
    """Refuse to call a person where nobody could be reached: who asks would be told otherwise."""
    if settings.handoff_url is not None or settings.handoff_secret is not None:
        Webhook.from_settings(settings)
    if settings.handoff_at != "never" and not (settings.guard and hasattr(store, "claim")):
        store.close()
        raise WiringError(
            f"`handoff_at` is {settings.handoff_at!r}, and a person is called by the guard, through a store that "
            f"keeps packets. The guard is {settings.guard!r}, the store {store.name!r}. Take `protocol` and "
            "`sqlite` or Postgres, or leave `handoff_at` out."
        )
