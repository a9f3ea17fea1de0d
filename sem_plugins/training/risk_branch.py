"""`heartline models risk`: trains the encoder's branch for risk, and measures it."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import binary_cross_entropy_with_logits

from agent.readings import DANGER
from agent.turn import Message
from sem_plugins.encoder import Encoder
from sem_plugins.risk.branch import FORMAT, LOWER, NETWORK, NUMBERS, load_branch
from sem_plugins.risk.rules import read_rules
from sem_plugins.training.intervals import Estimate, bootstrap
from sem_plugins.training.measure.reading import on_every_core
from sem_plugins.training.network import parameter_groups
from sem_plugins.training.risk_network import RiskNetwork, States, batches, export_branch, padded
from sem_plugins.training.sets import empathetic_dialogues, esconv, goemotions, risk
from sem_plugins.weights import MODEL, Manifest

__all__ = ["Figures", "Plan", "learn"]

Array = NDArray[np.float64]
Figures = Mapping[str, Estimate]

_IDEATION, _OTHERS_IDEATION = 1, 5  # places in the eight steps
_DISTRESS = (0, 4)
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """How it is trained.

    Attributes:
        epochs: Times that everything is gone through.
        everyday: Messages of each of three data sets: two thirds to learn from, a third for the thresholds.
        pool: Further messages of each, of which the most alarming are learned from.
        hard: How many of the whole pool are learned from in an epoch: those that look most like danger to the
            network when the epoch begins. In the first one, which has nothing to go by, there are none.
        rate: Peak learning rate of the layers; the head's is ten times that.
        warmup: Share of the steps in which the rate rises; then it falls to 0.
        alarms: Share of everyday messages, not learned from, that may be read as ideation: what one of them sets
            off is kept in mind for several turns. `others_alarms` is the same for danger to others.
        seed: Of everything random.
    """

    epochs: int = 3
    everyday: int = 5000
    pool: int = 15_000
    hard: int = 4500
    rate: float = 5e-5
    warmup: float = 0.06
    alarms: float = 0.0024
    others_alarms: float = 0.0016
    seed: int = 13


def learn(
    folder: Path, out: Path, manifest: Manifest, *, plan: Plan | None = None, say: Callable[[str], object] = print
) -> tuple[Path, Figures]:
    """Train on the statements of `training/statements` and on everyday messages of three train parts.

    Half an hour on one core. A run that was killed goes on after the last whole epoch.

    Args:
        folder: The prepared data sets.
        out: Folder that gets the network, its numbers and the checkpoint.
        manifest: The weights that it stands on.
        plan: How.
        say: Told of the progress.

    Returns:
        The file of numbers; and figures on the held-out statements and everyday messages, with intervals.

    Raises:
        DataError: A data set is missing or malformed.
    """
    plan = plan or Plan()
    out.mkdir(parents=True, exist_ok=True)
    encoder = Encoder(manifest, threads=1, inner=(LOWER,), remembered=1)

    def lower(texts: Sequence[str], name: str) -> tuple[list[States], Array]:
        def read(text: str) -> tuple[States, Array]:
            outputs = encoder.read((Message("seeker", text),)).outputs
            steps = manifest.heads["risk"].each(outputs["risk"])
            return outputs[LOWER].astype(np.float16), steps.astype(np.float64)

        read_ones = on_every_core(read, texts, name=name)
        return [states for states, _ in read_ones], np.array([steps for _, steps in read_ones])

    statements, held_out = risk.statements("train"), risk.statements("valid")
    said, _ = lower([example.text for example in statements], "statements")
    daily, further = _everyday(folder, plan)
    everyday, judged = lower(daily, "everyday messages")
    pool, judged_pool = lower(further, "further messages")
    kept = np.arange(len(everyday)) % 3 == 0
    learned = np.flatnonzero(~kept)
    states = said + [everyday[row] for row in learned] + pool
    calm = _calm(np.vstack([judged[learned], judged_pool.reshape(-1, judged.shape[1])]))
    targets = np.vstack([[example.targets["risk"] for example in statements], calm])
    torch.manual_seed(plan.seed)  # of the head, which starts from nothing
    network = RiskNetwork(manifest.verified(manifest.model))
    _train(network, states, targets, plan, pool=len(pool), checkpoint=out / "checkpoint.pt", say=say)

    export_branch(network, out / NETWORK)
    numbers: dict[str, Any] = {
        "format": FORMAT,
        "encoder": manifest.sha256[MODEL],
        "sha256": hashlib.sha256((out / NETWORK).read_bytes()).hexdigest(),
        "thresholds": [0.5] * targets.shape[1],
        "card": {
            "learned from": f"{len(said)} statements, {len(learned)} everyday messages and, after one epoch, "
            f"the {min(plan.hard, len(pool))} most alarming of {len(pool)} others"
        },
    }
    path = out / NUMBERS
    path.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    figures = finish(out, manifest, held_out, [text for row, text in enumerate(daily) if kept[row]], plan)
    return path, figures


def finish(out: Path, manifest: Manifest, held_out: Sequence[Any], calm: Sequence[str], plan: Plan) -> Figures:
    """Thresholds by everyday messages, and figures; both are written to the file of numbers.

    They are of the exported branch: eight bits shift what the network says of the most alarming messages, and with
    it the threshold that one message in several hundred passes (0.68 where the network itself gave 0.75).

    Args:
        out: Folder with network and numbers.
        manifest: The weights that it stands on.
        held_out: Statements to measure with.
        calm: Everyday messages that were not learned from.
        plan: How many of them may alarm.
    """
    branch = load_branch(manifest, threads=1, folder=out)
    assert branch is not None  # noqa: S101 - it was written just now
    encoder = Encoder(manifest, threads=1)

    def asked(texts: Sequence[str], name: str) -> Array:
        ladders = on_every_core(lambda text: branch.probabilities(encoder.window(text)), texts, name=name)
        return np.array(ladders).reshape(len(texts), -1)

    everyday = asked(calm, "everyday messages")
    thresholds = _thresholds(everyday, plan)
    stated = asked([example.text for example in held_out], "held-out statements")
    figures = _figures(
        held_out, stated[:, _IDEATION] >= thresholds[_IDEATION], everyday[:, _IDEATION] >= thresholds[_IDEATION]
    )
    path = out / NUMBERS
    numbers = json.loads(path.read_text(encoding="utf-8")) | {"thresholds": thresholds}
    numbers["card"]["figures"] = {name: round(figure.value, _DIGITS) for name, figure in figures.items()}
    path.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    return figures


def _everyday(folder: Path, plan: Plan) -> tuple[list[str], list[str]]:
    """Messages of three train parts, in which danger is rare: at random; and the pool, without what rules find."""
    sets: list[list[str]] = [
        [example.text for example in goemotions.comments(folder, "train")],
        [example.text for example in empathetic_dialogues.live(empathetic_dialogues.dialogues(folder, "train"))],
        [
            example.messages[-1].text
            for example in esconv.supporter_turns(folder, "train")
            if example.messages[-1].role == "seeker"
        ],
    ]
    daily, further = [], []
    for texts in sets:
        drawn = random.Random(plan.seed).sample(texts, min(plan.everyday + plan.pool, len(texts)))
        daily += drawn[: plan.everyday]
        # The most alarming messages of a large pool are in part truly alarming.
        further += [text for text in drawn[plan.everyday :] if read_rules(text).level not in DANGER]
    return daily, further


def _calm(judged: Array) -> Array:
    """Targets of everyday messages: no danger; distress, which nobody labelled, as the encoder's head has it."""
    targets = np.zeros_like(judged)
    for step in _DISTRESS:
        targets[:, step] = judged[:, step]
    return targets


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
        say(f"epoch {epoch + 1} of {plan.epochs}: loss {losses / len(order):.4f}")
        torch.save(
            {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "epochs": epoch + 1}, checkpoint
        )


