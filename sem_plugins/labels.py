"""Label sets of the shipped models, in the order of their outputs."""

from __future__ import annotations

from agent.readings import LabelSet

__all__ = ["EMPATHETIC_DIALOGUES", "GO_EMOTIONS"]

EMPATHETIC_DIALOGUES = LabelSet(
    "empathetic-dialogues-32",
    (
        "afraid", "angry", "annoyed", "anticipating", "anxious", "apprehensive", "ashamed",
        "caring", "confident", "content", "devastated", "disappointed", "disgusted",
        "embarrassed", "excited", "faithful", "furious", "grateful", "guilty", "hopeful",
        "impressed", "jealous", "joyful", "lonely", "nostalgic", "prepared", "proud", "sad",
        "sentimental", "surprised", "terrified", "trusting",
    ),
)  # fmt: skip
"""The 32 emotions of EmpatheticDialogues (Rashkin et al. 2019), in alphabetical order."""

GO_EMOTIONS = LabelSet(
    "goemotions-28",
    (
        "admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion",
        "curiosity", "desire", "disappointment", "disapproval", "disgust", "embarrassment",
        "excitement", "fear", "gratitude", "grief", "joy", "love", "nervousness", "optimism",
        "pride", "realization", "relief", "remorse", "sadness", "surprise", "neutral",
    ),
)  # fmt: skip
"""The 27 emotions of GoEmotions and `neutral` (Demszky et al. 2020), in the authors' order."""
