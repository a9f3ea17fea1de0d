# ruff: noqa: E402 - modules of the `train` extra are imported where it is there
"""What the tracker learns: transitions that were put in are found again; the command writes a file that loads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the `train` extra")

from agent.errors import DataError
from sem_plugins.ontology import MELD
from sem_plugins.tracker.dynamics import from_section, softmax
from sem_plugins.tracker.motion import from_section as motion_of
from sem_plugins.training.chains import chains
from sem_plugins.training.dynamics import Taken, fit_dynamics
from sem_plugins.training.follow import Reader, learn
from sem_plugins.weights import load_manifest
from tests.evals.small_sets import small_sets
from tests.sem_plugins.tiny_sets import support, write_sets

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("one_thread")]

K = len(MELD)


def talks(n: int, *, stays: float, seed: int = 3) -> tuple[list[list[str]], np.ndarray]:
    """Dialogues of two, in each of which both keep an emotion of their own with probability `stays`."""
    rng = np.random.default_rng(seed)
    labels: list[int] = []
    for _ in range(n):
        last = {"A": int(rng.integers(K)), "B": int(rng.integers(K))}
        for place in range(12):
            speaker = "AB"[place % 2]
            if rng.random() > stays:
                last[speaker] = int(rng.integers(K))
            labels.append(last[speaker])
    return [["A", "B"] * 6] * n, np.eye(K)[labels]


def test_that_who_keeps_their_emotion_is_expected_to_and_the_other_does_not_count():
    speakers, shown = talks(150, stays=0.9)
    rows = chains(speakers, shown)
    found = from_section(MELD, fit_dynamics(rows, shown[rows.place]))
    joy, anger = np.eye(K)[MELD.index("joy")], np.eye(K)[MELD.index("anger")]
    expected = softmax(found.logits(joy, 2, anger, 1, 0.5 * (joy + anger)))
    assert MELD.labels[int(expected.argmax())] == "joy"
    assert expected.max() > 0.6


def test_that_what_a_strategy_goes_along_with_is_found_and_differences_alone_count():
    speakers, shown = talks(150, stays=0.5)
    rows = chains(speakers, shown)
    rng = np.random.default_rng(8)
    shares = np.eye(2)[rng.integers(2, size=len(rows.place))]
    glad = softmax(np.log(np.full((len(shares), K), 1 / K)) + 2.0 * shares[:, :1] * np.eye(K)[MELD.index("joy")])
    found = fit_dynamics(rows, glad, taken=Taken(["cheer", "wait"], shares))
    lifted = found["strategies"]["cheer"][MELD.index("joy")]
    assert lifted > 0.5
    assert np.array([*found["strategies"].values()]).sum(axis=0) == pytest.approx(0, abs=1e-9)


def test_that_chains_say_who_showed_what_before():
    shown = np.eye(K)[[0, 1, 2, 3]]
    rows = chains([["A", "B", "B", "A"]], shown)
    assert rows.place.tolist() == [1, 2, 3]
    assert rows.spoken.tolist() == [0, 1, 1]
    assert rows.since.tolist() == [0, 1, 3]
    assert rows.run.tolist() == [1, 0, 2]
    assert rows.own[2].tolist() == shown[0].tolist()
    assert rows.other[2].tolist() == shown[2].tolist()
    assert rows.climate[0].tolist() == shown[0].tolist()


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """It keeps what it read for the next test."""
    return Reader(load_manifest(), tmp_path_factory.mktemp("read"), progress=False)


def test_that_the_command_s_file_loads_and_a_second_run_reads_nothing(tmp_path: Path, reader: Reader, monkeypatch):
    folder = small_sets(tmp_path / "sets", "train")
    moods = ["I am sad.", "It is awful.", "A little better.", "Today was good!", "I laughed a lot.", "Rain again."]
    long = [
        support(f"long {n}", *(turn for mood in moods[n:] + moods[:n] for turn in (mood, ("Go on.", "Question"))))
        for n in range(6)
    ]
    write_sets(folder, {"esconv/train.jsonl": long})
    file = learn(folder, tmp_path, reader)
    content = json.loads(file.read_text(encoding="utf-8"))
    assert (content["format"], content["weights"]) == (1, load_manifest().id)
    for name in ("meld-7", "dailydialog-7", "emorynlp-7"):
        assert set(content["dynamics"][name]) == {"told", "read"}
    assert set(content["dynamics"]["support"]["read"]["strategies"]) >= {"question", "others"}
    assert sum(content["dynamics"]["support"]["prior"]) == pytest.approx(1, abs=1e-3)
    from_section(MELD, content["dynamics"]["support"]["read"])
    assert motion_of(content["motion"]).keep < 1

    def never(*_args: object, **_given: object) -> None:
        raise AssertionError("something was read again")

    monkeypatch.setattr("sem_plugins.training.follow.read_all", never)
    assert json.loads(learn(folder, tmp_path, reader).read_text(encoding="utf-8")) == content


def test_that_dialogues_that_are_too_short_are_named(tmp_path: Path, reader: Reader):
    folder = small_sets(tmp_path / "sets", "train")
    with pytest.raises(DataError, match="no dialogue with more than"):
        learn(folder, tmp_path, reader)


def test_that_the_shipped_numbers_were_learned_from_what_the_shipped_weights_read():
    content = json.loads(Path("sem_plugins/tracker/parameters.json").read_text(encoding="utf-8"))
    assert content["weights"] == load_manifest().id
