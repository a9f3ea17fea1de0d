"""Standard output for bytes, with errors of ours."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from agent.errors import InputError

__all__ = ["standard_output"]


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
