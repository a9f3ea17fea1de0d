"""`heartline chat` with lines from a pipe: conversations, commands, what is kept and what is not."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from faces import PATIENCE, Finished, Talk, heartline, kept, start
from rich.console import Console

from agent.errors import StoreError, UnknownConversationError
from agent.holding import lease_name, whose
from agent.limits import Limits
from agent.loop import Agent
from agent.memory import InMemoryStore
from agent.memory_sqlite import SQLiteStore
from agent.protocols import Recalled
from agent.readings import Affect, RiskReading
from agent.safety.guard import ProtocolGuard
from agent.safety.policies import load_policy
from agent.settings import load_settings
from agent.state import EmotionalState, PersonalCalibration
from agent.testing import FixedPlugin, ScriptedGenerator, a_turn
from agent.turn import Turn
from ui.chat import Chat

SPOKEN = "— the offline responder"

EVENING = """\
/why
/save early.json

   \t
My landlord wants me out by March and I have nowhere to go.
/why
/save talk.json
/save nowhere/talk.json
/save .
/dance a little
/help
/new
/why
My sister passed her driving test, I am so proud of her.
/quit
This line is never read.
"""


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Finished]:
    """A home and what one whole conversation in it printed."""
    home = tmp_path_factory.mktemp("evening")
    return home, heartline("chat", home=home, typed=EVENING)


@pytest.fixture
def home(evening: tuple[Path, Finished], tmp_path: Path) -> Path:
    """A copy of that home, to go on in."""
    shutil.copytree(evening[0], tmp_path / "home")
    return tmp_path / "home"


def said(store: Path) -> dict[str, list[str]]:
    """What the seeker said in each conversation."""
    return {conversation: [turn.text for turn in turns] for conversation, turns in kept(store).items()}


def files_under(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_that_a_conversation_ends_well_and_says_what_is_answering(evening):
    _, done = evening
    assert (done.code, done.err) == (0, "")
    greeting = done.out.splitlines()[:5]
    assert greeting[0] == "Heartline"
    assert " ".join(" ".join(greeting[1:3]).split()) == load_policy("default").disclosure
    assert "heartline chat --llm URL" in greeting[3]
    assert all(len(line) <= 80 for line in greeting)


def test_that_every_message_is_answered_and_empty_lines_are_not(evening):
    home, done = evening
    assert done.out.count(SPOKEN) == 2
    assert list(said(home).values()) == [
        ["My sister passed her driving test, I am so proud of her."],
        ["My landlord wants me out by March and I have nowhere to go."],
    ]


def test_that_why_explains_the_last_answer_once_there_is_one(evening):
    _, done = evening
    before, answered = done.out.split(SPOKEN)[:2]
    assert before.count("Nothing was said yet.") == 2  # for /why and for /save
    for heading in ("Emotion ", "The words show ", "This message ", "Strategy ", "Said by ", "Time "):
        assert f"\n{heading}" in answered
    assert "Nothing was said yet." in answered.partition("A new conversation.")[2]


def test_that_a_saved_conversation_is_complete_and_private(evening):
    home, done = evening
    assert "1 turn saved to talk.json." in done.out
    saved = json.loads((home / "talk.json").read_text(encoding="utf-8"))
    assert saved["conversation"] == list(said(home))[1]
    (turn,) = saved["turns"]
    assert turn["text"] == "My landlord wants me out by March and I have nowhere to go."
    assert turn["reply"]["text"] in " ".join(done.out.split())
    assert turn["emotion"]["probabilities"]
    assert os.name == "nt" or (home / "talk.json").stat().st_mode & 0o077 == 0


def test_that_a_refused_file_is_named_and_nothing_is_left_of_it(evening):
    home, done = evening
    assert "'nowhere/talk.json': No such file or directory" in done.out
    assert "'.': Is a directory" in done.out
    assert not [
        name for name in files_under(home) if name.endswith(".part") or "early" in name or "nowhere" in name
    ]


def test_that_an_unknown_command_is_named_with_those_there_are(evening):
    _, done = evening
    told = "No command '/dance'. There are: /why, /options, /profile, /save, /new, /help, /quit."
    assert told in " ".join(done.out.split())


def test_that_help_explains_every_command_and_the_line_above_an_answer(evening):
    _, done = evening
    shown = done.out.partition("/dance")[2].partition("A new conversation.")[0]
    for word in (
        "/why ",
        "/profile ",
        "/profile forget ",
        "/save FILE ",
        "/new ",
        "/quit ",
        "Ctrl-C ",
        "valence",
        "strategy",
    ):
        assert word in shown
    assert all(len(line) <= 80 for line in shown.splitlines())


def test_that_the_last_line_says_how_to_go_on(evening):
    home, done = evening
    newest, older = said(home)
    assert done.out.splitlines()[-1] == f"Kept. Go on with: heartline chat -c {newest}"
    assert f"Kept. Go on with: heartline chat -c {older}\nA new conversation." in done.out


@pytest.mark.parametrize("named", ["last", "by its id"])
def test_that_a_second_process_goes_on_where_the_first_one_stopped(home: Path, named: str):
    newest, older = said(home)
    conversation = newest if named == "last" else older
    before = said(home)[conversation]
    # The input simply ends, without /quit.
    done = heartline("chat", "-c", "last" if named == "last" else older, home=home, typed="Still on my mind.")
    assert (done.code, done.err) == (0, "")
    assert f"you> {before[0]}" in " ".join(done.out.partition(SPOKEN)[0].split())
    assert said(home)[conversation] == [*before, "Still on my mind."]
    assert done.out.splitlines()[-1].endswith(conversation)


def test_that_an_unknown_conversation_is_named(evening, tmp_path: Path):
    done = heartline("chat", "-c", "1234", "--store", next(evening[0].rglob("conversations.db")), home=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err == "Error: No conversation '1234' among the 2 kept; `-c last` takes the newest.\n"


def test_that_there_is_no_last_conversation_before_the_first(tmp_path: Path):
    with pytest.raises(UnknownConversationError, match="No conversation was kept yet"):
        Talk(tmp_path).run(conversation="last")


def test_that_an_ephemeral_conversation_leaves_no_file_behind(tmp_path: Path):
    before = files_under(tmp_path)
    done = heartline("chat", "--ephemeral", home=tmp_path, typed="I slept badly, and badly is generous.\n")
    assert done.code == 0
    assert SPOKEN in done.out
    assert "Go on with" not in done.out
    assert files_under(tmp_path) == before == set()


def test_that_two_at_once_share_one_file(tmp_path: Path):
    shared = tmp_path / "shared.db"
    messages = [f"{name} and I argued again, number {number}." for name in ("Ines", "Olaf") for number in range(3)]
    both = [start("chat", "--store", shared, home=tmp_path) for _ in range(2)]
    for process, lines in zip(both, (messages[:3], messages[3:]), strict=True):
        assert process.stdin is not None
        process.stdin.write(("\n".join(lines) + "\n").encode())
        process.stdin.flush()
    ended = []
    for process in both:
        with process:
            out, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, err) == (0, b"")
        ended.append(out.decode().splitlines()[-1])
    assert sorted(said(shared).values()) == [messages[:3], messages[3:]]
    # The file is not the one that is looked into by default, so the way back names it.
    assert {line.split(" -c ")[1] for line in ended} == {f"{one} --store {shared}" for one in said(shared)}


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
def test_that_a_store_that_fails_on_the_way_costs_its_turn_and_not_the_reply(tmp_path: Path):
    # As on a full disk: no file may grow beyond 160 KB. A turn with a long message needs more.
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (163840, 163840))"
    store = tmp_path / "talks.db"
    SQLiteStore(store).close()  # what it is made of counts as well
    lines = ["I moved here in May.", "It is so quiet here. " * 8000, "And cold."]
    longer = {"HEARTLINE_MAX_MESSAGE_CHARACTERS": "200000"}
    done = heartline("chat", "--store", store, home=tmp_path, typed="\n".join(lines), before=limit, **longer)
    assert (done.code, done.err) == (0, "")
    assert done.out.count(SPOKEN) == 3
    assert done.out.count("This turn could not be kept. Conversation database") == 1
    assert list(said(store).values()) == [[lines[0], lines[2]]]


def test_that_a_damaged_store_is_one_line(tmp_path: Path):
    path = tmp_path / "talks.db"
    path.write_bytes(b"This is no database. " * 400)
    done = heartline("chat", home=tmp_path, HEARTLINE_STORE_PATH=str(path))
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"Error: Conversation database '{path}' failed (SQLITE_NOTADB).")
    assert done.err.count("\n") == 1
    assert path.read_bytes().startswith(b"This is no database.")


# --- in this process, where the parts can be chosen ----------------------------------------------


class FailingStore(InMemoryStore):
    """Keeps the first turn; the disk is full from then on."""

    name = "failing"

    def append(self, turn: Turn) -> Turn:
        if turn.index > 0 or self.conversations():
            raise StoreError("The disk is full. Make room and try again.")
        return super().append(turn)


def scripted(*scripts: Any, store: Any = None, planner: Any = None) -> Agent:
    return Agent(
        plugins=[], generator=ScriptedGenerator(*scripts), store=store or InMemoryStore(), planner=planner
    )


def test_that_a_turn_that_is_not_kept_says_so_and_can_still_be_saved(tmp_path: Path):
    target = tmp_path / "rescued.json"
    agent = scripted("First reply.", "Second reply.", store=FailingStore())
    shown = Talk(tmp_path, "One.", "Two.", f"/save {target}", agent=agent).run()
    assert shown.index("Second reply.") < shown.index("This turn could not be kept. The disk is full.")
    assert [turn["text"] for turn in json.loads(target.read_text(encoding="utf-8"))["turns"]] == ["One.", "Two."]


# --- that this is an AI ------------------------------------------------------------------------------

DISCLOSURE = load_policy("default").disclosure


class Clock:
    """Half an hour later each time that somebody asks."""

    def __init__(self) -> None:
        self.at = 1_790_000_000.0

    def __call__(self) -> float:
        self.at += 1800
        return self.at


def guarded(*scripts: str, risk: str = "none") -> Agent:
    plugin = FixedPlugin("risk", RiskReading(risk))  # type: ignore[arg-type]
    fallback = ScriptedGenerator(name="offline")
    return Agent(
        plugins=[plugin],
        generator=ScriptedGenerator(*scripts),
        store=InMemoryStore(),
        guard=ProtocolGuard(),
        fallback=fallback,
        clock=Clock(),
    )


def test_that_the_greeting_says_once_what_this_is(tmp_path: Path):
    shown = Talk(tmp_path, "One.", width=200, agent=guarded("A."), llm_url="http://127.0.0.1:9/v1").run()
    assert shown.count(DISCLOSURE) == 1
    assert shown.index(DISCLOSURE) < shown.index("A.\n")


def test_that_a_new_conversation_is_told_before_its_first_answer(tmp_path: Path):
    agent = guarded("First.", "Second.")
    shown = Talk(tmp_path, "One.", "/new", "Two.", width=200, agent=agent, llm_url="http://127.0.0.1:9/v1").run()
    after = shown.partition("A new conversation.")[2]
    assert shown.count(DISCLOSURE) == 2
    assert after.index(f"\n{DISCLOSURE}\n") < after.index("Second.")


def test_that_a_reminder_is_a_line_of_its_own_and_why_tells_it(tmp_path: Path):
    lines = ("One.", "Two.", "Three.", "Four.", "/why")
    agent = guarded("A.", "B.", "C.", "Dear me.")
    shown = Talk(tmp_path, *lines, width=200, agent=agent, llm_url="http://127.0.0.1:9/v1").run()
    prompt = load_policy("default").break_prompt
    assert f"\n{prompt}\nDear me.\n" in shown
    assert re.search(rf"Told beside it +{re.escape(prompt)}", shown)


def test_that_a_limit_is_told_and_the_conversation_goes_on(tmp_path: Path):
    agent = scripted("First.", "Second.")
    agent.limits = Limits(turns=1)
    shown = " ".join(Talk(tmp_path, "One.", "Two.", "/new", "Three.", agent=agent).run().split())
    assert "has 1 turns; the limit is 1." in shown
    assert shown.index("Begin a new conversation") < shown.index("Second.")


# --- what was learned about the person ---------------------------------------------------------------

LEARNED = PersonalCalibration(2, {"anger": -1.0, "sadness": 0.5}, 1.2, literal=True)


class Learns:
    """A tracker to which the person has said twice that they are not angry. What it knows, it has from before."""

    name = "learns"
    reads = frozenset({"text"})

    def update(self, turn: Turn) -> EmotionalState:
        before = turn.state_before
        personal = before.personal if before else LEARNED if turn.index == 0 else PersonalCalibration()
        return EmotionalState(Affect(0.0, 0.0, 0.0), 1, 0.0, None, 1, 0.5, personal=personal)


def learning(*scripts: str, store: Any = None) -> Agent:
    generator = ScriptedGenerator(*scripts)
    return Agent(plugins=[], generator=generator, store=store or InMemoryStore(), tracker=Learns())


def profiles(store: Any) -> list[PersonalCalibration]:
    """Every calibration that a store still holds."""
    turns = [turn for conversation in store.conversations() for turn in store.turns(conversation)]
    return [state.personal for turn in turns for state in (turn.state, turn.state_before) if state is not None]


def test_that_a_profile_is_shown_in_plain_words(tmp_path: Path):
    shown = " ".join(Talk(tmp_path, "/profile", "One.", "/profile", agent=learning("A.")).run().split())
    before, _, after = shown.partition("— scripted")
    assert "Nothing was learned about how to read you" in before
    assert "You set a reading right 2 times. Believed less readily since: anger." in after
    assert "Believed more readily since: sadness." in after
    assert "you are asked what you feel" in after
    assert "/profile forget" in after


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_that_a_forgotten_profile_is_gone_from_the_screen_the_store_and_what_is_saved(tmp_path: Path, store: str):
    kept = SQLiteStore(tmp_path / "talks.db") if store == "sqlite" else InMemoryStore()
    target = tmp_path / "talk.json"
    lines = ("One.", "Two.", "/profile forget", "/profile", f"/save {target}", "Three.", "/profile")
    talk = Talk(tmp_path, *lines, agent=learning("A.", "B.", "C.", store=kept))
    found: list[PersonalCalibration] = []
    close, kept.close = kept.close, lambda: (found.extend(profiles(kept)), close())  # type: ignore[method-assign]
    shown = talk.run()
    assert "Forgotten: what was learned" in shown
    assert shown.count("Nothing was learned about how to read you") == 2
    assert len(found) == 5
    assert set(map(repr, found)) == {repr(PersonalCalibration())}
    assert "anger" not in target.read_text(encoding="utf-8")
    assert [turn["text"] for turn in json.loads(target.read_text(encoding="utf-8"))["turns"]] == ["One.", "Two."]


def test_that_forgetting_before_anything_was_said_is_no_error(tmp_path: Path):
    assert "Forgotten" in Talk(tmp_path, "/profile forget", agent=learning()).run()


def test_that_a_profile_that_cannot_be_erased_is_told_of_and_still_shown(tmp_path: Path):
    class Locked(InMemoryStore):
        def forget_profile(self, conversation_id: str) -> None:
            raise StoreError("Another process is writing. Try again.")

    lines = ("One.", "/profile forget", "/profile")
    shown = Talk(tmp_path, *lines, agent=learning("A.", store=Locked())).run()
    assert "Another process is writing. Try again." in shown
    assert "Forgotten" not in shown
    assert "set a reading right 2 times" in shown


def test_that_another_word_behind_profile_erases_nothing(tmp_path: Path):
    shown = Talk(tmp_path, "One.", "/profile forgot", "/profile", agent=learning("A.")).run()
    assert "There are: /profile, /profile forget." in shown
    assert "set a reading right 2 times" in shown


@pytest.mark.parametrize("kind", ["no folder", "read-only"])
def test_that_a_store_that_cannot_be_opened_is_named(tmp_path: Path, kind: str):
    path = tmp_path / "talks.db"
    path.touch(mode=0o400)
    if kind == "no folder":
        path /= "talks.db"
    elif os.name == "nt" or os.geteuid() == 0:
        pytest.skip("the superuser may write to what is read-only")
    with pytest.raises(StoreError, match=re.escape(str(path))):
        Talk(tmp_path, store="sqlite", store_path=path)


def test_that_nothing_is_called_kept_where_nothing_was(tmp_path: Path):
    class FullStore(InMemoryStore):
        name = "full"

        def append(self, turn: Turn) -> Turn:
            raise StoreError("The disk is full. Make room and try again.")

    shown = Talk(tmp_path, "One.", agent=scripted("A reply.", store=FullStore()), store="sqlite").run()
    assert "A reply." in shown
    assert "Go on with" not in shown


class Interrupted:
    """A planner during whose first work the person presses Ctrl-C."""

    name = "interrupted"
    reads = frozenset({"text"})

    def __init__(self) -> None:
        self.turns: list[Turn] = []

    async def plan(self, turn: Turn) -> None:
        self.turns.append(turn)
        if len(self.turns) == 1:
            signal.raise_signal(signal.SIGINT)
            await asyncio.Event().wait()


@pytest.fixture
def heeded_interrupts() -> Iterator[None]:
    """What a shell starts in the background ignores Ctrl-C: there the planner above would wait for ever."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeded_interrupts")
