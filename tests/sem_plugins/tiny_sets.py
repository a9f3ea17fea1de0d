"""Every data set in a few records of our own, in the form of the prepared files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sem_plugins.labels import EMPATHETIC_DIALOGUES, ESCONV_NAMES

__all__ = ["ROWS", "Row", "comment", "dialogue", "pair", "support", "write_sets"]

Row = dict[str, Any]


def dialogue(situation: str, *turns: str, emotion: str = "sad") -> Row:
    """Of EmpatheticDialogues; the turns alternate, the seeker begins."""
    speakers = ("seeker", "supporter")
    spoken = [{"speaker": speakers[place % 2], "text": text} for place, text in enumerate(turns)]
    return {"dialogue_id": situation, "emotion": emotion, "situation": situation, "turns": spoken}


def comment(text: str, *labels: str) -> Row:
    """Of GoEmotions."""
    return {"id": text, "text": text, "labels": labels or ("joy",)}


def support(name: str, *turns: str | tuple[str, str]) -> Row:
    """Of ESConv: what a seeker says, or what a supporter says and with which strategy."""
    spoken = [
        {"speaker": "seeker", "text": turn}
        if isinstance(turn, str)
        else {"speaker": "supporter", "text": turn[0], "strategy": turn[1]}
        for turn in turns
    ]
    return {"dialogue_id": name, "turns": spoken}


def _sentence(text: str, valence: float, arousal: float, dominance: float) -> Row:
    return {"id": text, "text": text, "valence": valence, "arousal": arousal, "dominance": dominance}


def _reaction(text: str, distress: float, empathy: float) -> Row:
    return {"id": text, "writer_id": f"writer of {text}", "text": text, "distress": distress, "empathy": empathy}


def _segment(text: str, label: int) -> Row:
    return {"id": text, "post_id": f"post of {text}", "text": text, "label": label}


def pair(post: str, reply: str, *levels: int, words: str = "") -> Row:
    """`words` of the reply show each mechanism that has a level."""
    start = reply.index(words)
    shown = {"rationales": [{"text": words, "start": start, "end": start + len(words)}]}
    names = ("emotional_reactions", "interpretations", "explorations")
    levelled = {
        name: {"level": level} | (shown if level else {}) for name, level in zip(names, levels, strict=True)
    }
    return {"id": post, "seeker_post_id": f"post {post}", "seeker_post": post, "response_post": reply} | levelled


_SOUP = {
    "dialogue_id": "soup",
    "turns": [
        {"speaker": "A", "text": "You burnt the soup and broke the bowl.", "emotion": "neutral"},
        {"speaker": "B", "text": "I did not see the fire.", "emotion": "neutral"},
        {
            "speaker": "A",
            "text": "It was my grandmother's bowl!",
            "emotion": "anger",
            "causes": [
                {"turn": 0, "span": "burnt the soup", "start": 4, "end": 18},
                {"turn": 0, "span": "burnt the soup and broke the bowl", "start": 4, "end": 37},
                {"turn": 0, "span": "the bowl", "start": 29, "end": 37},
                {"turn": 2, "span": "my grandmother's bowl", "start": 7, "end": 28},
                {"turn": 3, "span": "sorry", "start": 7, "end": 12},
            ],
            "cause_types": ["no-context", "inter-personal"],
        },
        {
            "speaker": "B",
            "text": "I feel sorry.",
            "emotion": "sadness",
            "causes": [{"turn": None}],
            "cause_types": ["latent"],
        },
    ],
}

_STRATEGIES = tuple(ESCONV_NAMES.values())

ROWS: Mapping[str, Sequence[Row]] = {
    "empathetic_dialogues/train.jsonl": [
        dialogue("My tomatoes froze.", "All my tomatoes froze.", "Oh no!", "I grew them from seed.", "Poor you."),
        dialogue("The fair comes to town.", "It comes on Friday!", "How nice.", emotion="excited"),
        dialogue("I LOST my umbrella", "Somebody took it.", "Who?", emotion="annoyed"),
    ],
    "empathetic_dialogues/valid.jsonl": [
        dialogue("I lost my umbrella!", "It was a gift.", "From whom?", "From my aunt.", emotion="disappointed"),
        *(
            dialogue(f"Day {day} of rain.", f"It rains for {day} days.", "Still?", emotion=emotion)
            for day, emotion in enumerate(EMPATHETIC_DIALOGUES.labels)
        ),
    ],
    "goemotions/train.jsonl": [
        *(comment(f"Number {number} is my favourite", "joy", "love") for number in range(200)),
        comment("So it goes", "neutral"),
    ],
    "goemotions/valid.jsonl": [
        comment("so it goes...", "realization"),
        comment("That was kind of you", "gratitude"),
    ],
    "esconv/train.jsonl": [
        support(
            "late bus",
            ("Hello, how are you?", "Question"),
            "My bus was late.",
            ("Do go on.", "Others"),
            "It hurt.",
        ),
        support("all", *(part for name in _STRATEGIES for part in (f"I said {name}.", ("I see.", name)))),
    ],
    "esconv/valid.jsonl": [
        support(
            "cold tea",
            ("Hi.", "Others"),
            ("What is it?", "Question"),
            "My tea is cold.",
            ("Oh.", "Others"),
            "Yes.",
        ),
        support("every", *(part for name in _STRATEGIES for part in (f"Is it {name}?", ("It is.", name)))),
    ],
    "reccon/train.jsonl": [_SOUP],
    "reccon/valid.jsonl": [_SOUP | {"dialogue_id": "soup again"}],
    "epitome/train.jsonl": [
        pair("My cat is ill.", "I am so sorry. What does the vet say?", 2, 0, 1, words="so sorry"),
        pair("Nobody came.", "Come here instead.", 0, 0, 0),
    ],
    "epitome/valid.jsonl": [pair("The heating broke.", "You must be cold.", 0, 2, 0, words="must be cold")],
    "emobank/train.jsonl": [_sentence("A good day.", 4, 3, 5), _sentence("A grave day.", 2, 3, 1)],
    "emobank/valid.jsonl": [_sentence("A day.", 3, 3, 3)],
    "empathic_reactions/train.jsonl": [_reaction("Those poor horses.", 4, 7)],
    "empathic_reactions/valid.jsonl": [_reaction("They will be fine.", 1, 2.5)],
    "dreaddit/train.jsonl": [_segment("I cannot sleep for worry.", 1), _segment("I sold my bicycle.", 0)],
    "dreaddit/valid.jsonl": [_segment("I bought a bicycle.", 0)],
    "se_emotions/train.jsonl": [
        {"id": "three", "text": "It compiles, at last!", "labels": ["joy"]},
        {"id": "four", "text": "Rebased.", "labels": []},
    ],
    "se_emotions/valid.jsonl": [
        {"id": "one", "text": "This build fails again!", "labels": ["anger", "sadness"]},
        {"id": "two", "text": "See line nine.", "labels": []},
    ],
    "se_emotion_causes/dev.jsonl": [
        {
            "id": "one",
            "text": "The flaky test drives me mad.",
            "cause": {"text": "flaky test", "start": 4, "end": 14},
        },
        {"id": "two", "text": "Oh dear.", "cause": {"text": "the release"}},
    ],
    "cssrs_reddit/dev.jsonl": [
        {"id": "user-1", "label": "ideation", "posts": ["The bread is sold out.", "so " * 230]},
        {"id": "user-2", "label": "supportive", "posts": ["Eat well."]},
    ],
    "imhi/dev.jsonl": [
        {"id": "one", "task": "depression", "post": "Grey again. " + "so " * 150, "label": "yes"},
        {"id": "two", "task": "depression", "post": "I bought bread.", "label": "no"},
        {"id": "three", "task": "stress_cause", "post": "My boss shouts.", "label": "work"},
        {"id": "four", "task": "loneliness", "post": "Nobody rings.", "label": "yes"},
    ],
    "counsel_chat/dev.jsonl": [
        {"id": "one", "title": "Late trains", "question": "How do I wait? " * 30, "topics": [], "answers": []},
        {"id": "two", "title": "A loud neighbour", "question": "", "topics": ["stress"], "answers": []},
    ],
}
"""File to its records."""


def write_sets(folder: Path, rows: Mapping[str, Sequence[Row]] = ROWS) -> Path:
    """Write the records below `folder`, and return it."""
    for name, records in rows.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return folder
