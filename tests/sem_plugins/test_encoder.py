from __future__ import annotations

import gc
import itertools
import os
import threading
import weakref
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

import sem_plugins.encoder
from agent.batching import cores
from agent.errors import WeightsError
from agent.testing import a_turn
from agent.turn import Message
from sem_plugins.affect.plugin import AffectPlugin
from sem_plugins.cause.plugin import CausePlugin
from sem_plugins.emotion.plugin import EmotionPlugin
from sem_plugins.encoder import Encoded, Encoder, encoder_for, forget_readings, load_onnxruntime, one_pass
from sem_plugins.expression.plugin import ExpressionPlugin
from sem_plugins.risk.plugin import RiskPlugin
from sem_plugins.weights import SHIPPED, TOKENIZER, load_manifest
from sem_plugins.window import WindowMaker
from tests.contracts.plugin_contract import ODD, ORDINARY

Array = np.ndarray[Any, Any]

OVER_TOKENS = frozenset({"marks", "span", "tags"})

TALK = (
    Message("seeker", "My sister moved out on Sunday."),
    Message("supporter", "How is the house without her?", "question"),
    Message("seeker", "Quiet."),
)


class StandInSession:
    """The model's place, for counting: gives zeros, and notes what was asked."""

    def __init__(self) -> None:
        self.heads = load_manifest().heads
        self.asked: list[dict[str, Array]] = []

    def get_outputs(self) -> list[Any]:
        return [SimpleNamespace(name=name, shape=[1, head.size]) for name, head in self.heads.items()]

    def run(self, names: list[str], feed: dict[str, Array]) -> list[Array]:
        self.asked.append(feed)
        tokens = feed["ids"].shape[1]
        heads = [self.heads[name] for name in names]
        return [np.zeros((1, tokens, head.size) if head.kind in OVER_TOKENS else (1, head.size)) for head in heads]


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> StandInSession:
    stand_in = StandInSession()
    monkeypatch.setattr(sem_plugins.encoder, "open_session", lambda _path, _threads, inner: stand_in)
    return stand_in


@pytest.fixture
def counted(session: StandInSession) -> Encoder:
    """An encoder whose passes `session` counts."""
    return Encoder(load_manifest())


@pytest.fixture(scope="module")
def shared() -> Encoder:
    return Encoder(load_manifest(), threads=1)


@pytest.fixture(scope="module")
def other() -> Encoder:
    """The same weights, loaded once more: it has read nothing that `shared` has."""
    return Encoder(load_manifest(), threads=1)


def alone(text: str) -> tuple[Message]:
    return (Message("seeker", text),)


def assert_same(one: Encoded, another: Encoded) -> None:
    """The same numbers to the last bit."""
    assert one.outputs.keys() == another.outputs.keys()
    for name, numbers in one.outputs.items():
        assert np.array_equal(numbers, another.outputs[name]), name


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_that_any_text_gives_every_head_its_finite_numbers(shared: Encoder, text: str):
    encoded = shared.read(alone(text))
    tokens = len(encoded.window.places)
    assert tokens <= shared.manifest.max_tokens
    assert encoded.outputs.keys() == shared.manifest.heads.keys()
    for name, head in shared.manifest.heads.items():
        assert encoded.outputs[name].shape == ((tokens, head.size) if head.kind in OVER_TOKENS else (head.size,))
        assert np.isfinite(encoded.outputs[name]).all(), name


def test_that_an_inner_tensor_comes_beside_heads_that_stay_as_they_are(shared: Encoder):
    tensor = "/network/embeddings/LayerNorm/LayerNormalization_output_0"
    opened = Encoder(load_manifest(), threads=1, inner=[tensor, tensor.replace("embeddings", "shared.3/output")])
    found, plain = opened.read(TALK).outputs, shared.read(TALK).outputs
    assert all(np.array_equal(found[name], numbers) for name, numbers in plain.items())
    words, states = (found[name] for name in found.keys() - plain.keys())
    assert words.shape == states.shape == (len(opened.read(TALK).window.places), 384)
    assert not np.allclose(words, states)


def test_that_a_tensor_that_is_not_in_the_graph_is_an_error_that_names_it():
    with pytest.raises(WeightsError, match="with a tensor 'a layer of another network' inside"):
        Encoder(load_manifest(), threads=1, inner=["a layer of another network"])


@pytest.mark.parametrize("text", ["", " ", "\u200b"], ids=["empty", "blank", "invisible"])
def test_that_a_message_without_words_is_read_too(shared: Encoder, text: str):
    encoded = shared.read((*TALK, *alone(text)))
    assert all(np.isfinite(numbers).all() for numbers in encoded.outputs.values())
    assert encoded.window.tokens_of(3).size == 0


