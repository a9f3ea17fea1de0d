"""Label sets of the shipped models, in the order of their outputs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from agent.readings import LabelSet

__all__ = [
    "AFFECT",
    "CAUSE",
    "CAUSE_TYPES",
    "EMPATHETIC_DIALOGUES",
    "EMPATHY",
    "ESCONV",
    "ESCONV_NAMES",
    "EVIDENCE",
    "FELT",
    "GO_EMOTIONS",
    "OF_HEADS",
    "RISK",
    "SPAN",
]

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

ESCONV = LabelSet(
    "esconv-8",
    (
        "question", "restatement", "reflection", "self_disclosure", "affirmation", "suggestions",
        "information", "others",
    ),
)  # fmt: skip
"""ESConv's eight support strategies (Liu et al. 2021), by the ids of `strategies/`."""

ESCONV_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "question": "Question",
        "restatement": "Restatement or Paraphrasing",
        "reflection": "Reflection of feelings",
        "self_disclosure": "Self-disclosure",
        "affirmation": "Affirmation and Reassurance",
        "suggestions": "Providing Suggestions",
        "information": "Information",
        "others": "Others",
    }
)
"""The same as the data set spells them."""

AFFECT = LabelSet("valence-arousal-dominance", ("valence", "arousal", "dominance"))
"""Each in [-1, 1]; EmoBank's 1 to 5, with 3 at 0."""

FELT = LabelSet("felt-2", ("distress", "concern"))
"""What writers say they felt (Buechel et al. 2018), each in [0, 1]; 1 to 7 there."""

RISK = LabelSet(
    "risk-ladders",
    tuple(f"{whom}:{level}" for whom in ("self", "others") for level in ("distress", "ideation", "plan", "acute")),
)
"""For harm to oneself and to others: whether each step above `none` is reached."""

EMPATHY = LabelSet("epitome-3", ("emotional_reactions", "interpretations", "explorations"))
"""EPITOME's mechanisms of empathy (Sharma et al. 2020); each is read at level 0, 1 or 2."""

CAUSE_TYPES = LabelSet("reccon-5", ("no-context", "inter-personal", "self-contagion", "hybrid", "latent"))
"""RECCON's types of emotion causes (Poria et al. 2021); several may hold."""

EVIDENCE = LabelSet("evidence", ("evidence",))
"""Whether a token shows risk."""

CAUSE = LabelSet("cause", ("cause",))
"""Whether an utterance is a cause."""

SPAN = LabelSet("span", ("first", "last"))
"""First and last token of a causal span."""

OF_HEADS: Mapping[str, LabelSet] = MappingProxyType(
    {
        "emotion": EMPATHETIC_DIALOGUES,
        "expression": GO_EMOTIONS,
        "affect": AFFECT,
        "felt": FELT,
        "risk": RISK,
        "evidence": EVIDENCE,
        "strategy": ESCONV,
        "empathy": EMPATHY,
        "rationale": EMPATHY,
        "cause": CAUSE,
        "span": SPAN,
        "cause_type": CAUSE_TYPES,
    }
)
"""Name of each output of the shipped encoder, in order, to what its numbers stand for."""
