"""`heartline erase` and `heartline export`: what is kept can be had, whole or redacted, and can be gone."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from faces import heartline, kept
from rich.console import Console

from agent.errors import InputError, UnknownConversationError
from agent.memory_sqlite import SQLiteStore
from agent.record import from_record
from agent.settings import load_settings
from agent.testing import a_turn
from tests.contracts.store_contract import a_full_turn, recalled_turn, said
from ui.erasure import erase, export

SECRET = "ybnelliuQ"[::-1]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a store that keeps an old conversation of one turn and a new one of three."""
    with closing(SQLiteStore(tmp_path / "talks.db")) as store:
        store.append(
            a_turn(f"My sister {SECRET} left.", id="old", conversation_id="old", reply=said(f"{SECRET}?"))
        )
        store.append(a_full_turn(conversation_id="new"))
        for number, text in enumerate((f"My boss, {SECRET}, wrote to me@example.org.", "I cried.")):
            turn = recalled_turn(store, text, id=f"{number}", conversation_id="new", reply=said("Did your boss?"))
            store.append(turn)
    return tmp_path


def aged(home: Path, days: int) -> None:
    with closing(sqlite3.connect(home / "talks.db")) as database, database:
        day = database.execute(
            "SELECT strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now', ?)", (f"-{days} days",)
        ).fetchone()[0]
        database.execute("UPDATE conversations SET updated_at = ? WHERE id = 'old'", (day,))


def run(
    home: Path, conversation: str | None = None, *, says: bool = True, **given: Any
) -> tuple[int, str, list[str]]:
    screen, asked = io.StringIO(), list[str]()

    def confirmed(question: str) -> bool:
        asked.append(question)
        return says

    console = Console(file=screen, width=60, highlight=False)
    settings = load_settings(store_path=home / "talks.db")
    return erase(conversation, settings, confirmed=confirmed, console=console, **given), screen.getvalue(), asked


def test_that_a_conversation_is_erased_after_asking(home: Path):
    code, shown, asked = run(home, "new")
    assert (code, asked) == (0, ["Erase conversation 'new' (3 turns) for good?"])
    assert shown.startswith("Erased: 3 turns of 'new'. Copies elsewhere")
    assert [*kept(home / "talks.db")] == ["old"]


def test_that_nothing_is_erased_where_somebody_says_no(home: Path):
    for given in ({"conversation": "new"}, {"older_than": 0}):
        code, shown, _ = run(home, says=False, **given)  # type: ignore[arg-type]
        assert (code, shown) == (1, "Nothing was erased.\n")
    assert [*kept(home / "talks.db")] == ["new", "old"]


def test_that_last_is_the_newest(home: Path):
    assert "'new' (3 turns)" in run(home, "last")[2][0]


def test_that_old_conversations_are_erased_together(home: Path):
    aged(home, 31)
    code, shown, (question,) = run(home, older_than=30)
    assert code == 0
    assert "not used since" in question
    assert shown.startswith("Erased: 1 conversation. ")
    assert [*kept(home / "talks.db")] == ["new"]
    assert run(home, older_than=30)[1].startswith("Erased: 0 conversations. ")


@pytest.mark.parametrize("given", [{}, {"conversation": "new", "older_than": 3}], ids=["neither", "both"])
def test_that_it_wants_a_conversation_or_a_time(home: Path, given: dict[str, Any]):
    with pytest.raises(InputError, match="--older-than DAYS"):
        run(home, **given)


def test_that_an_unknown_conversation_is_named_and_nothing_is_asked(home: Path):
    for use in (
        lambda: run(home, "nobody"),
        lambda: export("nobody", load_settings(store_path=home / "talks.db")),
    ):
        with pytest.raises(UnknownConversationError, match="'nobody'"):
            use()


@pytest.mark.parametrize(
    ("arguments", "typed", "code", "left"),
    [
        (["new"], "y\n", 0, ["old"]),
        (["new"], "n\n", 1, ["new", "old"]),
        (["new"], "", 1, ["new", "old"]),
        (["new", "--yes"], "", 0, ["old"]),
        (["--older-than", "0", "-y"], "", 0, []),
    ],
    ids=["yes", "no", "nobody there", "not asked", "all"],
)
def test_that_the_command_asks_unless_it_is_told_not_to(
    home: Path, arguments: list[str], typed: str, code: int, left: list[str]
):
    done = heartline("erase", *arguments, "--store", home / "talks.db", home=home, typed=typed)
    assert done.code == code
    assert SECRET not in done.out + done.err
    assert [*kept(home / "talks.db")] == left


def test_that_nothing_of_it_is_left_in_the_folder(home: Path):
    for name in ("new", "old"):
        assert heartline("erase", name, "--yes", "--store", home / "talks.db", home=home).code == 0
    assert [file.name for file in home.rglob("*") if file.is_file() and SECRET.encode() in file.read_bytes()] == []


def written(home: Path, conversation: str, **given: Any) -> dict[str, Any]:
    export(conversation, load_settings(store_path=home / "talks.db"), out=str(home / "out.json"), **given)
    content: dict[str, Any] = json.loads((home / "out.json").read_text(encoding="utf-8"))
    return content


def test_that_an_export_holds_every_turn_without_loss(home: Path):
    content = written(home, "last")
    head = {name: value for name, value in content.items() if name != "turns"}
    assert head == {"format": 1, "kind": "conversation", "conversation": "new", "redacted": False}
    assert tuple(map(from_record, content["turns"])) == kept(home / "talks.db")["new"]


def test_that_a_redacted_export_holds_no_personal_data(home: Path):
    content = written(home, "new", redact=True)
    assert content["redacted"] is True
    turns = list(map(from_record, content["turns"]))
    assert [turn.text for turn in turns] == ["I lost keys.", "My boss, [name], wrote to [email].", "I cried."]
    assert turns[2].history[2].text == turns[1].text
    assert turns[0].emotion == kept(home / "talks.db")["new"][0].emotion
    assert "me@example.org" not in json.dumps(content)
    assert SECRET not in json.dumps(content)


def test_that_an_export_holds_what_people_said(home: Path):
    with closing(SQLiteStore(home / "talks.db")) as store:
        store.hold("new", by="Amy")
        store.say("new", "Write to amy@example.org.", by="Amy")
    assert [(act["did"], act["words"]) for act in written(home, "new")["people"]] == [
        ("took_over", None),
        ("said", "Write to amy@example.org."),
    ]
    assert written(home, "new", redact=True)["people"][1]["words"] == "Write to [email]."


def test_that_the_command_prints_one_line_of_json_or_writes_a_file(home: Path):
    given = ("export", "old", "--redact", "--store", home / "talks.db")
    printed = heartline(*given, home=home)
    assert (printed.code, printed.err, printed.out.count("\n")) == (0, "", 1)
    assert json.loads(printed.out)["turns"][0]["text"] == "My sister [name] left."
    done = heartline(*given, "--out", home / "file.json", home=home)
    assert (done.code, done.out) == (0, "")
    assert json.loads((home / "file.json").read_text(encoding="utf-8")) == json.loads(printed.out)


@pytest.mark.parametrize(
    "use", [lambda home: written(home, "new"), lambda home: run(home, "new")], ids=["export", "erase"]
)
def test_that_the_file_is_closed_afterwards(home: Path, use: Callable[[Path], object]):
    use(home)
    assert [file.name for file in home.glob("talks.db*")] == ["talks.db"]
