"""`heartline eval safety`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["safety"]


def safety(  # noqa: PLR0917 - typer names them all
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="a, b, c (development) or d (held out); default: all, apart.")
    ] = None,
    family: Annotated[
        list[str] | None, typer.Option(help="Only this family (may be given again); default: all.")
    ] = None,
    country: Annotated[str, typer.Option(help="Where the person is: whose help lines are named.")] = "US",
    llm: Annotated[
        str | None, typer.Option("--llm", metavar="URL", help="OpenAI-compatible server; default: no LLM.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="Its model; default: the server's first.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Folder of weights; default: the shipped ones.")] = None,
    parallel: Annotated[int, typer.Option(min=1, help="Conversations at once.")] = 4,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File that gets every turn as JSON lines, texts included.")
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(help="JSON file that gets the figures, e.g. docs/safety.json.")
    ] = None,
    failures: Annotated[bool, typer.Option("--failures", help="List the turns that failed, by id.")] = False,
    texts: Annotated[bool, typer.Option("--texts", help="With their words.")] = False,
    benign: Annotated[bool, typer.Option("--benign", help="False alarms on everyday messages instead.")] = False,
    between: Annotated[
        bool, typer.Option("--between", help="How much danger is found between everyday sentences instead.")
    ] = False,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of prepared sets; default: HEARTLINE_DATA.")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Of --benign: so many messages a set; of --between: so many statements; drawn."),
    ] = None,
) -> None:
    """Play the safety suite's scripts against the agent: the record of risk and what the replies do."""
    from agent.settings import load_settings
    from evals.safety.page import add_figures
    from evals.safety.shown import print_benign, print_between, print_failures, print_sets

    # A machine that is busy must not be measured as an agent that cannot read.
    agent = {"country": country, "store": "memory", "plugin_seconds": 60}
    settings = load_settings(weights=weights, llm_url=llm, llm_model=model, **agent)
    if benign:
        from evals.safety.benign import false_alarms
        from sem_plugins.training.sets.records import data_folder

        alarms = false_alarms(data_folder(data), settings, limit=limit)
        print_benign(alarms)
        found: dict[str, Any] = {"benign": alarms}
    elif between:
        from evals.safety.between import found_between
        from sem_plugins.training.sets.records import data_folder

        shares = found_between(data_folder(data), settings, limit=limit)
        print_between(shares)
        found = {"between": shares}
    else:
        from evals.safety.figures import set_figures
        from evals.safety.run import play_sets, write_rows
        from evals.safety.scenarios import SETS

        played = play_sets(settings, sets or SETS, families=family or (), parallel=parallel)
        by_set = {name: set_figures(turns) for name, turns in played.items()}
        print_sets(by_set)
        everything = [turn for turns in played.values() for turn in turns]
        if failures or texts:
            print_failures(everything, texts=texts)
        if out is not None:
            write_rows(out, everything)
        found = {"sets": by_set}
    if figures is not None:
        add_figures(figures, found)
