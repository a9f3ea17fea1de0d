"""What a million turns a day take: cores, GPUs, database. Arithmetic, from what is measured and what is assumed.

    python -m evals.growth                                    # the table of docs/growing.md
    python -m evals.growth measure postgresql://user@host/db  # measures this machine and that database first

The database that is named should be an empty one that nobody else uses: what is written is erased in the end. What
was measured is kept in `docs/growth.json`.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa

from agent.build import build_agent
from agent.settings import load_settings
from agent.turn import Turn
from evals.timing import Figure

__all__ = ["ASSUMED", "Assumed", "Measured", "main", "needs", "table"]

RESULT = Path(__file__).parent.parent / "docs" / "growth.json"
_SAID = (
    "My sister called again and I said nothing about the move, since she would only worry.",
    "I lost my job on Friday and I have not told anybody yet.",
    "It got a bit better, I slept at least, thank you for asking.",
    "I don't know what to say to them, they expect so much of me.",
)
_TURNS, _LENGTH = 200, 10
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Assumed:
    """What nobody here can know.

    Attributes:
        turns_a_day: How many.
        peak: The busiest second, as a multiple of the mean one.
        busy: Share of a core or a GPU that may be used at the peak, in (0, 1].
        prompt_tokens, reply_tokens: Of one turn, at the LLM.
        gpu_prompt_tokens, gpu_reply_tokens: What one GPU reads and writes in a second, many turns side by side.
        reply_seconds: How long a reply takes.
        days_kept: Retention, in days.
        pool: Connections of one process (`store_pool`); a process is reckoned for each core that is no reader's.
    """

    turns_a_day: int = 1_000_000
    peak: float = 4.0
    busy: float = 0.6
    prompt_tokens: int = 1_500
    reply_tokens: int = 120
    gpu_prompt_tokens: int = 20_000
    gpu_reply_tokens: int = 2_500
    reply_seconds: float = 4.0
    days_kept: int = 90
    pool: int = 8


ASSUMED = Assumed()


@dataclass(frozen=True, slots=True)
class Measured:
    """Means of a turn on one machine, offline responder, conversations of ten turns.

    Attributes:
        reading_ms: Core milliseconds of the readers.
        turn_ms: Core milliseconds of the whole turn in the server's process, readers among them.
        stored_bytes: How much the database grew, with indices.
        wal_bytes: How much was written to its log.
        commits: Transactions.
        rows: Rows that were inserted or updated.
    """

    reading_ms: float
    turn_ms: float
    stored_bytes: float
    wal_bytes: float
    commits: float
    rows: float


def needs(measured: Measured, assumed: Assumed = ASSUMED) -> Iterator[Figure]:
    """What it takes, at the peak where nothing else is said."""
    mean = assumed.turns_a_day / _DAY
    peak = mean * assumed.peak
    yield Figure("turns a second, mean", mean, "1/s")
    yield Figure("turns a second, peak", peak, "1/s")
    readers = math.ceil(peak * measured.reading_ms / 1000 / assumed.busy)
    others = math.ceil(peak * (measured.turn_ms - measured.reading_ms) / 1000 / assumed.busy)
    yield Figure("cores for readers", readers, "")
    yield Figure("cores for the rest of the server", others, "")
    yield Figure("connections to the database", others * assumed.pool, "")
    gpu = assumed.prompt_tokens / assumed.gpu_prompt_tokens + assumed.reply_tokens / assumed.gpu_reply_tokens
    yield Figure("GPU seconds a turn", gpu, "s")
    yield Figure("GPUs", math.ceil(peak * gpu / assumed.busy), "")
    yield Figure("replies at the same time", math.ceil(peak * assumed.reply_seconds), "")
    yield Figure("database, a day", assumed.turns_a_day * measured.stored_bytes / 1e9, "GB")
    kept = assumed.turns_a_day * assumed.days_kept
    yield Figure("database, as long as it is kept", kept * measured.stored_bytes / 1e9, "GB")
    yield Figure("write-ahead log, peak", peak * measured.wal_bytes / 1e6, "MB/s")
    yield Figure("transactions, peak", peak * measured.commits, "1/s")
    yield Figure("rows written, peak", peak * measured.rows, "1/s")


def table(measured: Measured, assumed: Assumed = ASSUMED) -> str:
    """The needs as a table of Markdown."""
    rows = [
        f"| {each.name} | {_shown(each.value)} {each.unit}".rstrip() + " |" for each in needs(measured, assumed)
    ]
    return "\n".join(["| what | how much |", "| --- | --- |", *rows])


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004


def measure(url: str, *, turns: int = _TURNS) -> Measured:
    """Answer so many messages with the offline responder, on a Postgres.

    Args:
        url: Of an empty database that nobody else uses.
        turns: After a tenth as many to warm up.
    """
    # One thread, since idle threads of a pass spin, and their time would be counted.
    settings = load_settings(store=url, max_turns_per_minute=100_000, threads=1)
    warm = turns // 10
    said = [(f"growth {n // _LENGTH}", f"{_SAID[n % len(_SAID)]} ({n})") for n in range(turns + warm)]
    with build_agent(settings) as agent:
        done: list[Turn] = []

        def answer(part: Sequence[tuple[str, str]]) -> None:
            done.extend(agent.respond_sync(text, conversation_id=name) for name, text in part)

        try:
            answer(said[:warm])
            counted = _Counted(url)
            spent = _core_ms(lambda: answer(said[warm:]))
            grew = counted.since()
            # Other words, since readings of the last dialogues are remembered.
            new = [Turn(turn.id, "", 0, f"{turn.text} Again.", turn.history) for turn in done[warm:]]
            read = _core_ms(lambda: [agent.perception.read([turn]) for turn in new])
        finally:
            for name in agent.store.conversations():
                agent.store.erase(name)
    return Measured(read / turns, spent / turns, *(value / turns for value in grew))


def _core_ms(work: Callable[[], object]) -> float:
    """Milliseconds of all cores that this process used."""
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000


class _Counted:
    """How much of a database was used since."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(
            sa.make_url(url).set(drivername="postgresql+psycopg"), hide_parameters=True
        )
        self._before = self._now()

    def since(self) -> tuple[float, float, float, float]:
        """Bytes stored, bytes logged, commits, rows."""
        now = self._now()
        with self._engine.connect() as connection:
            logged = connection.execute(
                sa.text("SELECT pg_wal_lsn_diff(:now, :before)"), {"now": now[1], "before": self._before[1]}
            ).scalar_one()
        self._engine.dispose()
        return now[0] - self._before[0], float(logged), now[2] - self._before[2], now[3] - self._before[3]

    def _now(self) -> tuple[int, str, int, int]:
        with self._engine.connect() as connection:
            connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
            time.sleep(_FLUSHED)
            row = connection.exec_driver_sql(
                "SELECT pg_database_size(current_database()), pg_current_wal_lsn()::text, xact_commit, "
                "tup_inserted + tup_updated FROM pg_stat_database WHERE datname = current_database()"
            ).one()
        return int(row[0]), str(row[1]), int(row[2]), int(row[3])


_FLUSHED = 1.5  # seconds; other sessions tell of what they did within one


def main(arguments: list[str]) -> None:
    """Print the table; with `measure URL`, measure first and keep it."""
    if arguments[:1] == ["measure"]:
        measured = measure(arguments[1])
        RESULT.write_text(json.dumps(asdict(measured), indent=1) + "\n", encoding="utf-8")
    measured = Measured(**json.loads(RESULT.read_text(encoding="utf-8")))
    for name, value in (asdict(measured) | asdict(ASSUMED)).items():
        print(f"{name:<20} {value:,.4g}" if isinstance(value, float) else f"{name:<20} {value:,}")  # noqa: T201
    print(f"\n{table(measured)}")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
