"""`make load`: measure what the server bears, and write it to `docs/load.json`, `docs/load.md` and the README.

    python -m evals.load                        # all parts
    python -m evals.load sustained crash        # some of them; figures of others stay
    python -m evals.load soak --soak 10         # ten minutes

Every part starts the real server as a process of its own, on SQLite and, where Postgres' programs are installed,
on a cluster that is made for it. The command fails where a turn is lost or stored twice, where an answer is an
error, or where a part could not be measured; aims of speed are printed as met or missed. Linux only.
"""

from __future__ import annotations

import signal
import sys
from typing import Annotated

import typer

from evals.load.parts import PARTS, measure

if __name__ == "__main__":

    def main(
        parts: Annotated[
            list[str] | None, typer.Argument(help=f"Which: {', '.join(PARTS)}; all where none is named.")
        ] = None,
        soak: Annotated[float, typer.Option(min=0.1, help="Minutes of the long run.")] = 1.0,
        write: Annotated[bool, typer.Option(help="Write docs/load.* and the README.")] = True,  # noqa: FBT002
    ) -> None:
        """Measure what the server bears."""
        if unknown := set(parts or ()) - set(PARTS):
            raise typer.BadParameter(f"{', '.join(sorted(unknown))}. There are: {', '.join(PARTS)}.")
        # Ctrl-C also where a shell that runs it in the background has it ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # As Ctrl-C, which asyncio turns into an orderly end: what was started is ended, also while it starts.
        signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
        sys.exit(measure(tuple(parts or PARTS), soak_minutes=soak, write=write))

    typer.run(main)
