"""The training loop: several tasks, one encoder, resumable to the step."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from agent.errors import DataError
from sem_plugins.training.examples import Example
from sem_plugins.training.network import SharedEncoder, parameter_groups

__all__ = ["Recipe", "Task", "train"]


@dataclass(frozen=True)
class Task:
    """One head and what it learns from.

    Attributes:
        head: Name of the head.
        size: Number of labels.
        exclusive: One label holds (softmax, label smoothing), or several may (sigmoid).
        examples: Epoch number to that epoch's examples; may vary them, must not depend on
            anything but the number.
        weight: Factor on this task's loss.
    """

    head: str
    size: int
    exclusive: bool
    examples: Callable[[int], Sequence[Example]]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what comes out of a run, besides the data."""

    epochs: int = 4
    batch: int = 64
    encoder_rate: float = 1.2e-4
    head_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.06
    label_smoothing: float = 0.1
    averaging: float = 0.999  # decay of the running average of weights, which is what is kept
    max_tokens: int = 128
    # In the encoder. Without it the network learns its examples by heart: at the end of four epochs top-1
    # on valid situations and seeker turns was 54.9 and 53.6, at its best, half-way, 56.8 and 55.7.
    dropout: float = 0.1
    head_dropout: float = 0.1
    seed: int = 13


@dataclass(frozen=True, slots=True)
class Batch:
    """Token ids, mask (both (N, T)) and targets ((N,) exclusive, else (N, labels))."""

    task: Task
    input_ids: Tensor
    attention_mask: Tensor
    targets: Tensor


def epoch_batches(tasks: Sequence[Task], tokenizer: Tokenizer, recipe: Recipe, epoch: int) -> list[Batch]:
    """The batches of one epoch, the same for the same seed and epoch.

    Texts are put together by length (padding would cost a third of the time), then the batches
    of all tasks are shuffled among each other.
    """
    rng = random.Random(f"{recipe.seed}-{epoch}")
    batches = []
    for task in tasks:
        examples = list(task.examples(epoch))
        if not examples:
            msg = f"Task `{task.head}` has no training examples. Check the data folder."
            raise DataError(msg)
        encoded = tokenizer.encode_batch([example.text for example in examples])
        order = sorted(range(len(examples)), key=lambda i: (len(encoded[i].ids), rng.random()))
        for start in range(0, len(order), recipe.batch):
            rows = order[start : start + recipe.batch]
            batches.append(_batch(task, [encoded[i].ids for i in rows], [examples[i] for i in rows]))
    rng.shuffle(batches)
    return batches


def _batch(task: Task, ids: Sequence[Sequence[int]], examples: Sequence[Example]) -> Batch:
    longest = max(len(row) for row in ids)
    input_ids = torch.zeros(len(ids), longest, dtype=torch.long)
    mask = torch.zeros(len(ids), longest, dtype=torch.long)
    for row, values in enumerate(ids):
        input_ids[row, : len(values)] = torch.tensor(values)
        mask[row, : len(values)] = 1
    if task.exclusive:
        targets = torch.tensor([example.labels[0] for example in examples])
    else:
        targets = torch.zeros(len(ids), task.size)
        for row, example in enumerate(examples):
            targets[row, list(example.labels)] = 1.0
    return Batch(task, input_ids, mask, targets)


def loss_of(logits: Tensor, batch: Batch, recipe: Recipe) -> Tensor:
    """Mean loss of a batch; sigmoid losses are summed over labels, to weigh as much as softmax."""
    if batch.task.exclusive:
        loss = functional.cross_entropy(logits, batch.targets, label_smoothing=recipe.label_smoothing)
    else:
        loss = functional.binary_cross_entropy_with_logits(logits, batch.targets, reduction="none").sum(1).mean()
    return loss * batch.task.weight


def schedule(step: int, total: int, warmup: float) -> float:
    """Factor on the learning rate: linear up over `warmup`, then linear down to 0."""
    ramp = max(1, int(total * warmup))
    return min(1.0, (step + 1) / ramp, (total - step) / max(1, total - ramp))


def train(
    network: SharedEncoder,
    tasks: Sequence[Task],
    tokenizer: Tokenizer,
    recipe: Recipe,
    *,
    checkpoint: Path,
    save_every: float = 60.0,
    progress: bool = True,
) -> SharedEncoder:
    """Train and return the network with its averaged weights.

    Runs on the GPU if torch sees one, else on the CPU; bfloat16 autocast on both. A run that was
    killed goes on from `checkpoint`, with the same batches in the same order.

    Args:
        network: Changed in place.
        tasks: Trained jointly, batch by batch.
        tokenizer: With truncation set to `recipe.max_tokens`.
        recipe: Hyper-parameters.
        checkpoint: File to resume from and to write to.
        save_every: Seconds between checkpoints.
        progress: Show a progress bar with the time left.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_flush_denormal(True)  # denormals make CPU training up to twice as slow
    torch.manual_seed(recipe.seed)
    network.to(device).train()
    network.freeze_word_embeddings()
    groups = parameter_groups(
        network, encoder_rate=recipe.encoder_rate, head_rate=recipe.head_rate, decay=recipe.weight_decay
    )
    optimizer = torch.optim.AdamW(groups, fused=True)
    peaks = [group["lr"] for group in optimizer.param_groups]
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    average = [parameter.detach().clone() for parameter in trained]
    per_epoch = len(epoch_batches(tasks, tokenizer, recipe, 0))
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
        TextColumn("loss {task.fields[loss]:.3f}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, disable=not progress) as bar:
        row = bar.add_task("training", total=total, completed=done, loss=float("nan"))
        running = 0.0
        for epoch in range(done // per_epoch, recipe.epochs):
            batches = epoch_batches(tasks, tokenizer, recipe, epoch)[:per_epoch]
            for batch in batches[done - epoch * per_epoch :]:
                factor = schedule(done, total, recipe.warmup)
                for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                    group["lr"] = peak * factor
                with torch.autocast(device.type, dtype=torch.bfloat16):
                    logits = network(batch.input_ids.to(device), batch.attention_mask.to(device), batch.task.head)
                loss = loss_of(logits.float(), _moved(batch, device), recipe)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(trained, 1.0)
                optimizer.step()
                done += 1
                # Early on, an average with the final decay would still hold the start.
                decay = min(recipe.averaging, done / (done + 10))
                torch._foreach_lerp_(average, [p.detach() for p in trained], 1 - decay)
                running = 0.99 * running + 0.01 * float(loss.detach()) if done > 1 else float(loss.detach())
                bar.update(row, completed=done, loss=running, description=f"epoch {epoch + 1}")
                if time.monotonic() - saved_at > save_every or done == total:
                    state = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
                    _save(checkpoint, state | {"average": average, "step": done})
                    saved_at = time.monotonic()
    with torch.no_grad():
        for parameter, value in zip(trained, average, strict=True):
            parameter.copy_(value)
    return network.to("cpu").eval()


def _moved(batch: Batch, device: torch.device) -> Batch:
    return Batch(batch.task, batch.input_ids, batch.attention_mask, batch.targets.to(device))


def _save(path: Path, state: dict[str, Any]) -> None:
    """Write beside, then rename: a kill leaves the old checkpoint or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    torch.save(state, beside)
    beside.replace(path)