def test_that_a_dialogue_reads_the_same_alone_and_among_others(shared: Encoder, other: Encoder):
    dialogues = [*map(alone, ORDINARY[:3]), TALK, alone(ODD["emoji"])]
    forwards = [shared.read(dialogue) for dialogue in dialogues]
    backwards = [other.read(dialogue) for dialogue in dialogues[::-1]][::-1]
    for one, another in zip(forwards, backwards, strict=True):
        assert_same(one, another)


def test_that_eight_threads_get_the_same_numbers(shared: Encoder, other: Encoder):
    dialogues = [alone(f"{text} It is {day}.") for text in ORDINARY[2:4] for day in ("Monday", "Friday")]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(shared.read, dialogues * 6))
    for dialogue, encoded in zip(dialogues * 6, together, strict=True):
        assert_same(encoded, other.read(dialogue))


def test_that_what_was_said_before_changes_how_a_message_is_read(shared: Encoder):
    fresh, after = shared.read(TALK[2:]), shared.read(TALK)
    for head in ("emotion", "expression", "strategy"):
        assert np.abs(fresh.outputs[head] - after.outputs[head]).max() > 1e-3


def test_that_a_long_dialogue_is_read_by_its_newest_part(shared: Encoder):
    end = tuple(Message("seeker", f"And on day {day} I sat on the stairs again.") for day in range(30))
    happy, angry = (Message("seeker", text * 300) for text in ("I am so happy. ", "We had a terrible fight. "))
    one, another = shared.read((happy, *TALK, *end)), shared.read((angry, *TALK, *end))
    assert one.window.dropped > len(TALK)
    assert len(one.window.places) <= shared.manifest.max_tokens
    assert_same(one, another)


def test_that_a_long_message_is_read_by_its_end(shared: Encoder):
    end = "and now I am on the train and it is dark outside. " * 20
    one, another = (shared.read(alone(text * 2000 + end)) for text in ("I am so happy. ", "We had a fight. "))
    assert_same(one, another)
    assert one.window.cut > 2000 * len("I am so happy. ")


def test_that_half_a_character_is_read_as_a_question_mark(shared: Encoder):
    assert_same(shared.read(alone("Why \ud83d")), shared.read(alone("Why ?")))


def test_that_a_turn_is_read_after_its_history(counted: Encoder, session: StandInSession):
    counted.read_turn(a_turn("Quiet.", history=TALK[:2], index=1))
    counted.read(TALK)
    first, second = session.asked
    assert first["ids"].tolist() == second["ids"].tolist()
    assert first["types"].tolist() == second["types"].tolist()


def test_that_a_late_turn_is_late_though_its_history_was_cut(counted: Encoder, session: StandInSession):
    for index in (1, 20):
        counted.read_turn(a_turn("Quiet.", history=TALK[:2], index=index))
    early, late = (feed["ids"][0] for feed in session.asked)
    assert early[1] < late[1]
    assert early[2:].tolist() == late[2:].tolist()


def test_that_plugins_that_share_it_share_one_pass_per_turn(counted: Encoder, session: StandInSession):
    turns = [a_turn(ORDINARY[0]), a_turn("Quiet.", history=TALK[:2], index=1), a_turn(ORDINARY[0])]
    for create in (EmotionPlugin, ExpressionPlugin, AffectPlugin, CausePlugin):
        create(counted)(turns)
    assert len(session.asked) == 2
    RiskPlugin(counted)(turns)
    assert len(session.asked) == 3  # "Quiet." by itself


def test_that_dialogues_that_differ_in_anything_are_read_apart(counted: Encoder, session: StandInSession):
    a, b = Message("seeker", "a"), Message("supporter", "b")
    dialogues = [
        (a,),
        (b,),
        (a, b),
        (b, a),
        (a, Message("seeker", "b")),
        (a, Message("supporter", "b", "question")),
        (Message("seeker", "ab"),),
        (Message("seeker", "a\nb"),),
        (Message("seeker", "a', None), ('supporter', 'b"),),
        (Message("seeker", "A"),),
    ]
    read = [counted.read(dialogue, said=said) for dialogue, said in itertools.product(dialogues, (None, 9, 90))]
    assert len(session.asked) == len(read) == 30
    assert all(counted.read(dialogue) is read[3 * place] for place, dialogue in enumerate(dialogues))


def test_that_what_is_kept_has_an_end_and_the_oldest_goes_first(counted: Encoder, session: StandInSession):
    for number in range(1100):
        counted.read(alone(str(number)))
    assert len(counted._kept) <= 1024
    counted.read(alone("1099"))
    assert len(session.asked) == 1100
    counted.read(alone("0"))
    assert len(session.asked) == 1101


