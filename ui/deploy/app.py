"""The Ray Serve application: `serve run ui.deploy.app:application`, or `serve deploy ui/deploy/ray.yaml`.

Two deployments: `readers` hold the small models and read messages in batches; `front` holds everything else and
answers over HTTP. Conversations lie in Postgres, so that any `front` may answer any request. The LLM is reached by
its URL (`llm_url`). Every node reads the same settings, from the environment or from the
file that HEARTLINE_CONFIG names.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ray import serve
from ray.serve.handle import DeploymentHandle
from starlette.types import ASGIApp

from agent.build import build_perception
from agent.errors import SettingsError
from agent.safety.situations import prepare
from agent.settings import Settings, load_settings
from agent.turn import new_turn
from ui.deploy.remote_readers import Reading, RemotePerception
from ui.http.app import make_app
from ui.http.profiles import build_service
from ui.http.tenancy import has_keys

__all__ = ["Front", "Readers", "application", "shared_settings"]

_DRAIN = 35.0  # as long as `heartline serve` gives running replies, and a little for storing them


def shared_settings() -> Settings:
    """The settings, where several processes can share what they name.

    Raises:
        SettingsError: Conversations would lie in one process or on one machine, or nobody needs a key.
    """
    settings = load_settings()
    if "://" not in settings.store:
        raise SettingsError(
            "`store` names no server, and several processes are to share it. Name a Postgres, e.g. "
            "HEARTLINE_STORE=postgresql://user@host/talks (docs/storage.md)."
        )
    if not has_keys(settings):
        raise SettingsError(
            "There are no keys, and Ray's proxy is not bound to this machine alone: everybody could read every "
            "conversation. Make one with `heartline keys create`."
        )
    return settings


@serve.deployment(
    name="readers",
    num_replicas=2,
    # One pass is on one or two cores; what waits longer than `plugin_seconds` is not waited for.
    ray_actor_options={"num_cpus": 1},
    max_ongoing_requests=64,
    health_check_period_s=5,
    health_check_timeout_s=10,
    graceful_shutdown_timeout_s=10,
)
class Readers:
    """Reads messages; one process, one copy of the weights."""

    def __init__(self) -> None:
        settings = load_settings()
        if settings.threads == 0:  # as many as Ray was asked for, and not as the machine has
            settings = settings.model_copy(update={"threads": 1})
        perception = build_perception(settings)
        perception.read([new_turn("Good morning.")])  # the first pass is ten times as slow
        self._reading = Reading(perception, hung_after=4 * settings.plugin_seconds)

    @serve.batch(max_batch_size=8, batch_wait_timeout_s=0.001)
    async def __call__(self, sent: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What was sent, read together with what comes in the same millisecond."""
        return await asyncio.to_thread(self._reading.read, sent)

    def check_health(self) -> None:
        """Called by Serve, which starts a replica anew where this raises."""
        self._reading.check()


@serve.deployment(
    name="front",
    num_replicas=1,
    ray_actor_options={"num_cpus": 1},
    max_ongoing_requests=1000,  # a stream is open for as long as somebody is spoken to
    health_check_period_s=5,
    health_check_timeout_s=10,
    graceful_shutdown_timeout_s=_DRAIN,
)
@serve.ingress()
class Front:
    """Answers over HTTP.

    Args:
        readers: Read for it.
    """

    def __init__(self, readers: DeploymentHandle[Any]) -> None:
        self._readers = readers

    def __serve_build_asgi_app__(self) -> ASGIApp:
        """Called by Serve where the replica starts."""
        settings = shared_settings()
        service = build_service(settings)
        prepare()
        plugins = service.profiles[service.default].agent.perception.plugins
        remote = RemotePerception(plugins, self._readers, seconds=settings.plugin_seconds)
        for profile in service.profiles.values():
            profile.agent.perception = remote
        return make_app(service, max_body_bytes=settings.max_body_bytes)


# What the decorators make of the classes is not known to mypy.
application = Front.bind(Readers.bind())  # type: ignore[attr-defined]
