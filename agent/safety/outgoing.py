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
from itertools import pairwise

from agent.errors import DataError
from agent.role_marks import has_control_token

__all__ = ["Outgoing", "load_outgoing", "plain_forms"]

_TAIL = 160  # characters that were shown just before: a sentence can be harmful together with the one before it


@dataclass(frozen=True, slots=True)
class _Category:
    name: str
    in_danger: bool
    pattern: re.Pattern[str]


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
        tail = before[-_TAIL:]
        alone = plain_forms(sentence)
        together = [] if not tail.strip() else [(plain_forms(tail)[0] + " ", alone[0])]
        for category in self.categories:
            if category.in_danger and not in_danger:
                continue
            if any(category.pattern.search(form) for form in alone):
                return category.name
            for shown, form in together:
                match = category.pattern.search(shown + form)
                if match is not None and match.end() > len(shown):
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
_FILLING = re.compile(r"(?<=[a-z])[*_.~^·•\u00b7-](?=[a-z])")
_BLANKS = re.compile(r"\s+")


def plain_forms(text: str) -> list[str]:
    """A text as a reader takes it, lower case: as it stands, and, where they differ, with its tricks undone.

    The first form is without accents, invisible and look-alike characters. Others read `k1ll` as kill, `k.i.l.l`
    and `k i l l` as one word.
    """
    decomposed = unicodedata.normalize("NFKD", text)
    hidden = {"Mn", "Me", "Cf", "Cc"}
    kept = [sign for sign in decomposed if sign in "\n\t" or unicodedata.category(sign) not in hidden]
    form = "".join(kept).lower().translate(_LOOKALIKES)
    standing = _read_as_letters(form)
    joined = _SPELLED.sub(lambda match: _joined(match[0]), standing)
    forms = [_BLANKS.sub(" ", other).strip() for other in (form, standing, joined, _FILLING.sub("", joined))]
    return [*dict.fromkeys(forms)]


def _read_as_letters(form: str) -> str:
    """Digits and signs between or beside letters as the letters they stand for."""
    return " ".join(
        word.translate(_STAND_INS) if _LETTER.search(word) and not word.rstrip(".!?,;:'\"").isalpha() else word
        for word in form.split(" ")
    )


def _joined(spelled: str) -> str:
    """`k i l l  y o u` is two words: wider gaps part words, where there are any."""
    letters = re.findall(r"[a-z]", spelled)
    gaps = re.findall(r"[\W_]+", spelled)
    widths = [len(gap) for gap in gaps]
    widest, least = max(widths), min(widths)
    out: str = letters[0]
    for (_, letter), width in zip(pairwise(letters), widths, strict=True):
        out += (" " if widest > least and width == widest else "") + letter
    return out


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
        _Category(one["name"], one.get("in_danger", False), _pattern(one["patterns"], words))
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
    return re.compile(rf"(?<![a-z])(?:{whole})(?![a-z])")
