"""One lattice of emotion words, through which readings in different label sets meet.

Three tiers after Parrott (2001): six primary emotions, secondary and tertiary words. A node is written
as its path, `"sadness/neglect/loneliness"`. `neutral` and `cognitive` stand outside the six and are
themselves at every tier. The lattice and the places of all labels are data: `ontology.toml`.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from agent.errors import ReadingError
from agent.readings import EmotionReading, LabelSet
from sem_plugins.labels import EMPATHETIC_DIALOGUES, GO_EMOTIONS

__all__ = ["DAILY_DIALOG", "EMORY_NLP", "ESCONV_EMOTIONS", "MELD", "SE_EMOTIONS", "Ontology", "ontology"]

Array = NDArray[np.float64]
Distribution = Mapping[str, float]
Tier = Literal[1, 2]

# No shipped model has these as its outputs.
MELD = LabelSet("meld-7", ("neutral", "joy", "surprise", "anger", "sadness", "disgust", "fear"))
"""Ekman's six and `neutral`, as MELD and PELD spell them (Poria et al. 2019)."""

DAILY_DIALOG = LabelSet("dailydialog-7", tuple("happiness" if label == "joy" else label for label in MELD.labels))
"""The same, as DailyDialog and RECCON spell them (Li et al. 2017)."""

ESCONV_EMOTIONS = LabelSet("esconv-11", (
    "anxiety", "depression", "sadness", "anger", "fear", "shame", "disgust", "nervousness", "guilt", "jealousy",
    "pain"))  # fmt: skip
"""What seekers of ESConv said they felt before the talk (Liu et al. 2021)."""

EMORY_NLP = LabelSet("emorynlp-7", ("neutral", "joyful", "peaceful", "powerful", "scared", "mad", "sad"))
"""The inner ring of Willcox's feeling wheel and `neutral` (Zahiri and Choi 2018)."""

SE_EMOTIONS = LabelSet("se-emotions-6", ("anger", "love", "fear", "joy", "sadness", "surprise"))
"""Parrott's six, as annotated in developers' comments (Novielli et al. 2018)."""

_FILE = "sem_plugins/ontology.toml"
_FLOOR = 0.01  # share of each reading that is made flat, so that none can veto an emotion
_MEET = 0.5 - 1e-9  # share of their weight that two labels must have in common, but for rounding


