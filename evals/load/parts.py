"""The parts of the measurement, run one after the other: what fails in one is told, and the others go on."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from agent.batching import cores
from evals.benchmark import processor
from evals.load import page
from evals.load.added import added
from evals.load.crash import crash
from evals.load.finding import Finding
from evals.load.idle import idle
from evals.load.length import length
from evals.load.process import MeasurementError, busy_cores
from evals.load.soak import soak
from evals.load.stores import Kept, a_postgres, a_sqlite_file, why_no_postgres
from evals.load.sustained import sustained
from sem_plugins.encoder import encoder_for

__all__ = ["PARTS", "Part", "machine", "measure"]

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 1800.0
"""After which a part is given up, beside the minutes of the long run."""

_POSTGRES = "Postgres"


@dataclass(frozen=True, slots=True)
class Part:
    """Something that is measured.

    Attributes:
        run: Measures it on a store.
        stores: Whether on each of them; else on SQLite alone, as the store makes no difference to it.
    """

    run: Callable[..., Awaitable[list[Finding]]]
    stores: bool = False


PARTS: Mapping[str, Part] = {
    "sustained": Part(sustained, stores=True),
    "added": Part(added),
    "idle": Part(idle),
    "length": Part(length, stores=True),
    "soak": Part(soak),
    "crash": Part(crash, stores=True),
}


def measure(
    names: Sequence[str],
    *,
    soak_minutes: float = 1.0,
    write: bool = True,
    parts: Mapping[str, Part] = PARTS,
    root: Path = ROOT,
) -> int:
    """Measure parts, print them, and write them down as they come.

    Args:
        names: Which.
        soak_minutes: Of the long run.
        write: Whether they are written.
        parts: By name.
        root: Of the repository.

    Returns:
        What the command ends with: 1 where something that must hold did not, or could not be measured.
    """
    failed = False
    places: dict[str, Callable[[], AbstractContextManager[Kept]]] = {"SQLite": a_sqlite_file}
    why_not = why_no_postgres()
    if why_not is None:
        places[_POSTGRES] = a_postgres
    missing = {} if why_not is None else {_POSTGRES: why_not}
    figures = page.read(root / "docs" / "load.json")
    for name in names:
        part = parts[name]
        run = partial(part.run, minutes=soak_minutes) if name == "soak" else part.run
        for store, place in list(places.items())[: None if part.stores else 1]:
            print(f"\n{name} ({store})", flush=True)  # noqa: T201
            where = {"date": _today(), "machine": machine(), "busy": round(busy_cores(), 2)}
            try:
                with place() as kept:
                    found = asyncio.run(_bounded(run, kept, SECONDS + 60 * soak_minutes))
            except Exception as error:  # noqa: BLE001 - other parts' figures are not lost with this one's
                print(f"  could not be measured: {_why(error)}", file=sys.stderr, flush=True)  # noqa: T201
                failed = True
                continue
            failed = failed or any(one.must and not one.met for one in found)
            figures = page.with_part(figures, name, store, found, where)
            for row in figures[name][store]["findings"]:
                print(f"  {row['name']:<75} {page.told(row):>28}  {page.shown(row)}", flush=True)  # noqa: T201
            if write:
                _write(root, figures, missing)
    for store, why in missing.items():
        print(f"\n{store}: not measured ({why}).")  # noqa: T201
    return int(failed)


async def _bounded(run: Callable[..., Awaitable[list[Finding]]], kept: Kept, seconds: float) -> list[Finding]:
    try:
        async with asyncio.timeout(seconds):
            return await run(kept)
    except TimeoutError:
        raise MeasurementError(f"It was not done within {seconds:g} s.") from None


def _write(root: Path, figures: Mapping[str, Any], missing: Mapping[str, str]) -> None:
    docs, readme = root / "docs", root / "README.md"
    docs.joinpath("load.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    docs.joinpath("load.md").write_text(page.page(figures, missing), encoding="utf-8")
    readme.write_text(page.put(readme.read_text(encoding="utf-8"), figures), encoding="utf-8")


def _why(error: BaseException) -> str:
    """What went wrong; of a group, its first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


def _today() -> str:
    return datetime.now(tz=UTC).date().isoformat()


def machine() -> dict[str, Any]:
    """Where the figures were taken."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    found: dict[str, Any] = {
        "processor": processor(),
        "cores": cores(),
        "memory": f"{pages / 2**30:.0f} GB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "weights": encoder_for().manifest.id,
    }
    for package in ("uvicorn", "fastapi", "sqlalchemy", "psycopg", "onnxruntime"):
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
