"""Other outputs for a model, by its bytes: all that stood in it is kept, but for what is asked to go."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sem_plugins.cut_graph import only, outputs
from sem_plugins.encoder import encoder_for, load_onnxruntime, open_session
from sem_plugins.risk.branch import LOWER
from sem_plugins.weights import SHIPPED, load_manifest

MODEL = SHIPPED / load_manifest().model


def test_that_the_lower_part_alone_gives_what_the_whole_gives():
    window = encoder_for().window("The ferry is late again, and I have the keys.")
    feed = {"ids": window.ids[None], "types": window.types[None]}
    [inside] = open_session(MODEL, 1, inner=(LOWER,)).run([LOWER], feed)
    lower = open_session(MODEL, 1, instead=LOWER)
    assert [output.name for output in lower.get_outputs()] == [LOWER]
    [alone] = lower.run(None, feed)
    assert np.array_equal(inside, alone)


def test_that_what_lies_above_is_neither_computed_nor_kept():
    whole = MODEL.read_bytes()
    lower = only(whole, LOWER)
    assert len(lower) < 0.6 * len(whole)  # the word vectors are two fifths, a layer is a sixteenth
    assert b"shared.1.attention.weight" in lower
    assert b"shared.2.attention.weight" not in lower
    assert b"branches.dialogue" not in lower


def test_that_a_tensor_that_is_not_there_is_refused():
    model = only(MODEL.read_bytes(), "nowhere")
    with pytest.raises(Exception, match="nowhere"):
        load_onnxruntime().InferenceSession(model, providers=["CPUExecutionProvider"])


@given(st.binary(max_size=60))
def test_that_bytes_that_are_no_message_are_refused_or_kept(junk: bytes):
    with suppress(ValueError):
        assert only(junk, "x").endswith(outputs(["x"]))
