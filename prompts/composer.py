"""Writes the prompt from sections: who the agent is, what was read, what was said."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import jinja2
from jinja2 import meta
from jinja2.sandbox import SandboxedEnvironment

from agent.decisions import Prompt, PromptMessage
from agent.errors import WiringError
from agent.persona import Persona, load_persona
from agent.turn import Message, Role, Turn

__all__ = ["NotesPlace", "SectionComposer", "create"]

NotesPlace = Literal["first-system", "system-before-last"]

_TEMPLATES = Path(__file__).parent / "templates"
_PERSONA, _NOTES = "persona.jinja", "notes.jinja"
_CAREFUL_PERSONA = "calm"
_HISTORY_CHARACTERS = 12_000  # about 3,000 tokens of English

_LEAST_TOP = 0.15  # five times what a flat guess among 32 emotions gives; below it nothing is known
_LEAST_SHOWN = 0.05  # a list of doubts would be read as a list of emotions
_LABEL = re.compile(r"[^\W\d_]{1,24}(?:[ _-][^\W\d_]{1,24}){0,2}")

_ROLES: Mapping[Role, Literal["user", "assistant"]] = {"seeker": "user", "supporter": "assistant"}


class SectionComposer:
    """A system message, the conversation, and notes with typed readings and the plan.

    Words of the person appear in `user` messages only. The notes hold numbers, labels of closed
    sets, the planner's fixed phrases and the persona's tones; labels that do not look like labels
    are left out. The first part is the same byte for byte in every prompt, so that a server can keep it
    in its prefix cache. Consecutive messages of one role are merged and the conversation begins
    with the person, because the chat templates of Llama 2, Mistral and Gemma refuse anything but
    user and assistant in turn.

    Args:
        notes: Where the notes stand. `"first-system"` (the default) puts them at the end of the
            first system message: many chat templates accept a system message at the start only,
            and this works with all that accept one at all. `"system-before-last"` gives them a
            message of their own before the person's last one, which keeps the whole history in
            the stable prefix; use it where the model's template allows it.
        max_history_characters: Most characters of history; the newest whole messages are kept.
            The current message is never cut and does not count.
        top_emotions: Most emotions that are named (HEF's two stages: the likely ones first,
            others only if none fits).
        persona: Whose tones the notes ask for, by what the agent itself feels; None asks for none. Where care is
            asked for it is always the calm one's.
        templates: Folder with `persona.jinja` (no variables) and `notes.jinja`.
        template_id: What `Prompt.template` says.

    Raises:
        WiringError: A template is missing, broken or uses a variable that there is not.
    """

    name = "sections"
    reads = frozenset({"text", "history"})

    def __init__(
        self,
        *,
        notes: NotesPlace = "first-system",
        max_history_characters: int = _HISTORY_CHARACTERS,
        top_emotions: int = 3,
        persona: Persona | None = None,
        templates: Path = _TEMPLATES,
        template_id: str = "sections-1",
    ) -> None:
        if notes not in get_args(NotesPlace):
            raise WiringError(f"`notes` is {notes!r}. Choices: {', '.join(get_args(NotesPlace))}.")
        self.notes, self.top_emotions, self.template_id = notes, top_emotions, template_id
        self.max_history_characters = max_history_characters
        sources = {path.name: path.read_text(encoding="utf-8") for path in sorted(templates.glob("*.jinja"))}
        self._tones: Mapping[str, str] = {} if persona is None else persona.tones
        self._careful_tone = "" if persona is None else load_persona(_CAREFUL_PERSONA).tones["neutral"]
        self.sha256 = _digest(sources | {f"tone of {emotion}": tone for emotion, tone in self._tones.items()})
        self._environment = _environment(sources)
        self._check(sources, folder=templates)
        self._persona = self._render(_PERSONA, {})

    def compose(self, turn: Turn) -> Prompt:
        """The prompt for this turn. Readings and plan may be None; they are then left out.

        Returns:
            Messages in order: system, conversation, current message last. `dropped` counts the
            messages of the history that did not fit, and replies at its start that nothing
            precedes.

        Raises:
            WiringError: A template of one's own asks for an attribute that there is not.
        """
        kept = self._within_budget(turn.history)
        conversation = _merged([*kept, Message("seeker", turn.text)])
        dropped = len(turn.history) - len(kept)
        notes = self._render(_NOTES, self._values(turn, dropped=dropped))
        if not notes:
            messages = [PromptMessage("system", self._persona), *conversation]
        elif self.notes == "first-system":
            messages = [PromptMessage("system", f"{self._persona}\n\n{notes}"), *conversation]
        else:
            *before, current = conversation
            messages = [
                PromptMessage("system", self._persona),
                *before,
                PromptMessage("system", notes),
                current,
            ]
        return Prompt(tuple(messages), self.template_id, self.sha256, dropped=dropped)

    def _within_budget(self, history: Sequence[Message]) -> list[Message]:
        """The newest messages that fit, whole, beginning with the person."""
        left = self.max_history_characters
        kept: list[Message] = []
        for message in reversed(history):
            left -= len(message.text)
            if left < 0:
                break
            kept.append(message)
        while kept and kept[-1].role == "supporter":
            kept.pop()
        return kept[::-1]

    def _values(self, turn: Turn, *, dropped: int) -> Mapping[str, Any]:
        """What `notes.jinja` may use."""
        state = turn.state
        if state is not None and (state.confidence == 0 or (state.turns == 1 and turn.affect is not None)):
            state = None  # nothing was ever read, or it only repeats the reading of the one message
        return {
            "emotions": self._emotions(turn),
            "expressions": [] if turn.expression is None else _labels(turn.expression.present),
            "affect": turn.affect,
            "state": state,
            "felt_so_far": [] if state is None else self._likely(state.top(self.top_emotions)),
            "cause": _cause_place(turn, dropped=dropped),
            "plan": turn.plan,
            "reason": "" if turn.plan is None else " ".join(turn.plan.reason.split()),
            "escalated": turn.escalated,
            "tone": self._tone(turn),
            "literal": turn.state is not None and turn.state.personal.literal,
        }

    def _tone(self, turn: Turn) -> str:
        """The persona's sentence for what the agent feels; empty where it feels nothing that the persona knows."""
        if turn.escalated:
            return self._careful_tone
        own = None if turn.state is None else turn.state.own
        return "" if own is None else self._tones.get(own.emotion, "")

    def _emotions(self, turn: Turn) -> list[tuple[str, float]]:
        if turn.emotion is None:
            return []
        return self._likely(turn.emotion.top(self.top_emotions))

    def _likely(self, top: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
        """Emotions that are worth naming, likeliest first; none where even the likeliest is a guess."""
        if not top or top[0][1] < _LEAST_TOP:
            return []
        return [(_spoken(label), p) for label, p in top if p >= _LEAST_SHOWN and _LABEL.fullmatch(label)]

    def _check(self, sources: Mapping[str, str], *, folder: Path) -> None:
        """Refuse a folder of templates that cannot work."""
        values = self._values(Turn("", "", 0, ""), dropped=0)
        for name, allowed in ((_PERSONA, frozenset[str]()), (_NOTES, frozenset(values))):
            if name not in sources:
                raise WiringError(
                    f"No template {name!r} in {str(folder)!r}. It holds: {', '.join(sources) or 'none'}."
                )
            try:
                used = meta.find_undeclared_variables(self._environment.parse(sources[name]))
            except jinja2.TemplateSyntaxError as error:
                raise WiringError(
                    f"Template {name!r} is broken at line {error.lineno}: {error.message}."
                ) from error
            unknown = sorted(used - allowed - set(self._environment.globals))
            if unknown:
                choices = ", ".join(sorted(allowed)) or "none"
                raise WiringError(
                    f"Template {name!r} uses {unknown}, which nothing provides. Variables: {choices}."
                )

    def _render(self, name: str, values: Mapping[str, Any]) -> str:
        try:
            return self._environment.get_template(name).render(values).strip()
        except jinja2.TemplateError as error:
            raise WiringError(
                f"Template {name!r} cannot be filled: {error.message}. Mend the template."
            ) from error


def _environment(sources: Mapping[str, str]) -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        loader=jinja2.DictLoader(sources),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # the prompt is plain text: `<` must stay `<`
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Adding 0.0 turns -0.0 into 0.0, so that no change reads "+0.00".
    environment.filters["signed"] = lambda value: f"{round(value, 2) + 0.0:+.2f}"
    return environment


def _digest(sources: Mapping[str, str]) -> str:
    """SHA-256 over names and contents, each with its length in front so that none can run together."""
    digest = hashlib.sha256()
    for name in sorted(sources):
        for part in (name.encode(), sources[name].encode()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _merged(messages: Sequence[Message]) -> list[PromptMessage]:
    """Messages for the LLM, with neighbours of one role joined by an empty line."""
    merged: list[PromptMessage] = []
    for message in messages:
        role = _ROLES[message.role]
        if merged and merged[-1].role == role:
            merged[-1] = PromptMessage(role, f"{merged[-1].content}\n\n{message.text}")
        else:
            merged.append(PromptMessage(role, message.text))
    return merged


def _labels(labels: Sequence[str]) -> list[str]:
    """Labels as words. One to three words make a label; anything longer might be somebody's text."""
    return [_spoken(label) for label in labels if _LABEL.fullmatch(label)]


def _spoken(label: str) -> str:
    return label.replace("_", " ")


def _cause_place(turn: Turn, *, dropped: int) -> Literal["now", "earlier"] | None:
    """Where the likeliest cause is told, if the LLM sees it. Its words stay in the person's messages."""
    if turn.cause is None or not turn.cause.spans:
        return None
    likeliest = max(turn.cause.spans, key=lambda span: span.score)
    if likeliest.utterance < dropped:
        return None
    return "now" if likeliest.utterance == len(turn.history) else "earlier"


def create(settings: object | None = None) -> SectionComposer:
    """Entry point `sections`; takes `history_characters` and `persona` from the settings where they have them.

    Raises:
        SettingsError: `persona` is none that can be used.
    """
    named = getattr(settings, "persona", None)
    return SectionComposer(
        max_history_characters=getattr(settings, "history_characters", _HISTORY_CHARACTERS),
        persona=None if named is None else load_persona(named),
    )
