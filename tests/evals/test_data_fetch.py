"""`heartline data fetch`: from files in their authors' form, all of our own making, to ours."""

from __future__ import annotations

import csv
import io
import json
import random
import tarfile
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from typer.testing import CliRunner

from agent.errors import DataError
from evals.data import dialogues, texts
from evals.data.catalogue import Source, data_set, data_sets
from evals.data.check import check
from evals.data.command import app
from evals.data.download import download, from_folder, from_network
from evals.data.fetch import CONVERTERS, fetch, missing_parts

RUN = CliRunner()


class Published:
    """Opens sources whose content is given, by name; counts which."""

    def __init__(self, **contents: bytes) -> None:
        self.contents = {name.replace("__", "."): content for name, content in contents.items()}
        self.opened: list[str] = []

    def __call__(self, source: Source) -> AbstractContextManager[BinaryIO]:
        self.opened.append(source.name)
        if source.name not in self.contents:
            raise OSError("no route to host")
        return io.BytesIO(self.contents[source.name])


def _talk(number: int) -> dict[str, Any]:
    return {
        "experience_type": "Current Experience",
        "emotion_type": "sadness",
        "problem_type": "a leaking roof",
        "situation": f"Roof {number}  leaks.",
        "survey_score": {"seeker": {"initial_emotion_intensity": "4", "empathy": None}, "supporter": {}},
        "dialog": [
            {"speaker": "seeker", "annotation": {}, "content": f"The roof  leaks since day {number}.\n"},
            {"speaker": "supporter", "annotation": {"strategy": "Question"}, "content": " Since when?"},
            {"speaker": "seeker", "annotation": {"feedback": "5"}, "content": "Since the storm."},
        ],
        "seeker_question1": "It was good. ",
        "seeker_question2": "",
    }


def _support(count: int = 20) -> bytes:
    return json.dumps([_talk(number) for number in range(count)]).encode()


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _written(folder: Path, files: dict[str, bytes]) -> dict[str, Path]:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in files}


