"""Measuring: what is asked of the encoder, and what calibration makes of its outputs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from agent.turn import Message
from sem_plugins.encoder import Encoded
from sem_plugins.labels import ESCONV, OF_HEADS
from sem_plugins.probability import sigmoid
from sem_plugins.risk.rules import LADDER, read_rules
from sem_plugins.training import scores
from sem_plugins.training.examples import Example, alone
from sem_plugins.training.heads import HEADS
from sem_plugins.training.measure import calibrate, danger, elsewhere, reading
from sem_plugins.training.measure.calibrate import (
    best_cause_threshold,
    cause_calibration,
    cause_pairs,
    strategy_offsets,
)
from sem_plugins.training.measure.reading import SETS, ReadSet, ValidParts
from sem_plugins.training.sets import imhi, risk
from sem_plugins.weights import SHIPPED, TOKENIZER, load_manifest
from sem_plugins.window import WindowMaker
from tests.sem_plugins.tiny_sets import ROWS, write_sets

MAKER = WindowMaker(Tokenizer.from_file(str(SHIPPED / TOKENIZER)), 160)

TALK = (
    Message("seeker", "I lost my job"),
    Message("supporter", "When was that?", "question"),
    Message("seeker", "On Monday."),
)
"""Marks at 2, 7 and 13; the last message's tokens are 14, 15 and 16, and there are 18."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_sets(tmp_path)


def read_set(*pairs: tuple[Example, dict[str, Any]], maker: WindowMaker = MAKER) -> ReadSet:
    """Examples with chosen outputs."""
    return ReadSet(
        [example for example, _ in pairs],
        [Encoded(maker(example.messages), outputs) for example, outputs in pairs],
    )


def column(size: int, **values: float) -> np.ndarray[Any, Any]:
    """One number per token, 0 but where a position (`at_3`) has another."""
    numbers = np.zeros((size, 1), np.float32)
    for name, value in values.items():
        numbers[int(name.removeprefix("at_")), 0] = value
    return numbers


# Sets


def test_that_a_set_gives_outputs_targets_and_groups_in_the_order_of_its_examples():
    found = read_set(
        (alone("One.", "a", felt=np.array([0.25, 0.5])), {"felt": np.array([1, 2], np.float32)}),
        (alone("Two.", "b", felt=np.array([0.75, 1.0])), {"felt": np.array([3, 4], np.float32)}),
    )
    assert found.outputs("felt").tolist() == [[1, 2], [3, 4]]
    assert found.targets("felt").tolist() == [[0.25, 0.5], [0.75, 1.0]]
    assert found.groups.tolist() == ["a", "b"]


def test_that_labels_of_a_set_are_whole_numbers():
    found = read_set((alone("One.", emotion=3), {}), (alone("Two.", emotion=0), {}))
    assert found.labels("emotion").tolist() == [3, 0]
    assert found.labels("emotion").dtype == np.intp


def test_that_of_masked_supporters_neither_words_nor_strategies_are_left(folder: Path):
    whole, masked = SETS["strategies"](folder), SETS["strategies, seekers only"](folder)
    assert any(message.role == "supporter" for example in whole for message in example.messages)
    for one, other in zip(whole, masked, strict=True):
        assert other.targets == one.targets
        assert other.group == one.group
        assert all(message.role == "seeker" and message.strategy is None for message in other.messages)
        spoken = tuple(message for message in one.messages if message.role == "seeker")
        assert other.messages == (spoken or (Message("seeker", ""),))


def test_that_a_supporter_who_has_spoken_alone_so_far_is_masked_too(folder: Path):
    _, second, *_ = SETS["strategies, seekers only"](folder)  # two supporter turns stand at the beginning
    assert second.messages == (Message("seeker", ""),)


def test_that_an_everyday_message_is_read_after_everything_before_it(folder: Path):
    found = [example for example in SETS["seekers of ESConv"](folder) if example.group == "every"]
    said = [turn["text"] for turn in ROWS["esconv/valid.jsonl"][1]["turns"]]
    assert [example.text for example in found] == said[::2]
    assert [message.text for message in found[2].messages] == said[:5]


