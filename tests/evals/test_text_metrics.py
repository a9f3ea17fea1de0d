from __future__ import annotations

import doctest
import subprocess
import sys

import numpy as np
import pytest

from agent.errors import DataError
from evals.text import metrics
from evals.text.cider import cider
from evals.text.metrics import METRICS, CorpusMetric, RowMetric, measures

REPLIES = ["That sounds so very hard.", None, "", "Have you told your sister about it?"]
REFERENCES = [
    "That sounds so very hard.",
    "I see.",
    "What would help you now?",
    "Did you talk to your sister about it?",
]
DIALOGUES = ["a", "a", "b", "b"]

LIGHT = {name: METRICS[name] for name in ("cider", "distinct_1", "distinct_1_per_reply")}


@pytest.fixture
def evals_extra():
    for library in ("sacrebleu", "rouge_score", "nltk"):
        pytest.importorskip(library, reason="BLEU, ROUGE and METEOR need the `evals` extra")


def test_that_the_example_of_the_docstring_holds():
    assert doctest.testmod(metrics) == (0, 2)


def test_that_importing_the_metrics_needs_no_extra():
    code = "import evals.text.metrics, sys; print(*sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not set(printed.split()) & {"sacrebleu", "rouge_score", "nltk", "torch", "sklearn"}


def test_that_the_names_are_those_of_the_table():
    assert list(METRICS) == [
        *("bleu_1", "bleu_2", "bleu_3", "bleu_4", "sentence_bleu_2"),
        *("rouge_l", "meteor_exact_stem", "cider"),
        *("distinct_1", "distinct_2", "distinct_3", "distinct_1_per_reply"),
    ]


@pytest.mark.usefixtures("evals_extra")
@pytest.mark.parametrize("name", METRICS)
def test_that_identical_replies_come_to_the_best_value(name):
    texts = ["That sounds so very hard.", "What could help you right now?"]
    metric = METRICS[name]
    if isinstance(metric, CorpusMetric):
        assert metric.figure(texts, texts) == pytest.approx(metric.best, abs=0.1)  # "." comes twice
    else:
        assert metric.figure(metric.rows(texts, texts)) == pytest.approx(metric.best, rel=0.01)


@pytest.mark.usefixtures("evals_extra")
@pytest.mark.parametrize("name", METRICS)
def test_that_a_turn_without_reply_is_left_out(name):
    metric = METRICS[name]
    kept = [0, 2, 3]
    replies, references = [REPLIES[row] for row in kept], [REFERENCES[row] for row in kept]
    if isinstance(metric, CorpusMetric):
        assert metric.figure(REPLIES, REFERENCES) == metric.figure(replies, references)
        return
    rows = metric.rows(REPLIES, REFERENCES)
    assert np.isnan(rows[1]).all()
    assert np.isfinite(rows[kept]).all()
    assert metric.figure(rows) == metric.figure(rows[kept])
    if name != "cider":  # rarity is that of all references
        assert (rows[kept] == metric.rows(replies, references)).all()


@pytest.mark.usefixtures("evals_extra")
@pytest.mark.parametrize("name", METRICS)
def test_that_nothing_but_empty_replies_comes_to_0(name):
    metric = METRICS[name]
    if isinstance(metric, CorpusMetric):
        assert metric.figure(["", ""], ["I see", "I do"]) == 0
    else:
        assert metric.figure(metric.rows(["", ""], ["I see", "I do"])) == 0


@pytest.mark.usefixtures("evals_extra")
def test_that_every_metric_has_a_signature_of_its_own():
    signatures = {metric.signature() for metric in METRICS.values()}
    assert len(signatures) == len(METRICS)


@pytest.mark.usefixtures("evals_extra")
def test_that_all_metrics_are_measured_by_default():
    found = measures(REPLIES, REFERENCES, dialogues=DIALOGUES)
    assert list(found) == list(METRICS)
    bleu = found["bleu_2"].estimate()
    assert bleu.low <= bleu.value <= bleu.high


@pytest.mark.usefixtures("evals_extra")
def test_that_percentages_become_shares():
    texts = ["That sounds so very hard.", "What could help you right now?"]
    found = measures(texts, texts, dialogues=["a", "b"])
    assert found["bleu_4"].value() == pytest.approx(1)
    assert found["cider"].value() == pytest.approx(10, rel=0.01)


def test_that_replies_are_counted():
    found = measures(REPLIES, REFERENCES, dialogues=DIALOGUES, metrics=LIGHT)
    assert {len(one.groups) for one in found.values()} == {3}
    assert found["cider"].estimate().n == 3


def test_that_a_figure_is_the_mean_of_what_is_scored():
    found = measures(REPLIES, REFERENCES, dialogues=DIALOGUES, metrics=LIGHT)["cider"]
    assert found.value() == pytest.approx(cider(REPLIES, REFERENCES)[[0, 2, 3]].mean())
    assert found.version == METRICS["cider"].signature()


def test_that_a_figure_of_the_run_has_no_interval():
    found = measures(REPLIES, REFERENCES, dialogues=DIALOGUES, metrics=LIGHT)["distinct_1"].estimate()
    assert np.isnan([found.low, found.high]).all()


def test_that_dialogues_are_drawn_whole():
    # Each dialogue has a 1 and a 0: whole ones always come to a half.
    halves = RowMetric(rows=lambda replies, _: np.array([float(reply == "a") for reply in replies]), signature=str)
    found = measures(["a", "b"] * 4, ["c"] * 8, dialogues=[0, 0, 1, 1, 2, 2, 3, 3], metrics={"halves": halves})
    halved = found["halves"].estimate()
    assert (halved.low, halved.high) == (0.5, 0.5)


def test_that_shared_rows_are_computed_once():
    calls = []

    def rows(replies, references):
        calls.append(replies)
        return np.ones(len(replies))

    both = {name: RowMetric(rows=rows, signature=str) for name in ("one", "other")}
    measures(REPLIES, REFERENCES, dialogues=DIALOGUES, metrics=both)
    assert len(calls) == 1


def test_that_dialogues_of_another_number_are_refused():
    with pytest.raises(DataError, match="2 dialogues for 4 replies"):
        measures(REPLIES, REFERENCES, dialogues=["a", "b"], metrics=LIGHT)
