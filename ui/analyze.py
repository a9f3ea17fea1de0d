"""`heartline analyze`: messages in, one JSON object a line out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from agent.build import build_perception
from agent.errors import InputError
from agent.intake import clean
from agent.perception import Perception
from agent.settings import Settings, load_settings
from agent.turn import Message, Turn, new_turn
from agent.whole_file import whole_file
from ui.dialogues import numbered, place_of, problem_of, row_of, spoken, words
from ui.standard_output import standard_output

__all__ = ["analyze", "readings"]

Words = Callable[[Turn], dict[str, Any]]

_BATCH = 256
_LONG = 200  # inputs from which a progress bar is worth its lines


@dataclass(frozen=True, slots=True)
class Item:
    """A message to read, or what was wrong with its line."""

    place: dict[str, Any]
    text: str = ""
    history: tuple[Message, ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()


def analyze(texts: Sequence[str], *, file: Path | None, out: Path | None, top: int, why: str | None = None) -> int:
    """Read every message and write its readings, in the order of the messages.

    Args:
        texts: Messages from the command line; none means `file`, or standard input.
        file: Text with a message a line, or JSON lines (`.jsonl`, `.ndjson`) with `text` or `turns`.
        out: File to write; None is standard output. It appears when it is complete.
        top: Emotions per message; 0 gives all.
        why: A reading (`sem_plugins.why.READINGS`) whose words are told with their weights; None tells none.

    Returns:
        Exit status: 0, or 1 where lines could not be read. Those say so in the output.

    Raises:
        InputError: Both `texts` and `file` are given, `file` cannot be read, or `out` cannot be
            written.
        ReadingError: `why` names no reading that rests on words.
    """
    if texts and file is not None:
        raise InputError(f"Messages and `--file {file}` are given. Give one of the two.")
    settings = load_settings()
    perception = build_perception(settings)
    told = _words_of(why, settings)
    items = [Item({"line": number}, text) for number, text in enumerate(texts, start=1)] or _from_file(file)
    failed = 0
    with whole_file(out) if out is not None else standard_output() as target, _progress(items) as shown:
        while batch := list(islice(shown, _BATCH)):
            for row in _rows(batch, perception, told, limit=settings.max_message_characters, top=top):
                failed += "error" in row
                # A lone surrogate in an id becomes the escape that JSON has for it.
                target.write((json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace"))
    return 1 if failed else 0


def readings(turn: Turn, *, top: int = 5) -> dict[str, Any]:
    """What was read, ready for JSON. A reading that is missing was not read; `failures` says why."""
    out: dict[str, Any] = {}
    if turn.emotion is not None:
        shown = turn.emotion.top(top or len(turn.emotion.probabilities))
        out["emotion"] = {
            "label": turn.emotion.label,
            "label_set": turn.emotion.label_set,
            "probabilities": {label: round(p, 4) for label, p in shown},
            "primary": list(turn.emotion.primary),
        }
        if turn.emotion.caveat:
            out["emotion"]["caveat"] = turn.emotion.caveat
    if turn.expression is not None:
        present = {label: round(turn.expression.probabilities[label], 4) for label in turn.expression.present}
        out["expression"] = {"label_set": turn.expression.label_set, "present": present}
    if turn.affect is not None:
        out["affect"] = {
            name: round(getattr(turn.affect, name), 4) for name in ("valence", "arousal", "dominance", "intensity")
        }
    if turn.cause is not None:
        out["cause"] = [
            {"utterance": s.utterance, "start": s.start, "end": s.end, "text": s.text, "score": round(s.score, 4)}
            for s in turn.cause.spans
        ]
    if turn.likely_strategies is not None:
        ranked = sorted(turn.likely_strategies.probabilities.items(), key=lambda pair: -pair[1])
        out["likely_strategies"] = {strategy: round(p, 4) for strategy, p in ranked}
    if turn.felt is not None:
        out["felt"] = {"distress": round(turn.felt.distress, 4), "concern": round(turn.felt.concern, 4)}
    if turn.undertone is not None and (turn.undertone.masked or turn.undertone.ambivalent):
        out["undertone"] = {
            "masked": round(turn.undertone.masked, 4),
            "ambivalent": round(turn.undertone.ambivalent, 4),
            "evidence": [list(span) for span in turn.undertone.evidence],
        }
    if turn.risk is not None:
        out["risk"] = {
            "level": turn.risk.level,
            "kinds": list(turn.risk.kinds),
            "evidence": [list(span) for span in turn.risk.evidence],
        }
    if turn.failures:
        out["failures"] = [f"{failure.part}: {failure.error}" for failure in turn.failures]
    return out


def _words_of(reading: str | None, settings: Settings) -> Words:
    """What tells the words that a reading of a turn rests on, ready for JSON; nothing where none is asked for."""
    if reading is None:
        return lambda _turn: {}
    from agent.errors import ReadingError
    from sem_plugins.why import READINGS, explainer

    if reading not in READINGS:
        raise ReadingError(f"{reading!r} cannot be attributed to words. Choose from: {', '.join(READINGS)}.")
    explain = explainer(settings)

    def told(turn: Turn) -> dict[str, Any]:
        found = explain(turn, reading)
        return {
            "why": [{"start": a.start, "end": a.end, "text": a.text, "weight": round(a.weight, 4)} for a in found]
        }

    return told


def _rows(
    batch: Sequence[Item], perception: Perception, told: Words, *, limit: int, top: int
) -> list[dict[str, Any]]:
    """One row per item, in the same order."""
    rows: list[dict[str, Any]] = []
    turns: dict[int, Turn] = {}
    for number, item in enumerate(batch):
        row = dict(item.place)
        try:
            if item.problem:
                raise InputError(item.problem)
            row["text"] = clean(item.text, limit=limit)
            turns[number] = new_turn(row["text"], history=item.history)
        except InputError as error:
            row["error"] = str(error)
        if item.notes:
            row["notes"] = list(item.notes)
        rows.append(row)
    for number, turn in zip(turns, perception.read(list(turns.values())), strict=True):
        rows[number] |= readings(turn, top=top) | told(turn)
    return rows


def _from_file(file: Path | None) -> list[Item]:
    if file is None and sys.stdin.isatty():
        print("Type messages, one a line; Ctrl-D ends.", file=sys.stderr)
    try:
        raw = sys.stdin.buffer.read() if file is None else file.read_bytes()
    except OSError as error:
        name = "standard input" if file is None else repr(str(file))
        raise InputError(f"Cannot read {name}: {error.strerror}. Name a readable file.") from error
    items: list[Item] = []
    as_json = file is not None and file.suffix in {".jsonl", ".ndjson"}
    for number, text, notes in numbered(raw.split(b"\n")):
        items.extend(_from_json(number, text, notes) if as_json else [Item({"line": number}, text, notes=notes)])
    return items


def _from_json(number: int, line: str, notes: tuple[str, ...]) -> Iterator[Item]:
    """One item for `text`; one per seeker turn for `turns`, each with what was said before it."""
    place: dict[str, Any] = {"line": number}
    try:
        row = row_of(line)
        place = place_of(number, row)
        if "text" in row:
            yield Item(place, words(row["text"]), notes=notes)
            return
        history: list[Message] = []
        for index, said in enumerate(spoken(row)):
            if said.role == "seeker":
                yield Item(place | {"turn": index}, said.text, tuple(history), notes=notes)
            history.append(said.message)
    except (KeyError, ValueError, TypeError) as error:
        yield Item(place, problem=problem_of(number, error))


@contextmanager
def _progress(items: list[Item]) -> Iterator[Iterator[Item]]:
    """The items, with a bar on standard error where there are many and somebody watches."""
    if len(items) < _LONG or not sys.stderr.isatty():
        yield iter(items)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        yield iter(bar.track(items, description="reading"))
