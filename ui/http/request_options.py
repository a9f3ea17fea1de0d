"""What a request asks of one turn, checked."""

from __future__ import annotations

from agent.errors import SettingsError
from agent.options import Options, parts_of
from ui.http.errors import ApiError
from ui.http.profiles import Profile
from ui.http.schemas import ChatRequest

__all__ = ["options_in"]


def options_in(request: ChatRequest, profile: Profile) -> Options:
    """The options of a request.

    Args:
        request: As sent.
        profile: Who answers it.

    Raises:
        ApiError: It names a variant or a strategy that there is not.
    """
    asked = request.heartline
    if asked.variant is not None:
        _check_variant(asked.variant)
    if asked.strategy is not None:
        _check_strategy(asked.strategy, profile)
    return Options(
        variant=asked.variant,
        temperature=request.temperature,
        max_tokens=request.max_completion_tokens or request.max_tokens,
        minor=asked.minor,
        strategy=asked.strategy,
    )


def _check_variant(named: str) -> None:
    try:
        parts_of(named)
    except SettingsError:
        raise ApiError(
            400,
            "`heartline.variant` names no parts of a prompt (docs/prompts.md), e.g. `hef+strategy`.",
            code="unsupported_value",
            param="heartline.variant",
        ) from None


def _check_strategy(named: str, profile: Profile) -> None:
    planner = profile.agent.planner
    known = [] if planner is None else [strategy.id for strategy in planner.taxonomy.strategies]
    if named not in known:
        choices = ", ".join(known) if known else "none, since this profile has no planner. Leave it out"
        raise ApiError(
            400,
            f"`heartline.strategy` names no strategy of this profile's planner. Choices: {choices}.",
            code="unsupported_value",
            param="heartline.strategy",
        )