class Ontology:
    """The lattice, with the places of the labels of some label sets.

    Args:
        content: What `ontology.toml` holds: `tree`, `words`, `labels`.
        label_sets: The sets whose labels must all have a place.

    Raises:
        ReadingError: A label has no place, a place has no label or is no node, or weights do not sum to 1.
    """

    def __init__(self, content: Mapping[str, Any], label_sets: Iterable[LabelSet]) -> None:
        self.label_sets: Mapping[str, LabelSet] = MappingProxyType({each.id: each for each in label_sets})
        tree = content["tree"]
        leaves = [leaf for group in tree.values() for name in group for leaf in _leaves(name, group[name])]
        self._nodes = {tier: tuple(dict.fromkeys(_above(leaf, tier) for leaf in leaves)) for tier in (1, 2, 3)}
        self._words = {word: _weighed(word, places) for word, places in content["words"].items()}
        # A column is a word at the third tier: one of Parrott's, or one of `words`, which lie below several nodes.
        self._columns = [*leaves, *self._words]
        as_leaves = np.vstack([np.eye(len(leaves)), *(self._spread(places) for places in self._words.values())])
        to_secondary = _lift(leaves, self._nodes[2], 2)
        self._primary_of = _lift(self._nodes[2], self._nodes[1], 1)
        self._valence_of = np.array([[name in group for group in tree.values()] for name in self._nodes[1]], float)
        self._sizes = to_secondary.sum(axis=0)  # tertiary words below each secondary
        secondary = as_leaves @ to_secondary
        self._reach = {1: secondary @ self._primary_of, 2: secondary}  # (columns, nodes of the tier)
        self._places: dict[str, dict[str, Distribution]] = {}
        self._held: dict[str, Array] = {}  # per label set, (labels, columns); each row sums to 1
        for each in self.label_sets.values():
            self._add(each, content["labels"].get(each.id, {}))
        self._nearest = {name: self._nearest_labels(held) for name, held in self._held.items()}

    def nodes(self, tier: Literal[1, 2, 3]) -> tuple[str, ...]:
        """All nodes at a tier; `neutral` and `cognitive` are among them at each."""
        return self._nodes[tier]

    def tier(self, node: str, tier: Literal[1, 2, 3]) -> str:
        """The node at `tier` that `node` lies below; `node` itself where it lies no deeper.

        Raises:
            ReadingError: There is no such node.
        """
        if not any(node in nodes for nodes in self._nodes.values()):
            raise ReadingError(f"{node!r} is no node. Nodes are paths that begin: {', '.join(self._nodes[1])}.")
        return _above(node, tier)

    def place(self, label_set: str, label: str) -> Distribution:
        """Node to weight, summing to 1. The nodes may be of any tier.

        Raises:
            ReadingError: The label set or the label is unknown.
        """
        self._set(label_set).index(label)
        return self._places[label_set][label]

    def project(self, probabilities: Distribution, *, label_set: str, tier: Tier = 1) -> Distribution:
        """The same distribution over the nodes of a tier; sums to 1.

        What lies above the tier is spread over the secondaries below it, in proportion to the
        tertiary words that Parrott lists for each.

        Args:
            probabilities: Label to probability, summing to 1; a label left out counts as 0.
            label_set: Id of the set that the labels are of.
            tier: 1 or 2.

        Raises:
            ReadingError: `probabilities` is no distribution, or the set, a label or the tier is unknown.
        """
        return self._named(tier, self._lifted(probabilities, label_set, tier))

    def convert(self, probabilities: Distribution, *, source: str, target: str) -> Distribution:
        """A distribution over the labels of `target`; sums to 1. With `source == target` nothing changes.

        Each word goes to the target's labels for the same tertiary word. Where there is none, to those
        of the same secondary, then the same primary, then the same valence, in proportion to the weight
        they have there. What finds nothing is spread evenly: joy says nothing in ESConv's words.

        Raises:
            ReadingError: `probabilities` is no distribution, or a set or a label is unknown.
        """
        row, labels = self._row(probabilities, source), self._set(target).labels
        if source == target:
            return dict(probabilities)
        values = row @ self._held[source] @ self._nearest[target]
        return dict(zip(labels, (values / values.sum()).tolist(), strict=True))

    def fuse(self, readings: Sequence[tuple[str, Distribution, float]], *, tier: Tier = 1) -> Distribution:
        """Several readings of one state as one distribution over the nodes of a tier; sums to 1.

        Log-linear pooling: the product of the readings, each raised to its weight. A hundredth of each is
        made flat first, so that none can veto. On nodes that its label set has no word for, a reading is silent:
        it counts as flat. Tier 2 pools the primaries, then the secondaries within each, where
        a label that stands for a whole primary is silent; so both tiers say the same of a primary.

        Args:
            readings: Label set, probabilities as for `project`, and weight in [0, 1]: 1 for evidence of its
                own, less where it repeats what others saw. Weights that sum to 1 give a geometric mean;
                above that, readings that agree become surer than either.
            tier: 1 or 2.

        Raises:
            ReadingError: There are no readings, one is no distribution, or a weight, name or tier is unusable.
        """
        weights = np.array([weight for _, _, weight in readings])
        if not readings or not ((weights >= 0) & (weights <= 1)).all():
            raise ReadingError(f"Readings to fuse need weights in [0, 1], at least one: {weights.tolist()!r}.")
        rows = {at: np.array([self._lifted(read, name, at) for name, read, _ in readings]) for at in {1, tier}}
        held = [self._held[name] for name, _, _ in readings]
        spoken = {at: np.array([(each @ self._reach[at]).any(axis=0) for each in held]) for at in rows}
        pooled = _pool(rows[1], spoken[1], weights, np.full(len(self._nodes[1]), 1 / len(self._nodes[1])))
        if tier == 1:
            return self._named(1, pooled)
        within = np.empty(len(self._nodes[2]))
        for primary, mass in enumerate(rows[1].T[:, :, None]):
            below = self._primary_of[:, primary] > 0
            base = self._sizes[below] / self._sizes[below].sum()
            shares = np.divide(rows[2][:, below], mass, out=np.tile(base, (len(rows[2]), 1)), where=mass > 0)
            within[below] = pooled[primary] * _pool(shares, spoken[2][:, below], weights, base)
        return self._named(2, within)

    def tier_of_error(self, true: str, predicted: str, *, label_set: str) -> Literal[0, 1, 2, 3]:
        """How far off a predicted label is.

        Returns:
            0: right; 1: another label of the same secondary; 2: of the same primary; 3: of another primary.
            Labels with several places have a node in common where half of their weight meets.

        Raises:
            ReadingError: The label set or a label is unknown.
        """
        labels = self._set(label_set)
        pair = self._held[label_set][[labels.index(true), labels.index(predicted)]]
        common = {tier: (pair @ reach).min(axis=0).sum() for tier, reach in self._reach.items()}
        if true == predicted:
            return 0
        return 1 if common[2] >= _MEET else 2 if common[1] >= _MEET else 3

    def _add(self, labels: LabelSet, places: Mapping[str, Any]) -> None:
        if missing := [label for label in labels.labels if label not in places]:
            raise ReadingError(f"{missing!r} have no place. Add them to `[labels.{labels.id}]` in {_FILE}.")
        if surplus := [label for label in places if label not in labels.labels]:
            raise ReadingError(f"{surplus!r} are not in `{labels.id}`. Remove them from `[labels]` in {_FILE}.")
        weighed = [_weighed(label, places[label]) for label in labels.labels]
        taken = {node for nodes in weighed for node in nodes if node not in self._words}
        held = np.zeros((len(labels), len(self._columns)))
        self._places[labels.id] = {}
        for row, label, nodes in zip(held, labels.labels, weighed, strict=True):
            place: dict[str, float] = {}
            for node, weight in nodes.items():
                if node in self._words:
                    row[self._columns.index(node)] += weight
                else:
                    row[: len(self._nodes[3])] += self._spread({node: weight}, taken)
                for below, share in self._words.get(node, {node: 1.0}).items():
                    place[below] = place.get(below, 0.0) + weight * share
            self._places[labels.id][label] = MappingProxyType(place)
        self._held[labels.id] = held

    def _spread(self, places: Distribution, taken: Iterable[str] = ()) -> Array:
        """Weights of Parrott's words: even below each node, without what lies below a deeper node of `taken`."""
        leaves = self._nodes[3]
        values = np.zeros(len(leaves))
        for node, weight in places.items():
            deeper = [other for other in taken if other != node and _below(other, node)]
            left = np.array([_below(leaf, node) and not any(_below(leaf, at) for at in deeper) for leaf in leaves])
            if not left.any():
                raise ReadingError(f"{node!r} is no node and no word, or nothing is left below it. Mend {_FILE}.")
            values[left] += weight / left.sum()
        return values

    def _nearest_labels(self, held: Array) -> Array:
        """Where each column goes: (columns, labels), each row summing to 1."""
        valence = self._reach[1] @ self._valence_of
        found = np.full((1, len(held)), 1 / len(held))
        for reach, parents in (
            (valence, np.ones((valence.shape[1], 1))),
            (self._reach[1], self._valence_of),
            (self._reach[2], self._primary_of),
            (np.eye(len(self._columns)), self._reach[2]),
        ):
            mass = (held @ reach).T
            total = mass.sum(axis=1, keepdims=True)
            found = np.divide(mass, total, out=parents @ found, where=total > 0)
        return found

    def _set(self, label_set: str) -> LabelSet:
        if label_set not in self.label_sets:
            raise ReadingError(f"Unknown label set {label_set!r}. The ontology has: {', '.join(self.label_sets)}.")
        return self.label_sets[label_set]

    def _row(self, probabilities: Distribution, label_set: str) -> Array:
        labels = self._set(label_set)
        row = np.zeros(len(labels))
        for label, probability in EmotionReading(label_set, probabilities).probabilities.items():
            row[labels.index(label)] = probability
        row /= row.sum()
        return row

    def _lifted(self, probabilities: Distribution, label_set: str, tier: int) -> Array:
        if tier not in self._reach:
            raise ReadingError(f"A distribution cannot be given at tier {tier!r}. Choose 1, the primaries, or 2.")
        return self._row(probabilities, label_set) @ self._held[label_set] @ self._reach[tier]

    def _named(self, tier: Tier, values: Array) -> Distribution:
        return dict(zip(self._nodes[tier], values.tolist(), strict=True))