def test_that_an_interrupt_before_the_answer_keeps_nothing_and_says_so(tmp_path: Path):
    talk = Talk(tmp_path, "One.", "/save", "Two.", agent=scripted("Second.", planner=Interrupted()))
    shown = talk.run()
    assert "(stopped; nothing of it is kept)\n\nNothing was said yet.\n" in shown
    assert [turn.text for turn in talk.chat.turns] == ["Two."]


def test_that_a_conversation_that_cannot_be_read_back_is_told_and_the_chat_goes_on(tmp_path: Path):
    class Forgetful(InMemoryStore):
        def recall(self, conversation_id: str, *, turns: int) -> Recalled:
            if not self.conversations():
                self.append(a_turn())
                raise StoreError("The database is locked. Try again.")
            return super().recall(conversation_id, turns=turns)

    shown = Talk(tmp_path, "One.", "Two.", agent=scripted("Second.", store=Forgetful())).run()
    assert shown.index("The database is locked. Try again.") < shown.index("Second.")


def test_that_a_message_is_refused_while_a_server_answers_in_the_conversation_and_then_taken_in(tmp_path: Path):
    path = tmp_path / "talks.db"
    settings = load_settings(store="sqlite", store_path=path)
    with closing(SQLiteStore(path)) as theirs, closing(SQLiteStore(path)) as ours:
        chat: Chat
        got: list[bool] = []

        def lease(holder: str) -> bool:
            name = lease_name(whose(theirs, chat.conversation_id))
            return theirs.leases.take(name, holder, in_line=False).got

        def lines() -> Iterator[str]:
            assert lease("a server")
            yield "One."
            theirs.leases.give_back(lease_name(whose(theirs, chat.conversation_id)), "a server")
            yield "Two."
            got.append(lease("a server"))

        class Asking:
            name, reads = "asking", frozenset({"text"})

            async def plan(self, turn: Turn) -> None:
                got.append(lease("another server"))

        typed, screen = lines(), io.StringIO()
        agent = scripted("A reply.", store=ours, planner=Asking())
        chat = Chat(agent, settings, console=Console(file=screen), read_line=lambda: next(typed, "/quit"))
        chat.run()
        shown = " ".join(screen.getvalue().split())
        assert "is answering in this conversation. Your message was not taken in." in shown
        assert [turn.text for turn in theirs.turns(chat.conversation_id)] == ["Two."]
    assert got == [False, True]  # not while the answer came; afterwards


