"""The statements of risk: what is read out of a line, and that those that measure are not those that teach."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from agent.errors import DataError
from agent.readings import RiskLevel
from sem_plugins.labels import RISK
from sem_plugins.training.examples import Example
from sem_plugins.training.measure import danger
from sem_plugins.training.sets import empathetic_dialogues, esconv, goemotions, risk
from sem_plugins.training.sets.records import plain

LINE = {"text": "i [[cannot go on]] and nobody knows", "self": "plan", "others": "none", "family": "explicit"}
PARTS = ("train", "valid")


@pytest.fixture
def read_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Example]]:
    """What is read of the given records, as if they were the statements to measure with."""

    def read(*rows: dict[str, str]) -> list[Example]:
        folder = tmp_path / "statements"
        folder.mkdir()
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / "risk_held_out.jsonl").write_text(lines, encoding="utf-8")
        monkeypatch.setattr(risk, "files", lambda _: tmp_path)
        return risk.statements("valid")

    return read


@pytest.fixture(scope="module")
def train() -> list[Example]:
    return risk.statements("train")


@pytest.fixture(scope="module")
def valid() -> list[Example]:
    return risk.statements("valid")


def steps(example: Example) -> list[int]:
    """How many steps are reached for self and for others."""
    return example.targets["risk"].reshape(2, 4).sum(axis=1).astype(int).tolist()


def in_danger(example: Example) -> bool:
    return max(steps(example)) >= risk.LADDER.index("ideation")


def runs_of_six(text: str) -> set[tuple[str, ...]]:
    words = plain(text).split()
    return {tuple(words[place : place + 6]) for place in range(len(words) - 5)}


def test_that_words_in_double_brackets_become_spans_of_the_text_without_them(
    read_lines: Callable[..., list[Example]],
):
    (example,) = read_lines(LINE | {"text": "[[one]] and [[two]]."})
    assert example.text == "one and two."
    (spans,) = example.targets["evidence"]
    assert [example.text[slice(*span)] for span in spans] == ["one", "two"]


def test_that_a_statement_without_brackets_shows_nothing(read_lines: Callable[..., list[Example]]):
    (example,) = read_lines(LINE | {"text": "the [bus] was late"})
    assert (example.text, example.targets["evidence"]) == ("the [bus] was late", ((),))


@pytest.mark.parametrize("level", risk.LADDER)
@pytest.mark.parametrize("whom", ["self", "others"])
def test_that_a_level_reaches_every_step_below_it_on_its_own_ladder(
    read_lines: Callable[..., list[Example]], whom: str, level: RiskLevel
):
    (example,) = read_lines(LINE | {"self": "none", "others": "none"} | {whom: level})
    ladder = risk.LADDER[1 : risk.LADDER.index(level) + 1]
    held = {name for name, target in zip(RISK.labels, example.targets["risk"], strict=True) if target}
    assert held == {f"{whom}:{step}" for step in ladder}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"self": "awful"}, "level 'awful', expected one of: none, distress, ideation, plan, acute"),
        ({"text": None}, "`text` is NoneType, expected a string"),
    ],
)
def test_that_a_malformed_statement_is_named_with_its_line(
    read_lines: Callable[..., list[Example]], changes: dict[str, str], said: str
):
    with pytest.raises(DataError, match=f"statements/risk_held_out.jsonl line 2: .*{said}"):
        read_lines(LINE, LINE | changes)


@pytest.mark.parametrize("part", PARTS)
def test_that_every_statement_of_danger_and_no_other_has_words_that_show_it(
    part: str, request: pytest.FixtureRequest
):
    for example in request.getfixturevalue(part):
        (spans,) = example.targets["evidence"]
        assert bool(spans) == in_danger(example), example.text
        assert all(example.text[start:end].strip() == example.text[start:end] != "" for start, end in spans)
        assert "[[" not in example.text
        assert "]]" not in example.text


@pytest.mark.parametrize("part", PARTS)
def test_that_every_step_of_both_ladders_has_statements(part: str, request: pytest.FixtureRequest):
    seen = {(whom, level) for e in request.getfixturevalue(part) for whom, level in enumerate(steps(e))}
    assert {(0, level) for level in range(5)} <= seen
    assert {(1, level) for level in (0, 2, 3, 4)} <= seen


@pytest.mark.parametrize("part", PARTS)
def test_that_no_statement_stands_there_twice(part: str, request: pytest.FixtureRequest):
    texts = [plain(example.text) for example in request.getfixturevalue(part)]
    assert len(set(texts)) == len(texts)


def test_that_the_families_that_are_measured_exist_in_danger_and_out_of_it(valid: list[Example]):
    dangerous = {example.group for example in valid if in_danger(example)}
    harmless = {example.group for example in valid if not in_danger(example)}
    assert {"explicit", "veiled", "passive", "others-harm", "mixed"} <= dangerous
    assert set(danger._HARMLESS) <= harmless


def test_that_no_statement_that_teaches_is_one_that_measures(train: list[Example], valid: list[Example]):
    assert not {plain(example.text) for example in train} & {plain(example.text) for example in valid}


def words_of(example: Example) -> set[str]:
    return set(plain(example.text).split())


def words_by_place(examples: list[Example], places: dict[str, int]) -> np.ndarray:
    """Which of the words each has, (N, words)."""
    found = np.zeros((len(examples), len(places)), np.float32)
    for row, example in zip(found, examples, strict=True):
        row[[places[word] for word in words_of(example) if word in places]] = 1
    return found


def near_copies(taught: list[Example], measured: list[Example]) -> Iterator[tuple[str, str]]:
    """Pairs of which six words in ten are the same, or half of the measured one's runs of six words."""
    places = {
        word: place for place, word in enumerate(sorted({word for one in measured for word in words_of(one)}))
    }
    ours, theirs = (words_by_place(some, places) for some in (taught, measured))
    same = ours @ theirs.T  # (taught, measured) words in common
    sizes = [np.array([len(words_of(one)) for one in some]) for some in (taught, measured)]
    near = same >= 0.6 * (sizes[0][:, None] + sizes[1] - same)
    runs = [runs_of_six(one.text) for one in measured]
    every_run = set().union(*runs)
    for place, one in enumerate(taught):
        shared = runs_of_six(one.text) & every_run  # of most statements none
        near[place] |= [bool(shared & those) and len(shared & those) >= 0.5 * len(those) for those in runs]
    yield from ((taught[row].text, measured[column].text) for row, column in np.argwhere(near))


