"""`heartline trace`: where trajectories come from, what is shown, and where it is written."""

from __future__ import annotations

import io
import json
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from faces import heartline
from rich.console import Console
from trajectory_parts import CAUSE, MESSAGE, a_conversation, a_state

from agent.errors import InputError, UnknownConversationError
from agent.memory_sqlite import SQLiteStore
from agent.readings import CausalSpan
from agent.settings import load_settings
from agent.state import Shift
from agent.testing import a_turn
from ui.table import in_terminal
from ui.trace import trace
from ui.trajectories import stored

DIALOGUE = {
    "id": "d-1",
    "turns": [
        {"speaker": "seeker", "text": "My dog died this morning."},
        {"speaker": "supporter", "text": "I am sorry.", "strategy": "Reflection of feelings"},
        {"speaker": "seeker", "text": "Thank you, that helps."},
    ],
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a store that keeps an old conversation of one turn and a new one of four."""
    store = SQLiteStore(tmp_path / "talks.db")
    store.append(a_turn("An older talk.", id="old", conversation_id="old"))
    for turn in a_conversation():
        store.append(turn)
    store.close()
    return tmp_path


def run(home: Path, conversation: str | None = None, **given: Any) -> tuple[int, str]:
    screen = io.StringIO()
    console = Console(file=screen, width=100, highlight=False)
    code = trace(conversation, load_settings(store_path=home / "talks.db"), console=console, **given)
    return code, screen.getvalue()


def test_that_a_stored_conversation_is_shown_as_a_table(home: Path):
    code, shown = run(home, "conversation-1")
    assert code == 0
    rows = [line.split() for line in shown.splitlines()[2:]]
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    assert "14 Nov 2023" in shown
    for text in ("anxious 70%", "-0.10", "+0.40 ±0.20", "▼ 0.40", "▲ 0.90", "question", "reflection", "distress"):
        assert text in shown, text
    assert MESSAGE not in shown


def test_that_last_is_the_newest(home: Path):
    assert "conversation-1" in run(home, "last")[1]


def test_that_an_unknown_conversation_is_named(home: Path, tmp_path: Path):
    with pytest.raises(UnknownConversationError, match="'nobody'"):
        run(home, "nobody")
    with pytest.raises(UnknownConversationError, match="No conversation was kept yet"):
        trace("last", load_settings(store_path=tmp_path / "none.db"))


def test_that_texts_and_causes_are_shown_when_asked_for(home: Path):
    _, shown = run(home, "last", texts=True)
    assert MESSAGE in shown
    assert f"because “{CAUSE}”" in shown


def test_that_words_can_be_shown_without_personal_data(home: Path):
    cause = "my sister Quillon threw me out"
    text = f"On Monday {cause}. Call 0151 23456789."
    shift = Shift(4, "worse", 0.8, CausalSpan(0, 10, 10 + len(cause), cause, 0.9))
    with closing(SQLiteStore(home / "talks.db")) as store:
        store.append(a_turn(text, id="new", conversation_id="new", state=a_state(-0.8, last_shift=shift)))
    for redact in (False, True):
        _, shown = run(home, "new", texts=True, redact=redact, as_json_to=str(home / "t.json"))
        shown += (home / "t.json").read_text(encoding="utf-8")
        assert ("Quillon" in shown, "23456789" in shown) == (not redact, not redact)
    content = json.loads((home / "t.json").read_text(encoding="utf-8"))["turns"][0]
    found = content["shift"]["cause"]
    assert content["text"][found["start"] : found["end"]] == found["text"] == "my sister [name] threw me out"


def test_that_json_and_picture_are_written_beside_the_table(home: Path):
    _, shown = run(home, "last", as_json_to=str(home / "t.json"), picture_to=home / "t.svg")
    content = json.loads((home / "t.json").read_text(encoding="utf-8"))
    assert (content["format"], content["conversation"], len(content["turns"])) == (1, "conversation-1", 4)
    assert ET.parse(home / "t.svg").getroot().tag.endswith("svg")  # noqa: S314 - our own
    assert shown.count("Written: ") == 2
    assert "landlord" not in (home / "t.json").read_text(encoding="utf-8") + (home / "t.svg").read_text(
        encoding="utf-8"
    )


def test_that_a_page_has_the_picture_and_a_table_and_may_load_nothing(home: Path):
    run(home, "last", picture_to=home / "t.HTML", texts=True)
    page = (home / "t.HTML").read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert "<svg" in page
    assert "<script" not in page
    assert "My landlord wants us out by friday &amp; I &lt;can&#39;t&gt; sleep." in page
    assert '<th scope="col">risk</th>' in page
    assert page.count("<tr>") == 5


def test_that_json_on_standard_output_stands_alone(home: Path, capsysbinary: pytest.CaptureFixture[bytes]):
    code, shown = run(home, "last", as_json_to="-")
    assert (code, shown) == (0, "")
    assert len(json.loads(capsysbinary.readouterr().out)["turns"]) == 4


def test_that_all_conversations_are_a_cohort_without_words(home: Path):
    _, shown = run(home, every=True, as_json_to=str(home / "all.json"), picture_to=home / "all.svg", texts=True)
    content = json.loads((home / "all.json").read_text(encoding="utf-8"))
    assert (content["kind"], content["conversations"], content["turns"]) == ("cohort", 2, 5)
    assert "2 (5 messages of seekers)" in shown
    for path in ("all.json", "all.svg"):
        text = (home / path).read_text(encoding="utf-8")
        assert "landlord" not in text
        assert "conversation-1" not in text
        assert CAUSE not in text


def test_that_an_empty_store_is_an_empty_cohort(tmp_path: Path):
    assert "0 (0 messages of seekers)" in run(tmp_path, every=True)[1]


def lines(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_that_a_file_is_traced_without_the_store(tmp_path: Path):
    path = lines(tmp_path / "d.jsonl", DIALOGUE)
    done = heartline("trace", "--file", path, "--json", "t.json", home=tmp_path)
    assert (done.code, done.err) == (0, "")
    content = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    assert (content["line"], content["id"], content["kind"]) == (1, "d-1", "trajectory")
    assert content["turns"][0]["strategy"]["followed"] == ["reflection"]
    assert not list(tmp_path.rglob("conversations.db"))
    refused = heartline("trace", home=tmp_path)
    assert (refused.code, refused.out) == (2, "")
    assert "Name a conversation" in refused.err


def test_that_a_file_of_several_dialogues_is_a_cohort_unless_one_is_named(tmp_path: Path):
    path = lines(tmp_path / "d.jsonl", DIALOGUE, DIALOGUE | {"id": "d-2"}, {"id": "d-3"})
    code, shown = run(tmp_path, file=path)
    assert code == 1
    assert "1 line could not be read" in shown
    code, shown = run(tmp_path, file=path, wanted="d-2")
    assert code == 0
    assert "d-2" in shown


def test_that_one_dialogue_can_be_seen_as_a_cohort(tmp_path: Path):
    assert "1 (2 messages of seekers)" in run(tmp_path, file=lines(tmp_path / "d.jsonl", DIALOGUE), every=True)[1]


def test_that_a_message_that_could_not_be_taken_in_shows_in_the_status(tmp_path: Path):
    turns = [*DIALOGUE["turns"], {"speaker": "seeker", "text": "  "}]
    assert run(tmp_path, file=lines(tmp_path / "d.jsonl", {"turns": turns}))[0] == 1


@pytest.mark.parametrize(("rows", "problem"), [((), "No dialogue is in"), (({"turns": 3},), "`turns` is no list")])
def test_that_a_file_without_a_dialogue_is_refused(tmp_path: Path, rows: tuple[Any, ...], problem: str):
    with pytest.raises(InputError, match=problem):
        run(tmp_path, file=lines(tmp_path / "d.jsonl", *rows))


@pytest.mark.parametrize(
    ("conversation", "given", "problem"),
    [
        (None, {}, "Name a conversation"),
        ("last", {"every": True}, "A conversation and `--all`"),
        ("last", {"file": Path("d.jsonl")}, "Give one of the two"),
        (None, {"wanted": "d", "every": True}, "`--id`"),
        (None, {"wanted": "d", "file": Path("d.jsonl"), "every": True}, "`--id`"),
        ("last", {"picture_to": Path("t.png")}, r"No picture has the suffix '\.png'"),
    ],
)
def test_that_options_that_do_not_fit_are_refused(home: Path, conversation: str | None, given: Any, problem: str):
    with pytest.raises(InputError, match=problem):
        run(home, conversation, **given)


@pytest.mark.parametrize("option", ["as_json_to", "picture_to"])
def test_that_a_place_that_takes_no_file_is_named_and_nothing_is_left(home: Path, option: str):
    place = home / "nowhere" / "t.svg"
    with pytest.raises(InputError, match=r"Cannot write .*nowhere"):
        run(home, "last", **{option: place if option == "picture_to" else str(place)})
    assert {path.name.partition("-")[0] for path in home.iterdir()} == {"talks.db"}


def test_that_an_old_picture_survives_when_writing_fails(home: Path, monkeypatch: pytest.MonkeyPatch):
    target = home / "t.svg"
    target.write_text("what was there", encoding="utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InputError, match="No space left on device"):
        run(home, "last", picture_to=target)
    assert target.read_text(encoding="utf-8") == "what was there"


def test_that_the_table_of_a_long_conversation_shows_its_newest_turns():
    turns = [a_turn(id=str(number), index=number) for number in range(1000)]
    screen = io.StringIO()
    Console(file=screen, width=80).print(in_terminal(stored("c", turns)))
    assert "801" in screen.getvalue()
    assert "1000" in screen.getvalue()
    assert " 800\n" not in screen.getvalue()
    assert "the 800 before them" in screen.getvalue()


def test_that_a_row_fits_a_window_of_80_columns():
    screen = io.StringIO()
    Console(file=screen, width=80).print(in_terminal(stored("c", a_conversation())))
    assert "…" not in screen.getvalue()


def test_that_an_empty_conversation_says_so():
    screen = io.StringIO()
    Console(file=screen, width=80).print(in_terminal(stored("c", [])))
    assert "Nothing was said yet." in screen.getvalue()
