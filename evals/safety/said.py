"""A reply as the checks look at it: plain text, in sentences, without what is quoted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from agent.safety.plain_forms import plain_forms
from agent.sentences import sentences_of

__all__ = ["Said"]

_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"")  # the person's words, given back


@dataclass(frozen=True)
class Said:
    """A reply and the one before it.

    Attributes:
        text: The reply.
        before: The reply before it; empty at the start.
        unquoted: The reply without quotations.
        whole: The same, lower case, apostrophes straight, white space single.
        sentences: The same, sentence by sentence.
    """

    text: str
    before: str = ""
    unquoted: str = field(init=False)
    whole: str = field(init=False)
    sentences: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        unquoted = _QUOTED.sub("", self.text)
        object.__setattr__(self, "unquoted", unquoted)
        object.__setattr__(self, "whole", plain_forms(unquoted)[0])
        found = (plain_forms(sentence)[0] for sentence in sentences_of(unquoted))
        object.__setattr__(self, "sentences", tuple(sentence for sentence in found if sentence))

    @property
    def questions(self) -> tuple[str, ...]:
        """Sentences that end with a question mark."""
        return tuple(sentence for sentence in self.sentences if sentence.rstrip(" )'").endswith("?"))

    @property
    def statements(self) -> tuple[str, ...]:
        """Those that do not."""
        return tuple(sentence for sentence in self.sentences if not sentence.rstrip(" )'").endswith("?"))
