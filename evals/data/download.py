"""A source file onto this machine: its size shown while it comes, its SHA-256 checked where it is known."""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from agent.errors import DataError
from evals.data.catalogue import Source
from sem_plugins.training.sets.records import sha256_of

__all__ = ["Opener", "download", "from_folder", "from_network"]

Opener = Callable[[Source], AbstractContextManager[BinaryIO]]
"""Opens a source for reading; raises OSError where it cannot."""

_CHUNK = 1 << 16
_SILENCE = 30.0  # seconds


def from_network(source: Source) -> AbstractContextManager[BinaryIO]:
    """Opens the address of a source."""
    if not source.url.startswith("https://"):
        raise OSError(f"not an https address: {source.url}")
    opened: AbstractContextManager[BinaryIO] = urllib.request.urlopen(source.url, timeout=_SILENCE)  # noqa: S310 - https only
    return opened


def from_folder(folder: Path) -> Opener:
    """Opens files of a folder that have the sources' names."""
    return lambda source: (folder / source.name).open("rb")


def download(source: Source, folder: Path, *, opener: Opener) -> Path:
    """Fetch a source into a folder, under its own name.

    It comes under a temporary name, so that half a file is never taken for the whole.

    Raises:
        DataError: It cannot be fetched, or is not the file that was published.
    """
    path = folder / source.name
    partial = path.with_name(f"{path.name}.part")
    try:
        with opener(source) as incoming, partial.open("wb") as outgoing:
            _copy(incoming, outgoing, source)
    except (OSError, HTTPException) as error:
        partial.unlink(missing_ok=True)
        raise DataError(
            f"{source.name!r} could not be fetched from {source.url} ({error}). Fetch it by other means, and name "
            "the folder it lies in with `--source DIR`."
        ) from error
    found = sha256_of(partial)
    if source.sha256 not in {None, found}:
        partial.unlink()
        raise DataError(
            f"{source.name!r} has SHA-256 {found[:12]}…, expected {str(source.sha256)[:12]}…: it is not the "
            f"published file. Fetch it again from {source.url}."
        )
    return partial.replace(path)


def _copy(incoming: BinaryIO, outgoing: BinaryIO, source: Source) -> None:
    announced = getattr(incoming, "headers", {}).get("Content-Length")
    length = int(announced) if announced else source.bytes
    arrived = 0
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(source.name, total=length)
        while chunk := incoming.read(_CHUNK):
            outgoing.write(chunk)
            arrived += len(chunk)
            progress.advance(task, len(chunk))
    if announced and arrived != length:
        raise OSError(f"{arrived:,} of {length:,} bytes arrived")
