"""Dialogues that were spoken elsewhere, read and followed as if an agent had been there; many at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.build import build_perception
from agent.decisions import StageFailure
from agent.errors import InputError, SettingsError
from agent.intake import clean
from agent.perception import Perception
from agent.protocols import Tracker
from agent.registry import make
from agent.retrace import retrace
from agent.settings import Settings, load_settings
from agent.turn import Message, Turn, new_turn
from agent.whole_file import whole_file
from ui.dialogues import Dialogue, Spoken, dialogues
from ui.standard_output import standard_output
from ui.trajectories import Ids, Trajectory, as_json, steps_of, strategy_of

__all__ = ["analyze_conversations", "followed"]

_BATCH = 256  # messages that are read together


def analyze_conversations(file: Path, *, out: Path | None, texts: bool = False) -> int:
    """Write the trajectory of each dialogue of a file as one JSON object a line, in the order of the file.

    Args:
        file: JSON lines with `turns`.
        out: File to write; None is standard output. It appears when it is complete.
        texts: Whether messages and the words of causes are written too.

    Returns:
        Exit status: 0, or 1 where a line or a message could not be read. Those say so in the output.

    Raises:
        InputError: `file` cannot be read, or `out` cannot be written.
        SettingsError: No tracker is set.
    """
    settings, failed = load_settings(), False
    with whole_file(out) if out is not None else standard_output() as target:
        for found in followed(dialogues(file), settings):
            failed |= isinstance(found, Dialogue) or any(step.unread for step in found.steps)
            # A lone surrogate in an id becomes the escape that JSON has for it.
            line = json.dumps(_row(found, texts=texts), ensure_ascii=False, allow_nan=False) + "\n"
            target.write(line.encode("utf-8", "backslashreplace"))
    return int(failed)


def followed(
    lines: Iterable[Dialogue], settings: Settings, *, perception: Perception | None = None, batch: int = _BATCH
) -> Iterator[Trajectory | Dialogue]:
    """The trajectory of each dialogue, in order; a dialogue that has a `problem` comes back as it is.

    Messages of many dialogues are read together, with as much history as an agent looks back on. A message
    that cannot be taken in keeps its place, without readings; its failure says why.

    Args:
        lines: Dialogues.
        settings: Name plugins and tracker.
        perception: Reads; None builds it from the settings.
        batch: Messages that are read together, and after which what was found is given.

    Raises:
        SettingsError: No tracker is set.
    """
    if settings.tracker is None:
        raise SettingsError("`tracker` is none: nobody follows the emotions. Set HEARTLINE_TRACKER=smoothed.")
    tracker: Tracker = make("trackers", settings.tracker, settings)
    perception = perception or build_perception(settings)
    waiting: list[tuple[Dialogue, list[Turn]]] = []
    for dialogue in lines:
        waiting.append((dialogue, _turns(dialogue, settings)))
        if sum(len(turns) for _, turns in waiting) >= batch:
            yield from _read(waiting, perception, tracker)
            waiting = []
    yield from _read(waiting, perception, tracker)


def _turns(dialogue: Dialogue, settings: Settings) -> list[Turn]:
    turns: list[Turn] = []
    history: list[Message] = []
    starts: list[int] = []  # where in `history` each message of the seeker stands
    for said in dialogue.said:
        message = said.message
        if said.role == "seeker":
            looked_back = starts[-settings.history_turns :] if settings.history_turns else []
            first = looked_back[0] if len(starts) > len(looked_back) and looked_back else 0
            seen = tuple(history[first:]) if settings.history_turns else ()
            turn = new_turn("", conversation_id=dialogue.name, index=len(turns), history=seen)
            try:
                turn = replace(turn, text=clean(said.text, limit=settings.max_message_characters), at=said.at)
            except InputError as error:
                turn = replace(turn, at=said.at).note(StageFailure("intake", "clean", "InputError", str(error)))
            turns.append(turn)
            starts.append(len(history))
        history.append(message)
    return turns


def _read(
    waiting: Sequence[tuple[Dialogue, list[Turn]]], perception: Perception, tracker: Tracker
) -> Iterator[Trajectory | Dialogue]:
    taken = [turn for _, turns in waiting for turn in turns if turn.text]
    read: dict[str, Turn] = {}
    for start in range(0, len(taken), _BATCH):
        read |= {turn.id: turn for turn in perception.read(taken[start : start + _BATCH])}
    for dialogue, turns in waiting:
        if dialogue.problem:
            yield dialogue
            continue
        tracked = retrace(tracker, [read.get(turn.id, turn) for turn in turns])
        opening, *answers = _strategies(dialogue.said)
        yield Trajectory(
            dialogue.name, steps_of(tracked, answers, opening), opening, dialogue.place, dialogue.notes
        )


def _strategies(said: Iterable[Spoken]) -> list[Ids | None]:
    """Of what the supporter said before the seeker's first message, and after each of the seeker's."""
    groups: list[list[Spoken]] = [[]]
    for each in said:
        if each.role == "seeker":
            groups.append([])
        else:
            groups[-1].append(each)
    return [_named(group) for group in groups]


def _named(group: Sequence[Spoken]) -> Ids | None:
    """Empty where nothing was said; None where something was said and none of it names a strategy."""
    named = tuple(strategy_of(each.strategy) for each in group if each.strategy)
    return named if named or not group else None


def _row(found: Trajectory | Dialogue, *, texts: bool) -> dict[str, Any]:
    if isinstance(found, Trajectory):
        return as_json(found, texts=texts)
    return {**found.place, "error": found.problem, **({"notes": list(found.notes)} if found.notes else {})}
