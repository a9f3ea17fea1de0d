"""A dialogue as the encoder reads it: token ids with marks, the newest message last.

    [CLS] <progress> <seeker> I lost my job <supporter> <question> When was that? <seeker> On Monday. [SEP]

Marks are ids of the vocabulary's unused entries, so no text can spell one. A supporter's mark is
followed by the mark of the strategy, where it is known. The progress mark says how much was said so
far. The last message is what is read: its tokens have type 1, everything else type 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agent.once import once
from agent.turn import Message
from sem_plugins.labels import ESCONV, ESCONV_NAMES

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

__all__ = ["MARKS", "Window", "WindowMaker"]

_CLS, _SEP = 101, 102
_ROLE = {"seeker": 2, "supporter": 3}
_STRATEGY = {
    name.casefold(): 4 + place
    for place, strategy in enumerate(ESCONV.labels)
    for name in (strategy, ESCONV_NAMES[strategy])
}
_PROGRESS = tuple(range(12, 20))
MARKS = 20
"""Ids below this one are marks (0 is padding, 1 is not used)."""

_BUCKETS = (2, 4, 8, 12, 16, 24, 32)  # utterances said; a conversation of ESConv has about 30


def progress_of(said: int) -> int:
    """How far a conversation is, in 0..7, from the number of utterances that were said."""
    return int(np.searchsorted(_BUCKETS, said, side="right"))


@dataclass(frozen=True, slots=True)
class Window:
    """One input of the encoder.

    Attributes:
        ids: Token ids, (T,).
        types: 1 for tokens of the message that is read, else 0; (T,).
        places: Per token the index of its utterance in the dialogue, -1 for marks; (T,).
        offsets: Per token its first and one-past-last character in that utterance; (T, 2).
        marks: Index of an utterance in the dialogue to the position of its speaker mark. An
            utterance that did not fit has none.
        dropped: Utterances that did not fit; the oldest go first.
        cut: Characters of the message itself that did not fit, from its beginning.
    """

    ids: NDArray[np.int64]
    types: NDArray[np.int64]
    places: NDArray[np.int64]
    offsets: NDArray[np.int64]
    marks: dict[int, int]
    dropped: int
    cut: int

    def tokens_of(self, utterance: int) -> NDArray[np.intp]:
        """Positions of the tokens of one utterance, in order; empty where it did not fit."""
        return np.flatnonzero(self.places == utterance)

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Characters from token `first` to token `last` (inclusive) of one utterance."""
        return int(self.offsets[first, 0]), int(self.offsets[last, 1])


class WindowMaker:
    """Makes windows of at most `max_tokens` tokens.

    Args:
        tokenizer: WordPiece tokenizer of the encoder, without padding and truncation.
        max_tokens: Longest window.
    """

    def __init__(self, tokenizer: Tokenizer, max_tokens: int) -> None:
        self._tokenizer = tokenizer
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        # "[SEP]" typed by a person is five characters, not the end of the input.
        self._tokenizer.encode_special_tokens = True
        self.max_tokens = max_tokens

    def __call__(self, messages: Sequence[Message], *, said: int | None = None) -> Window:
        """The window that ends with the last of `messages`.

        Args:
            messages: At least one, oldest first.
            said: Utterances of the conversation so far, where `messages` are only its newest part;
                None: these are all.
        """
        head = [_CLS, _PROGRESS[progress_of(len(messages) if said is None else said)]]
        room = self.max_tokens - len(head) - 1
        pieces: list[_Piece] = []
        dropped = cut = 0
        for place in range(len(messages) - 1, -1, -1):
            piece = self._piece(messages[place], place)
            if not pieces:
                piece = piece.last(room)
                cut = piece.cut
            elif piece.cut or len(piece.ids) > room:
                dropped = place + 1
                break
            pieces.append(piece)
            room -= len(piece.ids)
        pieces.reverse()

        ids, places = list(head), [-1] * len(head)
        offsets = [(0, 0)] * len(head)
        marks: dict[int, int] = {}
        for piece in pieces:
            marks[piece.place] = len(ids)
            ids += piece.ids
            places += [-1] * piece.marks + [piece.place] * (len(piece.ids) - piece.marks)
            offsets += piece.offsets
        types = np.zeros(len(ids) + 1, np.int64)
        types[marks[len(messages) - 1] : -1] = 1
        return Window(
            ids=np.array([*ids, _SEP], np.int64),
            types=types,
            places=np.array([*places, -1], np.int64),
            offsets=np.array([*offsets, (0, 0)], np.int64),
            marks=marks,
            dropped=dropped,
            cut=cut,
        )

    def _piece(self, message: Message, place: int) -> _Piece:
        text = message.text.encode("utf-8", "replace").decode()  # a lone surrogate becomes "?"
        # Text runs to four characters a token, so that more than this is not worth the tokenizer's time.
        text, lead = _tail(text, 16 * self.max_tokens)
        encoded = self._encoded(text)
        marks = [_ROLE[message.role]]
        if message.role == "supporter" and message.strategy is not None:
            marks += [mark for mark in (_STRATEGY.get(message.strategy.casefold()),) if mark is not None]
        offsets = [(start + lead, end + lead) for start, end in encoded.offsets]
        return _Piece(place, len(marks), marks + encoded.ids, [(0, 0)] * len(marks) + offsets, lead)

    @once  # the message by itself, as the end of the dialogue, and to see whether it fits
    def _encoded(self, text: str) -> Encoding:
        return self._tokenizer.encode(text, add_special_tokens=False)


@dataclass(frozen=True, slots=True)
class _Piece:
    """One utterance: how many of its ids are marks, all of them, and the characters left out before them."""

    place: int
    marks: int
    ids: list[int]
    offsets: list[tuple[int, int]]
    cut: int

    def last(self, room: int) -> _Piece:
        """The end of it that fits; `room` holds its marks and a token."""
        over = len(self.ids) - room
        if over <= 0:
            return self
        keep = slice(self.marks + over, None)
        return _Piece(
            self.place,
            self.marks,
            self.ids[: self.marks] + self.ids[keep],
            self.offsets[: self.marks] + self.offsets[keep],
            self.offsets[keep.start][0],
        )


def _tail(text: str, characters: int) -> tuple[str, int]:
    """The last `characters` of a text, from the beginning of a word on where one is near, and where they begin."""
    if len(text) <= characters:
        return text, 0
    start = len(text) - characters
    space = text.find(" ", start, start + characters // 2)  # Chinese may have none but before the last word
    start = space + 1 if space != -1 else start
    return text[start:], start
