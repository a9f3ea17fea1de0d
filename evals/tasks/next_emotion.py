"""The emotion of an utterance that has not been said yet: what the tracker's dynamics are worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.readings import LabelSet
from agent.turn import Message, Turn
from evals.task import Answers, Kit, Sample
from evals.tasks.following import read_turns
from evals.tasks.forecast import ABLATIONS, Forecast
from sem_plugins.ontology import DAILY_DIALOG, EMORY_NLP, MELD
from sem_plugins.tracker.evidence import shown
from sem_plugins.training.sets import emorynlp, meld, reccon
from sem_plugins.training.sets.utterances import Dialogue

__all__ = ["EmoryNLPNext", "MELDNext", "RECCONNext"]

Array = NDArray[np.float64]
Key = tuple[str, int]  # dialogue, and place of an utterance in it


class _Next(Forecast):
    """What the three share: a sample for each utterance from the second of its dialogue on.

    Attributes:
        dialogues: Reads those of a split.
    """

    systems = ("told", "read", *ABLATIONS)
    dialogues: Callable[[Path, str], list[Dialogue]]

    def untabled(self, folder: Path, split: str) -> list[Sample]:
        """The messages are those before the utterance, from the side of whoever speaks next."""
        return [
            _sample(dialogue, place)
            for dialogue in self.dialogues(folder, split)
            for place in range(1, len(dialogue.utterances))
        ]

    def answers(self, system: str, samples: Sequence[Sample], kit: Kit) -> Answers:
        """`read`: the same as `told`, but the utterances before are read, not told; what cannot be read counts as
        even over the labels. `told` and the others: as `Forecast`.
        """
        if system != "read":
            return super().answers(system, samples, kit)
        rows = _rows(samples, kit, self.labels)
        return self.forecasts(
            samples,
            [np.array([rows[sample.group, place] for place in range(len(sample.messages))]) for sample in samples],
            inputs="read",
        )


class MELDNext(_Next):
    """MELD (Poria et al. 2019): which of seven emotions the next utterance will have.

    An item (made up): Ana "I baked it for you." (joy), Bo "You burnt it." (disgust), and now Ana will speak;
    truth: `{"emotion": "sadness", "before": ["joy", "disgust"], "speakers": [0, 1, 0], "table": 0.09}`.

    Protocol: every utterance from the second of its dialogue on. Who speaks is known, what they say is not.
    `told` and the floors are given the true labels of what was said before; `read` has the words, each
    utterance read in its dialogue from its speaker's side. Headline figure: `gain_over_table`, in nats an
    utterance.

    Traps: this is no emotion recognition, whose figures (weighted F1 above 60) see the utterance itself.
    Neutral is 45% of train, so that accuracy hardly moves: read the log-likelihood. The table knows the
    speaker's own last label, which tells more than the last label of anybody. A dialogue is cut out of a scene;
    what happened before is unknown.
    """

    name = "meld/next-emotion"
    data = "meld"
    labels = MELD
    dialogues = staticmethod(meld.dialogues)


class EmoryNLPNext(_Next):
    """EmoryNLP (Zahiri and Choi 2018): the same with seven other emotions.

    An item (made up): Ana "Who took my chair?" (mad), and now Bo will speak; truth:
    `{"emotion": "scared", "before": ["mad"], "speakers": [0, 1], "table": 0.13}`.

    Protocol: as `meld/next-emotion`. Traps: raters agreed little, `peaceful` and `powerful` least; MELD and
    EmoryNLP share scenes, so that both are not two independent sets. Utterances that could not be aligned with
    the video are missing in the midst of scenes.
    """

    name = "emorynlp/next-emotion"
    data = "emorynlp"
    labels = EMORY_NLP
    dialogues = staticmethod(emorynlp.dialogues)


class RECCONNext(_Next):
    """RECCON (Poria et al. 2021), DailyDialog: the same for two people in everyday dialogues.

    An item (made up): A "We have a table by the window." (neutral), B "Oh, lovely!" (happiness), A will speak;
    truth: `{"emotion": "happiness", "before": ["neutral", "happiness"], "speakers": [0, 1, 0], "table": 0.2}`.

    Protocol: as `meld/next-emotion`. Traps: valid has 47 dialogues, see the intervals, and 5 of them share half of
    their longer utterances with train. RECCON took dialogues with many emotions: the shares are not DailyDialog's.
    Whoever is happy stays so, which the table knows too.
    """

    name = "reccon/next-emotion"
    data = "reccon"
    labels = DAILY_DIALOG
    dialogues = staticmethod(reccon.dialogues)


def _sample(dialogue: Dialogue, place: int) -> Sample:
    said = dialogue.utterances[: place + 1]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(one.speaker for one in said))}
    return Sample(
        f"{dialogue.id}#{place}",
        dialogue.id,
        dialogue.heard_by(said[-1].speaker, place),
        {
            "emotion": said[-1].emotion,
            "before": [one.emotion for one in said[:-1]],
            "speakers": [numbers[one.speaker] for one in said],
        },
    )


def _rows(samples: Sequence[Sample], kit: Kit, labels: LabelSet) -> dict[Key, Array]:
    """Each utterance that was said before any sample, read once: what it shows of its emotion, (K,)."""
    turns = {
        (sample.group, place): _turn(sample, place) for sample in samples for place in range(len(sample.messages))
    }
    even = np.full(len(labels), 1 / len(labels))
    found = (shown(turn, labels) for turn in read_turns(list(turns.values()), kit))
    return {key: even if row is None else row for key, row in zip(turns, found, strict=True)}


def _turn(sample: Sample, place: int) -> Turn:
    """An utterance in its dialogue, from its speaker's side."""
    speakers = sample.truth["speakers"]
    history = tuple(
        Message("seeker" if speaker == speakers[place] else "supporter", message.text)
        for speaker, message in zip(speakers[:place], sample.messages[:place], strict=True)
    )
    return Turn("", "", 0, sample.messages[place].text, history)
