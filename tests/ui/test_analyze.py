"""`heartline analyze`: where messages come from, what is read, and where the rows go."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faces import heartline

from agent.build import build_agent
from agent.errors import InputError, ReadingError
from agent.settings import load_settings
from agent.turn import Message, new_turn
from ui.analyze import analyze

Analysis = Callable[..., tuple[int, list[dict[str, Any]]]]


@pytest.fixture
def analysis(capsysbinary: pytest.CaptureFixture[bytes]) -> Analysis:
    """Runs `analyze`; gives its exit status and the rows on standard output."""

    def run(*texts: str, file: Path | None = None, out: Path | None = None, top: int = 5, why: str | None = None):
        code = analyze(texts, file=file, out=out, top=top, why=why)
        printed = capsysbinary.readouterr()
        assert printed.err == b""
        return code, [json.loads(line) for line in printed.out.decode("utf-8").splitlines()]

    return run


def lines(path: Path, *rows: object) -> Path:
    """A file with a row a line; what is no string is written as JSON."""
    text = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(text) + "\n", encoding="utf-8")
    return path


def test_that_arguments_are_read_in_their_order(analysis: Analysis):
    texts = ["My dog died this morning.", "I passed every exam!", "The meeting is at three."]
    code, rows = analysis(*texts)
    assert code == 0
    assert [(row["line"], row["text"]) for row in rows] == list(enumerate(texts, start=1))
    for row in rows:
        assert set(row) - {"undertone"} == {
            "line", "text", "emotion", "expression", "affect", "cause", "likely_strategies", "risk", "felt",
        }  # fmt: skip
        assert row["emotion"]["label"] == next(iter(row["emotion"]["probabilities"]))
        assert len(row["emotion"]["probabilities"]) == 5
        assert row["risk"]["level"] in {"none", "distress"}
    assert rows[0]["affect"]["valence"] < 0 < rows[1]["affect"]["valence"]


@pytest.mark.parametrize(("top", "shown"), [(0, 32), (1, 1), (40, 32)])
def test_that_top_says_how_many_emotions_are_shown(analysis: Analysis, top: int, shown: int):
    _, (row,) = analysis("I passed every exam!", top=top)
    probabilities = list(row["emotion"]["probabilities"].values())
    assert len(probabilities) == shown
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) == pytest.approx(1, abs=0.002) or shown == 1


def test_that_offsets_point_into_the_text_of_the_row(analysis: Analysis):
    text = "  I am furious because the neighbours party every night and I want to kill myself.  "
    _, (row,) = analysis(text)
    assert row["text"] == text.strip()
    assert row["risk"]["level"] == "ideation"
    for start, end in row["risk"]["evidence"]:
        assert "kill myself" in row["text"][start:end]
    for span in row["cause"]:
        assert row["text"][span["start"] : span["end"]] == span["text"]


def test_that_a_text_file_has_a_message_a_line(analysis: Analysis, tmp_path: Path):
    path = tmp_path / "diary.txt"
    path.write_bytes("\ufeffMonday was long.\r\n\r\n   \nTuesday, caf\u00e9 with Ana \U0001f600\n".encode())
    code, rows = analysis(file=path)
    assert code == 0
    assert [(row["line"], row["text"]) for row in rows] == [
        (1, "Monday was long."),
        (4, "Tuesday, caf\u00e9 with Ana \U0001f600"),
    ]


def test_that_json_in_a_text_file_is_just_a_message(analysis: Analysis, tmp_path: Path):
    _, (row,) = analysis(file=lines(tmp_path / "notes.txt", {"text": "I am tired."}))
    assert row["text"] == '{"text": "I am tired."}'


def test_that_json_lines_keep_their_ids(analysis: Analysis, tmp_path: Path):
    path = lines(
        tmp_path / "notes.jsonl",
        {"text": "I am tired.", "id": "n-1"},
        {"id": 7, "dialogue_id": "d", "text": "I am proud of her."},
        {"id": None, "text": "No id."},
    )
    code, rows = analysis(file=path)
    assert code == 0
    places = [{name: row.get(name, "-") for name in ("line", "id", "dialogue_id")} for row in rows]
    assert places == [
        {"line": 1, "id": "n-1", "dialogue_id": "-"},
        {"line": 2, "id": 7, "dialogue_id": "d"},
        {"line": 3, "id": "-", "dialogue_id": "-"},
    ]


def test_that_a_turn_of_a_dialogue_is_read_with_what_was_said_before(analysis: Analysis, tmp_path: Path):
    told = "My mother is in hospital and the doctors do not know what it is."
    asked = "How long has she been there?"
    turns = [
        {"speaker": "seeker", "text": told},
        {"speaker": "supporter", "text": asked, "strategy": "Question"},
        {"speaker": "seeker", "text": "Since Monday."},
    ]
    code, rows = analysis(file=lines(tmp_path / "talk.jsonl", {"dialogue_id": "d-1", "turns": turns}))
    assert code == 0
    assert [(row["dialogue_id"], row["turn"], row["text"]) for row in rows] == [
        ("d-1", 0, told),
        ("d-1", 2, "Since Monday."),
    ]
    # As an agent reads it that was there all along, and not as it reads the bare words.
    agent = build_agent(load_settings(store="memory"))
    history = (Message("seeker", told), Message("supporter", asked, "Question"))
    (there_all_along,) = agent.perception.read([new_turn("Since Monday.", history=history)])
    (bare,) = agent.read(["Since Monday."])
    shown = rows[1]["emotion"]["probabilities"]
    assert shown == {label: round(p, 4) for label, p in there_all_along.emotion.top(5)}
    assert shown != {label: round(p, 4) for label, p in bare.emotion.top(5)}


def test_that_standard_input_is_read_where_nothing_is_named(tmp_path: Path):
    done = heartline("analyze", "--top", "1", home=tmp_path, typed="I miss him.\n\nShe said yes!\n")
    assert (done.code, done.err) == (0, "")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [(row["line"], row["text"]) for row in rows] == [(1, "I miss him."), (3, "She said yes!")]
    assert not list(tmp_path.rglob("conversations.db"))


def test_that_somebody_at_a_terminal_is_told_to_type(monkeypatch: pytest.MonkeyPatch, capsys):
    class Keyboard(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Keyboard(io.BytesIO(b"Hello there.\n")))
    assert analyze([], file=None, out=None, top=1) == 0
    printed = capsys.readouterr()
    assert "Ctrl-D ends" in printed.err
    assert json.loads(printed.out)["text"] == "Hello there."


def test_that_more_than_one_batch_keeps_its_order(
    analysis: Analysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("ui.analyze._BATCH", 8)
    texts = [f"Day {number}." if number % 5 else "" for number in range(24)]
    code, rows = analysis(file=lines(tmp_path / "days.txt", *texts))
    assert code == 0
    assert [row["text"] for row in rows] == [text for text in texts if text]


# --- where the rows go ---------------------------------------------------------------------------


def test_that_out_is_written_whole_and_standard_output_stays_empty(analysis: Analysis, tmp_path: Path):
    target = tmp_path / "rows.jsonl"
    target.write_text("what was there", encoding="utf-8")
    target.chmod(0o640)
    assert analysis("I miss him.", out=target) == (0, [])
    assert json.loads(target.read_text(encoding="utf-8"))["text"] == "I miss him."
    assert list(tmp_path.iterdir()) == [target]
    assert os.name == "nt" or target.stat().st_mode & 0o777 == 0o640


def test_that_a_link_stays_a_link(analysis: Analysis, tmp_path: Path):
    target, link = tmp_path / "rows.jsonl", tmp_path / "newest.jsonl"
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("no symbolic links here")
    analysis("I miss him.", out=link)
    assert link.is_symlink()
    assert json.loads(target.read_text(encoding="utf-8"))["text"] == "I miss him."


def test_that_an_old_file_survives_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    target = tmp_path / "rows.jsonl"
    target.write_text("what was there", encoding="utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InputError, match="No space left on device"):
        analyze(["I miss him."], file=None, out=target, top=1)
    assert target.read_text(encoding="utf-8") == "what was there"
    assert list(tmp_path.iterdir()) == [target]


def test_that_an_old_file_survives_an_input_that_is_not_there(tmp_path: Path):
    target = tmp_path / "rows.jsonl"
    target.write_text("what was there", encoding="utf-8")
    with pytest.raises(InputError, match=r"nowhere\.txt"):
        analyze([], file=tmp_path / "nowhere.txt", out=target, top=1)
    assert target.read_text(encoding="utf-8") == "what was there"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("place", [".", "nowhere/rows.jsonl"])
def test_that_a_place_that_takes_no_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=f"Cannot write '{place}'"):
        analyze(["I miss him."], file=None, out=Path(place), top=1)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("way", ["--out", "standard output"])
def test_that_a_full_disk_is_one_clear_line(tmp_path: Path, way: str):
    if way == "--out":
        done = heartline("analyze", "I miss him.", "--out", "/dev/full", home=tmp_path)
        expected = "Error: Cannot write '/dev/full': No space left on device. Make room, or name another file.\n"
    else:
        full = "import os; os.dup2(os.open('/dev/full', os.O_WRONLY), 1)"
        done = heartline("analyze", "I miss him.", home=tmp_path, before=full)
        expected = "Error: Cannot write to standard output: No space left on device. Make room, or use `--out`.\n"
    assert (done.code, done.err) == (2, expected)
    assert Path("/dev/full").is_char_device()


@pytest.mark.data
def test_that_seekers_messages_of_esconv_are_read(analysis: Analysis, tmp_path: Path):
    data = os.environ.get("HEARTLINE_DATA")
    if not data:
        pytest.skip("HEARTLINE_DATA is not set: it names the folder with prepared data sets")
    path = Path(data) / "esconv" / "valid.jsonl"
    if not path.is_file():
        pytest.skip("data set 'esconv' is not in the folder that HEARTLINE_DATA names")
    lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line][::30]
    said = [turn["text"] for line in lines for turn in json.loads(line)["turns"] if turn["speaker"] == "seeker"]
    part, target = tmp_path / "part.jsonl", tmp_path / "rows.jsonl"
    part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    code, _ = analysis(file=part, out=target)
    rows = [json.loads(line) for line in target.read_text(encoding="utf-8").split("\n") if line]
    assert code == 0
    assert [row["text"] for row in rows] == [text.strip() for text in said]
    assert not [row["line"] for row in rows if "error" in row or "failures" in row or "emotion" not in row]


def test_that_the_words_of_a_reading_are_told_when_asked_for(analysis: Analysis):
    _, (row,) = analysis("I am furious with my brother.", why="emotion")
    assert [word["text"] for word in row["why"]] == ["I", "am", "furious", "with", "my", "brother"]
    for word in row["why"]:
        assert row["text"][word["start"] : word["end"]] == word["text"]
    assert max(row["why"], key=lambda word: word["weight"])["text"] == "furious"


def test_that_a_reading_without_words_is_refused_with_the_choices(analysis: Analysis):
    with pytest.raises(ReadingError, match="Choose from: emotion, "):
        analysis("I am furious.", why="zorvan")