def test_that_no_more_passes_run_side_by_side_than_there_are_cores():
    at_once, most, lock = 0, 0, threading.Lock()
    full, go_on = threading.Event(), threading.Event()

    class Crowded:
        """Its passes last until they are told to go on."""

        def run(self, names: list[str], feed: dict[str, Array]) -> list[Array]:
            nonlocal at_once, most
            with lock:
                at_once += 1
                most = max(most, at_once)
                if at_once == cores():
                    full.set()
            assert go_on.wait(20)
            with lock:
                at_once -= 1
            return []

    asked = cores() + 6
    with ThreadPoolExecutor(asked) as threads:
        passes = [threads.submit(one_pass, Crowded(), [], {}) for _ in range(asked)]  # type: ignore[arg-type]
        try:
            assert full.wait(20)
        finally:
            go_on.set()
        assert [each.result(20) for each in passes] == [[]] * asked
    assert most == cores()


def test_that_readings_can_be_forgotten_by_all_encoders_at_once(counted: Encoder, session: StandInSession):
    counted.read(TALK)
    forget_readings()
    assert not counted._kept
    counted.read(TALK)
    assert len(session.asked) == 2


class Letter(str):
    """A text whose end of life can be seen."""

    __slots__ = ("__weakref__",)


def kept_in(thing: object) -> Iterator[str | bytes | Array]:
    """Every string and array in a nest of plain containers."""
    if isinstance(thing, str | bytes | np.ndarray):
        yield thing
        if isinstance(thing, np.ndarray) and thing.base is not None:
            yield from kept_in(thing.base)
    elif isinstance(thing, dict):
        yield from kept_in([*thing, *thing.values()])
    elif isinstance(thing, list | tuple | set):
        for item in thing:
            yield from kept_in(item)
    elif is_dataclass(thing):
        yield from kept_in([getattr(thing, field.name) for field in fields(thing)])


def spelt(kept: Sequence[str | bytes | Array]) -> str:
    """Everything as words, whole numbers as the ids of tokens."""
    tokenizer = Tokenizer.from_file(str(SHIPPED / TOKENIZER))
    ids = [item for item in kept if isinstance(item, np.ndarray) and item.dtype.kind == "i"]
    return " ".join(
        [*map(str, kept), *(tokenizer.decode([one for one in item.ravel().tolist() if one > 0]) for item in ids)]
    )


def test_that_nothing_of_a_text_is_kept(shared: Encoder):
    text = Letter("My secret is that I never learned to swim.")
    alive = weakref.ref(text)
    seen = WindowMaker(Tokenizer.from_file(str(SHIPPED / TOKENIZER)), 160)(alone(text))
    assert "secret" in spelt(list(kept_in(seen)))  # it would be found
    shared._kept.clear()  # offsets into longer texts spell words by chance
    shared.read(alone(text))
    del text
    gc.collect()
    assert alive() is None
    kept = list(kept_in([value for name, value in vars(shared).items() if name != "manifest"]))
    assert any(isinstance(item, bytes) and len(item) == 32 for item in kept)  # the hash is found
    assert any(isinstance(item, np.ndarray) and item.shape == (32,) for item in kept)  # so are the numbers
    assert not {"my", "secret", "never", "learned", "swim"} & set(spelt(kept).lower().split())


def test_that_what_was_read_still_says_where_the_words_stand(shared: Encoder):
    encoded = shared.read(TALK)
    window = WindowMaker(Tokenizer.from_file(str(SHIPPED / TOKENIZER)), 160)(TALK)
    for part in ("types", "places", "offsets"):
        assert np.array_equal(getattr(encoded.window, part), getattr(window, part))
    assert encoded.window.marks == window.marks


def test_that_plugins_of_one_process_share_one_encoder():
    assert encoder_for() is encoder_for(SimpleNamespace(weights=SHIPPED, threads=0))
    assert encoder_for(SimpleNamespace(weights=None, threads=0)) is encoder_for()
    assert encoder_for(SimpleNamespace(weights=None, threads=1)) is not encoder_for()


@pytest.mark.parametrize(("usable", "taken"), [(1, 1), (2, 2), (64, 4)])
def test_that_it_takes_the_threads_that_it_may_and_at_most_four(
    monkeypatch: pytest.MonkeyPatch, usable: int, taken: int
):
    asked: list[int] = []

    class Runtime:
        class SessionOptions:
            intra_op_num_threads = 0

            def add_session_config_entry(self, key: str, value: str) -> None: ...

        @staticmethod
        def InferenceSession(path: str, options: Any, **given: Any) -> StandInSession:  # noqa: N802
            asked.append(options.intra_op_num_threads)
            assert given["providers"] == ["CPUExecutionProvider"]
            return StandInSession()

    monkeypatch.setattr(sem_plugins.encoder, "load_onnxruntime", lambda: Runtime)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(usable)), raising=False)
    Encoder(load_manifest())
    Encoder(load_manifest(), threads=3)
    assert asked == [taken, 3]


def test_that_the_runtime_is_told_to_report_to_nobody(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    load_onnxruntime()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
