"""`heartline eval read-replies`: what the encoder says of a finished run's replies."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from agent.errors import DataError
from agent.settings import load_settings
from agent.turn import Message
from evals.command import app
from evals.compare import compare
from evals.read_replies import read_replies
from evals.result import Result, read_result, write_result
from evals.run import EncoderKit, evaluate
from evals.task import Sample
from evals.text.reader import Exchange, ReplyReader, exchanges, read_measures
from sem_plugins.encoder import VECTORS, Encoder
from sem_plugins.language import in_other_language, is_readable
from sem_plugins.weights import load_manifest
from tests.evals.small_sets import small_sets, task

# Words that the stand-in knows, with a vector each; the first number is also the valence of a text.
pytestmark = pytest.mark.usefixtures("few_draws")

WORDS = {"rain": (-0.53, 1.0), "sun": (0.53, 1.0), "roof": (0.0, 1.0), "door": (0.265, 0.0)}


class StandIn:
    """In the place of the encoder: texts are words of `WORDS`, a pair has chosen levels of empathy."""

    def __init__(self, levels: tuple[int, int, int] = (2, 0, 1)) -> None:
        self.levels = levels

    def read_turn(self, turn):
        vectors = np.array([WORDS[word] for word in turn.text.split()])
        return self._encoded({"affect": np.array([vectors[:, 0].mean(), 0, 0]), VECTORS: vectors})

    def read(self, messages):
        assert [message.role for message in messages] == ["seeker", "supporter"]
        return self._encoded({"empathy": np.eye(3)[list(self.levels)].ravel()})

    def _encoded(self, outputs):
        class Window:
            def tokens_of(self, utterance):
                assert utterance == 0
                return slice(None)

        class Found:
            window = Window()

        Found.outputs = outputs
        return Found


def row(exchange: Exchange, reply: str | None, *, compared: bool = True):
    return ReplyReader(StandIn())(exchange, reply, compared=compared)


# One reply


def test_that_levels_of_empathy_are_the_likeliest():
    found = row(Exchange("rain", "roof", 1, None), "sun")
    assert [found[f"empathy_{name}"] for name in ("emotional_reactions", "interpretations", "explorations")] == [
        2,
        0,
        1,
    ]


def test_that_ces_is_the_gain_in_positive_level_weighed_by_the_turn():
    # "rain" has the valence -1 and the level 0, "roof" 0 and 1/2, "sun" 1 and 1.
    assert row(Exchange("rain", "roof", 1, None), "roof")["ces"] == pytest.approx(
        math.cos(math.pi / 20) / 2, abs=1e-6
    )
    assert row(Exchange("sun", "roof", 5, None), "rain")["ces"] == pytest.approx(-math.cos(math.pi / 4), abs=1e-6)


def test_that_tes_is_nearness_to_the_next_message_weighed_by_the_turn():
    # Levels 1/2 and 1: cos(pi / 4).
    found = row(Exchange("rain", "roof", 5, "sun"), "roof")
    assert found["tes"] == pytest.approx(math.cos(math.pi / 4) ** 2, abs=1e-6)


def test_that_positive_levels_end_with_the_tenth_turn_and_nearness_with_the_last_message():
    assert row(Exchange("rain", "roof", 10, "sun"), "sun")["ces"] == 0
    assert not {"ces", "tes"} & row(Exchange("rain", "roof", 11, "sun"), "sun").keys()
    assert "tes" not in row(Exchange("rain", "roof", 1, None), "sun")


def test_that_coherence_is_with_the_message_and_likeness_with_the_reference():
    found = row(Exchange("door", "roof", 1, None), "roof")
    assert found["coherence"] == 0
    assert found["bertscore_f1"] == found["embedding_extrema"] == 1


def test_that_likeness_is_left_out_where_the_reply_is_the_reference():
    assert (
        not {"bertscore_f1", "embedding_extrema"}
        & row(Exchange("rain", "sun", 1, None), "sun", compared=False).keys()
    )


@pytest.mark.parametrize("reply", [None, "", " ", "Das tut mir sehr leid, ich höre dir gerne zu."])
def test_that_what_is_missing_blank_or_in_another_language_is_not_read(reply):
    assert row(Exchange("rain", "roof", 1, "sun"), reply) == {}


# Where replies stand


def test_that_turns_are_counted_and_what_comes_later_is_found_within_a_dialogue():
    def sample(group: str, *said: str) -> Sample:
        roles = ("seeker", "supporter")
        messages = tuple(Message(roles[place % 2], text) for place, text in enumerate(said))
        return Sample(f"{group} {len(said)}", group, messages, {}, "Go on.")

    found = exchanges([sample("a", "One."), sample("a", "One.", "Go on.", "Two."), sample("b", "Other.")])
    assert found == [
        Exchange("One.", "Go on.", 1, "Two."),
        Exchange("Two.", "Go on.", 2, None),
        Exchange("Other.", "Go on.", 1, None),
    ]


# Figures


def test_that_unread_replies_are_counted_and_left_out_of_means():
    rows = [{"empathy_explorations": 2}, {}, {"empathy_explorations": 0}, {"empathy_explorations": 1}]
    found = read_measures(rows, ["a", "a", "b", "b"])
    assert found["unread_replies"].value() == 1 / 4
    assert found["empathy_explorations"].value() == 1
    assert found["empathy_explorations_shown"].value() == pytest.approx(2 / 3)
    assert "bertscore_f1" not in found


@pytest.mark.parametrize(
    ("message", "reply", "other"),
    [
        ("My roof leaks since the storm.", "Das tut mir sehr leid, ich höre dir gerne zu.", True),
        ("Mein Dach ist seit dem Sturm nicht mehr dicht.", "I am sorry, that sounds hard for you.", True),
        ("My roof leaks since the storm.", "I am sorry, that sounds hard for you.", False),
        ("Mein Dach ist seit dem Sturm nicht mehr dicht.", "Das tut mir sehr leid, ich höre dir zu.", False),
        ("My roof leaks since the storm.", "Hm.", False),
        ("My roof leaks since the storm.", "", False),
    ],
)
def test_that_a_reply_in_another_language_than_the_message_is_noticed(message, reply, other):
    assert in_other_language(message, reply) is other


def test_that_blank_text_and_other_languages_are_not_readable():
    assert is_readable("I hear you.")
    assert not is_readable(" ")
    assert not is_readable("Das tut mir sehr leid, ich höre dir gerne zu.")


# The shipped encoder and a finished run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_sets(tmp_path_factory.mktemp("sets"))


@pytest.fixture(scope="module")
def run(folder: Path) -> Result:
    for library in ("sacrebleu", "rouge_score", "nltk"):
        pytest.importorskip(library, reason="metrics of replies need the `evals` extra")
    kit = EncoderKit(load_settings(), progress=False)
    [result] = evaluate(task("esconv/response"), folder, "valid", kit=kit, systems=["offline"])
    return result


def read(run: Result, folder: Path) -> Result:
    return read_replies(task("esconv/response"), run, folder, manifest=load_manifest(), progress=False)


def test_that_a_sympathetic_question_shows_more_empathy_than_a_report():
    reader = ReplyReader(Encoder(load_manifest(), threads=1, inner=[VECTORS]))
    where = Exchange("My roof leaks and nobody comes.", "Oh dear, how long has it leaked?", 1, None)
    warm = reader(where, "I am so sorry to hear that. How long has it leaked?", compared=True)
    cold = reader(where, "The shop opens at nine.", compared=True)
    assert warm["empathy_emotional_reactions"] > cold["empathy_emotional_reactions"]
    assert warm["empathy_explorations"] > cold["empathy_explorations"]
    assert warm["bertscore_f1"] > cold["bertscore_f1"]


def test_that_reading_adds_figures_of_the_run_and_of_each_floor_and_keeps_the_others(run: Result, folder: Path):
    found = read(run, folder)
    assert run.metrics.items() <= found.metrics.items()
    added = found.metrics.keys() - run.metrics.keys()
    assert {"empathy_explorations_shown", "ces", "tes", "coherence", "bertscore_f1", "embedding_extrema"} <= added
    assert found.floors["echo"]["coherence"]["value"] == pytest.approx(1)
    assert "bertscore_f1" in found.floors["fixed reply"]
    assert {"coherence", "empathy_explorations"} <= found.floors["people"].keys()
    assert not {"bertscore_f1", "bleu_2"} & found.floors["people"].keys()
    assert found.metrics["coherence"]["n"] == 16
    assert found.metrics["tes"]["n"] == 8  # each talk has one more message of the seeker


def test_that_the_signature_names_weights_and_layer(run: Result, folder: Path):
    stated = read(run, folder).signature["metric_versions"]["bertscore_f1"]
    assert load_manifest().id in stated
    assert "layer:4 of 6, shared" in stated


def test_that_read_runs_are_compared_without_reading_again(run: Result, folder: Path, tmp_path: Path):
    write_result(tmp_path / "read.json", read(run, folder))
    again = read_result(tmp_path / "read.json")
    found = task("esconv/response")
    differences = {one.metric: one for one in compare(found, again, again, samples=found.samples(folder, "valid"))}
    assert differences["coherence"].first == pytest.approx(again.metrics["coherence"]["value"], abs=1e-6)


def test_that_replies_in_another_language_are_unscored_and_counted(run: Result, folder: Path):
    german = {"reply": "Das tut mir sehr leid, ich höre dir gerne zu.", "strategy": None}
    samples = [row | ({"answer": german} if place < 4 else {}) for place, row in enumerate(run.samples)]
    samples[4] = samples[4] | {"answer": None}
    found = read(replace(run, samples=samples), folder)
    assert found.metrics["unread_replies"]["value"] == pytest.approx(4 / 15, abs=1e-6)
    assert (found.metrics["coherence"]["n"], found.metrics["coherence"]["unscored"]) == (11, 5)
    assert found.samples[4]["answer"] is None


def test_that_other_data_than_those_of_the_run_are_refused(run: Result, folder: Path):
    with pytest.raises(DataError, match="its SHA-256 differs"):
        read(replace(run, signature={**run.signature, "data_sha256": "0"}), folder)


def test_that_a_run_without_replies_is_refused(run: Result, folder: Path):
    without = replace(run, samples=[row | {"answer": {"strategy": "question"}} for row in run.samples])
    with pytest.raises(DataError, match="hold no replies"):
        read(without, folder)


def test_that_the_command_writes_what_it_prints(run: Result, folder: Path, tmp_path: Path):
    write_result(tmp_path / "run.json", run)
    done = CliRunner().invoke(
        app,
        ["read-replies", str(tmp_path / "run.json"), "--out", str(tmp_path / "read.json"), "--data", str(folder)],
    )
    assert done.exit_code == 0, done.output
    assert "embedding_extrema" in done.output
    assert "ces" in json.loads((tmp_path / "read.json").read_text(encoding="utf-8"))["metrics"]
