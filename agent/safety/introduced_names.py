"""Names of people, where a phrase introduces them: "my name is …", "this is … speaking", "my sister Anna"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agent.safety.personal_forms import Finder, Found, any_of, words

__all__ = ["names"]

_WORD = re.compile(r"[^\W\d_](?:[\w'\u2019-]{0,40}\w)?(?!\w)")
_INITIAL = re.compile(r"[^\W\d_]\.")
_MOST_WORDS = 3
_LEAD = 40  # characters: the longest word of kin, with "who is" behind it


def names() -> tuple[Finder, ...]:
    """Finders of names, one for each way of introducing them."""
    known = words()
    kin, titles = any_of(known["kin"]), any_of([title.capitalize() for title in known["titles"]])
    persons = any_of([*known["kin"], *known["persons"]])
    owner, between = r"(?:[Mm]y|[Oo]ur|[Hh]is|[Hh]er|[Tt]heir|[Yy]our)", r"(?:[a-z-]{1,20} ){0,2}"
    greeting = r"\b(?:hi|hello|hey|good (?:morning|evening|afternoon))(?: there| all| everyone)?[,.!]{0,3}"
    return (
        _introduced(r"\bmy (?:[a-z]{1,9} )?name(?: is|['\u2019]?s|:) ", small=True, capitals=True),
        _introduced(r"\b(?:his|her|their|whose|['\u2019]s) name(?: is| was|['\u2019]s) ", capitals=True),
        _introduced(r"\b(?:i am|i['\u2019]?m) called "),
        _introduced(r"\b(?:(?:please|just|can|they|all|everyone|everybody|friends) (?:you )?calls? me|i go by) "),
        _introduced(r"(?:^|[.!?,;\n] ?)(?:so )?call me ", most=1),
        _introduced(r"\bthis is ", capitals=True, before=r" (?:speaking|here|calling|writing|again)\b"),
        _introduced(rf"{greeting}\s{{1,2}}(?:this is|it['\u2019]?s|i['\u2019]?m|i am) "),
        _introduced(rf"\b(?:{titles})\b\.? ", capitals=True, flags=re.NOFLAG),
        _introduced(r"\b(?:called|named) ", behind=rf"\b(?:{persons})(?: is| was| who is| that is)? \Z"),
        _introduced(rf"\b{owner} {between}(?:{kin}) ", flags=re.NOFLAG),
        _introduced(rf"\b{owner} {between}(?:{kin}), ", flags=re.NOFLAG, most=1, before=r"[,.!?;)]"),
        _introduced(r"\b(?:regards|sincerely|yours truly|yours|signed)[,:]?\s{1,3}", before=r"\s*\Z"),
    )


def _introduced(
    phrase: str,
    *,
    small: bool = False,
    capitals: bool = False,
    most: int = _MOST_WORDS,
    behind: str = "",
    before: str = "",
    flags: re.RegexFlag = re.IGNORECASE,
) -> Finder:
    """Finds the name behind a phrase.

    Args:
        phrase: A bounded pattern that ends where the name begins.
        small: The name may begin with a small letter.
        capitals: The name may be in capitals throughout; a word that is shouted would be taken for one elsewhere.
        most: Words that a name may have.
        behind: What the phrase must follow; looked for in the characters just before it alone.
        before: What must follow the name.
        flags: Of the phrase.
    """
    compiled, follows = re.compile(phrase, flags), re.compile(before, re.IGNORECASE)
    leads = re.compile(behind, re.IGNORECASE)

    def found(text: str) -> Iterator[Found]:
        for match in compiled.finditer(text):
            end = _end(text, match.end(), small=small, capitals=capitals, most=most)
            if end == match.end() or not follows.match(text, end):
                continue
            if leads.search(text[max(0, match.start() - _LEAD) : match.start()]):
                yield match.end(), end, "name"

    return found


def _end(text: str, start: int, *, small: bool, capitals: bool, most: int) -> int:
    """One past the last character of the name that begins there; `start` where none does."""
    end, place = start, start
    shouted = text[max(0, start - 12) : start].isupper()  # then capitals tell nothing: one word, and no more
    for number in range(1 if shouted else most):
        while (particle := _WORD.match(text, place)) and particle[0] in words()["particles"]:
            place = particle.end() + 1
        if initial := _INITIAL.match(text, place):
            word = initial[0]
        elif match := _WORD.match(text, place):
            word = match[0]
        else:
            break
        word = re.sub(r"['\u2019]s?$", "", word)
        if not _is_name(word, small=small and number == 0, capitals=capitals):
            break
        end = place + len(word)
        if text[end : end + 1] != " ":
            break
        place = end + 1
    return end


def _is_name(word: str, *, small: bool, capitals: bool) -> bool:
    plain = re.split(r"['\u2019]", word.casefold())[0]
    if plain in words()["no_names"] or word.casefold() in words()["no_names"]:
        return False
    if word[0].islower():
        return small and len(word) > 1 and plain not in words()["no_names_in_lower_case"]
    return capitals or len(word) == 1 or not word.isupper() or word.endswith(".")
