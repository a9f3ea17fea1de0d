"""`Turn` to a record that JSON can hold, and back, exactly.

A record holds the turn's fields under their own names, with `"schema"` beside them. Dataclasses and
mappings become objects, tuples become arrays. JSON has no number that is not finite: such a one
becomes the text `"nan"`, `"inf"` or `"-inf"`. A field whose metadata says
`kept: False` means something in this process alone, and is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, partial
from numbers import Integral, Real
from types import MappingProxyType, NoneType
from typing import Any, Literal, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from agent.errors import ReadingError, StoreError
from agent.packing import LARGEST, UNIONS, InexactError, kept_names, packed_exactly
from agent.turn import Turn

__all__ = ["SCHEMA", "from_record", "pack", "to_record", "unpack"]

# Written out rather than left to pydantic, whose serializer (2.14) warns about read-only mappings and
# quotes their values in the warning, passes a wrong type on, and drops unknown keys in silence.

SCHEMA = 1
"""Version of the record. A field with a default may be added without a new one."""

_CONTEXT_FIELDS = ("history", "state_before", "course_before", "reliance_before", "sitting_before")
"""Fields that repeat what the turns before hold."""

_KEPT = kept_names(Turn) or ()
_KEPT_ALONE = tuple(name for name in _KEPT if name not in _CONTEXT_FIELDS)

_ATOMS = {
    str: ((str,), "text"),
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
}
_AS_THEY_ARE = frozenset({NoneType, str, bool, int})
_NOT_FINITE = frozenset({"nan", "inf", "-inf"})

ValueT = TypeVar("ValueT")


def to_record(turn: Turn, *, context: bool = True) -> dict[str, Any]:
    """A turn as dicts, lists, texts and numbers.

    Args:
        turn: Any turn, finished or not.
        context: Whether to keep the history and the states before. They can be derived from the turns
            before; kept with every turn, they let a conversation grow quadratically on disk.

    Raises:
        StoreError: A field holds what its type does not allow, so it could not be read back. No
            text of the person is in the error.
    """
    names = _KEPT if context else _KEPT_ALONE
    with suppress(InexactError):  # as nearly all turns are; NumPy's numbers for one are not
        return {"schema": SCHEMA, **packed_exactly(turn, names)}
    record = {"schema": SCHEMA, **_packed_fields(turn, names, "turn")}
    from_record(record)  # nothing is written that would make its conversation unreadable
    return record


def from_record(record: Mapping[str, Any]) -> Turn:
    """The turn in a record. Fields left out take their defaults.

    Raises:
        StoreError: The record is malformed, or from a newer version. No text of the person is in
            the error.
    """
    schema = record.get("schema") if isinstance(record, Mapping) else None
    if type(schema) is not int:
        raise StoreError("A turn record needs a number under `schema`. This is no turn record, or it is damaged.")
    if schema != SCHEMA:
        raise StoreError(f"A turn record has schema {schema}; this version reads {SCHEMA}. Upgrade Heartline.")
    return unpack(Turn, {name: value for name, value in record.items() if name != "schema"}, at="turn")


def pack(value: object, *, at: str = "turn") -> Any:
    """A part of a turn as dicts, lists, texts and numbers.

    Args:
        value: A dataclass, mapping, tuple, text, number or None.
        at: Where it stands, for errors.

    Raises:
        StoreError: It is of another type.
    """
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if (names := kept_names(kind)) is not None:  # type: ignore[arg-type]  # a class is hashable
        return _packed_fields(value, names, at)
    if isinstance(value, Mapping):
        inside = f"{at}[...]"
        return {
            key: item if type(item) is float and math.isfinite(item) else pack(item, at=inside)
            for key, item in value.items()
        }
    if isinstance(value, tuple | list):
        return [
            item if type(item) in _AS_THEY_ARE else pack(item, at=f"{at}[{number}]")
            for number, item in enumerate(value)
        ]
    return _packed_atom(value, at)


def _packed_fields(value: object, names: tuple[str, ...], at: str) -> dict[str, Any]:
    items = [(name, getattr(value, name)) for name in names]
    return {name: item if type(item) in _AS_THEY_ARE else pack(item, at=f"{at}.{name}") for name, item in items}


def _packed_atom(value: object, at: str) -> str | int | float:
    if isinstance(value, str):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):  # NumPy's numbers too
        number = float(value)
        return number if math.isfinite(number) else str(number)
    kind = type(value).__name__
    raise StoreError(f"`{at}` holds a `{kind}`, which a record cannot hold. Use dataclasses, texts and numbers.")


def unpack(kind: type[ValueT], packed: Any, *, at: str) -> ValueT:
    """What `pack` packed.

    Args:
        kind: The dataclass to make.
        packed: As `pack` gave it, or as JSON gave it back.
        at: Where it stands, for errors.

    Raises:
        StoreError: It does not fit `kind`. Values are not in the error: they may be a person's words.
    """
    return _object(kind, packed, at)


def _object(kind: type[ValueT], packed: Any, at: str) -> ValueT:
    if not isinstance(packed, Mapping):
        raise _malformed(at, "an object", packed)
    readers, required = _readers(kind)  # type: ignore[arg-type]  # a class is hashable
    unknown = len(packed.keys() - readers.keys())
    if unknown:
        raise StoreError(f"Turn record: `{at}` has {unknown} unknown fields. It may hold: {', '.join(readers)}.")
    missing = sorted(required - packed.keys())
    if missing:
        raise StoreError(f"Turn record: `{at}` lacks {', '.join(missing)}. The record is damaged.")
    values = {
        name: value if type(value) is (each := readers[name]).exact else each.read(value, f"{at}.{name}")
        for name, value in packed.items()
    }
    try:
        return kind(**values)
    except ReadingError:
        # Without its cause: a reading may quote the person when it complains.
        raise StoreError(f"Turn record: `{at}` breaks the contract of `{kind.__name__}`.") from None


_Read = Callable[[Any, str], Any]
"""Gives a value as a type wants it; told where it stands, for errors."""


class _Reader(NamedTuple):
    """How the values of a type are read.

    Attributes:
        exact: The type whose values are taken as they are, unread: a turn holds a thousand of them.
        read: Any others.
    """

    exact: type | None
    read: _Read


@cache
def _readers(kind: Any) -> tuple[Mapping[str, _Reader], frozenset[str]]:
    """How the fields of a dataclass are read, and which have no default."""
    hints = get_type_hints(kind)
    optional = {f.name for f in fields(kind) if f.default is not MISSING or f.default_factory is not MISSING}
    return {f.name: _reader(hints[f.name]) for f in fields(kind)}, frozenset(hints.keys() - optional)


@cache
def _reader(hint: Any) -> _Reader:
    """What reads a value of a type."""
    origin, arguments = get_origin(hint), get_args(hint)
    exact: type | None = None
    read: _Read = partial(_atom, hint)
    if isinstance(hint, type) and is_dataclass(hint):
        read = partial(_object, hint)
    elif origin in UNIONS:  # `X | None` is the only union in a turn
        exact, there = _reader(arguments[0])
        read = partial(_optional, there)
    elif origin is Literal:
        read = partial(_one_of, arguments)
    elif origin is tuple and arguments[-1] is Ellipsis:
        read = partial(_items, _reader(arguments[0]))
    elif origin is tuple:
        read = partial(_so_many_items, tuple(map(_reader, arguments)))
    elif origin is Mapping:
        read = partial(_mapping, _reader(arguments[0]), _reader(arguments[1]))
    else:
        exact = hint if hint in _ATOMS else None
    return _Reader(exact, read)


def _optional(read: _Read, value: Any, at: str) -> Any:
    return None if value is None else read(value, at)


def _one_of(choices: tuple[Any, ...], value: Any, at: str) -> Any:
    if value not in choices:
        raise _malformed(at, f"one of {', '.join(choices)}", value)
    return value


def _mapping(keys: _Reader, items: _Reader, value: Any, at: str) -> Any:
    if not isinstance(value, Mapping):
        raise _malformed(at, "an object", value)
    # Distributions over thirty labels, and a turn holds a dozen: all are looked at in one go.
    if {keys.exact}.issuperset(map(type, value)) and {items.exact}.issuperset(map(type, value.values())):
        return MappingProxyType(dict(value))
    inside = f"{at}[...]"
    return MappingProxyType({keys.read(key, inside): items.read(item, inside) for key, item in value.items()})


def _items(each: _Reader, value: Any, at: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _malformed(at, "an array", value)
    exact, read = each
    return tuple(
        item if type(item) is exact else read(item, f"{at}[{number}]") for number, item in enumerate(value)
    )


def _so_many_items(readers: tuple[_Reader, ...], value: Any, at: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _malformed(at, "an array", value)
    if len(readers) != len(value):
        raise StoreError(f"Turn record: `{at}` has {len(value)} items instead of {len(readers)}.")
    pairs = enumerate(zip(readers, value, strict=True))
    return tuple(
        item if type(item) is each.exact else each.read(item, f"{at}[{number}]") for number, (each, item) in pairs
    )


def _atom(hint: Any, value: Any, at: str) -> Any:
    if type(value) is hint:
        return value
    if hint is float and isinstance(value, str) and value in _NOT_FINITE:
        return float(value)
    kinds, name = _ATOMS[hint]
    if not isinstance(value, kinds) or isinstance(value, bool) != (hint is bool):
        raise _malformed(at, name, value)
    if hint is float and isinstance(value, int) and abs(value) > LARGEST:  # no calculation could take it
        raise _malformed(at, "a number of a sane size", value)
    return value


def _malformed(at: str, wanted: str, found: object) -> StoreError:
    return StoreError(f"Turn record: `{at}` should be {wanted} and is a `{type(found).__name__}`. It is damaged.")
