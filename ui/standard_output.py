"""Standard output for bytes, with errors of ours, and JSON that goes there or into a file."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from agent.errors import InputError
from agent.whole_file import whole_file

__all__ = ["standard_output", "write_json"]


def write_json(place: str, content: Mapping[str, Any]) -> None:
    """Write an object whole: into a file, or on one line to standard output where `place` is `"-"`.

    Raises:
        InputError: It cannot be written.
    """
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, indent=None if place == "-" else 1)
    with standard_output() if place == "-" else whole_file(Path(place)) as target:
        # A lone surrogate in a label becomes the escape that JSON has for it.
        target.write((text + "\n").encode("utf-8", "backslashreplace"))


@contextmanager
def standard_output() -> Iterator[IO[bytes]]:
    """Standard output to write bytes to, with an error of ours where that fails.

    Raises:
        InputError: It cannot be written.
        BrokenPipeError: Whoever read it has left, which is no mistake.
    """
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # What is still buffered would fail, and complain, once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise InputError(
            f"Cannot write to standard output: {error.strerror}. Make room, or use `--out`."
        ) from error
