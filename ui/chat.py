"""`heartline chat`: a conversation in the terminal."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import uuid
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.errors import GenerationError, HeartlineError, InputError, StoreError
from agent.events import Event, FailureNoted, NoticeGiven, ReplyFinished, StageFinished, Token
from agent.holding import alone_in
from agent.intake import scrub
from agent.loop import Agent
from agent.options import Options
from agent.probe import LLMServer
from agent.record import to_record
from agent.safety.policies import load_policy
from agent.settings import Settings, load_settings
from agent.state import PersonalCalibration
from agent.turn import Turn, without_profile
from agent.whole_file import whole_file
from ui.conversations import conversation_named
from ui.explain import notice, one_line, profile, prompt, speaker, whole
from ui.terminal import Typist, line_reader
from ui.wishes import told, wished

__all__ = ["Chat"]

_OFFLINE = "Offline: a built-in responder answers. For an LLM: heartline chat --llm URL"
_COMMANDS = "/why explains an answer · /help lists the commands · /quit ends"
_HELP = """\
/why        what was read in your last message, and why it was answered so;
            /why prompt shows what the LLM was given, to the letter
/options    how the next answers are made, e.g. /options variant=plain
/profile    what was learned about how to read you; /profile forget erases it
/save FILE  write this conversation to a file (JSON)
/new        begin another conversation
/quit       end; Ctrl-C or Ctrl-D at the prompt do the same
Ctrl-C      while an answer comes: stop it

