"""Emotional stimuli: a sentence to the LLM that is said to make it try harder. Off unless somebody asks.

The ideas are those of EmotionPrompt (Li et al. 2023, arXiv 2307.11760) and NegativePrompt (Wang et al. 2024, arXiv
2405.02814), the words ours. Both report gains on benchmarks with models of 2023; nobody showed one for empathy.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from agent.errors import SettingsError

__all__ = ["STIMULI", "Sign", "Stimulus", "chosen", "load_stimuli"]

STIMULI = Path(__file__).parent / "stimuli.toml"
"""Those that are shipped."""

Sign = Literal["positive", "negative"]


@dataclass(frozen=True, slots=True)
class Stimulus:
    """One sentence or two, addressed to the LLM.

    Attributes:
        name: Short, e.g. `"stakes"`.
        sign: Whether it encourages or discourages.
        text: On one line.
        source: Whose idea it is.
    """

    name: str
    sign: Sign
    text: str
    source: str

    def __post_init__(self) -> None:
        if self.sign not in get_args(Sign):
            raise SettingsError(f"`sign` is {self.sign!r}. Choices: {', '.join(get_args(Sign))}.")
        if self.name == "none" or not self.name or not self.text or "\n" in self.text:
            raise SettingsError(f"{self.name!r} needs another name than `none`, and one line of text.")


def load_stimuli(path: Path = STIMULI) -> Mapping[str, Stimulus]:
    """Name to stimulus, in the order of the file: tables `[[stimulus]]` with name, sign, text and source.

    Raises:
        SettingsError: The file cannot be read, or a stimulus in it is none.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        found = [Stimulus(**table) for table in content["stimulus"]]
    except OSError as error:
        raise SettingsError(f"The file of stimuli {str(path)!r} cannot be read: {error.strerror}.") from error
    except KeyError:
        raise SettingsError(f"The file of stimuli {str(path)!r} has no table `[[stimulus]]`.") from None
    except (ValueError, TypeError, SettingsError) as error:
        raise SettingsError(f"The file of stimuli {str(path)!r} is unusable: {error} Mend it.") from error
    return {stimulus.name: stimulus for stimulus in found}


def chosen(name: str, stimuli: Mapping[str, Stimulus]) -> Stimulus | None:
    """The stimulus of that name; None for `"none"`.

    Raises:
        SettingsError: There is none of that name.
    """
    if name == "none":
        return None
    if name not in stimuli:
        choices = ", ".join(("none", *stimuli))
        raise SettingsError(
            f"No emotional stimulus is called {name!r}. Set `stimulus` (HEARTLINE_STIMULUS) to one of: {choices}."
        )
    return stimuli[name]