def _csv(*rows: Iterable[object]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def test_that_esconv_is_split_as_by_its_authors_and_read_by_the_tasks(tmp_path: Path):
    esconv = data_set("esconv")
    fetch(tmp_path, esconv, ("train", "valid", "test"), opener=Published(ESConv__json=_support()))
    order = list(range(20))
    random.Random(13).shuffle(order)
    parts = {part: _rows(tmp_path / "esconv" / f"{part}.jsonl") for part in ("valid", "test", "train")}
    assert [row["source_index"] for rows in parts.values() for row in rows] == order
    assert [len(rows) for rows in parts.values()] == [3, 3, 14]
    assert all(check(tmp_path, esconv, part).problems == () for part in parts)


def test_that_a_dialogue_of_esconv_keeps_words_strategies_and_answers(tmp_path: Path):
    (row, *_) = dialogues.esconv(_written(tmp_path, {"ESConv.json": _support()}), "valid")
    assert row["situation"] == f"Roof {row['source_index']} leaks."
    assert row["survey_score"] == {"seeker": {"initial_emotion_intensity": 4}, "supporter": {}}
    assert row["survey_text"] == {"seeker_question1": "It was good."}
    assert row["turns"][1:] == [
        {"speaker": "supporter", "text": "Since when?", "strategy": "Question"},
        {"speaker": "seeker", "text": "Since the storm.", "feedback": 5},
    ]


def test_that_failed_dialogues_get_the_names_of_esconv_and_parts_by_their_id(tmp_path: Path):
    talk = _talk(0) | {
        "dialog": [
            {"speaker": "speaker", "annotation": {}, "content": "The roof  leaks.\n"},
            {"speaker": "listener", "annotation": {"strategy": "Questions"}, "content": "Since when?"},
            {"speaker": "listener", "annotation": {"strategy": "Information"}, "content": "Roofs do."},
            {"speaker": "speaker", "annotation": {"feedback": "1"}, "content": "I know."},
        ]
    }
    source = Published(FailedESConv__json=json.dumps([talk] * 30).encode())
    fetch(tmp_path, data_set("esconv_failed"), ("train", "valid", "test"), opener=source)
    parts = {part: _rows(tmp_path / "esconv_failed" / f"{part}.jsonl") for part in ("train", "valid", "test")}
    assert sum(map(len, parts.values())) == 30
    assert all(parts.values())
    assert parts["train"][0]["dialogue_id"] == "esconv-failed-000"
    assert parts["valid"][0]["dialogue_id"] == "esconv-failed-002"
    assert parts["train"][0]["turns"] == [
        {"speaker": "seeker", "text": "The roof leaks."},
        {"speaker": "supporter", "text": "Since when?", "strategy": "Question", "strategy_raw": "Questions"},
        {"speaker": "supporter", "text": "Roofs do.", "strategy": "Information"},
        {"speaker": "seeker", "text": "I know.", "feedback": 1},
    ]
    assert check(tmp_path, data_set("esconv_failed"), "train").problems == ()


def test_that_train_of_esconv_has_no_feedback(tmp_path: Path):
    rows = dialogues.esconv(_written(tmp_path, {"ESConv.json": _support()}), "train")
    assert not any("feedback" in turn for row in rows for turn in row["turns"])


def test_that_empathetic_dialogues_get_commas_back_and_quotation_marks_do_no_harm(tmp_path: Path):
    lines = (
        b"conv_id,utterance_idx,context,prompt,speaker_idx,utterance,selfeval,tags\n"
        b'hit:1_conv:2,2,proud,My bread_comma_ at last!,8,What "bread?,5|5|5_2|2|2,\n'
        b'hit:1_conv:2,1,proud,My bread_comma_ at last!,7,"It rose_comma_ it rose!,5|5|5_2|2|2,\n'
        b"hit:1_conv:3,1,sad,Rain,7,It rains.,5|5|5_2|2|2,\n"
    )
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("empatheticdialogues/valid.csv")
        member.size = len(lines)
        archive.addfile(member, io.BytesIO(lines))
    files = _written(tmp_path, {"empatheticdialogues.tar.gz": packed.getvalue()})
    first, second = dialogues.empathetic_dialogues(files, "valid")
    assert (first["dialogue_id"], first["emotion"], first["situation"]) == (
        "hit:1_conv:2",
        "proud",
        "My bread, at last!",
    )
    assert first["turns"] == [
        {"speaker": "seeker", "text": '"It rose, it rose!'},
        {"speaker": "supporter", "text": 'What "bread?'},
    ]
    assert second["dialogue_id"] == "hit:1_conv:3"


def test_that_causes_of_reccon_count_from_0_and_stand_in_their_utterance(tmp_path: Path):
    utterances = [
        {"turn": 1, "speaker": "A", "utterance": "You burnt the soup . ", "emotion": "neutral"},
        {
            "turn": 2,
            "speaker": "B",
            "utterance": "I hate this oven !",
            "emotion": "angry",
            "expanded emotion cause evidence": [1, 2, "b"],
            "expanded emotion cause span": ["burnt the soup", "this oven", "b"],
            "type": ["inter-personal", "no-context", "latent"],
            "explanation": "the oven is old",
        },
    ]
    source = json.dumps({"tr_1": [utterances]}).encode()
    fetch(tmp_path, data_set("reccon"), ("train",), opener=Published(dailydialog_train__json=source))
    (row,) = _rows(tmp_path / "reccon/train.jsonl")
    assert row["dialogue_id"] == "dailydialog:tr_1"
    assert row["turns"][0] == {"speaker": "A", "text": "You burnt the soup .", "emotion": "neutral"}
    assert row["turns"][1]["emotion"] == "anger"
    assert row["turns"][1]["emotion_raw"] == "angry"
    assert row["turns"][1]["causes"] == [
        {"turn": 0, "span": "burnt the soup", "start": 4, "end": 18},
        {"turn": 1, "span": "this oven", "start": 7, "end": 16},
        {"turn": None},
    ]
    assert check(tmp_path, data_set("reccon"), "train").problems == ()


def test_that_goemotions_keep_quotation_marks_and_get_names_for_numbers(tmp_path: Path):
    lines = b'My oven works! \t17,26\tab1\n"""Nice"" oven"\t27\tab2\n'
    first, second = texts.goemotions(_written(tmp_path, {"dev.tsv": lines}), "valid")
    assert first == {"id": "ab1", "text": "My oven works!", "labels": ["joy", "surprise"], "label_ids": [17, 26]}
    assert second["text"] == '"""Nice"" oven"'


def test_that_emobank_joins_views_and_genre_and_keeps_parts_apart(tmp_path: Path):
    view = _csv(
        ["id", "V", "A", "D", "stdV", "stdA", "stdD", "N"],
        ["a", 3, 3.2, 3, 0, 0.4, 0, 5],
        ["b", 1, 2, 3, 0, 0, 0, 2],
    )
    meta = b"id\tdocument\tcategory\tsubcategory\na\tinn\tletters\t \nb\tsea\tblog\t \n"
    table = _csv(
        ["id", "split", "V", "A", "D", "text"],
        ["a", "train", 3, 3.1, 3, "Hm."],
        ["b", "dev", 1, 2, 3, 'So, "no".'],
    )
    names = {"emobank.csv": table, "reader.csv": view, "writer.csv": view, "meta.tsv": meta}
    (row,) = texts.emobank(_written(tmp_path, names), "valid")
    assert (row["id"], row["text"], row["valence"], row["genre"]) == ("b", 'So, "no".', 1.0, "blog")
    assert row["reader"]["raters"] == 2
    assert row["writer"]["arousal"] == 2.0


def test_that_epitome_finds_rationales_and_keeps_second_labels_apart(tmp_path: Path):
    head = ["sp_id", "rp_id", "seeker_post", "response_post", "level", "rationales"]
    said = ["post", "reply", "My  cat is ill.", "Oh no! What does\nthe vet say?"]
    again = [*said, 1, ""]
    files = {
        "emotional-reactions-reddit.csv": _csv(head, [*said, 1, "Oh no!|"], again),
        "interpretations-reddit.csv": _csv(head, [*said, 0, ""], again),
        "explorations-reddit.csv": _csv(head, [*said, 2, "What does the vet say?|elsewhere"], again),
    }
    written = _written(tmp_path, files)
    (row,) = [row for part in ("train", "valid", "test") for row in texts.epitome(written, part)]
    assert row["id"] == "post_reply"
    assert row["seeker_post"] == "My cat is ill."
    assert row["emotional_reactions"] == {"level": 1, "rationales": [{"text": "Oh no!", "start": 0, "end": 6}]}
    assert row["interpretations"] == {"level": 0}
    assert row["explorations"]["rationales"] == [
        {"text": "What does the vet say?", "start": 7, "end": 29},
        {"text": "elsewhere"},
    ]
    assert row["second_annotation"] == {"emotional_reactions": 1, "interpretations": 1, "explorations": 1}


def test_that_a_post_of_epitome_is_in_one_part_and_most_are_in_train(tmp_path: Path):
    head = ["sp_id", "rp_id", "seeker_post", "response_post", "level", "rationales"]
    table = _csv(head, *([f"p{n}", "r", "Hm.", "Yes.", 0, ""] for n in range(400)))
    names = ("emotional-reactions", "interpretations", "explorations")
    written = _written(tmp_path, {f"{name}-reddit.csv": table for name in names})
    parts = {part: {row["id"] for row in texts.epitome(written, part)} for part in ("train", "valid", "test")}
    assert len(set().union(*parts.values())) == sum(map(len, parts.values())) == 400
    assert 0.7 < len(parts["train"]) / 400 < 0.8


def test_that_the_test_part_is_neither_fetched_nor_written_unless_asked_for(tmp_path: Path):
    one = data_set("goemotions")
    assert missing_parts(tmp_path, one, with_test=False) == ("train", "valid")
    assert [source.name for source in one.sources_of(frozenset({"train", "valid"}))] == ["train.tsv", "dev.tsv"]
    assert missing_parts(tmp_path, one, with_test=True) == ("train", "valid", "test")


def test_that_parts_that_are_here_are_left_alone(tmp_path: Path):
    (tmp_path / "esconv").mkdir()
    (tmp_path / "esconv/train.jsonl").write_text("mine", encoding="utf-8")
    assert missing_parts(tmp_path, data_set("esconv"), with_test=False) == ("valid",)


def test_that_another_file_than_the_published_one_is_refused_and_not_kept(tmp_path: Path):
    source = Source("https://example.org/train.tsv", sha256="0" * 64)
    with pytest.raises(DataError, match=r"'train.tsv' has SHA-256 [0-9a-f]{12}…, expected 000000000000…"):
        download(source, tmp_path, opener=Published(train__tsv=b"other"))
    assert list(tmp_path.iterdir()) == []


def test_that_an_address_out_of_reach_says_what_else_can_be_done(tmp_path: Path):
    with pytest.raises(DataError, match=r"'a.csv' could not be fetched .*no route to host.*--source DIR"):
        download(Source("https://example.org/a.csv"), tmp_path, opener=Published())
    assert list(tmp_path.iterdir()) == []


def test_that_half_a_file_is_not_taken_for_the_whole(tmp_path: Path):
    class Half(io.BytesIO):
        headers = {"Content-Length": "8"}  # noqa: RUF012 - as `urllib` has it

    with pytest.raises(DataError, match="4 of 8 bytes arrived"):
        download(Source("https://example.org/a.csv"), tmp_path, opener=lambda _: Half(b"half"))
    assert list(tmp_path.iterdir()) == []


def test_that_a_page_in_place_of_the_file_is_told(tmp_path: Path):
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources/ESConv.json").write_bytes(b"<html>")
    with pytest.raises(DataError, match=r"Compare with https://github\.com/thu-coai"):
        fetch(tmp_path, data_set("esconv"), ("train",), opener=from_folder(tmp_path / "sources"))


def test_that_nothing_but_https_is_opened():
    with pytest.raises(OSError, match="not an https address"):
        from_network(Source("file:///a.csv"))


def test_that_a_source_in_another_form_is_told_and_nothing_is_written(tmp_path: Path):
    with pytest.raises(DataError, match=r"The source of `esconv` \(ESConv.json\) is not in the form"):
        fetch(tmp_path, data_set("esconv"), ("train",), opener=Published(ESConv__json=b'[{"talk": []}]'))
    assert not (tmp_path / "esconv/train.jsonl").exists()


def _fetched(home: Path, *arguments: str, typed: str = "") -> Any:
    (home / "sources").mkdir(exist_ok=True)
    (home / "sources/ESConv.json").write_bytes(_support())
    given = ["fetch", "esconv", "--data", str(home / "sets"), "--source", str(home / "sources")]
    return RUN.invoke(app, [*given, *arguments], input=typed)


def test_that_licence_and_source_are_shown_before_it_asks_and_no_means_no(tmp_path: Path):
    done = _fetched(tmp_path, typed="n\n")
    assert done.exit_code == 1
    assert "CC BY-NC 4.0" in done.output.partition("Do its terms suit you")[0]
    assert "ESConv.json" in done.output
    assert not (tmp_path / "sets").exists()


def test_that_a_set_is_fetched_checked_and_told(tmp_path: Path):
    done = _fetched(tmp_path, "--yes")
    assert done.exit_code == 0, done.output
    assert "esconv/valid.jsonl" in done.output
    assert "another version" in done.output
    assert "195 records were published" in done.output
    assert sorted(path.name for path in (tmp_path / "sets/esconv").iterdir()) == ["train.jsonl", "valid.jsonl"]


def test_that_the_test_part_comes_later_and_alone_where_it_is_asked_for(tmp_path: Path):
    _fetched(tmp_path, "--yes")
    done = _fetched(tmp_path, "--yes", "--with-test")
    assert "writes: esconv/test.jsonl\n" in done.output
    assert (tmp_path / "sets/esconv/test.jsonl").exists()
    assert "Nothing to fetch" in _fetched(tmp_path, "--yes", "--with-test").output


@pytest.mark.parametrize("name", sorted(set(data_sets()) - set(CONVERTERS)))
def test_that_a_set_without_a_converter_says_what_to_do_by_hand(name: str):
    done = RUN.invoke(app, ["fetch", name])
    assert done.exit_code == 2
    assert data_set(name).licence in done.output
    assert all(source.url in done.output for source in data_set(name).sources)
    assert f"{name}/test.jsonl" not in done.output
    assert f"heartline data verify {name}" in done.output


def test_that_files_that_were_fetched_before_are_taken_by_name(tmp_path: Path):
    (tmp_path / "a b.csv").write_bytes(b"here")
    with from_folder(tmp_path)(Source("https://example.org/Some%20Set/a%20b.csv")) as file:
        assert file.read() == b"here"
