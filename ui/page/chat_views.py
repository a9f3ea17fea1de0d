"""What the chat tab shows, drawn from the store and from a visitor's choices."""

from __future__ import annotations

from collections.abc import Sequence

from agent.errors import HeartlineError, SettingsError
from agent.turn import Turn
from ui.page import own_data
from ui.page.desk import Desk
from ui.page.marks import words_behind
from ui.page.markup import filled
from ui.page.people import NOBODY, People, people_in
from ui.page.texts import Texts
from ui.page.transcript import transcript
from ui.page.understanding import understanding
from ui.page.visitor import Visitor

__all__ = ["Views"]


class Views:
    """Markup of each part.

    Args:
        desk: What all visitors share.
        texts: In the language of the page.
    """

    def __init__(self, desk: Desk, texts: Texts) -> None:
        self._desk, self._texts = desk, texts

    def talk(
        self, visitor: Visitor, here: str, turns: Sequence[Turn], *, unkept: frozenset[str] = frozenset()
    ) -> str:
        """The conversation."""
        try:
            said = own_data.feedback_of(self._desk, visitor, here) if turns else {}
        except HeartlineError:  # the words are worth more than the thumbs beside them
            said = {}
        return transcript(
            turns,
            self._texts,
            policy=self._desk.policy(visitor.choices),
            country=self._desk.directory.country(self._desk.country(visitor.choices)),
            feedback=said,
            unkept=unkept,
            people=self.people(visitor, here),
        )

    def people(self, visitor: Visitor, here: str) -> People:
        """What people did in the conversation; nothing where that cannot be read, which is told elsewhere."""
        try:
            return people_in(self._desk, visitor, here)
        except HeartlineError:
            return NOBODY

    def panel(self, turns: Sequence[Turn], *, shown: str | None = None, behind: bool = False) -> str:
        """What was understood.

        Args:
            turns: Of the conversation.
            shown: Id of the turn that is explained; None: the newest.
            behind: Mark the words that its likeliest emotion rests on; such a turn is there.

        Raises:
            HeartlineError: The models that read are not there.
        """
        settings, found = self._desk.settings, None
        if behind:
            found = words_behind(next(turn for turn in turns if turn.id == shown), settings)
        return understanding(turns, self._texts, shown=shown, operator=settings.page.show_risk, rests_on=found)

    def past(self, visitor: Visitor, here: str) -> str:
        """The list of conversations; an empty one where they cannot be read, which is told elsewhere."""
        try:
            found = own_data.entries(self._desk, visitor)
        except HeartlineError:
            found = []
        return filled("list", self._texts, entries=[entry.as_row(self._texts) for entry in found], current=here)

    def status(self, visitor: Visitor, here: str, *, told: str = "") -> str:
        """Where words go, and whether they are kept."""
        kept = visitor.keeps(here) if here else visitor.choices.kept or not self._desk.may_unkeep
        where = self.speaker(visitor)
        lasting = "chat.unkept" if not kept else "chat.ephemeral" if self._desk.ephemeral else "chat.kept"
        return filled("status", self._texts, where=where, kept=self._texts(lasting), told=told)

    def speaker(self, visitor: Visitor) -> str:
        """Who answers, and where words go for that."""
        try:
            settings = self._desk.settings_for(visitor.choices)
            address = self._desk.address(settings)
        except SettingsError:
            return self._texts("trouble.settings")
        if address is not None:
            return self._texts("chat.to_llm", address=address)
        return self._texts("chat.offline" if settings.generator == "openai" else "chat.here")
