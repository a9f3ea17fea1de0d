"""Taxonomies of support strategies and how they say the same thing: package data, checked when read."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from agent.decisions import Strategy, Taxonomy
from agent.errors import ReadingError

__all__ = ["check_map", "convert", "esconv", "extes", "mi", "strategy_id"]

Distribution = Mapping[str, float]

_FOLDER = Path(__file__).parent
_DRIFT = 1e-3  # what `agent.readings` allows a distribution; it is taken out here


@cache
def esconv() -> Taxonomy:
    """The eight strategies of ESConv, id `"esconv-8"`, in the order of the published tables.

    Source:
        Names: ESConv (Liu et al. 2021). Stage weights: shares by stage in Kang et al. 2024.
    """
    return _taxonomy("esconv.toml")


@cache
def extes() -> Taxonomy:
    """The sixteen strategies of ExTES, id `"extes-16"`, in the order of its repository.

    Source:
        Names: ExTES (Zheng et al. 2023). Stage weights: our judgement.
    """
    return _taxonomy("extes.toml")


@cache
def mi() -> Taxonomy:
    """The nine therapist behaviours of motivational interviewing in AnnoMI, id `"annomi-9"`.

    Source:
        Kinds: AnnoMI (Wu et al. 2022, 2023). Stage weights: our judgement.
    """
    return _taxonomy("mi.toml")


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


def convert(probabilities: Distribution, *, source: str, target: str) -> dict[str, float]:
    """A distribution over the strategies of one taxonomy, in the words of another.

    Args:
        probabilities: Strategy id to probability, summing to 1; one left out counts as 0.
        source: Id of the taxonomy that they are of.
        target: Id of the taxonomy that is wanted. The same one only fills in what was left out.

    Returns:
        Every strategy of `target` in its order, with a probability. Sums to 1.

    Raises:
        ReadingError: A taxonomy or a strategy is unknown, or `probabilities` is no distribution.
    """
    known = _known(source)
    for strategy in probabilities:
        _ = known[strategy]  # raises with the choices
    total = sum(probabilities.values())
    if not all(p >= 0 for p in probabilities.values()) or not abs(total - 1) <= _DRIFT:  # `not` also catches NaN
        raise ReadingError(f"Probabilities over `{source}` are no distribution: {dict(probabilities)!r}.")
    converted = {strategy.id: 0.0 for strategy in _known(target).strategies}
    for strategy, p in probabilities.items():
        for to, share in _row(strategy, source=source, target=target).items():
            converted[to] += p / total * share
    return converted


def _row(strategy: str, *, source: str, target: str) -> Distribution:
    return {strategy: 1.0} if source == target else _map(source, target)[strategy]


def _known(taxonomy: str) -> Taxonomy:
    taxonomies = {each.id: each for each in (esconv(), extes(), mi())}
    if taxonomy not in taxonomies:
        raise ReadingError(f"No taxonomy {taxonomy!r} can be converted. Known are: {', '.join(taxonomies)}.")
    return taxonomies[taxonomy]


@cache
def _map(source: str, target: str) -> Mapping[str, Distribution]:
    """Each strategy of `source` to a distribution over those of `target`."""
    rows: Mapping[str, Distribution] = _content("maps.toml")[source][target]
    check_map(rows, source=_known(source), target=_known(target))
    return rows


def check_map(rows: Mapping[str, Distribution], *, source: Taxonomy, target: Taxonomy) -> None:
    """Refuse a map that leaves something unsaid.

    Raises:
        ReadingError: A strategy of `source` has no row, or a row is of no strategy; or a row names a
            strategy that `target` has not, holds a share that is not above 0, or does not sum to 1.
    """
    expected = {strategy.id for strategy in source.strategies}
    if rows.keys() != expected:
        raise ReadingError(
            f"The map from `{source.id}` to `{target.id}` has no row, or a row too many, for "
            f"{sorted(rows.keys() ^ expected)!r}. Give each strategy of `{source.id}` one row in maps.toml."
        )
    for strategy, row in rows.items():
        for to in row:
            _ = target[to]  # raises with the choices
        if min(row.values(), default=0) <= 0 or not math.isclose(sum(row.values()), 1):
            raise ReadingError(
                f"The row of {strategy!r} from `{source.id}` to `{target.id}` in maps.toml does not hold shares "
                f"above 0 that sum to 1: {dict(row)!r}."
            )


def _taxonomy(file: str) -> Taxonomy:
    content = _content(file)
    strategies = tuple(
        Strategy(**{**entry, "stages": MappingProxyType(entry["stages"])}) for entry in content["strategies"]
    )
    return Taxonomy(content["id"], strategies)


@cache
def _content(file: str) -> Mapping[str, Any]:
    return tomllib.loads((_FOLDER / file).read_text(encoding="utf-8"))