def _hardest(network: RiskNetwork, states: Sequence[States], pool: int, most: int) -> list[int]:
    """Which rows of the pool look most like danger to the network, to oneself or to others."""
    if not pool:
        return []
    asked = network.logits(states[-pool:])
    likeliest = asked[:, [_IDEATION, _OTHERS_IDEATION]].max(axis=1)
    return sorted((np.argsort(-likeliest, kind="stable")[:most] + len(states) - pool).tolist())


def _thresholds(everyday: Array, plan: Plan) -> list[float]:
    """A half for every step, except where everyday messages say how many alarms there may be."""
    thresholds = np.full(everyday.shape[1], 0.5)
    thresholds[_IDEATION] = np.quantile(everyday[:, _IDEATION], 1 - plan.alarms)
    thresholds[_OTHERS_IDEATION] = np.quantile(everyday[:, _OTHERS_IDEATION], 1 - plan.others_alarms)
    return np.clip(thresholds, 0.05, 0.95).round(_DIGITS).tolist()


def _figures(
    held_out: Sequence[Any], alarmed: NDArray[np.bool_], everyday: NDArray[np.bool_]
) -> dict[str, Estimate]:
    """Which statements are read as ideation, per family, and how many everyday messages."""
    shown = np.array([example.targets["risk"][_IDEATION] > 0 for example in held_out])
    families = np.array([example.group for example in held_out])
    figures = {}
    for family in sorted(set(families)):
        for name, chosen in (("recall", (families == family) & shown), ("alarms", (families == family) & ~shown)):
            if chosen.sum() > 1:  # an interval needs two
                rows = np.arange(int(chosen.sum()))
                figures[f"{family}_{name}"] = bootstrap(np.mean, rows, alarmed[chosen])
    figures["everyday_alarms"] = bootstrap(np.mean, np.arange(len(everyday)), everyday)
    return figures
