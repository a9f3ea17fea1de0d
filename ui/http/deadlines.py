"""How much time a request gives its turn."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header

from agent.deadline import Deadline

__all__ = ["asked_seconds", "deadline_in"]

_LONGEST = 3_600_000  # an hour


async def asked_seconds(
    x_heartline_deadline_ms: Annotated[
        int | None,
        Header(ge=1, le=_LONGEST, description="Milliseconds after which the fallback answers."),
    ] = None,
    x_envoy_expected_rq_timeout_ms: Annotated[
        int | None, Header(ge=0, description="Set by Envoy: as `X-Heartline-Deadline-Ms`; 0 sets none.")
    ] = None,
) -> float | None:
    """Seconds that a client, or a proxy before the server, waits for an answer; None where none says so.

    `grpc-timeout` is not read: whoever speaks gRPC comes through a gateway, and Envoy tells what is left of it.
    """
    told = [each for each in (x_heartline_deadline_ms, x_envoy_expected_rq_timeout_ms) if each]
    return min(told) / 1000 if told else None


def deadline_in(*seconds: float | None) -> Deadline | None:
    """The soonest of some moments, from now on; None where none is set."""
    told = [each for each in seconds if each is not None]
    return Deadline.within(min(told)) if told else None
