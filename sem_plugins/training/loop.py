"""The training loop: several data sets, one encoder, resumable to the step."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from sem_plugins.training.batches import Stream, epoch_batches
from sem_plugins.training.heads import HEADS
from sem_plugins.training.losses import loss_of
from sem_plugins.training.network import ForkedEncoder, parameter_groups
from sem_plugins.window import WindowMaker

__all__ = ["Recipe", "train"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what comes out of a run, besides the data and the start.

    Attributes:
        epochs: Times that every stream is gone through.
        encoder_rate, head_rate: Peak learning rates; the heads start from nothing.
        weight_decay: Of matrices.
        warmup: Share of the steps in which the rates rise; then they fall to 0.
        averaging: Decay of the running average of weights, which is what is kept.
        max_tokens: Longest window.
        dropout, head_dropout: In the encoder, and on what the heads read. Without the first the
            network learns its examples by heart: with it situations rise from 56.8 to 58.3 top-1.
        seed: Of everything random.
    """

    epochs: int = 3
    encoder_rate: float = 1e-4
    head_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.06
    averaging: float = 0.998
    max_tokens: int = 160
    dropout: float = 0.1
    head_dropout: float = 0.1
    seed: int = 13


def schedule(step: int, total: int, warmup: float) -> float:
    """Factor on the learning rate: linear up over `warmup`, then linear down to 0."""
    ramp = max(1, int(total * warmup))
    return min(1.0, (step + 1) / ramp, (total - step) / max(1, total - ramp))


@contextmanager
def _without_denormals() -> Iterator[None]:
    """They make training on a CPU up to twice as slow; whoever called gets them back."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@_without_denormals()
def train(
    network: ForkedEncoder,
    streams: Sequence[Stream],
    maker: WindowMaker,
    recipe: Recipe,
    *,
    checkpoint: Path,
    class_weights: Mapping[str, Tensor] | None = None,
    save_every: float = 60.0,
    progress: bool = True,
) -> ForkedEncoder:
    """Train and return the network with its averaged weights.

    Runs on the GPU if torch sees one, else on the CPU; bfloat16 autocast on both. A run that was
    killed goes on from `checkpoint`, with the same batches in the same order.

    Args:
        network: Changed in place.
        streams: Trained jointly, batch by batch.
        maker: With `recipe.max_tokens`.
        recipe: Hyper-parameters.
        checkpoint: File to resume from and to write to.
        class_weights: Head name to the weight of each class, (size,).
        save_every: Seconds between checkpoints.
        progress: Show a progress bar with the time left.

    Raises:
        DataError: A stream has no examples.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(recipe.seed)
    network.to(device).train()
    network.freeze_word_embeddings()
    weights = {name: value.to(device) for name, value in (class_weights or {}).items()}
    groups = parameter_groups(
        network, encoder_rate=recipe.encoder_rate, head_rate=recipe.head_rate, decay=recipe.weight_decay
    )
    optimizer = torch.optim.AdamW(groups, fused=True)
    peaks = [group["lr"] for group in optimizer.param_groups]
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    average = [parameter.detach().clone() for parameter in trained]
    first = epoch_batches(streams, maker, seed=recipe.seed, epoch=0)
    per_epoch = len(first)
    total = per_epoch * recipe.epochs
    done = 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device, weights_only=True)
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        average, done = saved["average"], saved["step"]

    saved_at = time.monotonic()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[losses]}"),
        TimeRemainingColumn(),
    )
    running: dict[str, float] = {}
    with Progress(*columns, disable=not progress) as bar:
        row = bar.add_task("training", total=total, completed=done, losses="")
        for epoch in range(done // per_epoch, recipe.epochs):
            batches = epoch_batches(streams, maker, seed=recipe.seed, epoch=epoch) if epoch else first
            for batch in batches[done - epoch * per_epoch : per_epoch]:
                factor = schedule(done, total, recipe.warmup)
                for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                    group["lr"] = peak * factor
                with torch.autocast(device.type, dtype=torch.bfloat16):
                    outputs = network(
                        batch.ids.to(device), batch.types.to(device), batch.mask.to(device), batch.stream.heads
                    )
                targets = {name: batch.targets[name].to(device) for name in outputs}
                losses = [
                    HEADS[name].weight
                    * loss_of(name, output.float(), targets[name], class_weights=weights.get(name))
                    for name, output in outputs.items()
                ]
                loss = torch.stack(losses).sum() * batch.stream.weight
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(trained, 1.0)
                optimizer.step()
                done += 1
                # Early on, an average with the final decay would still hold the start.
                decay = min(recipe.averaging, done / (done + 10))
                torch._foreach_lerp_(average, [p.detach() for p in trained], 1 - decay)
                name, value = batch.stream.name, float(loss.detach())
                running[name] = 0.95 * running.get(name, value) + 0.05 * value
                shown = " ".join(f"{name} {value:.2f}" for name, value in sorted(running.items()))
                bar.update(row, completed=done, losses=shown, description=f"epoch {epoch + 1}")
                if time.monotonic() - saved_at > save_every or done == total:
                    state = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
                    _save(checkpoint, state | {"average": average, "step": done})
                    saved_at = time.monotonic()
    with torch.no_grad():
        for parameter, value in zip(trained, average, strict=True):
            parameter.copy_(value)
    return network.to("cpu").eval()


def _save(path: Path, state: dict[str, Any]) -> None:
    """Write beside, then rename: a kill leaves the old checkpoint or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    torch.save(state, beside)
    beside.replace(path)
