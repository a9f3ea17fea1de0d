# ruff: noqa: E402 - modules of the `train` extra are imported where it is there
from __future__ import annotations

import copy
from pathlib import Path
from typing import Literal

import pytest

torch = pytest.importorskip("torch", reason="training needs the `train` extra")
pytest.importorskip("transformers", reason="training needs the `train` extra")

from torch import Tensor
from transformers import AutoModel

from agent.turn import Message
from sem_plugins.training.batches import padded
from sem_plugins.training.export import fold_marks
from sem_plugins.training.heads import HEADS
from sem_plugins.training.network import Exportable, ForkedEncoder, initial, parameter_groups
from sem_plugins.window import MARKS
from tests.sem_plugins.tiny_bert import tiny_base, tiny_maker

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("one_thread")]

NAMES = list(HEADS)
MESSAGE = [name for name in NAMES if HEADS[name].branch == "message"]
DIALOGUE = [name for name in NAMES if HEADS[name].branch == "dialogue"]

TALK = (
    Message("seeker", "drum horn"),
    Message("supporter", "sun", "question"),
    Message("seeker", "snow moss pond"),
)
WINDOWS = [tiny_maker()(TALK), tiny_maker()(TALK[:1])]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:
    return tiny_base(tmp_path_factory.mktemp("base"))


@pytest.fixture
def network(base: Path) -> ForkedEncoder:
    """As training begins with it, but without dropout."""
    torch.manual_seed(7)
    return ForkedEncoder(base, fork=1).eval()


def read(network: ForkedEncoder, heads: list[str] = NAMES) -> dict[str, Tensor]:
    """Outputs for a dialogue and, padded, for its first message."""
    with torch.no_grad():
        return network(*padded(WINDOWS), heads)


