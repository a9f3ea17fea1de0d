"""`heartline trace`: how emotions went over a conversation, or over many; as a table, JSON and a picture."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.errors import InputError
from agent.intake import scrub
from agent.protocols import ConversationStore
from agent.safety.redaction import redact_turn
from agent.settings import Settings
from agent.store_url import open_store
from ui.cohort import Cohort, cohort_json, cohort_of
from ui.cohort_picture import cohort_picture
from ui.columns import signed
from ui.conversations import conversation_named
from ui.dialogues import Dialogue, dialogues, one_dialogue
from ui.drawing import checked_picture, count, write_picture
from ui.picture import picture, title_of
from ui.replay import followed
from ui.standard_output import write_json
from ui.table import in_terminal, in_words
from ui.trajectories import Step, Trajectory, as_json, stored, strategy_name

__all__ = ["trace"]


def trace(
    conversation: str | None,
    settings: Settings,
    *,
    every: bool = False,
    file: Path | None = None,
    wanted: str | None = None,
    as_json_to: str | None = None,
    picture_to: Path | None = None,
    texts: bool = False,
    redact: bool = False,
    console: Console | None = None,
) -> int:
    """Show a trajectory, or a cohort.

    Args:
        conversation: Id in the store; `"last"` for the newest.
        settings: Name store, plugins and tracker.
        every: All conversations, of the store or of `file`, as a cohort.
        file: JSON lines with `turns`, read anew; a cohort where it holds more than one dialogue.
        wanted: Id of one dialogue of `file`.
        as_json_to: File for JSON, or `"-"` for standard output, where nothing else is printed then.
        picture_to: File for a picture, `.svg` or `.html`.
        texts: Whether words of the people are shown; never in a cohort.
        redact: Whether personal data is left out of them.
        console: Where the table goes; None is standard output.

    Returns:
        Exit status: 0, or 1 where a line or a message of `file` could not be read.

    Raises:
        InputError: The options do not fit together, `file` cannot be used, or an output cannot be written.
        UnknownConversationError: The store has no such conversation.
        StoreError, SettingsError: As the parts raise them.
    """
    _check(conversation, every=every, file=file, wanted=wanted)
    if picture_to is not None:
        checked_picture(picture_to)
    found = _found(conversation, settings, every=every, file=file, wanted=wanted)
    if redact and isinstance(found, Trajectory):
        found = _redacted(found)
    whole = cohort_json(found) if isinstance(found, Cohort) else as_json(found, texts=texts)
    if picture_to is not None and isinstance(found, Cohort):
        svg = cohort_picture(found)
        write_picture(picture_to, svg, title=f"Emotions over {count(found.conversations, 'conversation')}")
    elif picture_to is not None and isinstance(found, Trajectory):
        table = in_words(found, texts=texts)
        write_picture(picture_to, picture(found, texts=texts), title=title_of(found), table=table)
    if as_json_to is not None:
        write_json(as_json_to, whole)
    if as_json_to != "-":
        shown = console or Console(highlight=False)
        shown.print(_summary(found) if isinstance(found, Cohort) else in_terminal(found, texts=texts))
        for path in (as_json_to, picture_to):
            if path is not None:
                shown.print(Text(f"Written: {scrub(str(path))}", style="dim"), soft_wrap=True)
    if isinstance(found, Cohort):
        return int(found.left_out + found.unread > 0)
    return int(any(step.unread for step in found.steps))


def _check(conversation: str | None, *, every: bool, file: Path | None, wanted: str | None) -> None:
    """Refuse options that do not fit together."""
    if file is not None and conversation is not None:
        raise InputError(f"A conversation of the store and `--file {file}` are given. Give one of the two.")
    if every and conversation is not None:
        raise InputError("A conversation and `--all` are given. Give one of the two.")
    if wanted is not None and (file is None or every):
        raise InputError("`--id` names a dialogue of `--file`, without `--all`.")
    if file is None and conversation is None and not every:
        raise InputError("Name a conversation; `last` is the newest. Or use `--all`, or `--file`.")


def _found(
    conversation: str | None, settings: Settings, *, every: bool, file: Path | None, wanted: str | None
) -> Trajectory | Cohort:
    """What was asked for."""
    if file is None:
        store: ConversationStore = open_store(settings)
        try:
            if every:
                return cohort_of(stored(each, store.turns(each)) for each in store.conversations())
            name = conversation_named(store, conversation or "", newest="last")
            return stored(name, store.turns(name))
        finally:
            store.close()
    lines = iter([one_dialogue(file, wanted)]) if wanted is not None else dialogues(file)
    first = list(islice(lines, 2))
    if not first:
        raise InputError(f"No dialogue is in {str(file)!r}. A line holds `turns` of a dialogue.")
    if len(first) == 1 and not every:
        (found,) = followed(first, settings)
        if isinstance(found, Dialogue):
            raise InputError(found.problem)
        return found
    return cohort_of(followed(chain(first, lines), settings))


def _redacted(trajectory: Trajectory) -> Trajectory:
    """The trajectory without personal data in its words."""
    return replace(trajectory, steps=tuple(map(_redacted_step, trajectory.steps)))


def _redacted_step(step: Step) -> Step:
    turn = redact_turn(step.turn)
    known = turn.state.last_shift if turn.state is not None else None
    shift = None if step.shift is None else replace(step.shift, cause=None if known is None else known.cause)
    return replace(step, turn=turn, state=turn.state, shift=shift)


def _summary(cohort: Cohort) -> Table:
    """The cohort in a few lines."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    rows = [("conversations", f"{cohort.conversations:,} ({count(cohort.turns, 'message')} of seekers)")]
    if cohort.left_out:
        rows.append(("left out", f"{count(cohort.left_out, 'line')} could not be read"))
    if cohort.unread:
        rows.append(("unread", f"{count(cohort.unread, 'message')} could not be taken in"))
    if cohort.positions:
        first, last = cohort.positions[0].mean, cohort.positions[-1].mean
        better = sum(end > start for start, end in cohort.changes)
        rows.append(("mean valence", f"{signed(first)} at the start, {signed(last)} at the end"))
        rows.append(("ended better", f"{better:,} of {len(cohort.changes):,}"))
    for name in ("better", "worse"):
        after = [(strategy_name(s.strategy or "nothing named"), getattr(s, name)) for s in cohort.shifts]
        told = ", ".join(f"{label} {n:,}" for label, n in sorted(after, key=lambda one: -one[1]) if n)
        rows.append((f"shifts {name}", f"after {told}" if told else "none"))
    moves = [f"{a} → {b} {n:,}" for (a, b), n in cohort.transitions.items() if a != b][:5]
    rows.append(("commonest moves", ", ".join(moves) or "none"))
    for name, text in rows:
        table.add_row(Text(name, style="bold"), Text(scrub(text)))
    return table
