"""Values packed along their types: what is exactly as its type says can be read back, and needs no second look.

Nothing here complains. What is not exactly so, and be it NumPy's number for a number, goes the long way in
`agent.record`, which takes what can be taken and says what cannot.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache, partial
from types import MappingProxyType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

__all__ = ["LARGEST", "UNIONS", "InexactError", "kept_names", "packed_exactly"]

UNIONS = (Union, UnionType)
LARGEST = sys.float_info.max
"""Whole numbers above it are no numbers to calculate with."""


class InexactError(Exception):
    """A value is not exactly as its type says. It may do all the same."""


def packed_exactly(value: object, names: Iterable[str]) -> dict[str, Any]:
    """Fields of a dataclass as dicts, lists, texts and numbers.

    A dataclass checked its values when it was made, and nothing that is packed here can be altered since: it could
    be made again from what this gives.

    Args:
        value: The dataclass.
        names: Of the fields.

    Raises:
        InexactError: A value below is not exactly what the type of its field says.
    """
    packers = _packers(type(value))  # type: ignore[arg-type]  # a class is hashable
    return _packed(value, {name: packers[name] for name in names})


@cache
def kept_names(kind: type) -> tuple[str, ...] | None:
    """The fields of a dataclass that are kept; None where it is none."""
    if not is_dataclass(kind):
        return None
    return tuple(field.name for field in fields(kind) if field.metadata.get("kept", True))


_Pack = Callable[[Any], Any]


class _Packer(NamedTuple):
    """How the values of a type are packed.

    Attributes:
        exact: The type whose values stay as they are.
        pack: Any others.
    """

    exact: type | None
    pack: _Pack


@cache
def _packers(kind: Any) -> Mapping[str, _Packer]:
    hints = get_type_hints(kind)
    return {name: _packer(hints[name]) for name in kept_names(kind) or ()}


def _kept(packer: _Packer, value: Any) -> Any:
    return value if type(value) is packer.exact else packer.pack(value)


def _packed(value: object, packers: Mapping[str, _Packer]) -> dict[str, Any]:
    return {
        name: item if type(item := getattr(value, name)) is exact else pack(item)
        for name, (exact, pack) in packers.items()
    }


@cache
def _packer(hint: Any) -> _Packer:
    origin, arguments = get_origin(hint), get_args(hint)
    exact: type | None = None
    pack: _Pack = _inexact
    if isinstance(hint, type) and is_dataclass(hint):
        pack = partial(_dataclass, hint, _packers(hint))
    elif origin in UNIONS:  # `X | None` is the only union in a turn
        exact, there = _packer(arguments[0])
        pack = partial(_optional, there)
    elif origin is Literal:
        pack = partial(_one_of, frozenset(arguments))
    elif origin is tuple and arguments[-1] is Ellipsis:
        pack = partial(_items, _packer(arguments[0]))
    elif origin is tuple:
        pack = partial(_so_many_items, tuple(map(_packer, arguments)))
    elif origin is Mapping:
        pack = partial(_mapping, _packer(arguments[0]), _packer(arguments[1]))
        if arguments == (str, float):
            pack = _numbers
    elif hint is float:
        pack = _number
    else:
        exact = hint
    return _Packer(exact, pack)


def _inexact(_: Any) -> Any:
    raise InexactError


def _optional(pack: _Pack, value: Any) -> Any:
    return None if value is None else pack(value)


def _dataclass(kind: type, packers: Mapping[str, _Packer], value: Any) -> Any:
    return _packed(value, packers) if type(value) is kind else _inexact(value)


def _one_of(choices: frozenset[Any], value: Any) -> Any:
    return value if type(value) is str and value in choices else _inexact(value)


def _number(value: Any) -> Any:
    if type(value) is float:
        return value if math.isfinite(value) else str(value)
    return value if type(value) is int and abs(value) <= LARGEST else _inexact(value)


def _items(each: _Packer, value: Any) -> list[Any]:
    if type(value) is not tuple:
        _inexact(value)
    exact, pack = each
    return [item if type(item) is exact else pack(item) for item in value]


def _so_many_items(packers: tuple[_Packer, ...], value: Any) -> list[Any]:
    if type(value) is not tuple or len(value) != len(packers):
        _inexact(value)
    return list(map(_kept, packers, value))


def _mapping(keys: _Packer, items: _Packer, value: Any) -> dict[Any, Any]:
    known = _unalterable(value)
    return {_kept(keys, key): _kept(items, item) for key, item in known.items()}


def _numbers(value: Any) -> dict[str, Any]:
    """A distribution over thirty labels, mostly, and a turn holds a dozen: all are looked at in one go."""
    known = _unalterable(value)
    if not {str}.issuperset(map(type, known)):
        _inexact(value)
    if {float}.issuperset(map(type, known.values())) and math.isfinite(sum(known.values())):
        return known
    return {name: _number(item) for name, item in known.items()}


def _unalterable(value: Any) -> dict[Any, Any]:
    if type(value) is not MappingProxyType and not (type(value) is dict and not value):
        _inexact(value)  # somebody may have altered it since its dataclass was checked
    return dict(value.items())