def test_that_a_live_dialogue_ends_with_a_message_of_the_seeker_and_is_the_same_every_time(folder: Path):
    found = SETS["live"](folder)
    assert len(found) == len(ROWS["empathetic_dialogues/valid.jsonl"])
    assert all(example.messages[-1].role == "seeker" for example in found)
    assert [example.messages for example in SETS["live"](folder)] == [example.messages for example in found]


@pytest.mark.parametrize("name", SETS)
def test_that_every_set_is_of_the_valid_parts_or_held_out(folder: Path, name: str):
    for path in folder.glob("*/train.jsonl"):
        if path.parent.name != "goemotions":
            path.unlink()
    assert SETS[name](folder)


class CountingEncoder:
    """Gives the length of the text for every head, and keeps what it was asked."""

    asked: list[str]

    def __init__(self, manifest: object, *, threads: int) -> None:
        self.asked = []
        self._lock = threading.Lock()
        assert threads == 1  # as many passes as cores run at a time

    def read(self, messages: Sequence[Message]) -> Encoded:
        with self._lock:
            self.asked.append(messages[-1].text)
        length = np.array([len(messages[-1].text)], np.float32)
        return Encoded(MAKER(messages), dict.fromkeys(OF_HEADS, length))


def test_that_a_set_is_read_in_order_and_only_once(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading, "Encoder", CountingEncoder)
    parts = ValidParts(folder, load_manifest(), progress=False)
    found = parts["situations"]
    situations = [row["situation"] for row in ROWS["empathetic_dialogues/valid.jsonl"]]
    assert found.outputs("emotion")[:, 0].tolist() == [len(text) for text in situations]
    assert parts["situations"] is found
    assert sorted(parts._encoder.asked) == sorted(situations)


# Causes


def test_that_there_is_a_pair_for_every_utterance_up_to_the_one_that_is_read():
    causes = Example(TALK, {"cause": np.array([1.0, 0.0, 1.0])}, "one")
    later = Example(TALK[:1], {"cause": np.array([0.0])}, "other")
    found = read_set(
        (causes, {"cause": column(18, at_2=1.5, at_7=-2, at_13=0.5, at_3=9)}),
        (later, {"cause": column(8, at_2=-1)}),
    )
    logits, truth, distance, groups = cause_pairs(found)
    assert logits.tolist() == [1.5, -2, 0.5, -1]  # at the speaker marks
    assert truth.tolist() == [True, False, True, False]
    assert distance.tolist() == [2, 1, 0, 0]
    assert groups.tolist() == ["one", "one", "one", "other"]


def test_that_an_utterance_that_did_not_fit_is_told_to_be_no_cause():
    maker = WindowMaker(Tokenizer.from_file(str(SHIPPED / TOKENIZER)), 14)
    example = Example(TALK, {"cause": np.array([1.0, 0.0, 0.0])}, "one")
    found = read_set((example, {"cause": column(14, at_2=3)}), maker=maker)
    assert found.encoded[0].window.dropped == 1
    logits, truth, *_ = cause_pairs(found)
    assert sigmoid(logits)[0] < 1e-6
    assert logits[1] == 3
    assert truth.tolist() == [True, False, False]


def test_that_the_threshold_of_causes_parts_what_is_one_from_what_is_none():
    probabilities = np.array([0.1, 0.3, 0.42, 0.45, 0.6, 0.9])
    truth = np.array([False, False, False, True, True, True])
    assert 0.42 < best_cause_threshold(probabilities, truth) <= 0.45


# Strategies


def skewed(rows: int = 4000, *, seed: int = 3) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Eight strategies, the first of them half of all; logits that know something and prefer the frequent."""
    rng = np.random.default_rng(seed)
    prior = np.array([0.5, 0.2, 0.1, *[0.04] * 5])
    truth = rng.choice(8, size=rows, p=prior)
    logits = rng.normal(0, 1, (rows, 8)) + np.log(prior)
    logits[np.arange(rows), truth] += 1.5
    return logits, truth


def judged(logits: np.ndarray[Any, Any], truth: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Macro-F1 and preference bias."""
    predicted = logits.argmax(axis=1)
    return scores.macro_f1(predicted, truth, 8), scores.preference_bias(scores.confusion(predicted, truth, 8))


