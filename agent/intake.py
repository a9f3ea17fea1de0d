"""What comes in is made safe to carry, or refused, before anything else sees it."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, NoReturn

from agent.errors import InputError, LimitError

__all__ = ["clean", "parsed", "scrub"]

_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
"""Controls but line breaks and tabs, and what turns the direction of the text."""

_SURROGATES = re.compile("[\ud800-\udfff]")


def clean(text: str, *, limit: int) -> str:
    """A message, scrubbed and without outer white space.

    Args:
        text: As typed or received.
        limit: Most characters allowed after cleaning.

    Returns:
        The cleaned text, never empty.

    Raises:
        InputError: Nothing is left.
        LimitError: It is longer than `limit`. The text is not in the error.
    """
    if len(text) > 4 * limit:  # refuse before spending time on it
        _refuse(len(text), limit)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    cleaned = scrub(text).strip()
    if not any(_shows(character) for character in cleaned):
        raise InputError("The message is empty: nothing but white space or control characters. Type something.")
    if len(cleaned) > limit:
        _refuse(len(cleaned), limit)
    return cleaned


def parsed(text: str | bytes) -> Any:
    """What a JSON text from outside holds: a line of a file, a record of a database, a body of a request.

    Raises:
        InputError: It is no JSON, or holds a number of more digits than Python takes in (4,300). The text is not
            in the error.
        LimitError: Its arrays and objects are nested too deeply, which is some hundred levels at least. Nothing
            that Heartline writes has more than ten.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        problem = str(error)
    except RecursionError:
        raise LimitError("nested too deeply: arrays and objects in one another, hundreds of them") from None
    except UnicodeDecodeError:
        problem = "not valid UTF-8"
    except ValueError:
        problem = "a whole number has too many digits"
    raise InputError(problem)  # without its cause, which carries the text


def scrub(text: str) -> str:
    """The text without what a terminal, a tokenizer or a database could trip over.

    Terminal escapes, NUL bytes and bidirectional overrides go; lone surrogates become U+FFFD.
    Joiners stay: emoji and several scripts need them.
    """
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", _UNSHOWN.sub("", text))


def _shows(character: str) -> bool:
    return not character.isspace() and unicodedata.category(character) != "Cf"


def _refuse(length: int, limit: int) -> NoReturn:
    raise LimitError(
        f"The message has {length:,} characters; the limit is {limit:,}. "
        "Send it in parts, or raise `max_message_characters` (HEARTLINE_MAX_MESSAGE_CHARACTERS)."
    )
