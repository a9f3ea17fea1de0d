"""EmpatheticDialogues (Rashkin et al. 2019): which of 32 emotions. Three tasks that papers mix up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from agent.errors import SettingsError
from agent.transcript import transcript
from evals.ask import LLM, Question, ask, chosen, instruction
from evals.task import Answers, Kit, Measures, Sample, scored
from evals.tasks.one_label import always, as_answer, labels_of, measured
from sem_plugins.labels import EMPATHETIC_DIALOGUES
from sem_plugins.second.reader import WIDEST_SET
from sem_plugins.training import figures
from sem_plugins.training.examples import Example
from sem_plugins.training.intervals import Measure
from sem_plugins.training.sets import empathetic_dialogues as sets

__all__ = ["Dialogue", "SeekerTurns", "Situation"]

_INSTRUCTION = instruction(
    "Somebody tells of something that they went through. Tell which emotion it was about.",
    EMPATHETIC_DIALOGUES.labels,
    answer="Answer with one label of the list and nothing else.",
)


class _Emotion(ABC):
    """What the three share: truth is the emotion that the dialogue was written for."""

    name = ""
    data = "empathetic_dialogues"
    systems: tuple[str, ...] = ("sem",)
    version = 2

    @abstractmethod
    def examples(self, found: Sequence[sets.Dialogue]) -> list[Example]:
        """The form of input that tells the three apart."""

    def samples(self, folder: Path, split: str) -> list[Sample]:
        """Truth: one of the 32 labels."""
        return [
            Sample(
                example.group,
                example.group,
                example.messages,
                EMPATHETIC_DIALOGUES.labels[example.targets["emotion"]],
            )
            for example in self.examples(sets.dialogues(folder, split))
        ]

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:
        """`sem`: the emotion head's calibrated distribution, with the conformal set as `primary`; `llm`: an LLM,
        asked for one label.
        """
        if system == LLM:
            return ask(self, samples, kit)
        if system != "sem":
            raise SettingsError(f"No system {system!r}. Systems: sem, {LLM}.")
        head = kit.manifest.heads["emotion"]
        rows = head.distribution(
            np.stack([encoded.outputs["emotion"] for encoded in kit.read(samples)]).astype(np.float64)
        )
        answers: Answers = [as_answer(EMPATHETIC_DIALOGUES, row) for row in rows]
        if head.conformal is None:
            return answers
        labels = np.array(EMPATHETIC_DIALOGUES.labels)
        members = head.conformal.members(rows)
        return [
            {**(answer or {}), "primary": labels[held].tolist()}
            for answer, held in zip(answers, members, strict=True)
        ]

    def question(self, sample: Sample) -> Question:
        """The text or the dialogue, and the 32 labels."""
        alone = len(sample.messages) == 1
        return Question(_INSTRUCTION, sample.messages[0].text if alone else transcript(sample.messages))

    def understood(self, sample: Sample, said: str) -> Mapping[str, Any]:  # noqa: ARG002
        """The label of that name."""
        return {"label": chosen(said, {label: label for label in EMPATHETIC_DIALOGUES.labels})}

    def right(self, sample: Sample, answer: Mapping[str, Any]) -> float:
        """1 for the label that the dialogue was written for."""
        return float(answer["label"] == sample.truth)

    def measures(self, samples: Sequence[Sample], answers: Answers) -> Measures:
        """Accuracy, `top3`, `top5`, macro-F1; `ece`; `coverage` and `set_size` of the conformal sets, and
        `wide_sets`, the share that the LLM is asked about by default, and how often the label is right in these
        and in the others.
        """
        kept, given = scored(samples, answers)
        found = measured(
            EMPATHETIC_DIALOGUES, kept, given, count=partial(figures.one_of, names=EMPATHETIC_DIALOGUES.labels)
        )
        if given and all("primary" in answer for answer in given):
            groups = np.array([sample.group for sample in kept])
            held = np.array([s.truth in a["primary"] for s, a in zip(kept, given, strict=True)])
            found["coverage"] = Measure(np.mean, groups, (held,))
            sizes = np.array([len(answer["primary"]) for answer in given])
            found["set_size"] = Measure(np.mean, groups, (sizes,))
            wide = sizes > WIDEST_SET
            found["wide_sets"] = Measure(np.mean, groups, (wide,))
            right = np.array([answer["label"] == sample.truth for sample, answer in zip(kept, given, strict=True)])
            for name, rows in (("accuracy_of_wide", wide), ("accuracy_of_narrow", ~wide)):
                if rows.any():
                    found[name] = Measure(np.mean, groups[rows], (right[rows],))
        return found

    def floors(self, samples: Sequence[Sample], folder: Path) -> Mapping[str, Callable[[], Answers]]:
        """Train's commonest emotion."""
        return {"majority": lambda: always(labels_of(self.samples(folder, "train")).most_common(1)[0][0], samples)}


class Situation(_Emotion):
    """The emotion of the paragraph that the seeker wrote before the dialogue.

    An item (made up): "I had saved a seat for my sister and she walked past it."; truth: `"disappointed"`.

    Protocol: top-1 of 32, one sample per dialogue. Texts of train that also occur in valid are not trained on.

    Traps: a running agent never sees this paragraph. Figures on it (BERT 50 to SEAN-GNN 61) stand beside figures
    of response models on the dialogue (34 to 42) in tables that call both "emotion accuracy".
    """

    name = "empathetic-dialogues/situation"

    def examples(self, found: Sequence[sets.Dialogue]) -> list[Example]:
        """One text a dialogue."""
        return sets.situations(found)


class SeekerTurns(_Emotion):
    """The emotion of all that the seeker said in the dialogue, as one text.

    An item (made up): "My sister walked past me today. I had kept a seat for her."; truth: `"disappointed"`.

    Protocol: top-1 of 32, one sample per dialogue; what the supporter said is left out.

    Traps: it holds the end of the dialogue, which an agent that answers the first message has not heard. Half of
    the labels are close neighbours (furious, angry, annoyed), so top-3 and top-5 say more.
    """

    name = "empathetic-dialogues/seeker-turns"

    def examples(self, found: Sequence[sets.Dialogue]) -> list[Example]:
        """One text a dialogue."""
        return sets.seeker_turns(found)


class Dialogue(_Emotion):
    """The emotion of a message of the seeker, picked at random, after everything before it: what an agent reads.

    An item (made up): the seeker wrote "My sister walked past me today.", the supporter "Oh no, why?", the seeker
    "I don't know. I had kept a seat for her."; truth: `"disappointed"`.

    Protocol: one message per dialogue (seed 13), read in its dialogue.

    Traps: often the emotion has not been told yet, or is over; nobody reaches the figures of the whole text.
    """

    name = "empathetic-dialogues/dialogue"

    def examples(self, found: Sequence[sets.Dialogue]) -> list[Example]:
        """One message a dialogue."""
        return sets.live(found)