def test_that_offsets_take_away_the_preference_for_frequent_strategies_and_raise_macro_f1():
    logits, truth = skewed()
    offsets = strategy_offsets(logits, truth)
    plain, adjusted = judged(logits, truth), judged(logits + offsets, truth)
    assert plain[1] > 0.3 >= adjusted[1]
    assert adjusted[0] > plain[0]
    assert offsets.argmin() == 0


def test_that_where_no_offsets_are_fair_enough_the_fairest_are_taken():
    logits, truth = skewed()
    strict, lax = (strategy_offsets(logits, truth, most_bias=bias) for bias in (0.0, 0.3))
    assert judged(logits + strict, truth)[1] <= judged(logits + lax, truth)[1]


def test_that_a_head_that_answers_everything_alike_gets_offsets_all_the_same():
    _, truth = skewed()
    logits = np.tile(np.linspace(20, -20, 8), (len(truth), 1))
    assert np.isfinite(strategy_offsets(logits, truth)).all()


def test_that_a_strategy_that_never_occurs_gets_a_finite_offset():
    logits, truth = skewed()
    assert np.isfinite(strategy_offsets(logits[truth < 7], truth[truth < 7])).all()


def test_that_strategies_are_calibrated_with_their_offsets():
    logits, truth = skewed(800)
    found = read_set(
        *((alone("Hm.", strategy=int(label)), {"strategy": row}) for row, label in zip(logits, truth, strict=True))
    )
    made = calibrate._strategy(found)
    assert made["offsets"] == strategy_offsets(logits, truth).round(4).tolist()
    assert len(made["offsets"]) == len(ESCONV)
    assert made["smoothing"] == HEADS["strategy"].smoothing
    assert 0.3 < made["temperature"] < 4


def test_that_causes_are_calibrated_by_their_distance():
    pytest.importorskip("sklearn", reason="causes are calibrated with the `train` extra")
    rng = np.random.default_rng(3)
    distance = rng.integers(0, 9, 4000)
    logits = rng.normal(0, 2, 4000)
    truth = rng.random(4000) < sigmoid(0.5 * logits + np.where(distance < 2, 1.0, -2.0))
    made = cause_calibration(logits, truth, distance)
    assert made["temperature"] == pytest.approx(2, rel=0.2)
    assert made["by_distance"] == pytest.approx([2, 2, -4, -4, -4], abs=0.9)
    [threshold] = made["thresholds"]
    assert 0.2 <= threshold <= 0.7


def test_that_a_cause_head_that_is_wrong_throughout_is_flattened_and_not_turned_round():
    pytest.importorskip("sklearn", reason="causes are calibrated with the `train` extra")
    rng = np.random.default_rng(4)
    logits = rng.normal(0, 2, 500)
    made = cause_calibration(logits, logits < 0, rng.integers(0, 5, 500))
    assert made["temperature"] == 10


# Thresholds


def benign_parts(
    logits: Callable[[np.random.Generator], np.ndarray[Any, Any]], rows: int = 1500
) -> dict[str, ReadSet]:
    """Everyday messages with chosen outputs of `risk`, and no statement of risk at all."""
    rng = np.random.default_rng(2)
    return {
        name: read_set(*((alone("The bread is sold out."), {"risk": logits(rng)}) for _ in range(rows)))
        for name in ("live", "comments", "seekers of ESConv")
    }


def alarms(parts: dict[str, ReadSet], thresholds: Sequence[float]) -> float:
    """Share of the messages that reach ideation or more, as the plugin counts it."""
    outputs = np.vstack([part.outputs("risk") for part in parts.values()])
    ladders = np.minimum.accumulate(sigmoid(outputs).reshape(-1, 2, 4), axis=2)
    reached = np.logical_and.accumulate(ladders >= np.reshape(thresholds, (2, 4)), axis=2).sum(axis=2)
    return float((reached.max(axis=1) >= LADDER.index("ideation")).mean())


