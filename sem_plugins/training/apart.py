"""Streams that no joint run holds: experiments, and another domain (`heartline train --only NAME`)."""

from __future__ import annotations

from pathlib import Path

from sem_plugins.training.batches import Stream
from sem_plugins.training.sets import esconv, se_emotions

__all__ = ["apart"]


def apart(folder: Path) -> list[Stream]:
    """The streams; their files are read when they are trained on.

    `developers`: comments on code, for the expression head; name `expression` with it, else everything
    else is forgotten. `strategy-seekers`: the next strategy from what seekers said alone, which shows how much
    of it is copied from the supporters before.

    Args:
        folder: The prepared data sets.
    """
    return [
        Stream(
            "developers",
            ("expression",),
            lambda _: [se_emotions.as_expression(comment) for comment in se_emotions.comments(folder, "train")],
            batch=64,
        ),
        Stream(
            "strategy-seekers",
            ("strategy",),
            lambda _: [esconv.without_supporters(turn) for turn in esconv.supporter_turns(folder, "train")],
        ),
    ]
