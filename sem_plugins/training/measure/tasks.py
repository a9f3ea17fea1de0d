"""Every task that the shipped weights are measured on: figures, floors, aims and what was published."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sem_plugins.labels import OF_HEADS
from sem_plugins.training.intervals import Estimate
from sem_plugins.training.measure import danger, dialogue, elsewhere, message
from sem_plugins.training.measure.reading import ValidParts
from sem_plugins.weights import Manifest

__all__ = ["TASKS", "Aim", "Task", "figures_of", "floors_of"]

Figures = dict[str, Estimate]


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure should reach: at least `least`, or at most `most`."""

    least: float = -math.inf
    most: float = math.inf

    def missed_by(self, value: float) -> float:
        """How far `value` falls short; 0 where it does not."""
        return max(self.least - value, value - self.most, 0.0)


@dataclass(frozen=True, slots=True)
class Task:
    """One line of the card.

    Attributes:
        name: As evaluations name it.
        heads: Outputs of the encoder that it is about.
        figures: Measures the shipped weights.
        floors: Measures what they must beat.
        aims: Metric to aim.
        published: What others reached on the test part, in words.
    """

    name: str
    heads: tuple[str, ...]
    figures: Callable[[ValidParts, Manifest], Figures]
    floors: Callable[[ValidParts], dict[str, Figures]] = lambda _: {}
    aims: Mapping[str, Aim] = field(default_factory=dict)
    published: str = ""


def _emotion(name: str, form: str, aims: Mapping[str, Aim], published: str = "") -> Task:
    return Task(
        f"empathetic-dialogues/{name}",
        ("emotion",),
        lambda parts, m: message.emotion(parts, m.heads["emotion"], form),
        lambda parts: message.emotion_floors(parts, form),
        aims,
        published,
    )