def test_that_thresholds_of_risk_come_from_benign_messages_alone():
    parts = benign_parts(lambda rng: rng.normal(0, 2, 8))
    thresholds = calibrate._risk(parts)["thresholds"]
    assert 0 < alarms(parts, thresholds) <= calibrate.FALSE_ALARMS
    assert alarms(parts, [0.5] * 8) > 10 * calibrate.FALSE_ALARMS


def test_that_a_head_that_is_sure_of_benign_messages_raises_no_more_alarms_for_it():
    parts = benign_parts(lambda rng: rng.normal(-14, 1, 8))
    thresholds = calibrate._risk(parts)["thresholds"]
    assert min(thresholds) > 0
    assert alarms(parts, thresholds) <= calibrate.FALSE_ALARMS


def test_that_no_step_of_a_ladder_is_reached_more_easily_than_ideation():
    thresholds = calibrate._risk(benign_parts(lambda rng: rng.normal(1, 2, 8)))["thresholds"]
    for _, ideation, plan, acute in (thresholds[:4], thresholds[4:]):
        assert ideation <= plan
        assert plan == acute


def test_that_thresholds_of_expression_come_from_the_held_out_comments_alone():
    rng = np.random.default_rng(5)
    pairs = []
    for _ in range(300):
        holds = (rng.random(28) < 0.3).astype(float)
        pairs.append((alone("Hm.", expression=holds), {"expression": np.where(holds, 3.0, -3.0)}))
    thresholds = np.array(calibrate._expression({"held-out comments": read_set(*pairs)})["thresholds"])
    low, high = sigmoid(np.array([-3.0, 3.0]))
    assert ((thresholds > low) & (thresholds < high)).all()


def test_that_the_promise_of_prediction_sets_is_made_for_what_an_agent_reads():
    rng = np.random.default_rng(6)

    def read(rows: int) -> ReadSet:
        labels = rng.integers(0, 32, rows)
        return read_set(
            *(
                (alone("Hm.", emotion=int(n)), {"emotion": 2 * np.eye(32)[n] + rng.normal(0, 1, 32)})
                for n in labels
            )
        )

    made = calibrate._emotion({"situations": read(40), "seeker-turns": read(50), "live": read(60)})
    assert made["conformal"]["n"] == 60
    assert made["conformal"]["coverage"] == 0.9


# Danger


def test_that_the_floor_of_danger_is_what_the_rules_alone_find():
    statements = risk.statements("valid")
    benign = [alone("The bread is sold out.", "a"), alone("I bought a bicycle.", "b")]
    sets = {"statements": statements, "live": benign, "comments": benign, "seekers of ESConv": benign}
    parts: Any = SimpleNamespace(examples=sets.__getitem__)
    figures = danger.danger_floors(parts)["rules alone"]
    explicit = [e for e in statements if e.group == "explicit" and e.targets["risk"][[1, 5]].any()]
    found = [LADDER.index(read_rules(e.text).level) >= LADDER.index("ideation") for e in explicit]
    assert figures["explicit_recall"].value == pytest.approx(np.mean(found))
    assert figures["explicit_recall"].n == len(explicit)
    assert figures["goemotions_alarms"].value == 0
    assert 0 < figures["recall"].value < 1


# Figures of spans and words


@pytest.mark.train
def risky(step: int, high: float) -> dict[str, Any]:
    """Outputs of `risk`: certain up to below `step` for self, then `high`."""
    row = np.full(8, -9.0)
    row[: step - 1], row[step - 1] = 9.0, high
    return {"risk": row}


def test_that_a_post_is_ranked_by_its_most_alarming_piece():
    pytest.importorskip("sklearn", reason="areas are computed with the `train` extra")
    head = load_manifest().heads["risk"]

    def piece(name: str, answer: int, outputs: dict[str, Any], task: str = "loneliness"):
        return alone("Well.", name, task=imhi.TASKS.index(task), answer=answer), outputs

    quiet, loud = risky(1, -3), risky(1, 3)
    pairs = [
        piece(f"{task} {name}", answer, outputs, task)
        for task in imhi.TASKS
        for name, answer, outputs in (("yes", 1, quiet), ("yes", 1, loud), ("no", 0, quiet), ("no", 0, quiet))
    ]
    figures = elsewhere.posts({"posts": read_set(*pairs)}, head)
    assert figures["loneliness_auc"].value == figures["depression_auc"].value == 1
    assert figures["loneliness_auc"].n == 2
    # What is at most distress says nothing of ideation: alike for yes and no.
    assert figures["perceived_burdensomeness_auc"].value == 0.5


