"""Who chats: a secret that their browser keeps, and what they chose. Nothing that a browser sends is trusted."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from agent.intake import scrub

__all__ = ["Choices", "Visitor"]

_SECRET_CHARACTERS = 43  # 32 random bytes, as `token_urlsafe` writes them
_LONGEST = 300
_PREFIX, _UNKEPT = "page", "unkept"


@dataclass(frozen=True, slots=True)
class Choices:
    """What a visitor chose; an empty text takes what whoever runs the page has set.

    Attributes:
        speaker: `""` (as set), `"offline"`, or `"own"`: the server at `llm_url`.
        llm_url: Their own LLM server.
        llm_model: The model to ask for; empty takes the server's first.
        persona, planner, counterweight, variant, two_stage, country, policy: As the settings of these names.
        kept: Whether conversations that begin from now on are kept in the store.
    """

    speaker: str = ""
    llm_url: str = ""
    llm_model: str = ""
    persona: str = ""
    planner: str = ""
    counterweight: str = ""
    variant: str = ""
    two_stage: str = ""
    country: str = ""
    policy: str = ""
    kept: bool = True

    @classmethod
    def parsed(cls, given: object) -> Choices:
        """The choices in what a browser sends; whatever is unusable is left out."""
        found: dict[str, Any] = {}
        table = given if isinstance(given, Mapping) else {}
        for field in fields(cls):
            value = table.get(field.name)
            if field.name == "kept":
                found["kept"] = value if isinstance(value, bool) else True
            elif isinstance(value, str) and len(value) <= _LONGEST:
                found[field.name] = scrub(value).strip()
        return cls(**found)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser.

    Attributes:
        secret: Opens its conversations. It stays in the browser's storage and in requests, and is stored nowhere
            else: ids of conversations hold a hash of it.
        choices: What was chosen in it.
        tenant: Whose key it came with; None where nobody needs one.
    """

    secret: str
    choices: Choices = Choices()
    tenant: str | None = None

    @classmethod
    def new(cls, tenant: str | None = None) -> Visitor:
        """A browser that was never here."""
        return cls(secrets.token_urlsafe(32), tenant=tenant)

    @classmethod
    def parsed(cls, given: object, tenant: str | None = None) -> Visitor | None:
        """The visitor in what a browser kept; None where it kept none."""
        kept: Mapping[Any, Any] = given if isinstance(given, Mapping) else {}
        secret = kept.get("secret")
        if not isinstance(secret, str) or len(secret) != _SECRET_CHARACTERS:
            return None
        return cls(secret, Choices.parsed(kept.get("choices")), tenant)

    def as_kept(self) -> dict[str, Any]:
        """What the browser keeps."""
        return {"secret": self.secret, "choices": asdict(self.choices)}

    @property
    def mark(self) -> str:
        """What ids of its conversations begin with. It does not lead back to the secret."""
        hashed = hashlib.sha256(b"heartline page\n" + self.secret.encode()).hexdigest()
        return f"{_PREFIX}-{hashed[:32]}-"

    def new_conversation(self) -> str:
        """An id for a conversation that begins, kept or not as was chosen."""
        way = "" if self.choices.kept else f"{_UNKEPT}-"
        return f"{self.mark}{way}{uuid.uuid4().hex}"

    def owns(self, conversation_id: object) -> bool:
        """Whether an id names a conversation of this browser, be there one or not."""
        return (
            isinstance(conversation_id, str)
            and len(conversation_id) <= 128  # noqa: PLR2004 - as everywhere
            and conversation_id.startswith(self.mark)
        )

    def keeps(self, conversation_id: str) -> bool:
        """Whether a conversation of this browser is kept in the store."""
        return not conversation_id.startswith(f"{self.mark}{_UNKEPT}-")
