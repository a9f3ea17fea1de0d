"""`heartline doctor`: what is installed, which weights, which LLM, and whether it all works."""

from __future__ import annotations

import asyncio
import json
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.errors import HeartlineError, SettingsError
from agent.features import ServerFeatures, find_features
from agent.intake import scrub
from agent.presets import PRESETS
from agent.probe import LLMServer, probe
from agent.registry import Kind, names
from agent.settings import Settings
from agent.store_url import open_store

__all__ = ["Finding", "examine", "report", "show"]

_PACKAGES = ("onnxruntime", "tokenizers", "langchain", "langchain-openai", "sqlalchemy", "gradio")
_EXTRAS = {"train": "onnxscript", "local": "transformers", "vllm": "vllm", "ray": "ray"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    about: str
    status: Literal["ok", "note", "broken"]
    text: str


def report(settings: Settings, *, as_json: bool = False) -> int:
    """Look at everything and print it; see `show`."""
    return show(examine(settings), as_json=as_json)


def show(findings: Sequence[Finding], *, as_json: bool) -> int:
    """Print every finding.

    Returns:
        Exit status: 1 where something is broken, else 0.
    """
    console = Console(highlight=False)
    if as_json:
        console.out(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        styles = {"ok": "green", "note": "yellow", "broken": "bold red"}
        for finding in findings:
            status = Text(finding.status, style=styles[finding.status])
            table.add_row(status, finding.about, Text(scrub(finding.text)))
        console.print(table)
    return int(any(finding.status == "broken" for finding in findings))


def examine(settings: Settings) -> list[Finding]:
    """Look at everything; one broken part does not keep the others from being looked at."""
    return [
        Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        *(_package(name) for name in _PACKAGES),
        *(_extra(extra, package) for extra, package in _EXTRAS.items()),
        *_parts(settings),
        _tried("weights", lambda: _weights(settings)),
        _tried("store", lambda: _store(settings)),
        _help_lines(settings),
        *_llm(settings),
    ]


def _tried(about: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(about, "ok", look())
    except (HeartlineError, ImportError) as error:
        return Finding(about, "broken", str(error))


def _package(name: str) -> Finding:
    try:
        return Finding(name, "ok", version(name))
    except PackageNotFoundError:
        return Finding(name, "broken", f"not installed: pip install {name}")


def _extra(extra: str, package: str) -> Finding:
    try:
        return Finding(f"extra {extra}", "ok", f"{package} {version(package)}")
    except PackageNotFoundError:
        return Finding(f"extra {extra}", "note", f"not installed: pip install 'heartline[{extra}]'")


def _parts(settings: Settings) -> Iterator[Finding]:
    """The plugins, and every other part that the settings name and that is not there."""
    wanted: dict[Kind, Sequence[str | None]] = {
        "plugins": settings.plugins,
        "trackers": (settings.tracker,),
        "planners": (settings.planner,),
        "composers": (settings.composer,),
        "guards": (settings.guard,),
    }
    for kind, parts in wanted.items():
        registered = ", ".join(names(kind)) or "none"
        missing = ", ".join(repr(part) for part in parts if part and part not in names(kind))
        if missing:
            yield Finding(kind, "broken", f"not registered: {missing}. There are: {registered}")
        elif kind == "plugins":
            yield Finding(kind, "ok", registered)


def _weights(settings: Settings) -> str:
    from agent.turn import Message
    from sem_plugins.encoder import encoder_for

    started = time.perf_counter()
    encoder = encoder_for(settings)
    loaded = time.perf_counter()
    encoder.read([Message("seeker", "My first day at the new school is tomorrow.")])
    read = time.perf_counter()
    scores = encoder.manifest.card.get("scores", {}).get("empathetic-dialogues/situation", {})
    shown = f", top-1 {scores['accuracy']['value']:.1%} on valid situations" if scores else ""
    times = f"loads in {(loaded - started) * 1000:.0f} ms, reads in {(read - loaded) * 1000:.0f} ms"
    return f"{encoder.manifest.id}{shown}; {times}"


def _help_lines(settings: Settings) -> Finding:
    """Whose help lines are named in danger, and whether they were checked too long ago."""
    from agent.safety.help_lines import UNKNOWN, BundledDirectory, directory_of

    try:
        directory = directory_of(settings)
    except HeartlineError as error:
        return Finding("help lines", "broken", str(error))
    today = datetime.now(UTC).date()  # whoever keeps another directory minds its dates
    if isinstance(directory, BundledDirectory) and (warning := directory.warning(today)):
        return Finding("help lines", "note", warning)
    country = directory.country(settings.country)
    if settings.country is None:
        return Finding(
            "help lines", "note", "in general words: HEARTLINE_COUNTRY names where the people are, e.g. GB"
        )
    if country.code == UNKNOWN:
        return Finding("help lines", "broken", f"none are known for {settings.country!r}: docs/help-lines.md")
    emergency = f", emergency {country.emergency[0]}" if country.emergency else ""
    return Finding("help lines", "ok", f"{country.name}: {len(country.lines)}{emergency} ({directory.name})")


def _store(settings: Settings) -> str:
    store = open_store(settings)
    try:
        count = len(store.conversations())
    finally:
        store.close()
    where = f" in {store.where}" if hasattr(store, "where") else ""
    return f"{store.name}, {count} conversation{'' if count == 1 else 's'}{where}"


def _llm(settings: Settings) -> Iterator[Finding]:
    """The server, and where it answers, its model and what it can do: about a dozen short requests."""
    if settings.llm_url is None:
        usual = f", usually {PRESETS[settings.llm_preset].url}" if settings.llm_preset else ""
        words = f"none: the offline responder answers. HEARTLINE_LLM_URL or `--llm URL` names one{usual}"
        yield Finding("llm", "note", words)
        return
    try:
        found = asyncio.run(probe(settings))
        server = LLMServer.from_settings(settings)
    except SettingsError as error:
        yield Finding("llm", "broken", str(error))
        return
    if found.problem is not None:
        yield Finding("llm", "broken", found.problem)
        return
    models = ", ".join(found.models)
    yield Finding("llm", "ok", f"{found.url} answered in {found.milliseconds:.0f} ms; serves {models}")
    features = asyncio.run(find_features(server, settings.llm_model))
    yield Finding("llm model", "ok", features.model or "unknown")
    yield _software(features, settings)
    yield _context(features, settings)
    for name, without in _WITHOUT.items():
        has: bool | None = getattr(features, name)
        about = f"llm {name.replace('_', ' ')}"
        if has:
            yield Finding(about, "ok", "yes")
        else:
            yield Finding(about, "note", f"{'unknown' if has is None else 'no'}: {without}")


_WITHOUT = {
    "structured_outputs": "short answers are bound by a JSON schema instead",
    "json_schema": "short answers are bound by JSON mode instead, and checked",
    "json_mode": "the form of short answers is told in words, and checked",
    "logprobs": "what the LLM chooses comes without probabilities",
    "embeddings": "the shipped encoder compares texts",
    "tokenize": "tokens are counted with `llm_tokenizer`, or estimated",
    "late_system": "leave `notes_place` at `first-system`",
    "prefix_cache": "hits of its prefix cache cannot be counted",
}
"""What Heartline does without a feature."""


def _software(features: ServerFeatures, settings: Settings) -> Finding:
    if features.kind is None:
        return Finding("llm software", "note", "unknown: `llm_preset` names it")
    if settings.llm_preset not in {None, features.kind}:
        words = f"`llm_preset` is {settings.llm_preset!r}, but the server seems to be {features.kind!r}"
        return Finding("llm software", "note", words)
    return Finding("llm software", "ok", f"{features.kind} {features.version or ''}".strip())


def _context(features: ServerFeatures, settings: Settings) -> Finding:
    told, set_to = features.context_tokens, settings.llm_context
    if told is None and set_to is None:
        words = "unknown: history is bounded by `history_characters` alone. `llm_context` sets it"
        return Finding("llm context", "note", words)
    if told is not None and set_to is not None and set_to > told:
        words = f"`llm_context` is {set_to}, but the server holds {told} tokens: leave it out, or lower it"
        return Finding("llm context", "broken", words)
    return Finding("llm context", "ok", f"{set_to or told} tokens{' (`llm_context`)' if set_to else ''}")
