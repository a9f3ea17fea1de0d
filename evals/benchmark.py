"""`make bench`: how fast Heartline reads and answers, beside the same job done the usual way.

The usual way is a `transformers` text-classification pipeline in float32, one per reading. It gets
a network of the same shape with random weights, which takes as long as a trained one. Both run in
this process, in turn, on the same texts. Nothing is judged; the table is written to
`docs/benchmarks.md` and the figures to `docs/benchmarks.json`.
"""

from __future__ import annotations

import asyncio
import json
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from agent.batching import cores
from agent.build import build_agent, build_perception
from agent.settings import load_settings
from agent.turn import Message, new_turn
from evals.runtimes import runtimes
from evals.timing import RUNS, Figure, spread, times
from evals.tracking_speed import tracking
from sem_plugins.encoder import encoder_for

__all__ = ["main", "processor"]

DOCS = Path(__file__).parent.parent / "docs"
BATCH = 1024

SENTENCES = (
    "My sister moved to another country last month and the flat is very quiet now.",
    "I keep checking my phone, although I know that nobody has written.",
    "At work they gave my project to someone else without saying a word to me.",
    "Yesterday I cooked for ten people and everybody stayed until midnight.",
    "The results come on Friday and I cannot think of anything else.",
    "I said something unkind to my father, and now he does not call back.",
)


def main() -> None:
    """Measure everything, print it, and write it down."""
    figures = list(measure())
    DOCS.joinpath("benchmarks.json").write_text(
        json.dumps({"machine": machine(), "figures": [asdict(figure) for figure in figures]}, indent=1) + "\n",
        encoding="utf-8",
    )
    text = page(figures)
    DOCS.joinpath("benchmarks.md").write_text(text, encoding="utf-8")
    sys.stdout.write(text)


