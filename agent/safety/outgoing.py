"""What must not be said to a person: looked for in each sentence before it leaves. The patterns are data:
`outgoing.toml`.

It knows English sentences of kinds that LLMs were seen to produce, however they are spelled, and holds whatever
LLM speaks. It is a net under the prompt, and not a proof: what it lets through and what it stops wrongly is
measured in `evals/safety`.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from agent.errors import DataError
from agent.role_marks import has_control_token

__all__ = ["Outgoing", "load_outgoing", "plain_forms"]

_BEFORE = 40  # characters before a match that tell whether it is somebody's words given back
_TAIL = 160  # characters that were shown just before: a sentence can be harmful together with the one before it


@dataclass(frozen=True, slots=True)
class _Category:
    name: str
    about: str
    in_danger: bool
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None

    def holds(self, form: str, *, shown: str = "") -> bool:
        """Whether a text holds what must not be said, and `shown`, with which it begins, does not yet."""
        match = self.pattern.search(form)
        while match is not None:
            given_back = self.unless and self.unless.search(form[max(0, match.start() - _BEFORE) : match.start()])
            before = match.end() <= len(shown) and self.pattern.match(shown, match.start())
            if not (given_back or before):
                return True
            match = self.pattern.search(form, match.start() + 1)
        return False


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The patterns of one file.

    Attributes:
        categories: The gravest first.
        instead: Category to sentences that take a blocked one's place.
    """

    categories: tuple[_Category, ...]
    instead: Mapping[str, tuple[str, ...]]

    def found(self, sentence: str, *, before: str = "", in_danger: bool = False) -> str | None:
        """The gravest category of what a sentence must not hold; None where it can be said.

        Args:
            sentence: As it would be shown.
            before: What was shown before it; only its end is looked at.
            in_danger: Whether the person is, or was, in danger: then no farewell is said either.
        """
        if has_control_token(sentence):
            return "role"
        alone = plain_forms(sentence)
        tail = before[-_TAIL:]
        together = [*zip(_forms(tail + sentence), _forms(tail), strict=True)] if tail.strip() else []
        for category in self.categories:
            if category.in_danger and not in_danger:
                continue
            if any(category.holds(form) for form in alone):
                return category.name
            if any(category.holds(form, shown=shown) for form, shown in together):
                return category.name
        return None


_LOOKALIKES = str.maketrans(
    {
        **dict(zip("аеорсухіјѕԁһӏкмтвнгпѵԝ", "aeopcyxijsdhlkmtbhrnvw", strict=True)),
        **dict(zip("αβεικνορτυχω", "abeiknoptuxw", strict=True)),
        **dict(zip("ıɑɡʟɪʏʀɴɢɪ", "iagliyrngi", strict=True)),
        **dict.fromkeys("\u2019\u2018\u02bc\u00b4`\u201b", "'"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
        "ß": "ss",
        "ø": "o",
        "đ": "d",
        "ł": "l",
    }
)
_STAND_INS = str.maketrans("013457@$!|€+", "oieastasilet")
_LETTER = re.compile(r"[a-z]")
_SPELLED = re.compile(r"(?<![a-z0-9])[a-z](?:[\W_]{1,3}[a-z]){2,}(?![a-z0-9])")
_EMPHASIS = re.compile(r"[*~]+")  # as in **word**
_FILLING = re.compile(r"(?<=[a-z])[.^\u00b7\u2022-](?=[a-z])")
_BLANKS = re.compile(r"\s+")


def plain_forms(text: str) -> list[str]:
    """A text as a reader takes it, lower case: as it stands, and, where they differ, with its tricks undone.

    The first form is without accents, invisible and look-alike characters. Others read `k1ll` as kill, `k.i.l.l`
    and `k i l l` as one word.
    """
    return [*dict.fromkeys(_forms(text))]


def _forms(text: str) -> list[str]:
    decomposed = unicodedata.normalize("NFKD", text)
    hidden = {"Mn", "Me", "Cf", "Cc"}
    kept = [sign for sign in decomposed if sign in "\n\t" or unicodedata.category(sign) not in hidden]
    form = "".join(kept).lower().translate(_LOOKALIKES)
    form = _EMPHASIS.sub("", form).replace("_", " ")
    standing = _read_as_letters(form)
    joined = _SPELLED.sub(lambda match: _joined(match[0]), standing)
    return [_BLANKS.sub(" ", other).strip() for other in (form, standing, joined, _FILLING.sub("", joined))]


def _read_as_letters(form: str) -> str:
    """Digits and signs between or beside letters as the letters they stand for."""
    return " ".join(
        word.translate(_STAND_INS) if _LETTER.search(word) and not word.rstrip(".!?,;:'\"").isalpha() else word
        for word in form.split(" ")
    )


def _joined(spelled: str) -> str:
    """`k.i.l.l y.o.u` and `k i l l  y o u` are two words: blanks part words where other gaps have none, and wider
    gaps where all are blank.
    """
    letters: list[str] = re.findall(r"[a-z]", spelled)
    gaps: list[str] = re.findall(r"[\W_]+", spelled)
    blank = [gap.strip() != gap for gap in gaps]
    if all(blank):
        least = min(map(len, gaps))
        blank = [len(gap) > least for gap in gaps]
    parted = "".join(f"{' ' if parts else ''}{letter}" for parts, letter in zip(blank, letters[1:], strict=True))
    return letters[0] + parted


@cache
def load_outgoing() -> Outgoing:
    """The patterns as shipped; read once.

    Raises:
        DataError: The file is missing, or a category has no sentence that takes a blocked one's place.
    """
    try:
        raw = tomllib.loads(files("agent.safety").joinpath("outgoing.toml").read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise DataError("agent/safety/outgoing.toml cannot be read. Install the package again.") from error
    words, instead = raw["words"], {name: tuple(said) for name, said in raw["instead"].items()}
    categories = tuple(
        _Category(
            one["name"],
            one["about"],
            one.get("in_danger", False),
            _pattern(one["patterns"], words),
            re.compile(rf"(?<![a-z])(?:{one['unless']})") if "unless" in one else None,
        )
        for one in raw["category"]
    )
    for category in categories:
        if not instead.get(category.name):
            raise DataError(f"agent/safety/outgoing.toml: nothing is said instead of {category.name!r}.")
    return Outgoing(categories, instead)


def _pattern(patterns: Sequence[str], words: Mapping[str, str]) -> re.Pattern[str]:
    whole = "|".join(f"(?:{pattern})" for pattern in patterns)
    for name, expansion in reversed([*words.items()]):  # a word may be made of words above it
        whole = whole.replace(f"{{{name}}}", expansion)
    # A pattern may begin with the full stop before it.
    return re.compile(rf"(?:(?<![a-z])|(?![a-z]))(?:{whole})(?![a-z])")
