"""`heartline models risk`: trains the encoder's branch for risk, network and phrases, and measures it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import binary_cross_entropy_with_logits

from agent.turn import Message
from sem_plugins.encoder import Encoder
from sem_plugins.risk.branch import FORMAT, HALF, LOWER, NETWORK, NUMBERS, WEIGHTS, load_branch
from sem_plugins.risk.phrases import buckets_of
from sem_plugins.training.intervals import Estimate
from sem_plugins.training.measure.reading import on_every_core
from sem_plugins.training.network import parameter_groups
from sem_plugins.training.risk_figures import figures_of
from sem_plugins.training.risk_material import beside_each_other, between, calm_targets, everyday_messages
from sem_plugins.training.risk_network import RiskNetwork, States, batches, export_branch, padded
from sem_plugins.training.risk_phrases import learn_phrases
from sem_plugins.training.sets import risk
from sem_plugins.weights import MODEL, Manifest

__all__ = ["Figures", "Plan", "learn"]

Array = NDArray[np.float64]
Figures = Mapping[str, Estimate]

_IDEATION, _OTHERS_IDEATION = 1, 5  # places in the eight steps
_DIGITS = 4
_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Plan:
    """How it is trained.

    Attributes:
        epochs: Times that everything is gone through.
        everyday: Messages of each of three data sets: two thirds to learn from, a third for the bias.
        pool: Further messages of each, of which the network learns from the most alarming.
        hard: How many of the whole pool are learned from in an epoch: those that look most like danger to the
            network when the epoch begins. In the first one, which has nothing to go by, there are none.
        beside: Everyday messages, at most, around a statement that is learned from once more.
        between: Which share of the statements is learned from once more, and as many of the everyday messages as
            are learned from times this are learned from beside each other: length alone tells nothing of danger.
        rate: Peak learning rate of the layers; the head's is ten times that.
        warmup: Share of the steps in which the rate rises; then it falls to 0.
        alarms: Share of everyday messages, not learned from, that may be read as ideation: what one of them sets
            off is kept in mind for several turns.
        others_alarms: The same for danger to others.
        seed: Of everything random.
    """

    epochs: int = 3
    everyday: int = 5000
    pool: int = 15_000
    hard: int = 4500
    beside: int = 3
    between: float = 0.5
    rate: float = 5e-5
    warmup: float = 0.06
    alarms: float = 0.003
    others_alarms: float = 0.0012
    seed: int = 13


def learn(
    folder: Path,
    out: Path,
    manifest: Manifest,
    *,
    plan: Plan | None = None,
    network: Path | None = None,
    say: Callable[[str], object] = print,
) -> tuple[Path, Figures]:
    """Train on the statements of `training/statements` and on everyday messages of three train parts.

    Over an hour on two cores, two minutes with a network that is there. A run that was killed goes on after the
    last whole epoch.

    Args:
        folder: The prepared data sets.
        out: Folder that gets network, phrases, numbers and the checkpoint.
        manifest: The weights that it stands on.
        plan: How.
        network: Is taken as it is, and only the phrases are learned; None: train one.
        say: Told of the progress.

    Returns:
        The file of numbers; and figures on the held-out statements and everyday messages, with intervals.

    Raises:
        DataError: A data set is missing or malformed.
    """
    plan = plan or Plan()
    out.mkdir(parents=True, exist_ok=True)
    statements, held_out = risk.statements("train"), risk.statements("valid")
    daily, pool = everyday_messages(folder, daily=plan.everyday, pool=plan.pool, seed=plan.seed)
    kept, learned = daily[::3], [text for row, text in enumerate(daily) if row % 3]
    said = [(example.text, example.targets["risk"]) for example in statements]
    mixed = between(said, learned, share=plan.between, most=plan.beside, seed=plan.seed)
    together = beside_each_other(learned, share=plan.between, most=plan.beside, seed=plan.seed)
    material = _Material([*said, *mixed], [*learned, *together], pool)
    if network is None:
        _train_network(material, out, manifest, plan, say)
    else:
        shutil.copyfile(network, out / NETWORK)
    encoder = Encoder(manifest, threads=1)
    texts = [*(text for text, _ in material.said), *material.everyday, *pool]
    danger = np.zeros((len(texts), 2), bool)
    danger[: len(material.said)] = [steps[[_IDEATION, _OTHERS_IDEATION]] > 0 for _, steps in material.said]
    weights, scale = learn_phrases([buckets_of(encoder.window(text)) for text in texts], danger)
    np.save(out / WEIGHTS, weights)
    numbers: dict[str, Any] = {
        "format": FORMAT,
        "encoder": manifest.sha256[MODEL],
        "sha256": _hash_of(out / NETWORK),
        "phrases": _hash_of(out / WEIGHTS),
        "scale": scale.tolist(),
        "bias": [0.0, 0.0],
        "card": {
            "learned from": f"{len(statements)} statements, alone and between others, {len(learned)} everyday "
            f"messages and {len(pool)} others, of which the network learned from the "
            f"{min(plan.hard, len(pool))} most alarming after one epoch"
        },
    }
    path = out / NUMBERS
    path.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    return path, finish(out, manifest, held_out, kept, plan)


@dataclass(frozen=True, slots=True)
class _Material:
    """What is learned from: statements with steps, (8,), NaN where nobody knows; everyday messages; the pool."""

    said: Sequence[tuple[str, Array]]
    everyday: Sequence[str]
    pool: Sequence[str]


def _train_network(
    material: _Material, out: Path, manifest: Manifest, plan: Plan, say: Callable[[str], object]
) -> None:
    encoder = Encoder(manifest, threads=1, inner=(LOWER,), remembered=1)

    def lower(texts: Sequence[str], name: str) -> tuple[list[States], Array]:
        def read(text: str) -> tuple[States, Array]:
            outputs = encoder.read((Message("seeker", text),)).outputs
            steps = manifest.heads["risk"].each(outputs["risk"])
            return outputs[LOWER].astype(np.float16), steps.astype(np.float64)

        read_ones = on_every_core(read, texts, name=name)
        return [states for states, _ in read_ones], np.array([steps for _, steps in read_ones])

    said, judged_said = lower([text for text, _ in material.said], "statements")
    everyday, judged = lower(material.everyday, "everyday messages")
    pool, judged_pool = lower(material.pool, "further messages")
    calm = calm_targets(np.vstack([judged, judged_pool.reshape(-1, judged.shape[1])]))
    stated = np.array([steps for _, steps in material.said])
    targets = np.vstack([np.where(np.isnan(stated), judged_said, stated), calm])
    torch.manual_seed(plan.seed)  # of the head, which starts from nothing
    network = RiskNetwork(manifest.verified(manifest.model))
    checkpoint = out / "checkpoint.pt"
    _train(network, said + everyday + pool, targets, plan, pool=len(pool), checkpoint=checkpoint, say=say)
    export_branch(network, out / NETWORK)


def _hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def finish(out: Path, manifest: Manifest, held_out: Sequence[Any], calm: Sequence[str], plan: Plan) -> Figures:
    """The bias by everyday messages, and figures; both are written to the file of numbers.

    They are of the exported branch: eight bits shift what the network says of the most alarming messages, and with
    it what one message in several hundred passes.

    Args:
        out: Folder with network, phrases and numbers.
        manifest: The weights that it stands on.
        held_out: Statements to measure with.
        calm: Everyday messages that were not learned from.
        plan: How many of them may alarm.
    """
    encoder, path = Encoder(manifest, threads=1), out / NUMBERS

    def asked(texts: Sequence[str], name: str) -> Array:
        branch = load_branch(manifest, threads=1, folder=out)
        assert branch is not None  # noqa: S101 - it was written just now
        ladders = on_every_core(lambda text: branch.probabilities(encoder.window(text)), texts, name=name)
        return np.array(ladders).reshape(len(texts), -1)

    numbers = json.loads(path.read_text(encoding="utf-8"))
    unbiased = asked(calm, "everyday messages")[:, [_IDEATION, _OTHERS_IDEATION]]
    likely = np.clip(unbiased, _LEAST, 1 - _LEAST)
    logits = np.log(likely / (1 - likely))
    shares = plan.alarms, plan.others_alarms
    bias = [-np.quantile(column, 1 - share) for column, share in zip(logits.T, shares, strict=True)]
    numbers["bias"] = [round(float(one), _DIGITS) for one in bias]
    path.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    everyday = asked(calm, "everyday messages")[:, _IDEATION] >= HALF
    stated = asked([example.text for example in held_out], "held-out statements")[:, _IDEATION] >= HALF
    figures = figures_of(held_out, stated, everyday)
    numbers["card"]["figures"] = {name: round(figure.value, _DIGITS) for name, figure in figures.items()}
    path.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    return figures


def _train(
    network: RiskNetwork,
    states: Sequence[States],
    targets: Array,
    plan: Plan,
    *,
    pool: int,
    checkpoint: Path,
    say: Callable[[str], object],
) -> None:
    """Learn from all rows but the last `pool`, and from the hardest of those."""
    optimizer = torch.optim.AdamW(
        parameter_groups(network, encoder_rate=plan.rate, head_rate=10 * plan.rate, decay=0.01)
    )
    peaks = [group["lr"] for group in optimizer.param_groups]
    wanted = torch.from_numpy(targets.astype(np.float32))
    done = 0
    if checkpoint.is_file():
        saved = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        done = saved["epochs"]
    for epoch in range(done, plan.epochs):
        torch.manual_seed(plan.seed + epoch)  # so that a run that goes on drops out what it would have
        rows = [*range(len(states) - pool), *(_hardest(network, states, pool, plan.hard) if epoch else ())]
        order = batches([states[row] for row in rows], generator=np.random.default_rng(plan.seed + epoch))
        network.train()
        losses = 0.0
        for step, places in enumerate(order):
            batch = [rows[place] for place in places]
            through = (epoch + step / len(order)) / plan.epochs
            rate = min(through / plan.warmup, (1 - through) / (1 - plan.warmup))
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * rate
            loss = binary_cross_entropy_with_logits(
                network(*padded([states[row] for row in batch])), wanted[torch.tensor(batch)]
            )
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            losses += loss.item()
        torch.save(
            {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "epochs": epoch + 1}, checkpoint
        )
        say(f"epoch {epoch + 1} of {plan.epochs}: loss {losses / len(order):.4f}")


def _hardest(network: RiskNetwork, states: Sequence[States], pool: int, most: int) -> list[int]:
    """Which rows of the pool look most like danger to the network, to oneself or to others."""
    if not pool:
        return []
    asked = network.logits(states[-pool:])
    likeliest = asked[:, [_IDEATION, _OTHERS_IDEATION]].max(axis=1)
    return sorted((np.argsort(-likeliest, kind="stable")[:most] + len(states) - pool).tolist())
