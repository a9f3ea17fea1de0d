"""Dialogues of a file: read together, followed one by one, written in order."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from faces import heartline

from agent.errors import InputError, SettingsError
from agent.perception import Perception
from agent.readings import Affect
from agent.registry import make
from agent.settings import load_settings
from agent.state import EmotionalState
from agent.turn import Message, Turn
from ui import replay
from ui.dialogues import Dialogue, dialogues, one_dialogue
from ui.replay import analyze_conversations, followed
from ui.trajectories import Trajectory


class Mood:
    """Words as valence, and a note of how many messages came at once and with what history."""

    name, reads, writes = "mood", frozenset({"text"}), "affect"

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.histories: dict[str, tuple[Message, ...]] = {}

    def __call__(self, turns: Sequence[Turn]) -> list[Affect]:
        self.batches.append(len(turns))
        self.histories |= {turn.text: turn.history for turn in turns}
        return [Affect(0.6 if "good" in turn.text else -0.6, 0.0, 0.0) for turn in turns]


@pytest.fixture
def mood(monkeypatch: pytest.MonkeyPatch) -> Mood:
    plugin = Mood()
    monkeypatch.setattr(replay, "build_perception", lambda _settings: Perception([plugin]))
    monkeypatch.setenv("HEARTLINE_TRACKER", "smoothed")  # its states can be worked out by hand
    return plugin


def lines(path: Path, *rows: Any) -> Path:
    text = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(text) + "\n", encoding="utf-8")
    return path


def talk(name: str, *said: str | tuple[str, str | None], **more: Any) -> dict[str, Any]:
    """A dialogue; a pair is the supporter's text and strategy."""
    turns = [
        {"speaker": "seeker", "text": one} if isinstance(one, str)
        else {"speaker": "supporter", "text": one[0], "strategy": one[1]}
        for one in said
    ]  # fmt: skip
    return {"dialogue_id": name, "turns": turns} | more


def trajectories(path: Path, **given: Any) -> list[Trajectory | Dialogue]:
    return list(followed(dialogues(path), load_settings(**given)))


def test_that_each_message_is_followed_from_the_state_before(mood: Mood, tmp_path: Path):
    path = lines(tmp_path / "d.jsonl", talk("d", "bad day", ("Oh.", "Question"), "good day", "good night"))
    (found,) = trajectories(path)
    tracker = make("trackers", "smoothed", load_settings())
    before: EmotionalState | None = None
    for number, step in enumerate(found.steps):
        assert (step.turn.index, step.turn.state_before) == (number, before)
        assert step.state == tracker.update(
            Turn("x", "d", number, "x", state_before=before, affect=step.turn.affect)
        )
        before = step.state
    assert [step.state.turns for step in found.steps] == [1, 2, 3]


def test_that_strategies_are_those_that_the_file_names(mood: Mood, tmp_path: Path):
    said = (
        ("Hi.", "Others"),
        "bad",
        "very bad",
        ("So?", "Question"),
        ("I see.", "Reflection of feelings"),
        "hm",
        ("Yes.", None),
    )
    (found,) = trajectories(lines(tmp_path / "d.jsonl", talk("d", *said)))
    assert found.opening == ("others",)
    assert [step.followed for step in found.steps] == [(), ("question", "reflection"), None]
    assert [step.before for step in found.steps] == ["others", "others", "reflection"]
    assert all(step.planned is None for step in found.steps)


def test_that_messages_of_many_dialogues_are_read_together_and_keep_their_order(mood: Mood, tmp_path: Path):
    path = lines(tmp_path / "d.jsonl", *(talk(f"d{n}", *["good"] * 10) for n in range(60)))
    found = trajectories(path)
    assert [each.id for each in found] == [f"d{n}" for n in range(60)]
    assert sum(mood.batches) == 600
    assert len(mood.batches) <= 5
    assert max(mood.batches) <= 256