def test_that_no_statement_that_teaches_is_nearly_one_that_measures(train: list[Example], valid: list[Example]):
    assert list(near_copies(train, valid)) == []


def test_that_near_copies_would_be_found(read_lines: Callable[..., list[Example]]):
    one, other, third = read_lines(
        LINE | {"text": "the stairs here will be the death of me"},
        LINE | {"text": "These stairs will be the death of me!"},
        LINE | {"text": "the lift is new"},
    )
    assert [pair[0] for pair in near_copies([one, third], [other])] == [one.text]


def test_that_hardly_any_run_of_six_words_is_shared(train: list[Example], valid: list[Example]):
    taught = set().union(*(runs_of_six(example.text) for example in train))
    runs = [run for example in valid for run in runs_of_six(example.text)]
    # "i m going to kill myself" and the like, which several writers cannot but share.
    assert sum(run in taught for run in runs) <= 0.02 * len(runs)


@pytest.mark.data
def test_that_no_statement_is_from_a_data_set(
    data_folder: Callable[[str], Path], train: list[Example], valid: list[Example]
):
    root = data_folder("esconv").parent
    known = {plain(e.text) for part in PARTS for e in (*goemotions.comments(root, part), *risk.stress(root, part))}
    for part in PARTS:
        for one in empathetic_dialogues.dialogues(root, part):
            known |= {plain(message.text) for message in one.messages}
        for example in esconv.supporter_turns(root, part):
            known |= {plain(message.text) for message in example.messages[-2:]}
    for example in (*train, *valid):
        words = plain(example.text).split()
        assert len(words) < 6 or " ".join(words) not in known, example.text
