"""Numbers of people: told by how their digits are grouped, and by a check where there is one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from agent.safety.personal_forms import Finder, Found, any_of, words

__all__ = ["iban", "numbers"]

_CLUSTER = re.compile(r"[+(]{0,2}\d(?:[ \t\u00a0.\-/()\u2010-\u2015]{0,3}\d)*+")
"""Digits with little between them. A colon ends it, so that times of the day stay out."""

_DIGITS = re.compile(r"\d+")
_BETWEEN = r"[-/. ]{1,2}"
_DATE = re.compile(rf"(\d{{4}}){_BETWEEN}(\d\d?){_BETWEEN}(\d\d?)|(\d\d?){_BETWEEN}(\d\d?){_BETWEEN}(\d{{4}})")
_AMOUNT = re.compile(r"[1-9]\d{6,8}|[1-9]\d{0,2}(?:[ .]\d{3}){1,2}")  # of up to nine digits, as money is written
_LEAST, _MOST = 7, 15  # digits of a phone number: local ones, and the most of ITU-T E.164
_CARD_LEAST, _CARD_MOST = 13, 19  # ISO/IEC 7812


def iban(candidate: str) -> int:
    """Characters of the IBAN (ISO 13616) that a text begins with; 0 where length or remainder do not fit."""
    compact = [(character.upper(), place) for place, character in enumerate(candidate) if character.isalnum()]
    length: int = words()["iban_lengths"].get("".join(character for character, _ in compact[:2]), 0)
    if not 0 < length <= len(compact):
        return 0
    turned = "".join(character for character, _ in [*compact[4:length], *compact[:4]])
    if not turned.isascii() or int("".join(str(int(character, 36)) for character in turned)) % 97 != 1:
        return 0
    return compact[length - 1][1] + 1


def numbers() -> Finder:
    """Finds cards, phones and long numbers, and leaves dates, years, amounts and counts alone."""
    counted = re.compile(rf" ?(?:[$€£¥]|(?:{any_of(words()['counted'])})\b)", re.IGNORECASE)

    def found(text: str) -> Iterator[Found]:
        for match in _CLUSTER.finditer(text):
            start, end = match.span()
            if text[start] == "(" and ")" not in match[0]:
                start += 1
            named = text[max(0, start - 1) : start] in {*"$€£¥"} or counted.match(text, end)
            amount = bool(named and _AMOUNT.fullmatch(match[0]))
            yield from _in_cluster(text, start, end, amount=amount)

    return found


def _in_cluster(text: str, start: int, end: int, *, amount: bool) -> Iterator[Found]:
    groups = [match.span() for match in _DIGITS.finditer(text, start, end)]
    first = 0  # group from which on nothing was told yet
    while first < len(groups):
        begin, stop = _card(text, groups, first)
        if begin > first:
            before = start if first == 0 else groups[first][0]
            yield from _phone(text, groups[first:begin], before, amount=amount and begin == len(groups))
        if begin < stop:
            yield groups[begin][0], groups[stop - 1][1], "card"
        first = stop


def _card(text: str, groups: Sequence[tuple[int, int]], first: int) -> tuple[int, int]:
    """The next groups that are a card's, as the first and one past the last; both the end where there is none."""
    for begin in range(first, len(groups)):
        digits, longest = "", 0
        for stop in range(begin, len(groups)):
            digits += text[slice(*groups[stop])]
            if len(digits) > _CARD_MOST:
                break
            if len(digits) >= _CARD_LEAST and _luhn(digits):
                longest = stop + 1
        if longest:
            return begin, longest
    return len(groups), len(groups)


def _luhn(digits: str) -> bool:
    """Whether digits are a card's: the check of ISO/IEC 7812, and a first digit that cards have."""
    if digits[0] not in "23456":
        return False
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0  # noqa: PLR2004


def _phone(text: str, groups: Sequence[tuple[int, int]], start: int, *, amount: bool) -> Iterator[Found]:
    """What the groups are, without dates at their ends; nothing where they are something else than a person's."""
    inside = list(groups)
    if _is_date(text, inside, 0):
        inside, start = inside[3:], inside[3][0] if len(inside) > 3 else start  # noqa: PLR2004
    if len(inside) > 3 and _is_date(text, inside, len(inside) - 3):  # noqa: PLR2004
        inside = inside[:-3]
    told = [text[a:b] for a, b in inside]
    digits = sum(map(len, told))
    if digits < _LEAST:
        return
    end = inside[-1][1]
    if "+" in text[start:end] or not (amount or _told_otherwise(told)):
        yield start, end, "phone" if digits <= _MOST else "id number"


def _is_date(text: str, groups: Sequence[tuple[int, int]], place: int) -> bool:
    """Whether three groups from a place on are a day, a month and a year of four digits, in whatever order."""
    if len(groups) < place + 3:
        return False
    date = _DATE.fullmatch(text, groups[place][0], groups[place + 2][1])
    if date is None:
        return False
    year, *rest = map(int, date.groups(default="")[:3] if date[1] else [date[6], date[4], date[5]])
    return 1900 <= year <= 2100 and 1 <= min(rest) <= 12 and max(rest) <= 31  # noqa: PLR2004


def _told_otherwise(groups: Sequence[str]) -> bool:
    """Whether digits are years, a range of round numbers, an amount in thousands, or somebody who counts."""
    years = all(len(group) == 4 and group[:2] in {"19", "20"} for group in groups)  # noqa: PLR2004
    a_range = len(groups) == 2 and all(re.fullmatch(r"[1-9]\d00", group) for group in groups)  # noqa: PLR2004
    thousands = re.fullmatch(r"[1-9]\d{0,2}(?: \d00)* 000|[1-9]0{6,8}", " ".join(groups))
    steps = {int(b) - int(a) for a, b in pairwise(groups) if len(a) <= 3 >= len(b)}  # noqa: PLR2004
    counts = len(groups) > 3 and max(map(len, groups)) <= 3 and steps in ({1}, {-1})  # noqa: PLR2004
    return bool(years or a_range or thousands or counts)
