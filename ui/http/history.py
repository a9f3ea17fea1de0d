"""The conversation in a request: which message is the turn, what came before it, what the client instructs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.intake import scrub
from agent.turn import Message, Role
from ui.http.errors import ApiError
from ui.http.schemas import ChatMessage

__all__ = ["Given", "given_in", "text_of"]

_INSTRUCTING = frozenset({"system", "developer"})
_TOOL_ROLES = frozenset({"tool", "function"})


@dataclass(frozen=True, slots=True)
class Given:
    """What a request says.

    Attributes:
        text: The turn: the last message of the user.
        history: What both sides said before it, oldest first; messages without words left out.
        instructions: Messages of the roles `system` and `developer`, in order.
        after: What came after the turn: calls of tools and their results.
        left_out: How many messages of tools came before the turn; nobody said them.
    """

    text: str
    history: tuple[Message, ...]
    instructions: tuple[str, ...]
    after: tuple[ChatMessage, ...] = ()
    left_out: int = 0


def given_in(messages: Sequence[ChatMessage], *, most_characters: int) -> Given:
    """What a request says.

    Args:
        messages: All of them.
        most_characters: Longest message of the history; a longer one is cut.

    Raises:
        ApiError: No message of the user, or something after it that is no call of a tool; or a message that is
            not text.
    """
    turn = max((place for place, each in enumerate(messages) if each.role == "user"), default=None)
    if turn is None:
        raise ApiError(400, "`messages` holds no message of the role `user`.", code="no_message", param="messages")
    history: list[Message] = []
    instructions: list[str] = []
    after: list[ChatMessage] = []
    left_out = 0
    for place, message in enumerate(messages):
        if message.role in _INSTRUCTING:
            instructions.append(text_of(message, place))
        elif place > turn:
            if message.role == "assistant" and not message.tool_calls:
                raise ApiError(
                    400,
                    "The last message should be the user's. A reply that was begun is not gone on with.",
                    code="not_the_users_turn",
                    param="messages",
                )
            after.append(message)
        elif message.role in _TOOL_ROLES:
            left_out += 1
        elif place < turn and (said := scrub(text_of(message, place)).strip()):
            role: Role = "seeker" if message.role == "user" else "supporter"
            history.append(Message(role, said[:most_characters], human=message.human))
    return Given(text_of(messages[turn], turn), tuple(history), tuple(instructions), tuple(after), left_out)


def text_of(message: ChatMessage, place: int) -> str:
    """The words of a message.

    Raises:
        ApiError: It holds something else, e.g. a picture.
    """
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    texts: list[str] = []
    for number, part in enumerate(message.content):
        if part.type not in {"text", "refusal", "input_text", "output_text"}:
            raise ApiError(
                400,
                "Only parts of the type `text` are read: no pictures, sounds or files.",
                code="unsupported_content",
                param=f"messages[{place}].content[{number}].type",
            )
        texts.append(part.text or part.refusal or "")
    return "\n".join(texts)