TASKS = (
    _emotion(
        "situation",
        "situations",
        {"accuracy": Aim(least=0.60), "ece": Aim(most=0.03)},
        "accuracy BERT-base 50.4, RoBERTa-base 54.5, RoBERTa-large 57.4, SEAN-GNN 61.2 (its Table 1)",
    ),
    _emotion("seeker-turns", "seeker-turns", {"accuracy": Aim(least=0.575), "ece": Aim(most=0.03)}),
    _emotion(
        "dialogue",
        "live",
        {"coverage": Aim(least=0.88)},
        "accuracy MoEL to SEEK 34 to 42, at the end of the context (IAMM, Table 1)",
    ),
    Task(
        "goemotions",
        ("expression",),
        lambda parts, m: message.expression(parts, m.heads["expression"]),
        message.expression_floors,
        {"macro_f1": Aim(least=0.48)},
        "macro-F1 BERT-base 46 (Demszky et al. 2020)",
    ),
    Task(
        "emobank",
        ("affect",),
        lambda parts, _: message.affect(parts),
        message.affect_floors,
        {"valence_r": Aim(least=0.80)},
        "valence r .81 with RoBERTa-large (card of the model edsi-umd/Reward-EmoPair)",
    ),
    Task(
        "empathic-reactions",
        ("felt",),
        lambda parts, _: message.felt(parts),
        message.felt_floors,
        {},
        "r about .40 for empathy, .44 for distress (Buechel et al. 2018, cross-validated)",
    ),
    Task(
        "esconv/next-strategy",
        ("strategy",),
        lambda parts, m: dialogue.strategies(parts, m.heads["strategy"]),
        dialogue.strategy_floors,
        {"crossfitted_macro_f1": Aim(least=0.29), "crossfitted_preference_bias": Aim(most=0.30)},
        "macro-F1 / B RoBERTa 25.0 / 0.68, TransESC 26.3 / 0.73, EmoDynamiX 27.7 / 0.45 (EmoDynamiX, Table 2)",
    ),
    Task(
        "esconv/next-strategy, supporters masked",
        ("strategy",),
        lambda parts, m: dialogue.strategies(parts, m.heads["strategy"], "strategies, seekers only"),
    ),
    Task(
        "reccon/entailment",
        ("cause",),
        lambda parts, m: dialogue.causes(parts, m.heads["cause"]),
        dialogue.cause_floors,
        {"crossfitted_positive_f1": Aim(least=0.68), "crossfitted_macro_f1": Aim(least=0.78)},
        "positive / macro RoBERTa-base 64.3 / 76.5, RoBERTa-large 66.2 / 77.1 (Poria et al. 2021, Fold 1)",
    ),
    Task(
        "reccon/span",
        ("span",),
        lambda parts, _: dialogue.spans(parts)[0],
        lambda parts: dialogue.spans(parts)[1],
        {"exact_match": Aim(least=0.36)},
        "exact match RoBERTa-base 32.6, SpanBERT 34.6 (Poria et al. 2021; other protocol: no cause is an answer)",
    ),
    Task(
        "reccon/cause-type",
        ("cause_type",),
        lambda parts, m: dialogue.cause_types(parts["causes"], m.heads["cause_type"]),
    ),
    Task(
        "epitome",
        ("empathy", "rationale"),
        lambda parts, m: (
            dialogue.empathy(parts, m.heads["empathy"])[0]
            | {"rationale_token_f1": dialogue.evidence_f1(parts["replies"], "rationale")}
        ),
        lambda parts: dialogue.empathy(parts, _any_head())[1],
        {
            "emotional_reactions_macro_f1": Aim(least=0.72),
            "interpretations_macro_f1": Aim(least=0.67),
            "explorations_macro_f1": Aim(least=0.61),
        },
        "macro-F1 .75 / .70 / .64 (RoBERTa bi-encoder, a public replication)",
    ),
    Task(
        "se-emotions, zero-shot",
        ("expression",),
        lambda parts, m: elsewhere.developers(parts, m.heads["expression"]),
        elsewhere.developers_floors,
    ),
    Task(
        "se-emotion-causes, zero-shot",
        ("span",),
        lambda parts, _: dialogue.spans(parts, "causes of developers")[0],
        lambda parts: dialogue.spans(parts, "causes of developers")[1],
    ),
    Task("cssrs", ("risk",), elsewhere.levels_of_users),
    Task("imhi", ("risk",), lambda parts, m: elsewhere.posts(parts, m.heads["risk"])),
    Task("dreaddit", ("risk",), lambda parts, m: elsewhere.stress(parts, m.heads["risk"])),
    Task("counsel-chat", ("risk",), elsewhere.alarms_of_questions),
    Task(
        "risk",
        ("risk", "evidence"),
        lambda parts, m: (
            danger.danger(parts, m) | {"evidence_token_f1": dialogue.evidence_f1(parts["statements"], "evidence")}
        ),
        danger.danger_floors,
        {
            "explicit_recall": Aim(least=0.95),
            "empathetic-dialogues_alarms": Aim(most=0.01),
            "goemotions_alarms": Aim(most=0.01),
            "esconv_alarms": Aim(most=0.01),
        },
    ),
)
"""In the order of the card."""


def _any_head() -> Any:
    """A head without calibration: the floor does not look at it."""
    from sem_plugins.labels import EMPATHY
    from sem_plugins.weights import Head

    return Head(EMPATHY, "levels")


def figures_of(
    parts: ValidParts, manifest: Manifest, *, heads: Collection[str] = frozenset(OF_HEADS)
) -> dict[str, Figures]:
    """Every task's figures, with intervals; of some heads, those tasks that are about them alone.

    Minutes on two cores.

    Raises:
        DataError: A data set is missing or malformed.
    """
    return {task.name: task.figures(parts, manifest) for task in TASKS if set(heads) >= set(task.heads)}


def floors_of(parts: ValidParts) -> dict[str, dict[str, Figures]]:
    """Every task's floors, by name of the floor."""
    return {task.name: task.floors(parts) for task in TASKS}