def test_that_one_state_does_not_leak_into_the_next_dialogue(mood: Mood, tmp_path: Path):
    found = trajectories(lines(tmp_path / "d.jsonl", talk("a", "bad", "bad"), talk("b", "good")))
    assert found[1].steps[0].turn.state_before is None
    assert found[1].steps[0].state.affect.valence == pytest.approx(0.6)


def test_that_history_is_what_an_agent_would_look_back_on(mood: Mood, tmp_path: Path):
    said = [one for n in range(5) for one in (f"m{n}", (f"r{n}", None))]
    path = lines(tmp_path / "d.jsonl", talk("d", *said))
    trajectories(path, history_turns=2)
    assert [message.text for message in mood.histories["m4"]] == ["m2", "r2", "m3", "r3"]
    assert [message.text for message in mood.histories["m1"]] == ["m0", "r0"]
    mood.histories.clear()
    trajectories(path, history_turns=0)
    assert mood.histories["m4"] == ()


def test_that_times_of_the_file_are_kept_where_they_are_numbers(mood: Mood, tmp_path: Path):
    turns = [{"speaker": "seeker", "text": "good", "at": at} for at in (1.5e9, 3, "noon", True, None, 10**400)]
    (found,) = trajectories(lines(tmp_path / "d.jsonl", {"turns": turns}))
    assert [step.turn.at for step in found.steps] == [1.5e9, 3.0, None, None, None, None]
    assert found.id == "line 1"


def test_that_a_message_that_cannot_be_taken_in_keeps_its_place(mood: Mood, tmp_path: Path):
    path = lines(tmp_path / "d.jsonl", talk("d", "bad", " ", "good"))
    out = tmp_path / "out.jsonl"
    assert analyze_conversations(path, out=out) == 1
    turns = json.loads(out.read_text(encoding="utf-8"))["turns"]
    assert [turn["index"] for turn in turns] == [0, 1, 2]
    assert turns[1]["failures"][0].startswith("intake/clean: The message is empty")
    assert turns[1]["affect"] == turns[0]["affect"]
    assert turns[2]["failures"] == []


def test_that_a_tracker_that_fails_costs_its_own_turn_alone(
    mood: Mood, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    smoothed = make("trackers", "smoothed", load_settings())

    class Moody:
        name, reads = "moody", frozenset({"affect"})

        def update(self, turn: Turn) -> EmotionalState:
            if turn.text == "no":
                raise ZeroDivisionError("no, said the person")
            return smoothed.update(turn)

    monkeypatch.setattr(replay, "make", lambda *_: Moody())
    (found,) = trajectories(lines(tmp_path / "d.jsonl", talk("d", "good", "no", "good")))
    assert [step.state is None for step in found.steps] == [False, True, False]
    assert found.steps[2].state.turns == 2
    assert found.steps[1].turn.failures[0].message == ""


def test_that_bad_lines_become_rows_in_their_place(mood: Mood, tmp_path: Path):
    path = lines(tmp_path / "d.jsonl", talk("a", "good"), "{oops", {"id": "x", "text": "good"}, talk("b", "bad"))
    out = tmp_path / "out.jsonl"
    assert analyze_conversations(path, out=out) == 1
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["line"] for row in rows] == [1, 2, 3, 4]
    assert [("error" in row, row.get("dialogue_id", row.get("id"))) for row in rows] == [
        (False, "a"), (True, None), (True, "x"), (False, "b"),
    ]  # fmt: skip
    assert "no key 'turns'" in rows[2]["error"]


def test_that_texts_are_written_only_when_asked_for(mood: Mood, tmp_path: Path):
    path, out = lines(tmp_path / "d.jsonl", talk("a", "a good secret")), tmp_path / "out.jsonl"
    assert analyze_conversations(path, out=out) == 0
    assert "secret" not in out.read_text(encoding="utf-8")
    analyze_conversations(path, out=out, texts=True)
    assert json.loads(out.read_text(encoding="utf-8"))["turns"][0]["text"] == "a good secret"


