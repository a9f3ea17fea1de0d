"""Everything Heartline raises on purpose.

    HeartlineError
    ├── SettingsError       a setting is unusable
    ├── WiringError         the agent cannot be assembled from these parts
    ├── PluginError         a plugin failed on a turn
    ├── ReadingError        a reading breaks its own contract
    ├── TurnError           a turn was filled twice, or read before it was filled
    ├── InputError          what came in cannot be used as a message
    │   └── LimitError          it is more, or comes faster, than is taken in
    ├── ConversationBusyError   somebody else answers in the conversation
    ├── GenerationError     no reply could be generated
    │   ├── DeadlineError         the turn had no more time
    │   ├── LLMUnreachableError   no connection, or it timed out
    │   │   └── LLMPausedError        so often that it is not asked for a while
    │   └── LLMResponseError      the server answered with an error or with nonsense
    │       ├── EmptyReplyError       with nothing
    │       └── PromptTooLongError    that the prompt is longer than its context
    ├── StoreError          the conversation store cannot be read or written
    │   ├── StoreUnavailableError   for now: the database is away, full or held by another
    │   └── UnknownConversationError
    ├── DeliveryError       a packet for a person was not taken
    ├── HeldError           another person has taken the conversation over, or nobody has
    ├── WeightsError        shipped weights are missing, altered or unreadable
    └── DataError           a data set is missing or malformed

Each message names the thing, its value, the choices where there are any, and the next step.
"""

from __future__ import annotations

__all__ = [
    "ConversationBusyError",
    "DataError",
    "DeadlineError",
    "DeliveryError",
    "EmptyReplyError",
    "GenerationError",
    "HeartlineError",
    "HeldError",
    "InputError",
    "LLMPausedError",
    "LLMResponseError",
    "LLMUnreachableError",
    "LimitError",
    "PluginError",
    "PromptTooLongError",
    "ReadingError",
    "SettingsError",
    "StoreError",
    "StoreUnavailableError",
    "TurnError",
    "UnknownConversationError",
    "WeightsError",
    "WiringError",
]


class HeartlineError(Exception):
    """Base of every error that Heartline raises on purpose."""


class SettingsError(HeartlineError):
    """A setting is unusable."""


class WiringError(HeartlineError):
    """The agent cannot be assembled from these parts."""


class PluginError(HeartlineError):
    """A plugin failed on a turn."""


class ReadingError(HeartlineError, ValueError):
    """A reading breaks its own contract, e.g. a distribution that does not sum to 1."""


class TurnError(HeartlineError):
    """A turn was filled twice, or read before it was filled."""


class InputError(HeartlineError, ValueError):
    """What came in cannot be used as a message."""


class LimitError(InputError):
    """What came in is more, or comes faster, than a limit allows. Nothing of it was taken in, and nothing is lost.

    Attributes:
        retry_after: Seconds after which it would be taken in; None where waiting does not help.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ConversationBusyError(HeartlineError):
    """Somebody else answers in the conversation; nothing was taken in."""


class GenerationError(HeartlineError):
    """No reply could be generated."""


class LLMUnreachableError(GenerationError):
    """The LLM server could not be reached, or did not answer in time."""


class LLMSlowError(LLMUnreachableError):
    """The LLM server did not answer a short question in its few seconds. It may be there all the same."""


class DeadlineError(GenerationError):
    """The time that the turn had was over."""


class LLMPausedError(LLMUnreachableError):
    """The LLM server was not asked: it failed so often in a row that it is left alone for a while."""


class LLMResponseError(GenerationError):
    """The LLM server answered with an error, broke off, or sent something unreadable.

    Attributes:
        status: HTTP status of an answer that is an error; None for any other.
    """

    status: int | None = None


class EmptyReplyError(LLMResponseError):
    """The LLM answered with nothing."""


class PromptTooLongError(LLMResponseError):
    """The LLM server refused a prompt that is longer than its context.

    Attributes:
        limit: Tokens that it holds, as it says; None where it does not say.
    """

    def __init__(self, message: str, *, limit: int | None = None) -> None:
        super().__init__(message)
        self.limit = limit


class StoreError(HeartlineError):
    """The conversation store cannot be read or written."""


class StoreUnavailableError(StoreError):
    """The database of the store failed, for now: it is away, full, or held by another. Nothing is wrong with the
    turn, and the same one can be stored later.
    """


class UnknownConversationError(StoreError):
    """No conversation has this id."""


class DeliveryError(HeartlineError):
    """A packet for a person was not taken. Says why in a word: "HTTP 503", "ConnectError"."""


class HeldError(HeartlineError):
    """A person cannot act in a conversation that they do not hold.

    Attributes:
        held_by: Who does; None where nobody does.
    """

    def __init__(self, message: str, *, held_by: str | None = None) -> None:
        super().__init__(message)
        self.held_by = held_by


class RequestReusedError(HeartlineError):
    """Another request came with the same key before. Nothing was done."""


class WeightsError(HeartlineError):
    """Shipped weights are missing, altered or unreadable."""


class DataError(HeartlineError):
    """A data set is missing or malformed."""
