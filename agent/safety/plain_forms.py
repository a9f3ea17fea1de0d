"""A text as a reader takes it, whatever tricks of spelling hide its words from a pattern."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["aligned_forms", "plain_forms"]

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
_HIDDEN = {"Mn", "Me", "Cf", "Cc"}
_HIDDEN_ASCII = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_STAND_INS = str.maketrans("013457@$!|€+", "oieastasilet")
_STANDS_IN = re.compile(r"[013457@$!|€+]")
_LETTER = re.compile(r"[a-z]")
_SPELLED = re.compile(r"(?<![a-z0-9])[a-z](?:[\W_]{1,3}[a-z]){2,}(?![a-z0-9])")
_EMPHASIS = re.compile(r"[*~]+")  # as in **word**
# As in "you are, to be honest, a burden": a clause between two others, or something in brackets.
_ASIDE = re.compile(r", [^,.!?;:()]{2,60},(?= )| \([^()]{2,60}\)")
_FILLING = re.compile(r"(?<=[a-z])[.^\u00b7\u2022-](?=[a-z])")


def plain_forms(text: str) -> list[str]:
    """A text as a reader takes it, lower case: as it stands, and, where they differ, with its tricks undone.

    The first form is without accents, invisible and look-alike characters. Others read `k1ll` as kill, `k.i.l.l`
    and `k i l l` as one word, and leave out what is put in between two commas or in brackets.
    """
    return [*dict.fromkeys(aligned_forms(text))]


def aligned_forms(text: str) -> list[str]:
    """The same with equal forms repeated: always as many, each at its place."""
    form = _EMPHASIS.sub("", _as_seen(text)).replace("_", " ")
    standing = joined = apart = _read_as_letters(form, "i")
    if _SPELLED.search(standing):
        joined = _SPELLED.sub(lambda match: _joined(match[0]), standing)
        apart = _SPELLED.sub(lambda match: _joined(match[0], apart=True), standing)
    whole, without = _FILLING.sub("", joined), _FILLING.sub("", _ASIDE.sub("", apart))
    forms = (form, standing, joined, whole, without, _read_as_letters(form, "l"))
    single = {one: " ".join(one.split()) for one in {*forms}}  # most often one and the same
    return [single[one] for one in forms]


def _as_seen(text: str) -> str:
    """Lower case, without what cannot be seen, and with one character for those that look alike."""
    if text.isascii():  # as nearly all text: 2 µs in place of 40 for a sentence
        return _HIDDEN_ASCII.sub("", text).lower().replace("`", "'")
    decomposed = unicodedata.normalize("NFKD", text)
    kept = [sign for sign in decomposed if sign in "\n\t" or unicodedata.category(sign) not in _HIDDEN]
    return "".join(kept).lower().translate(_LOOKALIKES)


def _read_as_letters(form: str, one: str) -> str:
    """Digits and signs between or beside letters as the letters they stand for; a 1 stands for i or l."""
    if not _STANDS_IN.search(form):
        return form
    signs = {**_STAND_INS, ord("1"): ord(one)}
    return " ".join(
        word.translate(signs) if _LETTER.search(word) and not word.rstrip(".!?,;:'\"").isalpha() else word
        for word in form.split(" ")
    )


def _joined(spelled: str, *, apart: bool = False) -> str:
    """`k.i.l.l y.o.u` and `k i l l  y o u` are two words: blanks part words where other gaps have none, and wider
    gaps where all are blank.

    Args:
        spelled: Single letters with something between them.
        apart: Whether `a` and `i` before a blank are words of their own, as in `a l i a r`.
    """
    if apart and re.match(r"[ai] (?:[a-z][^a-z]+){2}", spelled):
        return f"{spelled[0]} {_joined(spelled[2:])}"
    letters: list[str] = re.findall(r"[a-z]", spelled)
    gaps: list[str] = re.findall(r"[\W_]+", spelled)
    blank = [gap.strip() != gap for gap in gaps]
    if all(blank):
        least = min(map(len, gaps))
        blank = [len(gap) > least for gap in gaps]
    parted = "".join(f"{' ' if parts else ''}{letter}" for parts, letter in zip(blank, letters[1:], strict=True))
    return letters[0] + parted
