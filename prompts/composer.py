"""Writes the prompt from sections: who the agent is, what was said, what was read, what is planned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, get_args

from agent.decisions import Prompt, PromptMessage
from agent.errors import WiringError
from agent.options import parts_of
from agent.persona import Persona, load_persona
from agent.readings import CausalSpan
from agent.turn import Turn
from prompts.budget import CUT, Budget, Characters, Fit, Tokens, fit
from prompts.filling import TemplateFolder, digest
from prompts.marks import answered, likely_causes, marked
from prompts.notes import note_values
from prompts.stimuli import STIMULI, chosen, load_stimuli
from prompts.tokens import Ruler

__all__ = ["NotesPlace", "SectionComposer", "create"]

NotesPlace = Literal["first-system", "system-before-last"]

_ID = "sections-2"  # what `Prompt.template` begins with; counts up when what the LLM reads changes
_TEMPLATES = Path(__file__).parent / "templates"
_PERSONA, _NOTES = "persona.jinja", "notes.jinja"
_CAREFUL_PERSONA = "calm"
_HISTORY_CHARACTERS = 12_000  # about 3,000 tokens of English
_REPLY_TOKENS = 400  # what `llm_max_tokens` is unless somebody sets it

_GIVEN_BY = {
    "notes": "notes_place",
    "variant": "variant",
    "stimulus": "stimulus",
    "context": "llm_context",
    "reply_tokens": "llm_max_tokens",
    "tokenizer": "llm_tokenizer",
    "max_history_characters": "history_characters",
}
"""Arguments of the composer, and the settings that give them."""


class SectionComposer:
    """A system message, the conversation, and notes with typed readings and the plan; see docs/prompts.md.

    Words of the person, and of other people in examples, appear in `user` and `assistant` messages only. The notes
    hold numbers, labels of closed sets, the planner's and the verifier's phrases, the persona's tones and a
    stimulus; labels that do not look like labels are left out. The first part is the same byte for byte in every
    prompt, so that a server can keep it in its prefix cache. Consecutive messages of one role are merged and the
    conversation begins with the person, because the chat templates of Llama 2, Mistral and Gemma refuse anything
    but user and assistant in turn.

    Args:
        notes: Where the notes stand. `"first-system"` (the default) puts them at the end of the
            first system message: many chat templates accept a system message at the start only,
            and this works with all that accept one at all. `"system-before-last"` gives them a
            message of their own before the person's last one, which keeps the whole history in
            the stable prefix; use it where the model's template allows it.
        variant: What goes into the prompt (see `agent.options.parts_of`), unless a request asks for another.
        stimulus: Name of an emotional stimulus, or `"none"`, unless a request asks for another.
        context: Tokens that the model can hold. Where a turn says it too, the smaller holds.
        reply_tokens: Tokens kept free for the reply.
        tokenizer: The model's `tokenizer.json`; None estimates how long a text is.
        max_history_characters: Most characters of history and examples, where nobody says how many tokens the
            model can hold. The current message does not count then, and is never cut.
        persona: Whose tones the notes ask for, by what the agent itself feels; None asks for none. Where care is
            asked for it is always the calm one's.
        templates: Folder with `persona.jinja` (no variables) and `notes.jinja`.
        stimuli: File of stimuli.

    Raises:
        WiringError: A template is missing, broken or uses a variable that there is not.
        SettingsError: The variant, the stimulus or the tokenizer is none.
    """

    name = "sections"
    reads = frozenset({"text", "history"})

    def __init__(
        self,
        *,
        notes: NotesPlace = "first-system",
        variant: str = "hef+strategy",
        stimulus: str = "none",
        context: int | None = None,
        reply_tokens: int = _REPLY_TOKENS,
        tokenizer: Path | None = None,
        max_history_characters: int = _HISTORY_CHARACTERS,
        persona: Persona | None = None,
        templates: Path = _TEMPLATES,
        stimuli: Path = STIMULI,
    ) -> None:
        if notes not in get_args(NotesPlace):
            raise WiringError(f"`notes` is {notes!r}. Choices: {', '.join(get_args(NotesPlace))}.")
        self.notes, self.variant, self.stimulus = notes, variant, stimulus
        self.context, self.reply_tokens = context, reply_tokens
        self.max_history_characters = max_history_characters
        self._stimuli = load_stimuli(stimuli)
        parts_of(variant), chosen(stimulus, self._stimuli)  # refused now, not in the first turn
        self._ruler = Ruler(tokenizer)
        self._tones: Mapping[str, str] = {} if persona is None else persona.tones
        self._careful_tone = "" if persona is None else load_persona(_CAREFUL_PERSONA).tones["neutral"]
        variables = frozenset(self._values(Turn("", "", 0, ""), Fit(frozenset()), ""))
        self._templates = TemplateFolder(templates, {_PERSONA: frozenset(), _NOTES: variables})
        self._persona = self._templates.fill(_PERSONA, {})
        tones = {f"tone of {emotion}": tone for emotion, tone in self._tones.items()}
        self.sha256 = digest(
            {
                **self._templates.sources,
                **tones,
                "careful tone": self._careful_tone,
                "stimuli": stimuli.read_text(encoding="utf-8"),
            }
        )

    def compose(self, turn: Turn) -> Prompt:
        """The prompt for this turn. Readings and plan may be None; they are then left out.

        Returns:
            Messages in order: system, examples, conversation, current message last. `dropped` counts the
            messages of the history that did not fit, and replies at its start that nothing
            precedes. `template` names the variant, and the stimulus where there is one.

        Raises:
            WiringError: A template of one's own asks for an attribute that there is not.
            SettingsError: The request asks for a variant or stimulus that there is not, or the model can hold so
                few tokens that not even the rules and the beginning of the message fit.
        """
        variant = turn.options.variant or self.variant
        stimulus = None if turn.escalated else chosen(turn.options.stimulus or self.stimulus, self._stimuli)
        said = "" if stimulus is None else stimulus.text
        fitting, notes = fit(
            turn,
            parts_of(variant),
            self._budget(turn),
            persona=self._persona,
            notes=lambda fitting: self._templates.fill(_NOTES, self._values(turn, fitting, said)),
        )
        conversation = list(_conversation(turn, fitting))
        if notes and self.notes == "system-before-last":
            conversation.insert(-1, PromptMessage("system", notes))
            notes = ""
        first = PromptMessage("system", f"{self._persona}\n\n{notes}" if notes else self._persona)
        named = "/".join((_ID, variant, *([] if stimulus is None else [stimulus.name])))
        return Prompt((first, *_examples(fitting), *conversation), named, self.sha256, dropped=fitting.first)

    def _budget(self, turn: Turn) -> Budget:
        known = [tokens for tokens in (turn.context_tokens, self.context) if tokens is not None]
        if not known:
            return Characters(self.max_history_characters)
        return Tokens(self._ruler, min(known), self.reply_tokens)

    def _values(self, turn: Turn, fitting: Fit, stimulus: str) -> Mapping[str, Any]:
        return note_values(
            turn,
            fitting,
            causes=_causes(turn, fitting),
            tone=self._tone(turn, fitting),
            stimulus=stimulus,
        )

    def _tone(self, turn: Turn, fitting: Fit) -> str:
        """The persona's sentence for what the agent feels; empty where it feels nothing that the persona knows."""
        if turn.escalated:
            return self._careful_tone
        own = None if turn.state is None else turn.state.own
        return "" if own is None or "strategy" not in fitting.parts else self._tones.get(own.emotion, "")


