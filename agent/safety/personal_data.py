"""Finds personal data in a text by its form: rules and the words of `personal_data.toml`, in English mostly.

No model and no list of names: a name is found where a phrase introduces it, a number by how it is grouped, with a
check where there is one. Every pattern is bounded or cannot turn back, so that time grows with the length of the
text and no faster.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from ipaddress import ip_address
from typing import Any

from agent.safety.introduced_names import names
from agent.safety.personal_forms import Finder, any_of, matches, words
from agent.safety.personal_numbers import iban, numbers

__all__ = ["finders", "plain"]

_FEWEST_IN_IP = 7  # characters; "::d" is a face


def plain(text: str) -> tuple[str, list[int]]:
    """The text as rules want it, and the place of each of its characters in the text.

    Full-width forms become plain ones, and what cannot be seen (joiners, soft hyphens) is left out: both hide
    digits from a pattern.
    """
    if text.isascii():
        return text, [*range(len(text) + 1)]
    kept: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        if unicodedata.category(character) == "Cf":
            continue
        form = unicodedata.normalize("NFKC", character)
        kept.append(form if len(form) == 1 and form != " " else character)
        places.append(place)
    return "".join(kept), [*places, len(text)]


@cache
def finders() -> tuple[Finder, ...]:
    """All finders. What an earlier one finds, the later ones do not see."""
    known = words()
    tld, spoken = any_of(known["top_level_domains"]), any_of(known["spoken_domains"])
    local, in_url = r"\w.!#$%&'*+/=?^`{|}~-", r"[^\s<>\"\[\]]"
    dot = r"(?:\(dot\)|\{dot\}|\bdot\b)"
    return (
        matches("url", rf"(?<![\w@])(?:(?:https?|ftp)://|www\.){in_url}++", length=_without_punctuation),
        matches("email", rf"(?<![{local}])[{local}]++@[\w-]++(?:\.[\w-]++)+"),
        matches(
            "email",
            rf"(?<![\w.+-])[\w.+-]++ ?(?:(?:\(at\)|\{{at\}}) ?[\w-]++ ?(?:\.|{dot})|\bat\b ?[\w-]++ ?{dot})"
            rf" ?(?:{spoken})(?!\w)",
        ),
        matches(
            "url",
            rf"(?<![\w@.-])(?:[a-z0-9-]++\.)+(?:{tld})(?![\w-])(?:/{in_url}*+)?",
            length=_without_punctuation,
        ),
        matches("iban", r"(?<![a-z0-9])[a-z]{2}\d\d(?:[ -]?[a-z0-9]){11,30}", length=iban, digits=True),
        matches("ip", r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\d|\.\d)", length=_ip, digits=True),
        matches("ip", r"(?<![\w:.])(?=[0-9a-f]*:)[0-9a-f:.]++", length=_ip, digits=True),
        _born(known),
        *_ids(known),
        *_addresses(known),
        numbers(),
        *names(),
    )


def _without_punctuation(address: str) -> int:
    return len(address.rstrip(".,;:!?'\")}*_~"))


def _ip(candidate: str) -> int:
    address = candidate.rstrip(".:") if not candidate.endswith("::") else candidate
    if len(address) < _FEWEST_IN_IP or not any(character.isdigit() for character in address):
        return 0
    try:
        ip_address(address)
    except ValueError:
        return 0
    return len(address)


def _born(known: Mapping[str, Any]) -> Finder:
    month = f"(?:{any_of(known['months'])})\\.?"
    day = r"\d{1,2}(?:st|nd|rd|th)?"
    written = rf"{day}(?: of)? {month}(?:,? \d{{4}})?|{month} {day}(?:,? \d{{4}})?"
    date = rf"(?:\d{{1,4}}[-/. ]{{1,2}}\d{{1,2}}[-/. ]{{1,2}}\d{{2,4}}|{written})(?!\w)"
    said = r"\b(?:born|date of birth|birth ?date|dob|d\.o\.b\.|birthday)(?!\w)[ :,=-]{0,3}"
    between = r"(?:(?:on|is|was|the|in)[ :]){0,3}"
    return matches("date of birth", rf"{said}{between}(?P<it>{date})", digits=True)


def _ids(known: Mapping[str, Any]) -> tuple[Finder, ...]:
    number = r"(?:[ -](?:number|no\.?|nr\.?|id|code)|[ -]?#)"
    said = rf"\b(?:(?:{any_of(known['id_alone'])}){number}?|(?:{any_of(known['id_with_number'])}){number})"
    given = r"(?:(?=[a-z]{0,19}\d)[a-z0-9]{5,20}(?!\w)|[a-z]{0,3}[ -]?\d(?:[ -]?\d){4,15}(?:[ -]?[a-z])?(?!\w))"
    return (
        matches("id number", rf"{said}[ :=#]{{0,3}}(?:(?:is|was)[ :]{{1,2}})?(?P<it>{given})", digits=True),
        matches("id number", r"(?<![\d-])\d{3}-\d\d-\d{4}(?![\d-])", digits=True),
        matches("id number", r"\b[A-CEGHJ-PR-TW-Z]{2} ?\d\d ?\d\d ?\d\d ?[A-D]\b", flags=re.NOFLAG, digits=True),
    )


def _addresses(known: Mapping[str, Any]) -> tuple[Finder, ...]:
    street, behind = any_of(known["streets"]), any_of(known["streets_behind_the_number"])
    capital = r"[^\W\d_a-z][\w'-]{0,20}"
    flat = r"(?:,? (?:Apt|Apartment|Flat|Unit|Suite|No)\.? ?\w{1,5}\b|,? #\w{1,5}\b)?"
    state = any_of([word.upper() for word in known["states"]])
    town = rf"(?:,? {capital}(?: {capital})?)?(?:,? (?:{state}) \d{{5}}(?:-\d{{4}})?(?!\d))"
    return (
        matches(
            "address",
            rf"(?<!\w)\d{{1,5}}[A-Za-z]?,? (?:(?:{capital}|\d{{1,3}}(?:st|nd|rd|th)) ){{1,3}}"
            rf"(?i:{street})\b\.?{flat}(?:{town})?",
            flags=re.NOFLAG,
            digits=True,
        ),
        matches(
            "address",
            r"\b(?:live|lives|living|stay|staying|address is|moved to|house is|flat is) (?:at |on |to )?"
            rf"(?P<it>\d{{1,5}}[a-z]? (?:[a-z'.-]{{1,20}} ){{1,3}}(?:{street})\b\.?)",
            digits=True,
        ),
        matches(
            "address",
            rf"(?<!\w)[^\W\d_a-z][^\W\d_]{{1,30}}[ -]?(?i:{behind}) \d{{1,4}}[a-z]?\b",
            flags=re.NOFLAG,
            digits=True,
        ),
        matches("address", r"\bp\.? ?o\.? box \d{1,6}\b", digits=True),
        matches("address", rf"(?<!\w)(?:{state}) \d{{5}}(?:-\d{{4}})?(?!\w)", flags=re.NOFLAG, digits=True),
        matches("address", r"(?<!\w)[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}(?!\w)", flags=re.NOFLAG, digits=True),
    )
