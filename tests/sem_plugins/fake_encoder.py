"""An encoder whose outputs are chosen, over real windows of the real tokenizer. It is strict.

    encoder = FakeEncoder(emotion={"sad": 3.0, "lonely": 1.0}, calibrated={"emotion": {"temperature": 2.0}})
    [reading] = EmotionPlugin(encoder)([a_turn("My cat ran away.")])

It has the heads that outputs were chosen for and no others: a plugin that reaches for another one fails.
Heads over tokens take `at_marks`, `on_words` and `on_ends`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from agent.turn import Message
from sem_plugins.encoder import Encoded, Encoder
from sem_plugins.weights import Head, Manifest, load_manifest
from sem_plugins.window import Window, WindowMaker

__all__ = ["NO", "YES", "FakeEncoder", "at_marks", "on_ends", "on_words"]

YES, NO = 6.0, -6.0
"""Logits of what is nearly certain (0.998) and of what is not there (0.002)."""

Array = NDArray[np.floating[Any]]
Dialogue = Sequence[Message]
Chosen = Mapping[str, float] | Sequence[float] | Callable[[Dialogue, Window, Head], Array]

_OVER_TOKENS = frozenset({"marks", "span", "tags"})


class FakeEncoder(Encoder):
    """In the place of the shipped encoder.

    Attributes:
        seen: Every dialogue that was read, with the number of utterances said so far.

    Args:
        calibrated: Head to attributes of it, e.g. `{"emotion": {"offsets": (...)}}`. Without them a head
            has the kind and labels of the shipped one, temperature 1, thresholds of 0.5, and nothing else.
        max_tokens: Longest window; None: as shipped.
        **outputs: Head to its logits: a mapping from labels (those that it leaves out get `NO`), all
            numbers in order, or a function of the dialogue, the window and the head.

    Raises:
        AssertionError: A head is not one of the shipped ones, or was not chosen but is asked for, or
            outputs do not have its shape.
    """

    def __init__(
        self,
        *,
        calibrated: Mapping[str, Mapping[str, Any]] | None = None,
        max_tokens: int | None = None,
        **outputs: Chosen,
    ) -> None:
        shipped, calibrated = load_manifest(), calibrated or {}
        unknown = (outputs.keys() | calibrated.keys()) - shipped.heads.keys()
        assert not unknown, f"The encoder has no heads {sorted(unknown)}. It has: {', '.join(shipped.heads)}."
        assert calibrated.keys() <= outputs.keys(), "A head is calibrated but has no outputs."
        heads = {name: replace(_bare(shipped.heads[name]), **calibrated.get(name, {})) for name in outputs}
        self.manifest: Manifest = replace(
            shipped, id="fake-1", heads=_Strict(heads), max_tokens=max_tokens or shipped.max_tokens
        )
        self.seen: list[tuple[tuple[Message, ...], int | None]] = []
        self._chosen = outputs
        self._maker = WindowMaker(_tokenizer(), self.manifest.max_tokens)

    def read(self, messages: Sequence[Message], *, said: int | None = None) -> Encoded:
        """The chosen outputs; every call counts, nothing is remembered."""
        self.seen.append((tuple(messages), said))
        window = self._maker(messages, said=said)
        outputs = {name: self._outputs(name, messages, window) for name in self._chosen}
        return Encoded(replace(window, ids=np.empty(0, np.int64)), _Strict(outputs))

    def _outputs(self, name: str, messages: Sequence[Message], window: Window) -> Array:
        chosen, head = self._chosen[name], self.manifest.heads[name]
        if callable(chosen):
            found = chosen(messages, window, head)
        elif isinstance(chosen, Mapping):
            found = np.full(len(head.label_set), NO)
            for label, logit in chosen.items():
                found[head.label_set.index(label)] = logit
        else:
            found = np.array(chosen)
        shape = (len(window.places), head.size) if head.kind in _OVER_TOKENS else (head.size,)
        assert found.shape == shape, f"Head {name!r} has outputs of shape {shape}, not {found.shape}."
        return found.astype(np.float32)


def at_marks(logits: Mapping[int, float]) -> Callable[[Dialogue, Window, Head], Array]:
    """For `cause`: a logit for each named utterance of the dialogue, `NO` for the others."""

    def outputs(_: Dialogue, window: Window, head: Head) -> Array:
        found = np.full((len(window.places), head.size), NO)
        for utterance, logit in logits.items():
            assert utterance in window.marks, f"Utterance {utterance} is not in the window."
            found[window.marks[utterance]] = logit
        return found

    return outputs


def on_words(utterance: int, phrases: Mapping[str, str]) -> Callable[[Dialogue, Window, Head], Array]:
    """For `evidence` and `rationale`: per label a phrase of the utterance whose tokens get `YES`."""

    def outputs(messages: Dialogue, window: Window, head: Head) -> Array:
        found = np.full((len(window.places), head.size), NO)
        for label, phrase in phrases.items():
            tokens = _tokens(messages[utterance].text, phrase, window, utterance)
            found[tokens, head.label_set.index(label)] = YES
        return found

    return outputs


def on_ends(phrases: Mapping[int, str]) -> Callable[[Dialogue, Window, Head], Array]:
    """For `span`: per utterance a phrase whose first and last token get `YES`."""

    def outputs(messages: Dialogue, window: Window, head: Head) -> Array:
        found = np.full((len(window.places), head.size), NO)
        for utterance, phrase in phrases.items():
            tokens = _tokens(messages[utterance].text, phrase, window, utterance)
            found[tokens[0], 0] = found[tokens[-1], 1] = YES
        return found

    return outputs


def _tokens(text: str, phrase: str, window: Window, utterance: int) -> NDArray[np.intp]:
    """Positions of the tokens of the last occurrence of a phrase."""
    start = text.rindex(phrase)
    tokens = window.tokens_of(utterance)
    first, last = window.offsets[tokens].T
    inside: NDArray[np.intp] = tokens[(first >= start) & (last <= start + len(phrase))]
    assert inside.size, f"{phrase!r} of utterance {utterance} is not in the window."
    return inside


class _Strict(dict[str, Any]):
    """Names what was not expected."""

    def __missing__(self, name: str) -> Any:
        raise AssertionError(f"Head {name!r} was not expected. Chosen: {', '.join(self)}.")


def _bare(head: Head) -> Head:
    """A head of the same kind and labels, without what calibration gave it."""
    return Head(head.label_set, head.kind, thresholds=(0.5,) * len(head.thresholds))


@cache
def _tokenizer() -> Tokenizer:
    manifest = load_manifest()
    return Tokenizer.from_file(str(manifest.verified(manifest.tokenizer)))