def _causes(turn: Turn, fitting: Fit) -> Sequence[CausalSpan]:
    return likely_causes(turn, first=fitting.first, cut=fitting.cut) if "causes" in fitting.parts else ()


def _examples(fitting: Fit) -> Iterator[PromptMessage]:
    for exemplar in fitting.exemplars:
        yield PromptMessage("user", marked(exemplar.text))
        yield PromptMessage("assistant", marked(exemplar.reply))


def _conversation(turn: Turn, fitting: Fit) -> Iterator[PromptMessage]:
    """What was said, with marks, the current message last. Neighbours of one role are joined by an empty line."""
    spans: dict[int, list[tuple[int, int]]] = {}
    for cause in _causes(turn, fitting):
        spans.setdefault(cause.utterance, []).append((cause.start, cause.end))
    shown: list[tuple[Literal["user", "assistant"], str]] = []
    for place, message in enumerate(turn.history[fitting.first :], fitting.first):
        if message.role == "seeker":
            shown.append(("user", marked(message.text, spans.get(place, ()))))
        else:
            shown.append(("assistant", answered(message)))
    shown.append(("user", _current(turn, spans.get(len(turn.history), []), fitting.cut)))
    for role, messages in groupby(shown, key=itemgetter(0)):
        yield PromptMessage(role, "\n\n".join(text for _, text in messages))


def _current(turn: Turn, spans: Sequence[tuple[int, int]], cut: tuple[int, int] | None) -> str:
    if cut is None:
        return marked(turn.text, spans)
    head, tail = cut
    before = [span for span in spans if span[1] <= head]
    after = [(start - tail, end - tail) for start, end in spans if start >= tail]
    return marked(turn.text[:head], before) + CUT + marked(turn.text[tail:], after)


def create(settings: object | None = None) -> SectionComposer:
    """Entry point `sections`; takes `persona` and what `_GIVEN_BY` names from the settings where they have it.

    Raises:
        SettingsError: One of them cannot be used.
    """
    found = {argument: getattr(settings, name, None) for argument, name in _GIVEN_BY.items()}
    given: dict[str, Any] = {argument: value for argument, value in found.items() if value is not None}
    persona = getattr(settings, "persona", None)
    return SectionComposer(**given, persona=None if persona is None else load_persona(persona))