def measure() -> Iterator[Figure]:
    """Every figure, in the order of the page."""
    settings = load_settings()
    perception = build_perception(settings)
    message = text_of_tokens(64)
    dialogue = tuple(
        Message("seeker" if number % 2 == 0 else "supporter", SENTENCES[number % len(SENTENCES)])
        for number in range(11)
    )

    ours = times(lambda n: perception.read([new_turn(f"{n} {message}")]))
    yield from spread("perceive, one message of 64 tokens", ours, aim="p50 at most 6 ms")
    long = times(lambda n: perception.read([new_turn(f"{n} {SENTENCES[n % 6]}", history=dialogue)]))
    yield from spread("perceive, 12th message of a dialogue", long, aim="p50 at most 25 ms")

    theirs = times(usual_way(message), runs=RUNS // 3)
    yield from spread("the usual way: two float32 pipelines, 64 tokens", theirs)
    yield Figure("ratio of medians, usual way to perceive", ratio(theirs, ours), "times")

    with tempfile.TemporaryDirectory() as folder:
        whole = asyncio.run(whole_turns(Path(folder) / "bench.db"))
    yield from spread("whole turn without an LLM, SQLite", whole, aim="p50 at most 15 ms")

    texts = [f"{number} {SENTENCES[number % 6]}" for number in range(BATCH)]
    started = time.perf_counter()
    perception.read([new_turn(text) for text in texts])
    rate = BATCH / (time.perf_counter() - started)
    yield Figure("short messages, one after the other", rate, "messages/s", "at least 300")
    yield from tracking(SENTENCES)
    yield from runtimes()
    yield from esconv_throughput()

    yield Figure("cold start, `import heartline`", cold("import heartline"), "s", "at most 0.15 s")
    yield Figure("cold start, `heartline --help`", cold_help(), "s", "at most 0.4 s")
    yield Figure("peak memory, a conversation of 20 turns", peak_memory(), "MB", "at most 500 MB")


def ratio(theirs: list[float], ours: list[float]) -> float:
    """How many times as long the median of `theirs` takes."""
    return statistics.median(theirs) / statistics.median(ours)


def text_of_tokens(tokens: int) -> str:
    """A text whose window has `tokens` tokens, marks included."""
    from tokenizers import Tokenizer

    manifest = encoder_for().manifest
    tokenizer = Tokenizer.from_file(str(manifest.verified(manifest.tokenizer)))
    tokenizer.no_padding()
    words = " ".join(SENTENCES * 2).split()
    # Two more tokens are marks of progress and speaker, one is the number that `times` puts in front.
    while len(tokenizer.encode(" ".join(words)).ids) > tokens - 3:
        words.pop()
    return " ".join(words)


def usual_way(message: str) -> Callable[[int], Any]:
    """The same two readings through transformers' pipelines, one network each."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast, pipeline

    torch.manual_seed(0)
    manifest = encoder_for().manifest
    tokenizer = BertTokenizerFast(tokenizer_file=str(manifest.verified(manifest.tokenizer)))
    shape: dict[str, Any] = {
        "vocab_size": 30522,
        "hidden_size": 384,
        "num_hidden_layers": 6,
        "num_attention_heads": 12,
        "intermediate_size": 1536,
    }
    pipelines = [
        pipeline(
            "text-classification",
            model=BertForSequenceClassification(BertConfig(**shape, num_labels=len(head.label_set))),
            tokenizer=tokenizer,
            top_k=None,
            device="cpu",
        )
        for head in (manifest.heads["emotion"], manifest.heads["expression"])
    ]
    return lambda number: [read(f"{number} {message}") for read in pipelines]


async def whole_turns(path: Path) -> list[float]:
    """Milliseconds of turns in conversations of 20, offline responder, stored in SQLite."""
    out: list[float] = []
    async with build_agent(load_settings(store_path=path)) as agent:
        for number in range(RUNS):
            started = time.perf_counter()
            await agent.respond(f"{number}. {SENTENCES[number % 6]}", conversation_id=f"bench-{number // 20}")
            out.append((time.perf_counter() - started) * 1000)
    return out[RUNS // 10 :]


def esconv_throughput() -> Iterator[Figure]:
    """`heartline analyze` over ESConv's valid part as a whole process, where the data is at hand."""
    folder = load_settings().data
    path = None if folder is None else folder / "esconv" / "valid.jsonl"
    if path is None or not path.exists():
        return
    with tempfile.TemporaryDirectory() as out:
        target = Path(out) / "readings.jsonl"
        command = [sys.executable, "-m", "ui.cli", "analyze", "--file", str(path), "--out", str(target)]
        started = time.perf_counter()
        subprocess.run(command, check=True)  # noqa: S603 - fixed words
        seconds = time.perf_counter() - started
        rows = len(target.read_text(encoding="utf-8").splitlines())
    yield Figure(f"`heartline analyze`, ESConv valid ({rows:,} seeker messages)", rows / seconds, "messages/s")


def cold(code: str) -> float:
    """Median seconds of a new Python running `code`, less those of one that does nothing."""
    return started_in([sys.executable, "-c", code]) - started_in([sys.executable, "-c", "pass"])


def cold_help() -> float:
    """Median seconds of `heartline --help`, the interpreter's own start included."""
    return started_in([sys.executable, "-m", "ui.cli", "--help"])


def started_in(command: list[str]) -> float:
    """Median seconds of seven runs, after one that warms the disk's cache."""
    out = []
    for _ in range(8):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - fixed words
        out.append(time.perf_counter() - started)
    return statistics.median(out[1:])


def peak_memory() -> float:
    """Megabytes at the peak of a process that holds a conversation of 20 turns; Linux only.

    From `/proc`: `getrusage` would count what this process held when it started the other.
    """
    code = (
        "import heartline\n"
        "agent = heartline.build_agent(store='memory')\n"
        f"for n in range(20): agent.respond_sync({SENTENCES!r}[n % 6], conversation_id='c')\n"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)  # noqa: S603
    return int(done.stdout) / 1024


def machine() -> dict[str, Any]:
    """Where the figures were taken."""
    return {
        "processor": processor(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "onnxruntime": version("onnxruntime"),
        "torch": version("torch"),
        "transformers": version("transformers"),
        "weights": encoder_for().manifest.id,
    }


def processor() -> str:
    """Its name, and how it multiplies numbers of eight bits: without instructions for that they gain little."""
    path = Path("/proc/cpuinfo")
    told = path.read_text(encoding="utf-8") if path.is_file() else ""
    name = re.search(r"^model name\s*: (.+)$", told, re.MULTILINE)
    eight_bits = re.search(r"\b(avx512_vnni|avx_vnni|amx_int8|asimddp|i8mm)\b", told)
    kind = name[1] if name else platform.processor() or "unknown"
    return f"{kind} ({eight_bits[1] if eight_bits else 'no instructions for eight-bit products'})"


def page(figures: list[Figure]) -> str:
    """The figures as Markdown."""
    where = ", ".join(f"{name} {value}" for name, value in machine().items())
    rows = "\n".join(f"| {figure.name} | {figure.value:.3g} {figure.unit} | {figure.aim} |" for figure in figures)
    return (
        "# Benchmarks\n\nWritten by `make bench`; what is measured, and how, stands in `evals/benchmark.py`.\n\n"
        f"Machine: {where}.\n\n| what | measured | aim |\n| --- | --- | --- |\n{rows}\n"
    )


if __name__ == "__main__":
    main()
