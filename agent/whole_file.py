"""Files that appear when they are complete, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from agent.errors import InputError

__all__ = ["whole_file"]


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, renamed into place when the `with` block ends well.

    What was there before stays where the block fails. A new file is readable by its owner alone:
    what is written here are people's words.

    Raises:
        InputError: It cannot be written.
    """
    target = Path(os.path.realpath(path))  # a link stays a link
    try:
        if target.exists() and not target.is_file():
            # A device or a pipe is never complete, and renaming a file onto it would remove it.
            with target.open("wb") as device:
                yield device
            return
        with NamedTemporaryFile(dir=target.parent, prefix=".heartline-", suffix=".part", delete=False) as file:
            try:
                yield file
                file.close()
                if target.exists():
                    shutil.copymode(target, file.name)
                Path(file.name).replace(target)
            except BaseException:  # whatever stopped it, Ctrl-C too: nothing half-written stays
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise InputError(
            f"Cannot write {str(path)!r}: {error.strerror or error}. Make room, or name another file."
        ) from error
