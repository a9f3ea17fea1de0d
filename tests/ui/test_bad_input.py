"""`heartline analyze` with what people really have in files: the rest is always read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faces import heartline

from agent.errors import InputError
from ui.analyze import analyze

Reader = Callable[..., tuple[int, list[dict[str, Any]]]]

GOOD = "I could not sleep before the interview."


@pytest.fixture
def read(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> Reader:
    """Analyses a file with these bytes; gives exit status and rows. Every line has to be JSON."""

    def run(content: bytes, *, name: str = "messages.txt") -> tuple[int, list[dict[str, Any]]]:
        path = tmp_path / name
        path.write_bytes(content)
        code = analyze([], file=path, out=None, top=3)
        printed = capsysbinary.readouterr()
        assert printed.err == b""
        return code, [json.loads(line, parse_constant=pytest.fail) for line in printed.out.split(b"\n")[:-1]]

    return run


def as_lines(*rows: str | bytes) -> bytes:
    return b"\n".join(row if isinstance(row, bytes) else row.encode() for row in rows) + b"\n"


@pytest.mark.parametrize("content", [b"", b"\n\n  \n", b"\xef\xbb\xbf"], ids=["nothing", "empty lines", "BOM"])
@pytest.mark.parametrize("name", ["messages.txt", "messages.jsonl"])
def test_that_an_empty_file_gives_nothing_and_is_no_error(read: Reader, content: bytes, name: str):
    assert read(content, name=name) == (0, [])


def test_that_an_unreadable_byte_is_replaced_and_noted(read: Reader):
    code, rows = read(as_lines(b"The caf\xe9 is closed and I am sad.", GOOD))
    assert code == 0
    assert rows[0]["text"] == "The caf\N{REPLACEMENT CHARACTER} is closed and I am sad."
    assert rows[0]["notes"] == ["not valid UTF-8: unreadable bytes were replaced"]
    assert "notes" not in rows[1]
    assert all("emotion" in row for row in rows)


def test_that_a_line_of_a_megabyte_is_refused_and_the_others_are_read(read: Reader):
    code, rows = read(as_lines(GOOD, "lament " * 150_000, GOOD))
    assert code == 1
    assert [sorted(row)[:2] for row in rows] == [["affect", "cause"], ["error", "line"], ["affect", "cause"]]
    assert rows[1]["error"].startswith("The message has 1,0")
    assert "lament" not in rows[1]["error"]


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f62d\U0001f62d\U0001f62d",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f",
        "今日はとても疲れました。",
        "أنا حزين جدا اليوم",
        "Мне сегодня очень грустно.",
        "मैं बहुत अकेला महसूस कर रहा हूँ",
        "e\u0301tude z\u0335a\u0335l\u0335g\u0335o\u0335",
        "\u2028line\u2029separators\u0085",
        "?",
        "0",
        "null",
        "a" * 5000,
    ],
    ids=range(12),
)
def test_that_whatever_can_be_seen_is_read(read: Reader, text: str):
    code, rows = read(as_lines(GOOD, text, GOOD))
    assert code == 0
    assert len(rows) == 3
    assert "emotion" in rows[1]
    assert "failures" not in rows[1]


def test_that_control_characters_are_taken_out(read: Reader):
    code, (row,) = read(b"I am \x1b[31mso\x00 \x07tired\x9b\xc2\x9b \xe2\x80\xaeof it\r\n")
    assert code == 0
    assert row["text"] == "I am [31mso tired\N{REPLACEMENT CHARACTER} of it"


@pytest.mark.parametrize("line", [b"\x1b\x07\x00", b"\xe2\x80\x8b\xe2\x80\x8d", b"\xc2\xa0\xe3\x80\x80"])
def test_that_a_line_with_nothing_to_see_is_an_error_of_its_own(read: Reader, line: bytes):
    code, rows = read(as_lines(GOOD, line, GOOD))
    assert code == 1
    assert rows[1].keys() == {"line", "error"}
    assert rows[1]["line"] == 2
    assert "The message is empty" in rows[1]["error"]
    assert all("emotion" in row for row in rows[::2])


BAD_LINES = {
    "no JSON": ('{"text": "half', "not usable (Unterminated string"),
    "two values": ('{"text": "a"} {"text": "b"}', "not usable (Extra data"),
    "no object": ('["a", "b"]', "the line is no JSON object"),
    "a number": ("5", "the line is no JSON object"),
    "a string": ('"text"', "the line is no JSON object"),
    "no key": ('{"message": "a"}', "no key 'turns'. A line holds `text`, or `turns`"),
    "text is a number": ('{"text": 5}', "`text` is no string"),
    "text is null": ('{"text": null}', "`text` is no string"),
    "turns is text": ('{"turns": "hello"}', "`turns` is no list"),
    "turn is text": ('{"turns": ["hello"]}', "turn 0 is no JSON object"),
    "turn without text": ('{"turns": [{"speaker": "seeker"}]}', "no key 'text'"),
    "turn without speaker": ('{"turns": [{"text": "hello"}]}', "no key 'speaker'"),
    "another speaker": (
        '{"turns": [{"speaker": "Chandler", "text": "hello"}]}',
        "turn 0 has another speaker than",
    ),
    "speaker is a list": (
        '{"turns": [{"speaker": ["seeker"], "text": "hello"}]}',
        "turn 0 has another speaker than",
    ),
    "endless": ("[" * 200_000, "nested too deeply"),
    "a number too long": ('{"text": ' + "9" * 5000 + "}", "not usable"),
    "no text in it": ('{"text": "  "}', "The message is empty"),
}


@pytest.mark.parametrize(("line", "problem"), BAD_LINES.values(), ids=BAD_LINES)
def test_that_a_bad_line_is_told_with_its_number_and_the_others_are_read(read: Reader, line: str, problem: str):
    good = json.dumps({"text": GOOD})
    code, rows = read(as_lines(good, "", line, good), name="messages.jsonl")
    assert code == 1
    assert [row["line"] for row in rows] == [1, 3, 4]
    assert rows[1].keys() == {"line", "error"}
    assert problem in rows[1]["error"]
    assert all("emotion" in row for row in rows[::2])


def test_that_turns_before_a_bad_one_are_read(read: Reader):
    turns = [{"speaker": "seeker", "text": GOOD}, {"speaker": "narrator", "text": "hm"}]
    code, rows = read(as_lines(json.dumps({"turns": turns, "id": "d"})), name="talk.jsonl")
    assert code == 1
    assert (rows[0]["turn"], rows[0]["text"]) == (0, GOOD)
    assert (rows[1]["line"], rows[1]["id"]) == (1, "d")
    assert "turn 1 has another speaker than `seeker` and `supporter`" in rows[1]["error"]


def test_that_an_empty_turn_costs_its_own_reading_and_not_those_after_it(read: Reader):
    turns = [{"speaker": "seeker", "text": text} for text in (GOOD, " ", "Still \ud800 awake.")]
    code, rows = read(as_lines(json.dumps({"turns": turns})), name="talk.jsonl")
    assert code == 1
    assert ["error" in row for row in rows] == [False, True, False]
    assert rows[2]["text"] == "Still \N{REPLACEMENT CHARACTER} awake."
    assert "failures" not in rows[2]


def test_that_half_a_surrogate_pair_in_an_id_comes_out_as_it_went_in(read: Reader):
    code, (row,) = read(as_lines(r'{"id": "\ud83d", "text": "I am \ud83d tired."}'), name="messages.jsonl")
    assert code == 0
    assert row["id"] == "\ud83d"
    assert row["text"] == "I am \N{REPLACEMENT CHARACTER} tired."


def test_that_ids_that_json_does_not_know_are_left_out(read: Reader):
    code, rows = read(
        as_lines('{"id": NaN, "text": "One."}', '{"id": 1e999, "text": "Two."}'), name="messages.jsonl"
    )
    assert code == 0
    assert all("id" not in row for row in rows)


@pytest.mark.parametrize("place", ["nowhere.txt", "."])
def test_that_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=f"Cannot read '{place}': .* Name a readable file."):
        analyze([], file=Path(place), out=None, top=1)


def test_that_a_file_that_is_not_there_ends_it_with_two(tmp_path: Path):
    done = heartline("analyze", "--file", "nowhere.jsonl", home=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err == "Error: Cannot read 'nowhere.jsonl': No such file or directory. Name a readable file.\n"


def test_that_arguments_that_are_no_text_are_rows_as_well(capsysbinary: pytest.CaptureFixture[bytes]):
    assert analyze(["", GOOD, "caf\udce9"], file=None, out=None, top=1) == 1
    rows = [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]
    assert "The message is empty" in rows[0]["error"]
    assert [row.get("text") for row in rows[1:]] == [GOOD, "caf\N{REPLACEMENT CHARACTER}"]