def shake(module: torch.nn.Module) -> None:
    """Other weights."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> set[str]:
    """Heads whose outputs are equal to the bit."""
    return {name for name in one if torch.equal(one[name], other[name])}


def test_that_every_head_has_its_own_shape(network: ForkedEncoder):
    outputs = read(network)
    assert list(outputs) == NAMES
    for name, output in outputs.items():
        tokens = (13,) if HEADS[name].reads == "token" else ()
        assert output.shape == (2, *tokens, HEADS[name].size)


def test_that_outputs_come_in_the_order_they_are_asked_for(network: ForkedEncoder):
    some = ["strategy", "emotion", "cause"]
    outputs = read(network, some)
    assert list(outputs) == some
    assert same(outputs, read(network)) == set(some)


@pytest.mark.parametrize(("branch", "kept"), [("dialogue", MESSAGE), ("message", DIALOGUE)])
def test_that_what_one_branch_learns_leaves_the_heads_of_the_other_alone(
    network: ForkedEncoder, branch: Literal["message", "dialogue"], kept: list[str]
):
    before = read(network)
    shake(network.branches[branch])
    assert same(before, read(network)) == set(kept)


def test_that_what_the_shared_layers_learn_reaches_every_head(network: ForkedEncoder):
    before = read(network)
    shake(network.shared)
    assert same(before, read(network)) == set()


@pytest.mark.parametrize(("head", "other"), [("emotion", "dialogue"), ("cause", "message")])
def test_that_a_head_teaches_the_shared_layers_and_its_own_branch(network: ForkedEncoder, head: str, other: str):
    network(*padded(WINDOWS), [head])[head].sum().backward()
    own = HEADS[head].branch
    assert all(parameter.grad is not None for parameter in network.shared.parameters())
    assert all(parameter.grad is not None for parameter in network.branches[own].parameters())
    assert all(parameter.grad is None for parameter in network.branches[other].parameters())


def test_that_a_fresh_network_reads_as_the_base_encoder_does_and_its_marks_add_nothing(
    network: ForkedEncoder, base: Path
):
    ids, types, mask = padded(WINDOWS)
    encoder = AutoModel.from_pretrained(base, attn_implementation="eager", add_pooling_layer=False).eval()
    given: dict[str, Tensor] = {}
    for head in ("emotion", "strategy"):
        network.heads[head].register_forward_pre_hook(lambda _, inputs, head=head: given.update({head: inputs[0]}))
    read(network)
    with torch.no_grad():
        states = encoder(input_ids=ids, token_type_ids=types, attention_mask=mask).last_hidden_state
    message = (states * types[..., None]).sum(dim=1) / types.sum(dim=1, keepdim=True)
    assert torch.allclose(given["emotion"], message, atol=1e-5)
    assert torch.allclose(given["strategy"][:, :32], message, atol=1e-5)  # both branches start alike
    assert torch.allclose(given["strategy"][:, -32:], states[:, 0], atol=1e-5)


def test_that_a_mark_once_learnt_changes_what_is_read(network: ForkedEncoder):
    before = read(network)
    with torch.no_grad():
        network.marks.weight[4] += 1  # of a question
    after = read(network)
    assert not torch.equal(before["strategy"][0], after["strategy"][0])
    assert torch.equal(before["strategy"][1], after["strategy"][1])  # in which nobody asks


def test_that_no_text_gets_the_vector_of_a_mark(network: ForkedEncoder):
    ids = torch.tensor([[101, MARKS, 104, 102]])
    types = torch.tensor([[0, 1, 1, 0]])
    with torch.no_grad():
        before = network(ids, types, torch.ones_like(ids), NAMES)
        network.marks.weight[1:] += 1
        assert same(before, network(ids, types, torch.ones_like(ids), NAMES)) == set(NAMES)


def test_that_padding_does_not_change_what_is_read(network: ForkedEncoder):
    together = read(network)
    with torch.no_grad():
        alone = network(*padded(WINDOWS[1:]), NAMES)
    for name in NAMES:
        found = together[name][1:]
        found = found[:, : len(WINDOWS[1].ids)] if HEADS[name].reads == "token" else found
        assert torch.allclose(found, alone[name], atol=1e-5), name


def test_that_it_matters_which_message_is_read(network: ForkedEncoder):
    ids, types, mask = padded(WINDOWS[:1])
    earlier = torch.zeros_like(types)
    earlier[0, 2:5] = 1
    with torch.no_grad():
        assert same(network(ids, types, mask, NAMES), network(ids, earlier, mask, NAMES)) == set()


def test_that_risk_is_read_at_one_clause_of_a_long_message_too(base: Path):
    torch.manual_seed(3)
    network = ForkedEncoder(base).eval()
    with torch.no_grad():
        network.heads["risk"][1].weight[:, : network.heads["risk"][1].in_features // 2] = 0  # the mean is left out
    states = torch.zeros(1, 9, network.heads["risk"][1].in_features // 2)
    states[0, 4] = 1
    types = torch.ones(1, 9, dtype=torch.long)
    short = torch.cat([types[:, :5], torch.zeros(1, 4, dtype=torch.long)], dim=1)
    long_, shorter = (network._read(states, t, torch.ones_like(types), ["risk"])["risk"] for t in (types, short))
    assert torch.equal(long_, shorter)
    outside = network._read(states, 1 - short, torch.ones_like(types), ["risk"])["risk"]
    assert not torch.equal(outside, shorter)  # what stands outside of the message does not count


def test_that_a_message_with_nothing_before_it_is_read_all_the_same(network: ForkedEncoder):
    ids = torch.tensor([[2, 104, 105]])
    with torch.no_grad():
        outputs = network(ids, torch.ones_like(ids), torch.ones_like(ids), NAMES)
    assert all(output.isfinite().all() for output in outputs.values())


def test_that_folding_the_marks_into_the_word_vectors_keeps_every_output(network: ForkedEncoder):
    with torch.no_grad():
        network.marks.weight[1:] += torch.randn_like(network.marks.weight[1:])
    before, words = read(network), network.embeddings.word_embeddings.weight.clone()
    fold_marks(network)
    after = read(network)
    for name in NAMES:
        assert torch.allclose(before[name], after[name], atol=1e-6), name
    assert not network.marks.weight.any()
    moved = (network.embeddings.word_embeddings.weight != words).any(dim=1).nonzero().flatten()
    assert moved.tolist() == list(range(1, MARKS))


def test_that_folding_twice_is_folding_once(network: ForkedEncoder):
    with torch.no_grad():
        network.marks.weight[1:] += 1
    fold_marks(network)
    once = read(network)
    fold_marks(network)
    assert same(once, read(network)) == set(NAMES)


def test_that_what_is_exported_reads_one_window_with_every_head(network: ForkedEncoder):
    ids, types, mask = padded(WINDOWS[:1])
    with torch.no_grad():
        expected = network(ids, types, mask, NAMES)
        found = Exportable(network)(ids, types)
    assert all(torch.equal(one, expected[name]) for name, one in zip(NAMES, found, strict=True))


def test_that_heads_and_marks_learn_faster_and_norms_and_biases_do_not_decay(network: ForkedEncoder):
    network.freeze_word_embeddings()
    groups = parameter_groups(network, encoder_rate=1e-4, head_rate=1e-3, decay=0.01)
    assert {(group["lr"], group["weight_decay"]) for group in groups} == {
        (1e-4, 0.01), (1e-4, 0.0), (1e-3, 0.01), (1e-3, 0.0),
    }  # fmt: skip
    rates = {parameter: group["lr"] for group in groups for parameter in group["params"]}
    assert all(
        (parameter.ndim > 1) == (group["weight_decay"] > 0) for group in groups for parameter in group["params"]
    )
    fast = [*network.heads.parameters(), *network.marks.parameters()]
    assert {parameter for parameter, rate in rates.items() if rate == 1e-3} == set(fast)
    assert set(rates) == {parameter for parameter in network.parameters() if parameter.requires_grad}


def test_that_frozen_word_vectors_are_the_only_weights_that_stay(network: ForkedEncoder):
    network.freeze_word_embeddings()
    assert [name for name, value in network.named_parameters() if not value.requires_grad] == [
        "embeddings.word_embeddings.weight"
    ]


def test_that_a_network_takes_over_what_fits_and_keeps_the_rest(network: ForkedEncoder, base: Path):
    torch.manual_seed(8)
    other = ForkedEncoder(base, [HEADS["emotion"]], fork=1).eval()
    shake(other)
    kept = copy.deepcopy(network.heads["cause"].state_dict())
    state = other.state_dict() | {"heads.felt.1.weight": torch.zeros(3, 3), "unknown": torch.zeros(1)}
    taken = initial(network, state)
    assert taken == len(other.state_dict())
    assert same(read(other, ["emotion"]), read(network, ["emotion"])) == {"emotion"}
    assert all(torch.equal(value, kept[name]) for name, value in network.heads["cause"].state_dict().items())


def test_that_dropout_is_only_for_training(base: Path):
    network = ForkedEncoder(base, fork=1, dropout=0.5, head_dropout=0.5)
    assert same(read(network.eval()), read(network)) == set(NAMES)
    assert same(read(network.train()), read(network)) == set()
