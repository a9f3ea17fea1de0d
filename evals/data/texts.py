"""Texts, from the form that their authors published into ours: GoEmotions, EmoBank, EPITOME."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from evals.data.dialogues import Files, Row, plain_spaces, share_of
from sem_plugins.labels import EMPATHY, GO_EMOTIONS

__all__ = ["emobank", "epitome", "goemotions"]

_AS_PUBLISHED = {"train": "train", "valid": "dev", "test": "test"}
_VIEWS = ("valence", "arousal", "dominance")
_PARTS = (("train", 0.75), ("valid", 0.8), ("test", 1.0))  # EPITOME: where each part ends


def goemotions(files: Files, part: str) -> Iterator[Row]:
    """`train.tsv`, `dev.tsv`, `test.tsv`: text, numbers of labels with commas between, id.

    Quotation marks stay as they stand there, doubled in places, as in the files that the weights were trained on.
    """
    text = files[f"{_AS_PUBLISHED[part]}.tsv"].read_text(encoding="utf-8")
    for line in text.removesuffix("\n").split("\n"):
        said, numbers, name = line.rstrip("\r").split("\t")
        labels = [int(number) for number in numbers.split(",")]
        yield {
            "id": name,
            "text": plain_spaces(said),
            "labels": [GO_EMOTIONS.labels[label] for label in labels],
            "label_ids": labels,
        }


def emobank(files: Files, part: str) -> Iterator[Row]:
    """`emobank.csv` (id, split, V, A, D, text), the two views, and `meta.tsv` (id, document, category).

    The views (`reader.csv`, `writer.csv`) hold id, V, A, D, their deviations, and the number of raters N.
    """
    reader, writer = ({row["id"]: row for row in _table(files[f"{view}.csv"])} for view in ("reader", "writer"))
    lines = files["meta.tsv"].read_text(encoding="utf-8").removesuffix("\n").split("\n")[1:]
    about = {name: (document, genre) for name, document, genre, *_ in (line.split("\t") for line in lines)}
    for row in _table(files["emobank.csv"]):
        if row["split"] != _AS_PUBLISHED[part]:
            continue
        document, genre = about[row["id"]]
        yield {
            "id": row["id"],
            "text": plain_spaces(row["text"]),
            **{view: float(row[view[0].upper()]) for view in _VIEWS},
            "genre": genre,
            "document": document,
            "reader": _view(reader[row["id"]]),
            "writer": _view(writer[row["id"]]),
        }


def _view(row: Mapping[str, str]) -> Row:
    return {
        **{view: float(row[view[0].upper()]) for view in _VIEWS},
        "std": {view: float(row[f"std{view[0].upper()}"]) for view in _VIEWS},
        "raters": int(row["N"]),
    }


def epitome(files: Files, part: str) -> Iterator[Row]:
    """`<mechanism>-reddit.csv`, three files: sp_id, rp_id, seeker_post, response_post, level, rationales.

    Rationales stand with `|` between. The files hold the same pairs; the text of the first one is used, and
    rationales that differ from it have no offsets. Pairs that stand twice were labelled twice: the second levels
    are kept apart. Parts are ours: the authors say 75:5:20 and not which.
    """
    pairs: dict[str, list[list[Mapping[str, str]]]] = {}  # id to its labellings, each of three mechanisms
    for place, mechanism in enumerate(EMPATHY.labels):
        labelled: dict[str, int] = {}
        for row in _table(files[f"{mechanism.replace('_', '-')}-reddit.csv"]):
            name = f"{row['sp_id']}_{row['rp_id']}"
            times = labelled[name] = labelled.get(name, 0) + 1
            if place == 0:
                pairs.setdefault(name, []).append([])
            pairs[name][times - 1].append(row)
    for name, (first, *again) in pairs.items():
        if _part_of(first[0]["sp_id"]) != part:
            continue
        response = plain_spaces(first[0]["response_post"])
        record: Row = {
            "id": name,
            "seeker_post_id": first[0]["sp_id"],
            "response_post_id": first[0]["rp_id"],
            "seeker_post": plain_spaces(first[0]["seeker_post"]),
            "response_post": response,
        }
        for mechanism, row in zip(EMPATHY.labels, first, strict=True):
            record[mechanism] = _mechanism(row, response)
        if again:
            levels = (int(row["level"]) for row in again[0])
            record["second_annotation"] = dict(zip(EMPATHY.labels, levels, strict=True))
        yield record


def _part_of(post: str) -> str:
    share = share_of(f"epitome:{post}")
    return next(part for part, end in _PARTS if share < end)


def _mechanism(row: Mapping[str, str], response: str) -> Row:
    rationales = []
    for words in (plain_spaces(words) for words in row["rationales"].split("|")):
        start = response.find(words)
        found = {"start": start, "end": start + len(words)} if start >= 0 else {}
        if words:
            rationales.append({"text": words, **found})
    return {"level": int(row["level"]), **({"rationales": rationales} if rationales else {})}


def _table(path: Path) -> Iterator[Mapping[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        yield from csv.DictReader(lines)
