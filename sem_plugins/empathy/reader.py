"""How far a reply shows EPITOME's three mechanisms of empathy, and in which words."""

from __future__ import annotations

from typing import Any

from agent.readings import EmpathyReading
from agent.turn import Message
from sem_plugins.encoder import Encoded, Encoder, encoder_for
from sem_plugins.labels import EMPATHY
from sem_plugins.probability import softmax
from sem_plugins.spans import tagged, whole_words

__all__ = ["EmpathyReader", "empathy_reader", "likeliest_levels"]


class EmpathyReader:
    """Reads the `empathy` and `rationale` heads of the shared encoder for a reply to a message.

    Not a plugin: plugins read the seeker before there is a reply.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._levels = encoder.manifest.heads["empathy"]
        self._words = encoder.manifest.heads["rationale"]

    def __call__(self, message: str, reply: str) -> EmpathyReading:
        """The levels of each mechanism, 0 none to 2 strong, and the words of `reply` that show it.

        A mechanism whose likeliest level is 0 has no words.
        """
        encoded = self._encoder.read((Message("seeker", message), Message("supporter", reply)))
        names = self._levels.label_set.labels
        levels = softmax(encoded.outputs["empathy"].reshape(len(names), 3), self._levels.temperature)
        words = self._words.each(encoded.outputs["rationale"])
        return EmpathyReading(
            levels={name: tuple(row) for name, row in zip(names, levels.tolist(), strict=True)},
            rationales={
                name: tuple(
                    dict.fromkeys(  # two pieces of one word grow to the same span
                        whole_words(reply, span)
                        for span in tagged(
                            words[:, place], encoded.window, 1, threshold=self._words.thresholds[place]
                        )
                    )
                )
                for place, name in enumerate(names)
                if levels[place].argmax()
            },
            source=self._encoder.manifest.id,
        )


def empathy_reader(settings: Any = None) -> EmpathyReader:
    """The reader over the encoder that the settings ask for.

    Raises:
        WeightsError: The weights are missing or altered.
    """
    return EmpathyReader(encoder_for(settings))


def likeliest_levels(encoded: Encoded) -> dict[str, int]:
    """Mechanism to the likeliest of its levels 0 to 2, of a window that ends with a reply."""
    levels = encoded.outputs["empathy"].reshape(len(EMPATHY), 3).argmax(axis=1)
    return dict(zip(EMPATHY.labels, levels.tolist(), strict=True))