def test_that_an_old_file_survives_a_save_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    target = tmp_path / "talk.json"
    target.write_text("what was there", encoding="utf-8")
    monkeypatch.setattr(Path, "replace", _no_space)
    shown = Talk(tmp_path, "One.", f"/save {target}", "Two.", agent=scripted("First.", "Second.")).run()
    # Without white space: a long path is broken in its middle.
    assert f"'{target}':Nospaceleftondevice" in "".join(shown.split())
    assert "Second." in shown
    assert target.read_text(encoding="utf-8") == "what was there"
    assert list(tmp_path.iterdir()) == [target]


def _no_space(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_that_saving_to_a_home_of_nobody_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    shown = Talk(tmp_path, "One.", "/save ~nobody-of-that-name/x.json", "Two.", agent=scripted("A.", "B.")).run()
    assert "Cannot write '~nobody-of-that-name/x.json'" in shown
    assert "B." in shown


def test_that_a_message_that_is_too_long_is_refused_and_the_chat_goes_on(tmp_path: Path):
    shown = Talk(tmp_path, "word " * 5000, "Short.", agent=scripted("Heard.")).run()
    assert "The message has 24,999 characters" in shown
    assert "Heard." in shown


def test_that_a_speaker_that_fails_without_another_to_stand_in_leaves_a_message_that_is_kept(tmp_path: Path):
    agent = scripted(["Well, ", RuntimeError("secret")], "Back again.")
    shown = Talk(tmp_path, "One.", "Two.", "/why", agent=agent).run()
    assert "scripted failed: RuntimeError. What it had begun to say does not count." in shown
    assert "No answer came. Your message is kept." in shown
    assert "Back again." in shown
    assert "secret" not in shown


@pytest.mark.parametrize("width", [24, 40])
def test_that_words_are_broken_between_and_not_inside(tmp_path: Path, width: int):
    reply = "It sounds as though the quiet of the new flat weighs more on you than the boxes.\n\n  - 二人で話しましょう - oh"
    shown = Talk(tmp_path, "One.", width=width, agent=scripted(list(reply))).run()
    said = shown.partition("/quit ends")[2].partition("— scripted")[0]
    assert said.split() == reply.split()
    assert "\n\n  - 二" in said
    assert all(len(line.encode("utf-16-le")) // 2 <= width for line in said.splitlines())


def test_that_a_word_longer_than_the_line_is_written_whole(tmp_path: Path):
    word = "https://example.org/" + "a" * 60
    shown = Talk(tmp_path, "One.", width=30, agent=scripted(f"See {word} and more.")).run()
    assert f"See\n{word} and" in shown.replace(f"{word}\nand", f"{word} and")


def test_that_an_escape_in_a_message_or_a_reply_never_reaches_the_screen(tmp_path: Path):
    reply = ["Oh \x1b[31mred", "\x1b]0;owned\x07 and\x9b2J \u202eback[/bold] [red]plain[/red]."]
    shown = Talk(
        tmp_path, "Hello \x1b[2J[bold]you[/bold]\x07", "/why", "/\x1b[2Jwhat", agent=scripted(reply)
    ).run()
    assert not {character for character in shown if ord(character) < 32 or 127 <= ord(character) < 160} - {"\n"}
    assert "\u202e" not in shown
    assert "back[/bold] [red]plain[/red]." in shown


def test_that_markup_in_a_message_is_shown_as_it_is(tmp_path: Path):
    path = tmp_path / "talks.db"
    Talk(tmp_path, "I said [red]no[/red] to [/them].", store="sqlite", store_path=path).run()
    shown = Talk(tmp_path, store="sqlite", store_path=path).run("last")
    assert "you> I said [red]no[/red] to [/them]." in shown


@pytest.fixture
def bytes_as_input(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    def given(data: bytes) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="strict"))

    return given


def test_that_an_unreadable_byte_does_not_end_the_conversation(tmp_path: Path, bytes_as_input):
    bytes_as_input(b"caf\xe9 is closed\nNow what?\n")
    screen = io.StringIO()
    agent = scripted("A pity.", "Tea?")
    Chat(agent, load_settings(store="memory"), console=Console(file=screen)).run()
    assert "A pity." in screen.getvalue()
    assert "Tea?" in screen.getvalue()
    assert agent.generator.turns[0].text == "caf\N{REPLACEMENT CHARACTER} is closed"