@cache
def ontology() -> Ontology:
    """The shipped lattice with its seven label sets."""
    content = tomllib.loads(files("sem_plugins").joinpath("ontology.toml").read_text(encoding="utf-8"))
    sets = (EMPATHETIC_DIALOGUES, GO_EMOTIONS, MELD, DAILY_DIALOG, ESCONV_EMOTIONS, EMORY_NLP, SE_EMOTIONS)
    return Ontology(content, sets)


def _pool(rows: Array, spoken: NDArray[np.bool_], weights: Array, base: Array) -> Array:
    """Rows (readings, nodes) as one distribution, which leaves out nodes that no reading speaks of."""
    floored = (1 - _FLOOR) * rows + _FLOOR * base
    logs = np.log(base) + weights @ np.where(spoken, np.log(floored / base), 0.0)
    values: Array = np.exp(logs - logs.max()) * (spoken.any(axis=0) if spoken.any() else 1)
    values /= values.sum()
    return values


def _leaves(primary: str, secondaries: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"{primary}/{name}/{word}" for name, words in secondaries.items() for word in words] or [primary]


def _above(node: str, tier: int) -> str:
    return "/".join(node.split("/")[:tier])


def _below(node: str, other: str) -> bool:
    return node == other or node.startswith(f"{other}/")


def _lift(nodes: Sequence[str], above: Sequence[str], tier: int) -> Array:
    """(nodes, above): 1 where a node lies below the other."""
    return np.array([[_above(node, tier) == other for other in above] for node in nodes], float)


def _weighed(name: str, places: str | Distribution) -> Distribution:
    weighed = {places: 1.0} if isinstance(places, str) else dict(places)
    if min(weighed.values(), default=0) <= 0 or not math.isclose(sum(weighed.values()), 1):
        raise ReadingError(f"Weights of {name!r} in {_FILE} are not above 0 with the sum 1: {weighed!r}.")
    return weighed
