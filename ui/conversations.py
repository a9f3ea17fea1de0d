"""Which stored conversation somebody means."""

from __future__ import annotations

from agent.errors import UnknownConversationError
from agent.protocols import ConversationStore

__all__ = ["conversation_named"]


def conversation_named(store: ConversationStore, name: str, *, newest: str) -> str:
    """The id of the conversation that is called so on the command line.

    Args:
        store: That keeps it.
        name: Its id; `"last"` for the one last used.
        newest: How that one is asked for, e.g. `"-c last"`; for the error.

    Raises:
        UnknownConversationError: There is none.
        StoreError: The store cannot be read.
    """
    known = store.conversations()
    if not known:
        raise UnknownConversationError("No conversation was kept yet. `heartline chat` begins one.")
    if name == "last":
        return known[0]
    if name not in known:
        raise UnknownConversationError(
            f"No conversation {name!r} among the {len(known)} kept; `{newest}` takes the newest."
        )
    return name