def test_that_stress_is_ranked_by_distress():
    pytest.importorskip("sklearn", reason="areas are computed with the `train` extra")
    levels = {label: np.array([label, *[np.nan] * 7]) for label in (0.0, 1.0)}
    pairs = [(alone("Well.", str(n), risk=levels[n % 2]), risky(1, 3 if n % 2 else -3)) for n in range(6)]
    figures = elsewhere.stress({"segments": read_set(*pairs)}, load_manifest().heads["risk"])
    assert figures["stress_auc"].value == 1


def test_that_questions_to_therapists_are_counted_by_the_level_they_are_read_at():
    class Unread:
        """Parts of which nothing is read by the whole encoder: the plugin reads for itself."""

        def examples(self, name: str) -> list[Example]:
            assert name == "questions"
            texts = ["The bread is sold out."] * 2 + ["I want to end my life tonight."]
            return [alone(text, group) for text, group in zip(texts, ("one", "two", "two"), strict=True)]

    figures = elsewhere.alarms_of_questions(Unread(), load_manifest())
    assert figures["read_as_distress"].value == figures["read_as_ideation"].value == 0.5  # the rules see the third


def test_that_danger_is_the_likelier_of_harm_to_self_and_to_others():
    rows = np.zeros((3, 8))
    rows[0, :2], rows[1, 4:6], rows[2, 0] = 0.9, 0.7, 0.9
    assert risk.danger(rows).tolist() == [0.9, 0.7, 0]


def test_that_the_f1_of_evidence_is_over_the_tokens_of_the_messages_that_are_read():
    pytest.importorskip("sklearn", reason="the floors beside it need the `train` extra")
    from sem_plugins.training.measure.dialogue import evidence_f1

    talk = Example(TALK, {"evidence": (((3, 9),),)}, "one")  # "Monday"
    short = alone("On Monday.", "other", evidence=((),))
    found = read_set(
        # Before the message and at its mark nothing counts; in it, one token is right and one too many.
        (talk, {"evidence": np.where(np.isin(np.arange(18), (3, 13, 14, 15))[:, None], 2.0, -2.0)}),
        (short, {"evidence": np.full((7, 1), -2.0)}),
    )
    assert evidence_f1(found, "evidence").value == pytest.approx(2 * 1 / (2 + 1))
    assert evidence_f1(found, "evidence", threshold=0.99).value == 0


@pytest.mark.train
def test_that_a_causal_span_counts_only_where_its_words_are_found():
    pytest.importorskip("sklearn", reason="the floors beside it need the `train` extra")
    from sem_plugins.training.measure.dialogue import spans

    right, wrong = np.zeros((18, 2)), np.zeros((18, 2))
    right[[4, 6], [0, 1]] = 9  # "lost my job"
    wrong[[3, 3], [0, 1]] = 9
    example = Example(TALK, {"span": {0: (2, 13)}}, "one")
    other = Example(TALK, {"span": {0: (2, 13)}}, "other")
    found: Any = {"causes": read_set((example, {"span": right}), (other, {"span": wrong}))}
    figures, floor = spans(found)
    assert figures["exact_match"].value == 0.5
    assert floor["whole utterance"]["exact_match"].value == 0
    assert floor["whole utterance"]["token_f1"].value == pytest.approx(2 * 3 / (3 + 4))


@pytest.mark.train
@pytest.mark.parametrize(("value", "missed"), [(0.5, 0.1), (0.6, 0), (0.7, 0)])
def test_that_an_aim_says_by_how_much_it_is_missed(value: float, missed: float):
    pytest.importorskip("sklearn", reason="the floors beside it need the `train` extra")
    from sem_plugins.training.measure.tasks import Aim

    assert Aim(least=0.6).missed_by(value) == pytest.approx(missed)
    assert Aim(most=1 - 0.6).missed_by(1 - value) == pytest.approx(missed)
