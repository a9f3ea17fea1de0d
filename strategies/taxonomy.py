"""Taxonomies of support strategies, kept as package data."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from types import MappingProxyType

from agent.decisions import Strategy, Taxonomy

__all__ = ["esconv", "strategy_id"]

_FILE = Path(__file__).with_name("esconv.toml")


@cache
def esconv() -> Taxonomy:
    """The eight strategies of ESConv, id `"esconv-8"`, in the order of the published tables.

    Source:
        Names: ESConv (Liu et al. 2021). Stage weights: shares by stage in Kang et al. 2024.
    """
    content = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    strategies = tuple(
        Strategy(**{**entry, "stages": MappingProxyType(entry["stages"])}) for entry in content["strategies"]
    )
    return Taxonomy(content["id"], strategies)


def strategy_id(taxonomy: Taxonomy, named: str | None) -> str | None:
    """The id of a strategy that is given by id or by name, e.g. as a data set spells it.

    Returns:
        The id; None where nothing is named or the taxonomy has no such strategy, as happens
        when a conversation goes on under another taxonomy.
    """
    if named is None:
        return None
    wanted = named.strip().casefold()
    for strategy in taxonomy.strategies:
        if wanted in {strategy.id.casefold(), strategy.name.casefold()}:
            return strategy.id
    return None