def test_that_an_empty_file_gives_nothing(mood: Mood, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]):
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"\n  \n")
    assert analyze_conversations(path, out=None) == 0
    assert capsysbinary.readouterr().out == b""


def test_that_half_a_character_in_an_id_and_bad_bytes_pass(
    mood: Mood, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
):
    path = tmp_path / "d.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": "\\ud800", "turns": [{"speaker": "seeker", "text": "good \xff"}]}\n')
    assert analyze_conversations(path, out=None) == 0
    row = json.loads(capsysbinary.readouterr().out)
    assert row["id"] == "\ud800"
    assert row["notes"] == ["not valid UTF-8: unreadable bytes were replaced"]


def test_that_an_old_file_survives_an_input_that_is_not_there(mood: Mood, tmp_path: Path):
    out = tmp_path / "out.jsonl"
    out.write_text("what was there", encoding="utf-8")
    with pytest.raises(InputError, match=r"Cannot read .*nowhere"):
        analyze_conversations(tmp_path / "nowhere.jsonl", out=out)
    assert out.read_text(encoding="utf-8") == "what was there"
    assert list(tmp_path.iterdir()) == [out]


def test_that_without_a_tracker_nobody_can_follow(mood: Mood, tmp_path: Path):
    with pytest.raises(SettingsError, match="HEARTLINE_TRACKER"):
        trajectories(lines(tmp_path / "d.jsonl", talk("d", "good")), tracker="none")


def test_that_a_dialogue_is_found_by_its_id_and_trouble_is_named(tmp_path: Path):
    path = lines(
        tmp_path / "d.jsonl",
        talk("a", "x"),
        talk("b", "y"),
        talk("b", "z"),
        {"id": "c", "turns": 3},
        {"id": 7, "turns": []},
    )
    assert one_dialogue(path, "a").said[0].text == "x"
    assert one_dialogue(path, "7").place == {"line": 5, "id": 7}
    for wanted, problem in (
        ("q", "No dialogues .* 'q'"),
        ("b", "Lines 2, 3 have it"),
        ("c", "`turns` is no list"),
    ):
        with pytest.raises(InputError, match=problem):
            one_dialogue(path, wanted)


def test_that_the_command_reads_with_the_shipped_models(tmp_path: Path):
    path = lines(
        tmp_path / "d.jsonl",
        talk("d", "My dog died this morning.", ("Oh no.", "Question"), "I passed every exam!"),
    )
    done = heartline("analyze", "--conversations", path, home=tmp_path)
    assert (done.code, done.err) == (0, "")
    turns = json.loads(done.out)["turns"]
    assert turns[0]["affect"]["valence"] < turns[1]["affect"]["valence"]
    assert turns[0]["emotion"]["label"] in turns[0]["emotions"]["probabilities"]
    assert not list(tmp_path.rglob("conversations.db"))
    refused = heartline("analyze", "hello", "--conversations", path, home=tmp_path)
    assert (refused.code, refused.out) == (2, "")
    assert "stands alone" in refused.err


@pytest.mark.data
def test_that_dialogues_of_esconv_are_followed_to_their_end(tmp_path: Path):
    data = os.environ.get("HEARTLINE_DATA")
    if not data:
        pytest.skip("HEARTLINE_DATA is not set: it names the folder with prepared data sets")
    source = Path(data) / "esconv" / "valid.jsonl"
    if not source.is_file():
        pytest.skip("data set 'esconv' is not in the folder that HEARTLINE_DATA names")
    rows = source.read_text(encoding="utf-8").split("\n")[:5]
    out = tmp_path / "out.jsonl"
    assert analyze_conversations(lines(tmp_path / "five.jsonl", *rows), out=out) == 0
    for row, line in zip(rows, out.read_text(encoding="utf-8").splitlines(), strict=True):
        said = [turn for turn in json.loads(row)["turns"] if turn["speaker"] == "seeker"]
        turns = json.loads(line)["turns"]
        assert len(turns) == len(said)
        assert all(turn["affect"] is not None and turn["failures"] == [] for turn in turns)