The line above an answer: the likeliest emotions · what brought them about ·
valence over the turns, from -1 (unpleasant) to +1 (pleasant), and where it is
going · the support strategy of the answer, and the stage of the conversation."""


class Chat:
    """Reads lines, shows what was understood, streams the answers.

    Args:
        agent: Answers. It is closed when the conversation ends.
        settings: What the agent was built from, for the notices.
        console: Where to write.
        read_line: Gives the next line; raises EOFError at the end. None asks the terminal.
        ready: Returns once the agent may be used; None where it may be at once.

    Attributes:
        conversation_id: The conversation that goes on.
        turns: Its turns, oldest first; also those that the store could not keep.
        options: What the person asks of the next answers.
    """

    def __init__(
        self,
        agent: Agent,
        settings: Settings,
        *,
        console: Console | None = None,
        read_line: Callable[[], str] | None = None,
        ready: Callable[[], None] | None = None,
    ) -> None:
        self.agent, self.settings = agent, settings
        self.console = console or Console(highlight=False)
        self.conversation_id, self._us = uuid.uuid4().hex, uuid.uuid4().hex
        self.turns: list[Turn] = []
        self.options = Options()
        self._begun: Turn | None = None  # the turn in the making
        self._disclosed = ""  # what the greeting said of this being an AI, until the first answer has come
        self._kept = False  # whether the store has anything of this conversation
        self._read_line, self._ready = read_line or line_reader(), ready or (lambda: None)
        self._commands: dict[str, Callable[[str], None]] = {
            "/why": self._why,
            "/options": self._wish,
            "/profile": self._profile,
            "/save": self._save,
            "/new": self._new,
            "/help": lambda _: self._say(_HELP),
        }

    def run(self, conversation: str | None = None) -> None:
        """Talk until `/quit`, the end of the input, or Ctrl-C at the prompt.

        Args:
            conversation: Id of the conversation that goes on; `"last"` for the newest.

        Raises:
            UnknownConversationError: There is no such conversation.
            StoreError: The conversation cannot be read.
        """
        with asyncio.Runner() as runner:
            try:
                if conversation is not None:
                    self._resume(conversation)
                self._greet()
                while (line := self._next_line()) != "/quit":
                    self._take(line, runner)
                self._leave()
            finally:
                self._ready()
                runner.run(self.agent.aclose())

    def _resume(self, conversation: str) -> None:
        conversation = conversation_named(self.agent.store, conversation, newest="-c last")
        self.turns = list(self.agent.store.turns(conversation))
        self.conversation_id, self._kept = conversation, True

    def _greet(self) -> None:
        self._disclosed = load_policy(self.settings.policy).disclosure
        self._say("Heartline", "bold")
        self._say(self._disclosed)
        if self.agent.fallback is None:
            self._say(_OFFLINE, "dim")
        elif self.settings.llm_url is None:
            self._say(f"Your words stay in this process: {self.agent.generator.name!r} answers.", "dim")
        else:
            self._say(f"Your words go to the LLM at {LLMServer.from_settings(self.settings).base}.", "dim")
        self._say(_COMMANDS, "dim")
        if self.turns:
            last = self.turns[-1]
            self._say(f"\nGoing on after turn {len(self.turns)}, where this was said:", "dim")
            self._say(f"you> {last.text}" + (f"\n{last.reply.text}" if last.reply else ""), "dim italic")
        self._say("")

    def _leave(self) -> None:
        """Tell the way back to the conversation, where it is kept."""
        if not self._kept or self.settings.store == "memory":
            return
        command = ["heartline", "chat", "-c", self.conversation_id]
        if self.settings.store_path != load_settings().store_path:
            command += ["--store", str(self.settings.store_path)]
        # Whole, however narrow the window: it is there to be copied.
        self.console.print(Text(f"Kept. Go on with: {scrub(shlex.join(command))}", style="dim"), soft_wrap=True)

    def _next_line(self) -> str:
        try:
            return self._read_line().strip()
        except (EOFError, KeyboardInterrupt):
            return "/quit"

    def _take(self, line: str, runner: asyncio.Runner) -> None:
        """A command, or a message to answer."""
        if not line:
            return
        if line.startswith("/"):
            word, _, rest = line.partition(" ")
            command = self._commands.get(word)
            if command is None:
                self._say(f"No command {word!r}. There are: {', '.join(self._commands)}, /quit.", "yellow")
            else:
                command(rest.strip())
        else:
            self._talk(line, runner)
        self._say("")

    def _talk(self, line: str, runner: asyncio.Runner) -> None:
        self._begun = None
        try:
            self._ready()
            runner.run(self._answer(line))
        except KeyboardInterrupt:
            kept = self._take_up_the_unfinished()
            self._say("(stopped; what was said is kept)" if kept else "(stopped; nothing of it is kept)", "yellow")
        except InputError as error:
            self._say(str(error), "yellow")
        except GenerationError:  # why was shown when it was noted
            kept = self._take_up_the_unfinished()
            self._say("No answer came." + (" Your message is kept." if kept else ""), "red")
        except HeartlineError as error:
            self._say(str(error), "red")

    async def _answer(self, line: str) -> None:
        typist = Typist(self.console)
        try:
            asked = self.agent.stream(line, conversation_id=self.conversation_id, options=self.options)
            mine = alone_in(self.agent.store, self.conversation_id, holder=self._us)
            async with mine, aclosing(asked) as events:
                async for event in events:
                    self._show(event, typist)
        finally:
            typist.end()

    def _show(self, event: Event, typist: Typist) -> None:
        match event:
            case StageFinished(stage=stage, turn=turn):
                self._begun = turn
                understood = one_line(turn)
                if stage == "plan" and understood:
                    self._say(understood, "cyan")
            case NoticeGiven(text=text) if text != self._disclosed:
                typist.end()
                self._say(text, "dim")
            case Token(text=text):
                typist.type(text)
            case FailureNoted(failure=failure, discards=discards):
                typist.end()
                unsaid = " What it had begun to say does not count." if discards else ""
                self._say(f"({notice(failure)}{unsaid})", "yellow")
            case ReplyFinished(turn=turn):
                typist.end()
                self.turns.append(turn)
                self._disclosed = ""
                self._kept |= all(failure.stage != "remember" for failure in turn.failures)
                self._say(f"— {speaker(turn)}", "dim")

    def _take_up_the_unfinished(self) -> bool:
        """Go on from a turn that broke off, as the store has it; False where it has nothing of it."""
        try:
            stored = self.agent.store.turns(self.conversation_id)
        except StoreError:
            return False
        for turn in reversed(stored):
            if self._begun is not None and turn.id == self._begun.id:
                self.turns.append(turn)
                self._kept = True
                return True
        return False

    def _why(self, asked: str) -> None:
        if not self.turns:
            self._say("Nothing was said yet.")
            return
        if asked == "prompt":
            # Unwrapped: it is there to be compared with what a server received.
            self.console.print(Text(prompt(self.turns[-1])), soft_wrap=True)
            return
        table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        for heading, text in whole(self.turns[-1]):
            table.add_row(Text(heading, style="bold"), Text(scrub(text)))
        self.console.print(table)

    def _wish(self, words: str) -> None:
        try:
            self.options = wished(words, self.options)
        except HeartlineError as error:
            self._say(str(error), "yellow")
            return
        self._say(told(self.options, self.settings))

    def _profile(self, asked: str) -> None:
        if asked == "forget":
            self._forget_profile()
        elif asked:
            self._say("There are: /profile, /profile forget.", "yellow")
        else:
            states = (turn.state or turn.state_before for turn in reversed(self.turns))
            latest = next((state for state in states if state is not None), None)
            self._say(profile(PersonalCalibration() if latest is None else latest.personal))

    def _forget_profile(self) -> None:
        """Erase what was learned, in the store and in the turns that `/save` would write."""
        try:
            if self._kept:
                self.agent.store.forget_profile(self.conversation_id)
        except StoreError as error:
            self._say(str(error), "red")
            return
        self.turns = [without_profile(turn) for turn in self.turns]
        self._say("Forgotten: what was learned about how to read you. What was said stays.")

    def _save(self, name: str) -> None:
        if not self.turns:
            self._say("Nothing was said yet.")
            return
        name = os.path.expanduser(scrub(name))  # noqa: PTH111 - Path's own raises on `~nobody`
        path = Path(name or f"heartline-{self.conversation_id[:8]}.json")
        records = [to_record(turn, context=False) for turn in self.turns]
        saved = {"conversation": self.conversation_id, "turns": records}
        try:
            with whole_file(path) as file:
                file.write((json.dumps(saved, indent=1, ensure_ascii=False) + "\n").encode())
        except InputError as error:
            self._say(str(error), "red")
            return
        self._say(f"{len(records)} turn{'s' * (len(records) > 1)} saved to {path}.")

    def _new(self, _: str) -> None:
        self._leave()
        self.conversation_id, self.turns, self._kept = uuid.uuid4().hex, [], False
        self._say("A new conversation. What is on your mind?")

    def _say(self, text: str, style: str = "") -> None:
        self.console.print(Text(scrub(text), style=style))
