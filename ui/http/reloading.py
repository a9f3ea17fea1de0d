"""Reads the configuration again while the server runs (SIGHUP). No request is lost, no turn changes its agent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from agent.errors import HeartlineError, SettingsError
from agent.memory import InMemoryStore
from agent.parts import with_parts
from agent.settings import Settings
from ui.http.logs import set_up
from ui.http.profiles import DEFAULT, Profile, Service, make_profiles

__all__ = ["KEPT", "Reloading"]

_log = logging.getLogger("heartline.http")

KEPT = (
    "store",
    "store_path",
    "store_pool",
    "tenant",
    "redact_store",
    "retention",
    "turn_order",
    "server_load",
    "max_body_bytes",
    "allow_origins",
    "plugins",
    "plugin_seconds",
    "weights",
    "threads",
    "exemplars",
    "exemplars_most",
    "embedder",
)
"""Settings of what lives as long as the server: the store, the readers and their weights, the edge."""


class Reloading:
    """Puts new agents in the place of old ones.

    Args:
        service: Whose profiles they are.
        read: Reads the settings, with what the command line gave.
    """

    def __init__(self, service: Service, read: Callable[[], Settings]) -> None:
        self._service, self._read = service, read
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[object]] = set()

    def ask(self) -> None:
        """Read again, as soon as a reading that is under way is over. Call it in the server's event loop."""
        if self._service.drain.began is None:
            self._start(self.reload())

    async def reload(self) -> bool:
        """Read again; where that cannot be used, say why in the log and leave everything as it was.

        Returns:
            Whether the new configuration holds.
        """
        async with self._lock:
            service = self._service
            try:
                profiles, changed = await asyncio.to_thread(self._made)
            except HeartlineError as error:
                _log.error("The configuration was not read again, and the old one holds: %s", error)
            except Exception as error:  # noqa: BLE001 - whatever a stranger's part raises, the server goes on
                _log.error("The configuration was not read again, and the old one holds: %s", type(error).__name__)
            else:
                old, service.profiles = service.profiles, profiles
                set_up(service.settings.operations)
                for name in changed:
                    _log.warning("The setting `%s` changed, and takes a restart: the old one holds.", name)
                _log.info("The configuration was read again. Profiles: %s.", ", ".join(profiles))
                # Whoever is being answered now may have an old agent; whoever comes later has not.
                self._start(_let_go(old, {task for task in service.drain.running if task is not None}))
                service.metrics.reloaded(well=True)
                return True
            service.metrics.reloaded(well=False)
            return False

    def _made(self) -> tuple[dict[str, Profile], list[str]]:
        """The new profiles, and which settings changed that hold until a restart."""
        first = self._service.profiles[DEFAULT]
        new = self._read()
        if self._service.default not in {DEFAULT, *new.profiles}:
            raise SettingsError(
                f"No profile is called {self._service.default!r} any more, which requests that name none get."
            )
        changed = [name for name in KEPT if getattr(new, name) != getattr(first.settings, name)]
        held = new.model_copy(update={name: getattr(first.settings, name) for name in KEPT})
        return make_profiles(held, like=first.agent), changed

    def _start(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _let_go(profiles: Mapping[str, Profile], running: set[asyncio.Task[Any]]) -> None:
    """Close agents once the last request has ended that may have one of them."""
    if running:
        await asyncio.wait(running)
    for profile in profiles.values():
        # An agent closes its store with itself, and this one goes on.
        await with_parts(profile.agent, store=InMemoryStore()).aclose()
