"""Sets of a few records, enough for intervals: several dialogues in each."""

from __future__ import annotations

from pathlib import Path

from agent.readings import LabelSet
from agent.registry import load, names
from evals.task import Task
from sem_plugins.labels import ESCONV_NAMES
from sem_plugins.ontology import EMORY_NLP, MELD
from tests.sem_plugins.tiny_sets import ROWS, Row, comment, dialogue, pair, support, write_sets

__all__ = ["small_sets", "task", "task_names"]

_NAMES = tuple(ESCONV_NAMES.values())

_TALKS = [
    {
        "survey_score": {
            "seeker": {"initial_emotion_intensity": 4, "final_emotion_intensity": 5 - number % 4} if number else {}
        }
    }
    | support(
        f"talk {number}",
        f"The roof leaks since day {number}.",
        ("Since when?", "Question"),
        "Since the storm.",
        ("That is a lot.", _NAMES[number % 8]),
        ("You did well.", _NAMES[(number + 3) % 8]),
    )
    for number in range(8)
]


def task_names() -> tuple[str, ...]:
    """Of all tasks that read a data set."""
    return tuple(name for name in names("tasks") if task(name).data)


def task(name: str) -> Task:
    """One of them."""
    made: Task = load("tasks", name)()
    return made


_SAID = (
    "I kept a seat for you.",
    "How kind of you!",
    "It was the last one.",
    "Then where do you sit?",
    "On the stairs, as always.",
    "You cannot stand the stairs.",
    "I hate them less than my chair.",
    "Take my coat, at least.",
)
_SENTIMENTS = {"neutral": "neutral", "joy": "positive", "surprise": "positive"}
_TRAITS = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")


def _scenes(labels: LabelSet) -> list[Row]:
    """Dialogues of two people who take turns, each with another emotion per utterance."""
    return [
        {
            "dialogue_id": f"scene {number}",
            "turns": [
                {
                    "speaker": ("Ana", "Bo")[place % 2],
                    "text": text,
                    "emotion": (label := labels.labels[(number + place * place) % len(labels)]),
                    "sentiment": _SENTIMENTS.get(label, "negative"),
                }
                for place, text in enumerate(_SAID)
            ],
        }
        for number in range(5)
    ]


def _triples() -> list[Row]:
    """A window on each scene: Ana, Bo, and Ana again."""
    return [
        {
            "id": f"triple {number}",
            "personality": dict.fromkeys(_TRAITS, number / 5),
            "turns": [turn | {"text": f"{turn['text']} {number}"} for turn in scene["turns"][:3]],
        }
        for number, scene in enumerate(_scenes(MELD))
    ]


def _meal(number: int) -> Row:
    return {
        "dialogue_id": f"meal {number}",
        "turns": [
            {"speaker": "A", "text": "You burnt the soup.", "emotion": "neutral"},
            {
                "speaker": "B",
                "text": f"I hate this oven number {number}!",
                "emotion": "anger",
                "causes": [
                    {"turn": 0, "span": "burnt the soup", "start": 4, "end": 18},
                    {"turn": 1, "span": "this oven", "start": 7, "end": 16},
                ],
                "cause_types": ["no-context"],
            },
        ],
    }


def _story(number: int, language: str, kind: str) -> Row:
    asked = {
        "EU": {
            "emotion_choices": ["Pride", "Relief", "Anger"],
            "emotion_answer": number % 3,
            "cause_choices": ["The cake rose", "The oven is cold"],
            "cause_answer": number % 2,
        },
        "EA": {"question_type": "Action", "choices": ["Bake it again", "Cry", "Say so"], "answer": number % 3},
    }
    return {
        "id": f"{kind}-{number}-{language}",
        "task": kind,
        "question_id": f"{kind}-{number}",
        "language": language,
        "scenario": f"Ana bakes cake number {number}.",
        "subject": "Ana",
        **asked[kind],
    }


def scene(name: str, *said: tuple[str, str]) -> dict[str, object]:
    """Of MELD: who speaks, and with which emotion or sentiment; the other of the two is neutral."""
    return {
        "dialogue_id": name,
        "turns": [
            {"speaker": who, "text": f"So says {who}, {place}.", "emotion": "neutral", "sentiment": "neutral"}
            | {"sentiment" if shown in {"positive", "negative"} else "emotion": shown}
            for place, (who, shown) in enumerate(said)
        ],
    }


def small_sets(folder: Path, split: str = "valid") -> Path:
    """Every set of the tasks, in a split of that name; train is there too."""
    own = {
        f"esconv/{split}.jsonl": _TALKS,
        f"esconv_failed/{split}.jsonl": [
            talk | {"dialogue_id": f"failed {number}"} for number, talk in enumerate(_TALKS[:3])
        ],
        f"reccon/{split}.jsonl": [_meal(number) for number in range(4)],
        f"goemotions/{split}.jsonl": [comment(f"Thank you, number {n}", "gratitude") for n in range(5)],
        f"epitome/{split}.jsonl": [
            pair(f"The heating broke on day {day}.", "You must be cold.", 0, day % 3, 0, words="must be cold")
            for day in range(6)
        ],
        f"emobank/{split}.jsonl": [
            {
                "id": str(n),
                "text": f"{n} good days.",
                "valence": 3 + n / 10,
                "arousal": 3 - n / 10,
                "dominance": 3 + n / 7,
            }
            for n in range(6)
        ],
        f"empathic_reactions/{split}.jsonl": [
            {"id": str(n), "writer_id": str(n), "text": f"{n} poor horses.", "distress": 1 + n, "empathy": 7 - n}
            for n in range(6)
        ],
        f"empathetic_dialogues/{split}.jsonl": [
            dialogue(f"Day {day} of rain.", f"It rains for {day} days.", "Still?", "Yes.", emotion=emotion)
            for day, emotion in enumerate(("sad", "angry", "sad", "hopeful", "proud"))
        ],
        f"se_emotions/{split}.jsonl": [
            {"id": str(n), "text": f"Build {n} fails again!", "labels": ["anger"] * (n % 2)} for n in range(4)
        ],
        f"se_emotion_causes/{split}.jsonl": [
            {
                "id": str(n),
                "text": "The flaky test drives me mad.",
                "cause": {"text": "flaky test", "start": 4, "end": 14},
            }
            for n in range(3)
        ],
        f"emobench/{split}.jsonl": [_story(number, "en", kind) for number in range(3) for kind in ("EU", "EA")],
        f"cssrs_reddit/{split}.jsonl": [
            {"id": f"user {n}", "label": ("ideation", "supportive")[n % 2], "posts": ["The bread is sold out."]}
            for n in range(6)
        ],
    }
    told = {
        f"{name}/{part}.jsonl": rows
        for part in ("train", split)
        for name, rows in (("meld", _scenes(MELD)), ("emorynlp", _scenes(EMORY_NLP)), ("peld", _triples()))
    }
    return write_sets(folder, {**ROWS, **own, **told})
