"""The one encoder behind the shipped readings: text in, logits of every head out."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import WeightsError
from sem_plugins.weights import CURE, SHIPPED, Manifest, load_manifest

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

__all__ = ["Encoder", "encoder_for", "load_onnxruntime"]

Array = NDArray[np.float32]

_REMEMBERED = 1024  # rows of 60 floats: a quarter of a megabyte


class Encoder:
    """Runs the shipped ONNX model on the CPU.

    The outputs of the last texts are kept, under a hash of the text and never the text itself:
    plugins that ask for the same text in one turn share one pass.

    Args:
        manifest: What to load.
        threads: Threads within one operation; 0 takes what the process may use, at most four.
        batch: Texts that run together.

    Raises:
        WeightsError: A file is missing, altered, or cannot be loaded.
    """

    def __init__(self, manifest: Manifest, *, threads: int = 0, batch: int = 32) -> None:
        self.manifest = manifest
        self.batch = batch
        self._session = _session(manifest.verified(manifest.model), threads)
        self._tokenizer = _tokenizer(manifest.verified(manifest.tokenizer), manifest.max_tokens)
        self._names = list(manifest.heads)
        _agree(self._session, manifest)
        self._rows: OrderedDict[bytes, tuple[Array, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def forward(self, texts: Sequence[str]) -> Mapping[str, Array]:
        """Logits per head, each (N, labels), uncalibrated. Rows are in the order of `texts`.

        A text longer than `manifest.max_tokens` loses its oldest part.
        """
        encoded = [text.encode("utf-8", "replace") for text in texts]  # a lone surrogate becomes "?"
        keys = [hashlib.sha256(text).digest() for text in encoded]
        with self._lock:
            rows = {key: self._rows[key] for key in keys if key in self._rows}
        missing = {key: text.decode() for key, text in zip(keys, encoded, strict=True) if key not in rows}
        if missing:
            fresh = dict(zip(missing, self._run(list(missing.values())), strict=True))
            rows |= fresh
            with self._lock:
                self._rows.update(fresh)
                while len(self._rows) > _REMEMBERED:
                    self._rows.popitem(last=False)
        return {
            name: np.stack([rows[key][place] for key in keys])
            if keys
            else np.zeros((0, len(self.manifest.heads[name].label_set)), np.float32)
            for place, name in enumerate(self._names)
        }

    def _run(self, texts: list[str]) -> list[tuple[Array, ...]]:
        """One tuple of logits per text. Texts of like length run together: less padding."""
        encoded = self._tokenizer.encode_batch(texts)
        order = sorted(range(len(texts)), key=lambda row: len(encoded[row].ids))
        results: list[tuple[Array, ...]] = [()] * len(texts)
        for start in range(0, len(order), self.batch):
            rows = order[start : start + self.batch]
            longest = len(encoded[rows[-1]].ids)
            ids = np.zeros((len(rows), longest), np.int64)
            mask = np.zeros((len(rows), longest), np.int64)
            for place, row in enumerate(rows):
                length = len(encoded[row].ids)
                ids[place, :length] = encoded[row].ids
                mask[place, :length] = 1
            outputs = self._session.run(self._names, {"input_ids": ids, "attention_mask": mask})
            for place, row in enumerate(rows):
                results[row] = tuple(output[place] for output in outputs)
        return results


def encoder_for(settings: Any = None) -> Encoder:
    """The encoder that the settings ask for, loaded once per process.

    Args:
        settings: `weights` names a folder (default: the shipped ones), `threads` a number.

    Raises:
        WeightsError: A file is missing, altered, or cannot be loaded.
    """
    return _loaded(getattr(settings, "weights", None) or SHIPPED, getattr(settings, "threads", 0))


@lru_cache(maxsize=4)
def _loaded(folder: Path, threads: int) -> Encoder:
    return Encoder(load_manifest(folder), threads=threads)


def load_onnxruntime() -> ModuleType:
    """`onnxruntime`, with its telemetry off. Import it in no other way.

    From 1.32 on, its Linux wheel keeps a device id on disk and carries an address to report to.
    Nothing about conversations is to leave the machine, not even that they happened.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # 80 ms: only where something is read

    return onnxruntime  # type: ignore[no-any-return]  # it has no types


def _session(path: Path, threads: int) -> InferenceSession:
    ort = load_onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or _usable_threads()
    # Threads wait actively during a pass and not after it: the rest of the turn shares their cores.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.log_severity_level = 3  # warnings about the hardware say nothing to a person who chats
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library's exceptions share no public base class
        raise WeightsError(f"Weights file {str(path)!r} is no model that ONNX Runtime can load. {CURE}") from error


def _usable_threads() -> int:
    """ONNX Runtime's own choice leaves out the second thread of a core: 7.0 ms for 64 tokens, not 4.5."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(4, usable)


def _agree(session: InferenceSession, manifest: Manifest) -> None:
    sizes = {output.name: output.shape[-1] for output in session.get_outputs()}
    for name, head in manifest.heads.items():
        if sizes.get(name) != len(head.label_set):
            raise WeightsError(
                f"Manifest and model in {str(manifest.folder)!r} disagree: head {name!r} has "
                f"{len(head.label_set)} labels, the output {sizes.get(name, 'does not exist')}. {CURE}"
            )


def _tokenizer(path: Path, max_tokens: int) -> Tokenizer:
    from tokenizers import Tokenizer  # 40 ms

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain `Exception`
        raise WeightsError(f"Tokenizer {str(path)!r} cannot be loaded. {CURE}") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens, direction="left")
    return tokenizer
