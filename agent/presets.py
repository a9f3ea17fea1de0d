"""What may be taken for granted of a kind of LLM server (`llm_preset`) without asking it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from agent.binding import WAYS, Way
from agent.features import ServerFeatures
from agent.served import Kind

__all__ = ["PRESETS", "Preset", "ways_of"]


@dataclass(frozen=True, slots=True)
class Preset:
    """A kind of server.

    Attributes:
        url: Where it listens unless told otherwise.
        features: What may be taken for granted without asking. What belongs to the model stays None.
    """

    url: str
    features: ServerFeatures


PRESETS: Mapping[Kind, Preset] = MappingProxyType(
    {
        "vllm": Preset(
            "http://127.0.0.1:8000/v1",
            ServerFeatures(
                kind="vllm",
                structured_outputs=True,
                json_schema=True,
                json_mode=True,
                logprobs=True,
                tokenize=True,
                prefix_cache=True,
            ),
        ),
        "llama.cpp": Preset(
            "http://127.0.0.1:8080/v1",
            ServerFeatures(
                kind="llama.cpp",
                structured_outputs=False,
                json_schema=True,
                json_mode=True,
                logprobs=True,
                tokenize=True,
                prefix_cache=False,
            ),
        ),
        "ollama": Preset(
            "http://127.0.0.1:11434/v1",
            ServerFeatures(  # its log-probabilities are of November 2025, so older ones have none
                kind="ollama",
                structured_outputs=False,
                json_schema=True,
                json_mode=True,
                tokenize=False,
                prefix_cache=False,
            ),
        ),
        "openai": Preset(
            "https://api.openai.com/v1",
            ServerFeatures(  # models that think first give no log-probabilities
                kind="openai",
                structured_outputs=False,
                json_schema=True,
                json_mode=True,
                tokenize=False,
                prefix_cache=False,
            ),
        ),
    }
)
"""By the value of `llm_preset`."""


def ways_of(features: ServerFeatures) -> tuple[Way, ...]:
    """The ways to bind an answer that are worth trying with such a server (`agent.asking.Asker`)."""
    hopeless = {
        "structured_outputs": features.structured_outputs is False,
        "json_schema": features.json_schema is False,
        "json_with_schema": features.json_mode is False,
        "json": features.json_mode is False,
    }
    return tuple(way for way in WAYS if not hopeless.get(way, False))
